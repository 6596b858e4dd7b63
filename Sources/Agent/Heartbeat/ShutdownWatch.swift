// SPDX-License-Identifier: Apache-2.0
internal import Collector
internal import NodeStatus
internal import Synchronization

/// Sees to it that a control plane hears of a shutdown before the machine goes: logind waits for us meanwhile.
final class ShutdownWatch: Sendable {
    /// logind itself waits five seconds by default (logind.conf(5), InhibitDelayMaxSec).
    private static let limit: Duration = .seconds(3)

    private struct State {
        var isComing = false
        /// Of announcements, and those that it does not come after all.
        var count = 0
        var collector: Collector?
    }

    private let heartbeat: HeartbeatKeeper
    private let state = Mutex(State())

    init(heartbeat: HeartbeatKeeper) {
        self.heartbeat = heartbeat
    }

    func follow(_ collector: Collector) { state.withLock { $0.collector = collector } }

    /// Never waits.
    func take(_ snapshot: NodeSnapshot) {
        let isComing = snapshot.systemd.value?.isPreparingForShutdown == true
        let number = state.withLock { state -> Int? in
            guard state.isComing != isComing else { return nil }
            state.isComing = isComing
            state.count += 1
            return state.count
        }
        guard let number else { return }
        Task { [heartbeat] in
            await heartbeat.prepareForShutdown(isComing, within: Self.limit)
            // What was called off meanwhile has given its delay back already, and the next one's is to stay.
            let collector = state.withLock { $0.count == number && isComing ? $0.collector : nil }
            collector?.letShutdownGoOn()
        }
    }
}
