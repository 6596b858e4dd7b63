// SPDX-License-Identifier: Apache-2.0
import KubeAPI
import NodeStatus

@testable import Heartbeat

/// A status machine, its time, and the Node that a server has.
struct StatusRun {
    var watch = Watch()
    let settings: HeartbeatSettings
    var machine: StatusMachine
    var server: JSONValue?

    init(
        _ role: HeartbeatRole = .node, random: @escaping RandomSource = half,
        _ change: (inout HeartbeatSettings) -> Void = { _ in }
    ) {
        var chosen = HeartbeatTests.settings(role)
        change(&chosen)
        settings = chosen
        machine = StatusMachine(chosen, now: watch.now, spread: .zero, random: random)
    }

    mutating func offer(
        isUrgent: Bool = false, shutdown: Timestamp? = nil, _ change: (inout NodeObject) -> Void = { _ in }
    ) {
        machine.offer(document(settings, shutdown: shutdown, change), isUrgent: isUrgent, now: watch.now)
    }

    mutating func next() -> StatusMachine.Step { machine.next(now: watch.now, date: watch.date) }

    /// Passes until there is something to do.
    mutating func skip() -> StatusMachine.Step {
        for _ in 0..<100 {
            let step = next()
            guard case .wait(let until?) = step else { return step }
            watch.now = until
        }
        return next()
    }

    mutating func take(_ outcome: StatusMachine.Outcome) { machine.take(outcome, now: watch.now) }

    mutating func fail(_ cause: HeartbeatResult, retryAfter: Duration? = nil) {
        take(.failed(failure(cause, retryAfter: retryAfter)))
    }

    /// Does what is asked for, as a server that works; says what was done.
    @discardableResult
    mutating func serve() -> String {
        let step = next()
        switch step {
        case .get: take(.node(server))
        case .create(let node):
            server = node
            server?["metadata", "uid"] = "node-uid"
            take(.node(server))
        case .patch(let patch):
            if let node = server { server = StrategicMerge.apply(patch, to: node) }
            take(server == nil ? .failed(failure(.notFound)) : .node(server))
        case .wait, .stop: break
        }
        return step.word
    }

    /// Everything that is asked for now.
    mutating func serveAll() -> [String] {
        var words: [String] = []
        while words.count < 50 {
            let word = serve()
            if word == "wait" || word == "stop" { break }
            words.append(word)
        }
        return words
    }

    /// A Node of ours that was registered before the agent was started.
    mutating func beRegistered() {
        server = document(settings).node(date: start)
        server?["metadata", "uid"] = "node-uid"
    }

    mutating func pause() -> Duration? {
        guard case .wait(let until?) = next() else { return nil }
        return until - watch.now
    }
}

extension StatusMachine.Step {
    var word: String {
        switch self {
        case .wait: "wait"
        case .get: "get"
        case .create: "create"
        case .patch: "patch"
        case .stop: "stop"
        }
    }

    var patched: JSONValue? {
        if case .patch(let patch) = self { patch } else { .none }
    }
}

/// A Node that was registered, and its status reported.
func registered(random: @escaping RandomSource = half, role: HeartbeatRole = .node) -> StatusRun {
    var run = StatusRun(role, random: random)
    run.offer()
    if role == .companion {
        run.server = document(settings(.node)).node(date: start)
        run.server?["metadata", "annotations"] = nil
        run.server?["metadata", "uid"] = "node-uid"
        run.server?["status", "capacity", "pods"] = "110"
    }
    _ = run.serveAll()
    _ = run.machine.takeNews()
    return run
}

extension JSONValue {
    /// What the control plane does to a Node whose lease was not renewed (nodelifecycle's controller).
    mutating func giveUp() {
        let conditions = self["status", "conditions"]?.elements ?? []
        self["status", "conditions"] = .array(
            conditions.map { condition in
                var condition = condition
                condition["status"] = "Unknown"
                return condition
            })
    }
}
