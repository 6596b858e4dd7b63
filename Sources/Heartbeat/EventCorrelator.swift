// SPDX-License-Identifier: Apache-2.0
internal import KubeAPI
internal import NodeStatus

/// What becomes of an event that is like others before it: client-go's rules (tools/record/events_cache.go).
///
/// Ten with different messages within ten minutes of each other become one; the same one again is counted; and of one
/// object's events of a type there are 25 at once and then one in five minutes.
struct EventCorrelator: Sendable {
    enum Verdict: Equatable {
        case create(EventRecord)
        /// It was sent before, under this name.
        case patch(EventRecord)
        case suppress
    }

    /// client-go's caches hold 4096; a node has less to say.
    static let cacheLimit = 512

    private struct Group: Hashable {
        var level: EventObject.Level
        var reason: String
        var object: HeartbeatEvent.Object
    }

    private struct Subject: Hashable {
        var level: EventObject.Level
        var object: HeartbeatEvent.Object
    }

    private struct Identity: Hashable {
        var group: Group
        /// Nil: of several messages.
        var message: String?
    }

    private struct Similar {
        var messages: Set<String>
        var last: Duration
    }

    private struct Bucket {
        var tokens: Double
        var filledAt: Duration
    }

    private static let maximumMessages = 10
    private static let maximumGap: Duration = .seconds(600)
    private static let burst = 25.0
    private static let refill: Duration = .seconds(300)

    private var groups = RecentTable<Group, Similar>(limit: cacheLimit)
    private var records = RecentTable<Identity, EventRecord>(limit: cacheLimit)
    private var buckets = RecentTable<Subject, Bucket>(limit: cacheLimit)

    mutating func correlate(_ event: HeartbeatEvent, name: String, now: Duration) -> Verdict {
        let group = Group(level: event.level, reason: event.reason, object: event.object)
        let isMany = isOneOfMany(event, group, now: now)
        let identity = Identity(group: group, message: isMany ? nil : event.message)
        let message = isMany ? "(combined from similar events): " + event.message : event.message
        var record = EventRecord(name: name, message: message, firstTime: event.time, lastTime: event.time)
        if let before = records[identity] {
            record.name = before.name
            record.firstTime = before.firstTime
            record.count = before.count &+ 1
        }
        records[identity] = record
        guard spend(Subject(level: event.level, object: event.object), now: now) else { return .suppress }
        return record.count > 1 ? .patch(record) : .create(record)
    }

    /// The server does not have it any more: the next one is made anew.
    mutating func forget(_ record: EventRecord) {
        records.removeAll { $0.name == record.name }
    }

    private mutating func isOneOfMany(_ event: HeartbeatEvent, _ group: Group, now: Duration) -> Bool {
        var similar = groups[group] ?? Similar(messages: [], last: now)
        if now - similar.last > Self.maximumGap { similar.messages = [] }
        similar.messages.insert(event.message)
        similar.last = now
        let isMany = similar.messages.count >= Self.maximumMessages
        // Room for the next one.
        if isMany, let some = similar.messages.first { similar.messages.remove(some) }
        groups[group] = similar
        return isMany
    }

    private mutating func spend(_ subject: Subject, now: Duration) -> Bool {
        var bucket = buckets[subject] ?? Bucket(tokens: Self.burst, filledAt: now)
        bucket.tokens = min(Self.burst, bucket.tokens + max(now - bucket.filledAt, .zero) / Self.refill)
        bucket.filledAt = now
        defer { buckets[subject] = bucket }
        guard bucket.tokens >= 1 else { return false }
        bucket.tokens -= 1
        return true
    }
}

/// A dictionary that forgets what was not used for longest.
struct RecentTable<Key: Hashable & Sendable, Value: Sendable>: Sendable {
    private let limit: Int
    private var entries: [Key: (value: Value, use: UInt64)] = [:]
    private var uses: UInt64 = 0

    init(limit: Int) {
        self.limit = limit
    }

    var count: Int { entries.count }

    subscript(key: Key) -> Value? {
        get { entries[key]?.value }
        set {
            uses &+= 1
            entries[key] = newValue.map { ($0, uses) }
            // A quarter at once, so that looking for the oldest costs little.
            guard entries.count > limit else { return }
            let oldest = entries.sorted { $0.value.use < $1.value.use }.prefix(max(limit / 4, 1))
            for entry in oldest { entries[entry.key] = nil }
        }
    }

    mutating func removeAll(where isOver: (Value) -> Bool) {
        entries = entries.filter { !isOver($0.value.value) }
    }
}
