// SPDX-License-Identifier: Apache-2.0
internal import Synchronization
internal import KubeAPI
internal import NodeStatus

extension Heartbeat {
    func statusLoop(_ nodes: any NodeStore) async {
        var machine = StatusMachine(settings, now: clock.now(), spread: Self.startSpread, random: random)
        var record = LoopRecord("node status", clock: clock, logger: logger)
        var input = StatusInput()
        while !Task.isCancelled, !isRefused {
            let ticket = statusWake.ticket()
            takeInput(&input, &machine)
            if isHeldBack() {
                try? await clock.sleep(Self.stuckPause)
                continue
            }
            let confirmed = machine.confirmations
            let step = machine.next(now: clock.now(), date: clock.date())
            let result: Result<JSONValue?, HeartbeatFailure>?
            switch step {
            case .wait: result = nil
            case .stop(let reason):
                result = nil
                refuse(reason)
            case .get: result = await timed(&record) { await nodes.get() }
            case .create(let node): result = await timed(&record) { await nodes.create(node).map { .some($0) } }
            case .patch(let patch):
                result = await timed(&record) { await nodes.patchStatus(patch).map { .some($0) } }
            }
            if Task.isCancelled { return }
            if let result { machine.take(StatusMachine.Outcome(result), now: clock.now()) }
            if machine.confirmations > confirmed { record.succeeded() }
            if machine.confirmations > confirmed || machine.isSettled { reported(input) }
            record.set(problem: machine.problem, isSaid: isRefused || machine.isRefused)
            record.plan(isRefused ? nil : machine.nextDue)
            publish(record, &machine)
            if result?.failureValue != nil, machine.failuresInRow > 1 { renewConnections() }
            if case .wait(let time) = step { await ticket.wait(until: time, clock) }
        }
    }

    /// What the status was last made of.
    private struct StatusInput {
        var node: NodeObject?
        var shutdown: Timestamp?
    }

    private func takeInput(_ input: inout StatusInput, _ machine: inout StatusMachine) {
        let latest = state.withLock { state in
            defer {
                state.wantsVerification = false
                state.isNodeInDoubt = false
            }
            return state
        }
        if latest.wantsVerification { machine.verify(now: clock.now()) }
        if latest.isNodeInDoubt { machine.forget() }
        guard let node = latest.node, node != input.node || latest.shutdown != input.shutdown else { return }
        input = StatusInput(node: node, shutdown: latest.shutdown)
        let document = NodeDocument(node, settings, shutdown: latest.shutdown)
        let now = clock.now()
        machine.offer(document, isUrgent: latest.urgentUntil.map { now < $0 } ?? false, now: now)
    }

    private func reported(_ input: StatusInput) {
        let waiter = state.withLock { state -> OneTimeValue<Bool>? in
            guard state.shutdown == input.shutdown else { return nil }
            defer { state.shutdownReported = nil }
            return state.shutdownReported
        }
        waiter?.complete(true)
    }

    private func publish(_ record: LoopRecord, _ machine: inout StatusMachine) {
        let news = machine.takeNews()
        let uid = machine.nodeUID
        let isGone = news.contains(.deleted) || machine.isMissing
        let isNew = state.withLock { state in
            state.view.status = record.view
            // While it is read again, it is still the one that it was.
            let known = isGone ? nil : uid ?? state.view.nodeUID
            defer { state.view.nodeUID = known }
            return known != nil && known != state.view.nodeUID
        }
        for event in news.compactMap({ $0.event(settings) }) {
            self.record(event.level, reason: event.reason, message: event.message)
        }
        guard isNew else { return }
        leaseWake.signal()
        eventWake.signal()
    }

    func fileLoop(_ writer: any NodeWriter) async {
        var machine = StatusFileMachine(random: random)
        var record = LoopRecord("node status", clock: clock, logger: logger)
        var input = StatusInput()
        while !Task.isCancelled {
            let ticket = statusWake.ticket()
            let (node, shutdown) = state.withLock { ($0.node, $0.shutdown) }
            if let node, node != input.node || shutdown != input.shutdown {
                input = StatusInput(node: node, shutdown: shutdown)
                machine.offer(NodeDocument(node, settings, shutdown: shutdown))
            }
            switch machine.next(now: clock.now(), date: clock.date()) {
            case .wait(let time):
                record.plan(time)
                state.withLock { $0.view.status = record.view }
                // Written already, with the same words.
                if time == nil, input.node != nil { reported(input) }
                await ticket.wait(until: time, clock)
            case .write(let node):
                let result = await timed(&record) { await writer.write(node) }
                if Task.isCancelled { return }
                machine.take(result.failureValue, now: clock.now())
                if result.failureValue == nil { record.succeeded() }
                record.set(problem: machine.problem)
                state.withLock { $0.view.status = record.view }
            }
        }
    }
}

extension StatusMachine.Outcome {
    fileprivate init(_ result: Result<JSONValue?, HeartbeatFailure>) {
        switch result {
        case .success(let node): self = .node(node)
        case .failure(let failure): self = .failed(failure)
        }
    }
}
