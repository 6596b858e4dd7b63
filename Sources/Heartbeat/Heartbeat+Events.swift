// SPDX-License-Identifier: Apache-2.0
internal import Synchronization
internal import KubeAPI
internal import NodeStatus

extension Heartbeat {
    func eventLoop(_ store: any EventStore) async {
        var queue = EventQueue(nodeName: settings.nodeName, random: random)
        var record = LoopRecord("events", clock: clock, logger: logger)
        while !Task.isCancelled {
            let ticket = eventWake.ticket()
            let (events, uid) = state.withLock { state in
                defer { state.events = [] }
                return (state.events, state.view.nodeUID)
            }
            for event in events { queue.add(event) }
            queue.nodeIs(uid: uid)
            switch queue.next(now: clock.now()) {
            case .wait(let time):
                publish(record, queue)
                await ticket.wait(until: time, clock)
            case .create(let event, let namespace):
                let result = await timed(&record) { await store.create(event, namespace: namespace) }
                take(result, &queue, &record)
            case .patch(let patch, let namespace, let name):
                let result = await timed(&record) { await store.patch(patch, namespace: namespace, name: name) }
                take(result, &queue, &record)
            }
        }
    }

    private func take(
        _ result: Result<JSONValue, HeartbeatFailure>, _ queue: inout EventQueue, _ record: inout LoopRecord
    ) {
        if Task.isCancelled { return }
        queue.take(result.failureValue, now: clock.now())
        if result.failureValue == nil { record.succeeded() }
        record.set(problem: queue.problem)
        publish(record, queue)
    }

    private func publish(_ record: LoopRecord, _ queue: EventQueue) {
        state.withLock { state in
            state.view.events.loop = record.view
            state.view.events.dropped = queue.dropped &+ state.lostEvents
            state.view.events.suppressed = queue.suppressed
            state.view.events.queued = queue.queued
        }
    }
}

extension StatusMachine.News {
    /// The kubelet's words (pkg/kubelet/events/event.go), or a companion's own: two who say the same of one node would
    /// be taken for one.
    func event(_ settings: HeartbeatSettings) -> (level: EventObject.Level, reason: String, message: String)? {
        switch self {
        case .registered, .deleted: return nil
        case .rebooted(let bootID):
            return (
                .warning, "Rebooted", "Node \(settings.nodeName) has been rebooted, boot id: \(bootID)"
            )
        case .flipped(let type, _, let status, let message):
            let isCompanion = settings.role == .companion
            let bare = isCompanion ? String(type.dropFirst(settings.conditionPrefix.count)) : type
            guard let condition = ConditionType(rawValue: bare), let word = Self.word(condition, status) else {
                return nil
            }
            return isCompanion
                ? (.normal, "Nodekeep" + word, "\(type) is \(status.rawValue): \(message)")
                : (.normal, "Node" + word, "Node \(settings.nodeName) status is now: Node\(word)")
        }
    }

    private static func word(_ type: ConditionType, _ status: ConditionStatus) -> String? {
        switch (type, status) {
        case (_, .unknown): nil
        case (.memoryPressure, .isTrue): "HasInsufficientMemory"
        case (.memoryPressure, .isFalse): "HasSufficientMemory"
        case (.diskPressure, .isTrue): "HasDiskPressure"
        case (.diskPressure, .isFalse): "HasNoDiskPressure"
        case (.pidPressure, .isTrue): "HasInsufficientPID"
        case (.pidPressure, .isFalse): "HasSufficientPID"
        case (.ready, .isTrue): "Ready"
        case (.ready, .isFalse): "NotReady"
        }
    }
}
