// SPDX-License-Identifier: Apache-2.0
package import CRI

/// Whether somebody else worked on the container while it was dumped. An archive made meanwhile may hold two halves of
/// different moments, and looks whole.
package enum Contention: Codable, Equatable, Sendable {
    /// The runtime paused once, took one checkpoint, resumed once, and nobody else was seen.
    case none
    /// What was seen of others.
    case seen(String)
}

/// What was seen between the last look at the running container and the answer of the runtime.
///
/// The container's freezer is no evidence: CRIU thaws and freezes it again while it holds the processes by itself.
package struct ContentionEvidence: Equatable, Sendable {
    /// containerd's events of this container, in the order of arrival; nil: the runtime has none.
    package var events: [ContainerdTaskEvent]?
    /// The stream of events was there all the time.
    package var eventsAreComplete: Bool
    /// How often the runtime made its work directory for a dump of this container; nil: it cannot be watched.
    package var workDirectories: Int?

    package init(events: [ContainerdTaskEvent]?, eventsAreComplete: Bool, workDirectories: Int?) {
        self.events = events
        self.eventsAreComplete = eventsAreComplete
        self.workDirectories = workDirectories
    }

    package static let paused = "/tasks/paused"
    package static let resumed = "/tasks/resumed"
    /// containerd keeps each checkpoint as an image for a moment, made when memory and file system are captured and
    /// before it resumes. (`/tasks/checkpointed` is not sent by 2.1.)
    package static let captured = "/images/create"

    /// The name of that image begins with this; the second follows.
    package static func imagePrefix(of containerID: String) -> String { "containerd.io/checkpoint/\(containerID):" }

    private func events(_ topic: String) -> [ContainerdTaskEvent] { events?.filter { $0.topic == topic } ?? [] }

    /// The pauses and resumes, as letters: `PR` is one dump.
    private var pattern: String? {
        events.map { events in
            String(
                events.compactMap { event -> Character? in
                    switch event.topic {
                    case Self.paused: "P"
                    case Self.resumed: "R"
                    default: nil
                    }
                })
        }
    }

    /// Exactly one pause and no resume: the call paused the container, and nothing has resumed it.
    package var pauseIsOpen: Bool { pattern == "P" }

    package var resumeWasSeen: Bool { pattern?.contains("R") ?? false }

    /// Nothing has happened to the container.
    package var isUneventful: Bool { (events?.isEmpty ?? true) && (workDirectories ?? 0) == 0 }

    /// Whether all of one dump's events have arrived, so that waiting for more is no use.
    package func isDecided(answeredOK: Bool) -> Bool {
        foreign != nil || events == nil
            || (eventsAreComplete && pattern == "PR" && (!answeredOK || !events(Self.captured).isEmpty))
    }

    /// - Parameter answeredOK: the runtime says that the dump is done; after an error the pause or the resume may be
    ///   missing without anybody else having been there.
    package func judge(answeredOK: Bool) -> Contention {
        if let foreign { return .seen(foreign) }
        guard answeredOK, let pattern else { return .none }
        guard eventsAreComplete else {
            return .seen("containerd's events ended during the dump, so that nobody can say who else paused it")
        }
        switch pattern {
        case "PR": break
        case "P": return .seen("it was paused once and not resumed: somebody else's pause, or the runtime's own failed")
        default: return .seen("containerd's events show no pause for this dump: somebody else's was in place")
        }
        guard let pause = events(Self.paused).first, let resume = events(Self.resumed).first,
            let capture = events(Self.captured).first
        else { return .seen("containerd's events do not show the checkpoint that it says it has taken") }
        guard pause.timestamp <= capture.timestamp, capture.timestamp <= resume.timestamp else {
            return .seen("it was resumed before its memory and file system were captured: not by this dump")
        }
        return .none
    }

    /// What no single dump does.
    private var foreign: String? {
        if let pattern, !"PR".hasPrefix(pattern) {
            let pauses = pattern.count { $0 == "P" }
            return "it was paused \(pauses) and resumed \(pattern.count - pauses) times during the dump"
        }
        if events(Self.captured).count > 1 { return "containerd took more than one checkpoint of it during the dump" }
        if let workDirectories, workDirectories > 1 {
            return "another checkpoint of it was started during the dump"
        }
        return nil
    }

    /// From the first pause to the last resume, by containerd's clock.
    package var frozen: Duration? {
        guard let pause = events(Self.paused).first?.timestamp, let resume = events(Self.resumed).last?.timestamp else {
            return nil
        }
        let (nanoseconds, overflow) = resume.subtractingReportingOverflow(pause)
        // A clock that was set meanwhile says nothing.
        return overflow || nanoseconds < 0 ? nil : .nanoseconds(nanoseconds)
    }
}
