// SPDX-License-Identifier: Apache-2.0
internal import Synchronization
internal import KubeAPI
internal import NodeStatus

extension Heartbeat {
    func leaseLoop() async {
        let spread: Duration = settings.role == .none ? .zero : Self.startSpread
        var machine = LeaseMachine(settings, now: clock.now(), spread: spread, random: random)
        var record = LoopRecord("lease", clock: clock, logger: logger)
        var lastSuccess: Duration?
        while !Task.isCancelled, !isRefused {
            let ticket = leaseWake.ticket()
            if isHeldBack() {
                try? await clock.sleep(Self.stuckPause)
                continue
            }
            let uid = state.withLock { $0.view.nodeUID }
            if let uid, uid != machine.nodeUID { machine.nodeAppeared(uid: uid, now: clock.now()) }
            let step = machine.next(now: clock.now(), date: clock.date())
            switch step {
            case .wait(let time):
                record.plan(time)
                publish(record)
                await ticket.wait(until: time, clock)
            case .stop(let reason):
                refuse(reason)
            case .findNode:
                machine.take(await findNode(&record), now: clock.now())
            case .get:
                let result = await timed(&record) { await stores.lease.get() }
                if case .success(.none) = result, machine.wasHeld { doubtNode() }
                machine.take(LeaseMachine.Outcome(result), now: clock.now())
            case .create(let lease):
                let result = await timed(&record) { await stores.lease.create(lease) }
                written(result, &machine, &record, &lastSuccess)
            case .update(let lease):
                let result = await timed(&record) { await stores.lease.update(lease) }
                written(result, &machine, &record, &lastSuccess)
            }
            if Task.isCancelled { return }
            record.set(problem: machine.problem, isSaid: isRefused || machine.isRefused)
            publish(record)
            if machine.failuresInRow > 1, step.isCall { renewConnections() }
        }
    }

    private func written(
        _ result: Result<JSONValue, HeartbeatFailure>, _ machine: inout LeaseMachine, _ record: inout LoopRecord,
        _ lastSuccess: inout Duration?
    ) {
        let now = clock.now()
        machine.take(LeaseMachine.Outcome(result.map { .some($0) }), now: now)
        guard case .success(let lease) = result else {
            state.withLock { $0.view.failedRenewals &+= 1 }
            if result.word == .notFound { doubtNode() }
            return
        }
        let view = NodeLease.view(lease)
        let wasLate = machine.isLate(lastSuccess: lastSuccess, now: now)
        lastSuccess = now
        record.succeeded()
        record.set(problem: machine.problem)
        let isLate = state.withLock { state in
            // A machine that was asleep has a monotonic clock that knows nothing of it; that the other one was set
            // costs one look at the Node.
            let gap = state.view.written.flatMap { before in
                view.map { $0.renewTime.seconds - before.renewTime.seconds }
            }
            let isLate = wasLate || (gap ?? 0) > settings.leaseDurationSeconds
            // With the count, lest somebody see a renewal and the problem that it has ended.
            state.view.lease = record.view
            state.view.renewals &+= 1
            state.view.written = view ?? state.view.written
            if isLate { state.wantsVerification = true }
            return isLate
        }
        if isLate { statusWake.signal() }
    }

    /// A lease goes with its Node: has the other loop look for that, and make it again.
    private func doubtNode() {
        guard settings.role != .none else { return }
        state.withLock { state in
            state.isNodeInDoubt = true
            state.view.nodeUID = nil
        }
        statusWake.signal()
    }

    /// The owner of the lease, unless the status loop has found it already. It is not waited for: a lease must not
    /// depend on how the status fares.
    private func findNode(_ record: inout LoopRecord) async -> LeaseMachine.Outcome {
        if let uid = state.withLock({ $0.view.nodeUID }) { return .node(uid: uid) }
        guard case .cluster(_, let nodes, _, _) = stores else { return .node(uid: nil) }
        switch await timed(&record, { await nodes.get() }) {
        case .failure(let failure): return .failed(failure)
        case .success(let node):
            // Whose Node it is, the status loop says; a lease is made for ours alone.
            guard let node, settings.role != .node || Ownership.problem(of: node, settings) == nil else {
                return .node(uid: nil)
            }
            return .node(uid: node["metadata", "uid"]?.text)
        }
    }

    private func publish(_ record: LoopRecord) {
        state.withLock { $0.view.lease = record.view }
    }

    func renewConnections() {
        if case .cluster(_, _, _, let renew) = stores { renew() }
    }
}

extension LeaseMachine.Outcome {
    fileprivate init(_ result: Result<JSONValue?, HeartbeatFailure>) {
        switch result {
        case .success(let lease): self = .lease(lease)
        case .failure(let failure): self = .failed(failure)
        }
    }
}

extension LeaseMachine.Step {
    fileprivate var isCall: Bool {
        switch self {
        case .wait, .stop: false
        case .findNode, .get, .create, .update: true
        }
    }
}
