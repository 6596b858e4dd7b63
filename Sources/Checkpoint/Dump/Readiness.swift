// SPDX-License-Identifier: Apache-2.0
package import CRI

/// What a look at a container gives before it is dumped.
package struct ContainerLook: Equatable, Sendable {
    package var state: ContainerState
    package var task: TaskAnswer
    package var freezer: FreezerState
    package var dump: DumpSign

    package init(state: ContainerState, task: TaskAnswer, freezer: FreezerState, dump: DumpSign) {
        self.state = state
        self.task = task
        self.freezer = freezer
        self.dump = dump
    }
}

/// Whether a container can be dumped now.
package enum Readiness: Equatable, Sendable {
    /// It runs, thawed, and nobody works on it.
    case ready
    /// Somebody does, or may: look again.
    case busy(String)
    /// Somebody has paused it.
    case paused
    /// Frozen, and a dump of somebody cannot be told from a pause here.
    case pausedOrDumped
    case notRunning(String)
    case gone

    package static func judge(_ look: ContainerLook, kind: RuntimeKind) -> Readiness {
        switch look.state {
        case .running: break
        case .created, .exited, .unknown: return .notRunning(look.state.rawValue)
        }
        switch look.task {
        case .gone: return .gone
        case .stopped, .created: return .notRunning(look.task.word)
        case .busy: return .busy("the runtime is at work on it")
        case .pausing: return .busy("somebody is pausing it")
        case .unclear(let words): return .busy("the runtime does not tell its state: \(words)")
        case .unreachable(let reason): return .busy("the runtime is not there: \(reason)")
        case .running, .paused: break
        }
        if case .seen(let sign) = look.dump { return .busy("a checkpoint of it is under way: \(sign)") }
        let isFrozen: Bool
        switch look.freezer {
        case .frozen: isFrozen = true
        case .thawed, .unknown: isFrozen = false
        case .freezing: return .busy("its cgroup is being frozen")
        case .gone: return .busy("its process is gone, and the runtime has not noticed")
        }
        if look.task == .paused { return look.dump == .none ? .paused : .pausedOrDumped }
        guard isFrozen else { return .ready }
        // containerd asks the freezer itself: a difference is a moment between two states.
        return kind == .containerd ? .busy("its cgroup is frozen, and the runtime says it runs") : .pausedOrDumped
    }
}
