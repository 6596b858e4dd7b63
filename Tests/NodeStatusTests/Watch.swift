// SPDX-License-Identifier: Apache-2.0

@testable import NodeStatus

/// A node watched second by second.
struct Watch {
    var settings: NodeSettings
    var tracker: ConditionTracker
    var second: Int64 = 0
    /// What the wall clock shows beyond the seconds that have passed.
    var clockOffset: Int64 = 0
    static let start: Int64 = 1_795_222_132

    init(_ change: (inout NodeSettings) -> Void = { _ in }) {
        var settings = NodeSettings()
        settings.runtimeConfigured = true
        change(&settings)
        self.settings = settings
        tracker = ConditionTracker(settings: settings, now: Timestamp(seconds: Self.start))
    }

    var now: Timestamp { Timestamp(seconds: Self.start + second + clockOffset) }

    /// The next second, with a node that is at rest but for what is changed.
    @discardableResult
    mutating func next(
        health: SelfHealth = .good, _ change: (inout NodeSnapshot) -> Void = { _ in }
    ) -> [ConditionFlip] {
        second += 1
        var node = recordedNode(second: second)
        change(&node)
        return tracker.evaluate(node, health: health, uptime: .seconds(second), now: now)
    }

    mutating func pass(_ seconds: Int64) {
        for _ in 0..<seconds { next() }
    }

    func condition(_ type: ConditionType) -> NodeCondition {
        tracker.conditions.first { $0.type == type }
            ?? NodeCondition(
                type: type, status: .unknown, lastHeartbeatTime: now, lastTransitionTime: now, reason: "none",
                message: "")
    }

    func status(_ type: ConditionType) -> ConditionStatus { condition(type).status }

    func signal(_ signal: EvictionSignal) -> SignalStatus? { tracker.signals.first { $0.signal == signal } }
}

extension NodeSnapshot {
    mutating func setMemory(available: UInt64) {
        let total: UInt64 = 4 * gibi
        memory = .value(
            MemoryUsage(
                total: total, kernelAvailable: nil, free: 0, usage: total, workingSet: total - available,
                source: .cgroup2), at: time)
    }

    mutating func setNodefs(available: UInt64, inodes: UInt64 = 1_000, inodesFree: UInt64 = 900) {
        nodeFileSystem = .value(
            FileSystemUsage(
                path: "/", capacity: 1_000 * mebi, available: available, free: available, inodes: inodes,
                inodesFree: inodesFree), at: time)
    }
}

func lowMemory(_ node: inout NodeSnapshot) { node.setMemory(available: 93 * mebi) }

extension Watch {
    static func withHard(_ hard: [String: String], reclaim: [String: String]) throws -> Watch {
        let thresholds = try EvictionThresholds.parse(hard: hard, minimumReclaim: reclaim)
        var watch = Watch {
            $0.evictionHard = thresholds
            $0.pressureTransitionPeriod = .seconds(10)
        }
        watch.pass(1)
        return watch
    }
}
