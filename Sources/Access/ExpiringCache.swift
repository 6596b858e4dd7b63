// SPDX-License-Identifier: Apache-2.0

/// Answers that are remembered for a while. It never holds more than its capacity: the entry that has not been used for
/// the longest time makes room.
struct ExpiringCache<Key: Hashable & Sendable, Value: Sendable>: Sendable {
    private struct Entry: Sendable {
        var value: Value
        var until: Duration
        var lastUse: UInt64
    }

    private let capacity: Int
    private var entries: [Key: Entry] = [:]
    private var uses: UInt64 = 0

    /// - Parameter capacity: at least 1.
    init(capacity: Int) {
        self.capacity = max(capacity, 1)
    }

    var count: Int { entries.count }

    mutating func value(of key: Key, now: Duration) -> Value? {
        guard let entry = entries[key] else { return nil }
        guard now < entry.until else {
            entries[key] = nil
            return nil
        }
        uses &+= 1
        entries[key]?.lastUse = uses
        return entry.value
    }

    mutating func insert(_ value: Value, for key: Key, until: Duration, now: Duration) {
        guard now < until else { return }
        if entries[key] == nil, entries.count >= capacity { makeRoom(now) }
        uses &+= 1
        entries[key] = Entry(value: value, until: until, lastUse: uses)
    }

    private mutating func makeRoom(_ now: Duration) {
        entries = entries.filter { now < $0.value.until }
        guard entries.count >= capacity, let oldest = entries.min(by: { $0.value.lastUse < $1.value.lastUse }) else {
            return
        }
        entries[oldest.key] = nil
    }
}
