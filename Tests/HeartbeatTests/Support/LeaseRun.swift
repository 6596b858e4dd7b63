// SPDX-License-Identifier: Apache-2.0
import KubeAPI
import NodeStatus

@testable import Heartbeat

/// A lease machine and its time.
struct LeaseRun {
    var watch = Watch()
    var machine: LeaseMachine

    init(_ role: HeartbeatRole = .node, random: @escaping RandomSource = never) {
        machine = LeaseMachine(settings(role), now: watch.now, spread: .zero, random: random)
    }

    mutating func next() -> LeaseMachine.Step { machine.next(now: watch.now, date: watch.date) }

    /// Passes until there is something to do; the steps are `wait`, `get`, ….
    mutating func skip() -> LeaseMachine.Step {
        for _ in 0..<100 {
            let step = next()
            guard case .wait(let until) = step else { return step }
            watch.now = until
        }
        return next()
    }

    mutating func take(_ outcome: LeaseMachine.Outcome) { machine.take(outcome, now: watch.now) }

    /// Says of what is written now that it is stored.
    @discardableResult
    mutating func store(version: String = "1", _ change: (inout JSONValue) -> Void = { _ in }) -> JSONValue? {
        guard var lease = skip().written else { return nil }
        lease["metadata", "uid"] = "lease-uid"
        lease["metadata", "resourceVersion"] = .string(version)
        change(&lease)
        take(.lease(lease))
        return lease
    }

    /// From the start to a lease that was made.
    mutating func makeLease() -> JSONValue? {
        take(.lease(nil))
        if next() == .findNode { take(.node(uid: "node-uid")) }
        return store()
    }

    /// How long it waits now.
    mutating func pause() -> Duration? {
        guard case .wait(let until) = next() else { return nil }
        return until - watch.now
    }
}

extension LeaseMachine.Step {
    var written: JSONValue? {
        switch self {
        case .create(let lease), .update(let lease): lease
        default: .none
        }
    }

    var word: String {
        switch self {
        case .wait: "wait"
        case .findNode: "findNode"
        case .get: "get"
        case .create: "create"
        case .update: "update"
        case .stop: "stop"
        }
    }
}
