// SPDX-License-Identifier: Apache-2.0
package import KubeAPI
internal import Logbook
package import Logging
package import NodeStatus
internal import Synchronization

/// Says that the node lives, and how it is: lease, node status and events, to a control plane or to files.
///
/// Three loops, none of which waits for another: what hangs in one call keeps the others going. They read the node from
/// what `statusChanged` was last given and never ask for it, so a hung source or disk stops none of them; a stuck loop
/// of the agent stops lease and status, as nobody should take that agent for one that is alive.
package final class Heartbeat: Sendable {
    struct State {
        var view: HeartbeatView
        var node: NodeObject?
        /// Since when the machine is about to be switched off.
        var shutdown: Timestamp?
        /// What is said until then is not held back.
        var urgentUntil: Duration?
        /// Completed when a status that says so has been written.
        var shutdownReported: OneTimeValue<Bool>?
        /// The lease was not renewed for as long as it lasts.
        var wantsVerification = false
        /// The lease has vanished, and leases go with their Nodes.
        var isNodeInDoubt = false
        var events: [HeartbeatEvent] = []
        /// For which there was no room in `events`.
        var lostEvents: UInt64 = 0
    }

    let settings: HeartbeatSettings
    let stores: HeartbeatStores
    let clock: KubeClock
    let random: RandomSource
    let stuckLoop: @Sendable () -> String?
    let logger: Logger
    let state: Mutex<State>
    let leaseWake = Wake()
    let statusWake = Wake()
    let eventWake = Wake()
    private let stopped = OneTimeValue<Bool>()

    /// Nodes that start together spread over this time.
    static let startSpread: Duration = .seconds(5)
    static let stuckPause: Duration = .seconds(1)
    /// The node's own Ready follows the announcement of a shutdown, or its end, with the next reading.
    private static let urgency: Duration = .seconds(5)

    /// - Parameters:
    ///   - target: For the view: the API server's address, or the directory of the files.
    ///   - stuckLoop: The name of a loop of the agent that does not go round, by the liveness table; nil: they all do.
    package init(
        _ settings: HeartbeatSettings, _ stores: HeartbeatStores, target: String, logger: Logger,
        clock: KubeClock = .system, random: @escaping RandomSource = { .random(in: 0..<1) },
        stuckLoop: @escaping @Sendable () -> String?
    ) {
        self.settings = settings
        self.stores = stores
        self.clock = clock
        self.random = random
        self.stuckLoop = stuckLoop
        self.logger = logger
        state = Mutex(State(view: HeartbeatView(role: settings.role, target: target)))
    }

    package var view: HeartbeatView { state.withLock { $0.view } }

    /// Leaves the node as it is now. From any thread, never waits.
    package func statusChanged(_ node: NodeObject) {
        let isNew = state.withLock { state in
            guard state.node != node else { return false }
            state.node = node
            return true
        }
        if isNew { statusWake.signal() }
    }

    /// Keeps an event for the API server; role none has none, and forgets it. From any thread, never waits.
    package func record(
        _ level: EventObject.Level, reason: String, message: String, object: HeartbeatEvent.Object = .node
    ) {
        guard settings.role != .none else { return }
        let event = HeartbeatEvent(level, reason: reason, message: message, object: object, time: clock.date())
        state.withLock { state in
            // The loop takes them over at once; when it is stuck in a call they wait here.
            if state.events.count < EventQueue.limit {
                state.events.append(event)
            } else {
                state.lostEvents &+= 1
            }
        }
        eventWake.signal()
    }

    /// The machine is about to be switched off, or is not after all: both is written at once.
    ///
    /// - Returns: Whether a status that says so was written within this time. A companion has none to write.
    @discardableResult
    package func prepareForShutdown(_ isComing: Bool, within limit: Duration) async -> Bool {
        let date = clock.date()
        let reported = OneTimeValue<Bool>()
        let (isNew, outdated) = state.withLock { state -> (Bool, OneTimeValue<Bool>?) in
            guard isComing != (state.shutdown != nil) else { return (false, nil) }
            state.shutdown = isComing ? date : nil
            state.urgentUntil = clock.now() + Self.urgency
            defer { state.shutdownReported = reported }
            return (true, state.shutdownReported)
        }
        guard isNew else { return true }
        outdated?.complete(false)
        if isComing { record(.normal, reason: "Shutdown", message: "Shutdown manager detected shutdown event") }
        statusWake.signal()
        guard settings.role != .companion else { return true }
        return await reported.value(within: limit, clock) ?? false
    }

    /// Runs until `stop`, or until the task is cancelled.
    package func run() async {
        record(.normal, reason: "Starting", message: "Starting nodekeep \(settings.version).")
        await withTaskGroup(of: Void.self) { group in
            group.addTask { await self.leaseLoop() }
            switch stores {
            case .files(_, let writer):
                group.addTask { await self.fileLoop(writer) }
            case .cluster(_, let nodes, let events, _):
                group.addTask { await self.statusLoop(nodes) }
                group.addTask { await self.eventLoop(events) }
            }
            _ = await stopped.value()
            group.cancelAll()
        }
    }

    /// Ends the loops and their calls. The lease stays as it is and expires, as a kubelet's does.
    package func stop() {
        stopped.complete(true)
    }
}

extension Heartbeat {
    /// Whether a loop may go on: nothing has been refused, and no loop of the agent's is stuck.
    func isHeldBack() -> Bool {
        let stuck = stuckLoop()
        let before = state.withLock { state in
            defer { state.view.heldBack = stuck }
            return state.view.heldBack
        }
        if let stuck, stuck != before {
            logger.error(
                "heartbeat: the agent's loop \(stuck) is stuck: neither lease nor status is renewed",
                metadata: .of(.heartbeatHeldBack, ["loop": "\(stuck)"]))
        } else if stuck == nil, before != nil {
            logger.notice(
                "heartbeat: every loop of the agent goes round again", metadata: .of(.heartbeatResumed))
        }
        return stuck != nil
    }

    var isRefused: Bool { state.withLock { $0.view.refusal != nil } }

    /// Nothing is written any more, by any loop, until the agent is started again.
    func refuse(_ reason: String) {
        let isNew = state.withLock { state in
            guard state.view.refusal == nil else { return false }
            state.view.refusal = reason
            state.view.lease.nextDue = nil
            state.view.status.nextDue = nil
            return true
        }
        if isNew {
            logger.error("heartbeat: stopped: \(reason)", metadata: .of(.heartbeatStopped))
        }
        leaseWake.signal()
        statusWake.signal()
    }

    /// A call with its duration.
    func timed<Value>(
        _ record: inout LoopRecord, _ call: () async -> Result<Value, HeartbeatFailure>
    ) async -> Result<Value, HeartbeatFailure> {
        let start = clock.now()
        let result = await call()
        record.called(result.word, took: clock.now() - start)
        return result
    }
}
