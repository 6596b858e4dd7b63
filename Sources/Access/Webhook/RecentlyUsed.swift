// SPDX-License-Identifier: Apache-2.0

/// A table of values that end at a time, bounded in number and in bytes: what was used longest ago makes room.
struct RecentlyUsed<Key: Hashable, Value> {
    private struct Node {
        var key: Key
        var value: Value
        /// By the caller's monotonic clock.
        var until: Duration
        var bytes: Int
        var newer: Int?
        var older: Int?
    }

    private let maximumCount: Int
    private let maximumBytes: Int
    private var places: [Key: Int] = [:]
    private var nodes: [Node?] = []
    private var free: [Int] = []
    private var newest: Int?
    private var oldest: Int?
    private(set) var bytes = 0

    init(maximumCount: Int, maximumBytes: Int) {
        self.maximumCount = maximumCount
        self.maximumBytes = maximumBytes
    }

    var count: Int { places.count }

    /// Counts as a use. What has ended is removed.
    mutating func find(_ key: Key, now: Duration) -> (value: Value, until: Duration)? {
        guard let place = places[key], let node = nodes[place] else { return nil }
        guard now < node.until else {
            remove(place)
            return nil
        }
        unlink(place)
        link(place)
        return (node.value, node.until)
    }

    mutating func insert(_ key: Key, _ value: Value, until: Duration, bytes size: Int) {
        if let place = places[key] { remove(place) }
        guard size <= maximumBytes, maximumCount > 0 else { return }
        while count >= maximumCount || bytes + size > maximumBytes, let last = oldest { remove(last) }
        let node = Node(key: key, value: value, until: until, bytes: size)
        let place: Int
        if let reused = free.popLast() {
            place = reused
            nodes[place] = node
        } else {
            place = nodes.count
            nodes.append(node)
        }
        places[key] = place
        bytes += size
        link(place)
    }

    mutating func removeAll() {
        self = RecentlyUsed(maximumCount: maximumCount, maximumBytes: maximumBytes)
    }

    private mutating func remove(_ place: Int) {
        guard let node = nodes[place] else { return }
        unlink(place)
        places[node.key] = nil
        bytes -= node.bytes
        nodes[place] = nil
        free.append(place)
    }

    private mutating func link(_ place: Int) {
        nodes[place]?.newer = nil
        nodes[place]?.older = newest
        if let newest { nodes[newest]?.newer = place }
        newest = place
        if oldest == nil { oldest = place }
    }

    private mutating func unlink(_ place: Int) {
        guard let node = nodes[place] else { return }
        if let newer = node.newer { nodes[newer]?.older = node.older } else { newest = node.older }
        if let older = node.older { nodes[older]?.newer = node.newer } else { oldest = node.newer }
    }
}
