// SPDX-License-Identifier: Apache-2.0

/// The call that may have left a container frozen, as far as it is known how it ended.
package struct ThawCase: Equatable, Sendable {
    package enum Call: Equatable, Sendable {
        /// The runtime says that the dump is done: it has resumed what it paused before it answered.
        case returned
        /// The runtime answered with an error, and has tried to resume before.
        ///
        /// - Parameter pauseIsOpen: its events show one pause during the call and no resume, and the error does not
        ///   say that somebody else's pause was in the way.
        case failed(pauseIsOpen: Bool)
        /// The connection, the runtime or the process that waited is gone: the call may go on, may end by itself, or
        /// may have left the container frozen for good.
        ///
        /// - Parameter resumeWasSeen: its events show that what this call paused was resumed.
        case lost(resumeWasSeen: Bool)
    }

    package var kind: RuntimeKind
    package var call: Call
    /// It ran before the call; otherwise a pause is not ours.
    package var ranBefore: Bool

    package init(kind: RuntimeKind, call: Call, ranBefore: Bool) {
        self.kind = kind
        self.call = call
        self.ranBefore = ranBefore
    }

    /// What is known from the files of a job.
    package init(intent: JobIntent, returned: JobReturn?) {
        let returned = returned?.attempt == intent.attempt ? returned : nil
        let call: Call =
            switch returned {
            case nil: .lost(resumeWasSeen: false)
            case let some? where some.isLost: .lost(resumeWasSeen: some.resumeWasSeen)
            case let some? where some.failure == nil: .returned
            // It ended before it was known whose a pause would be.
            case let some? where some.contention == nil: .lost(resumeWasSeen: some.resumeWasSeen)
            case let some?: .failed(pauseIsOpen: some.pauseIsOpen)
            }
        self.init(kind: intent.runtime.kind, call: call, ranBefore: intent.stateBefore == TaskAnswer.running.word)
    }

    var isLost: Bool {
        if case .lost = call { true } else { false }
    }
}

/// One look at the container of an open intent and at what is around it.
package struct ThawLook: Equatable, Sendable {
    /// The process that was the container's first when the call was made.
    package enum Process: Equatable, Sendable {
        case same
        /// There is none of that number, or a later one has it.
        case gone
        /// It was not known then.
        case unknown
    }

    /// The runtime's own process, compared with that of the intent.
    package enum RuntimeProcess: Equatable, Sendable {
        case same
        case restarted
        case unknown
    }

    /// Monotonic.
    package var at: Duration
    package var isSameBoot: Bool
    package var process: Process
    package var runtime: RuntimeProcess
    package var task: TaskAnswer
    package var freezer: FreezerState
    package var dump: DumpSign
    /// How long the runtime took to answer: how slow this machine is just now.
    package var took: Duration

    package init(
        at: Duration, isSameBoot: Bool = true, process: Process = .same, runtime: RuntimeProcess = .same,
        task: TaskAnswer, freezer: FreezerState, dump: DumpSign = .none, took: Duration = .zero
    ) {
        self.at = at
        self.isSameBoot = isSameBoot
        self.process = process
        self.runtime = runtime
        self.task = task
        self.freezer = freezer
        self.dump = dump
        self.took = took
    }
}

/// What to do after a look.
package enum ThawStep: Equatable, Sendable {
    case wait(Duration, ThawWait)
    case resume
    case closed(ThawEnd)
}

/// Why an intent stays open.
package enum ThawWait: Equatable, Sendable {
    /// Seen frozen, or seen running after a lost call, but not for long enough to be sure.
    case settling
    case runtimeUnreachable(String)
    /// The runtime does not answer for this task, or the answers contradict each other: it is at work on it.
    case busy(String)
    case dumpUnderWay(String)
    /// Frozen by somebody else. Watched, never undone.
    case pausedByOthers
    /// Resumed without success; again after a while.
    case resumeFailed
    /// Frozen or not: this cannot be seen here, and nobody says.
    case unseen(String)

    package var text: String {
        switch self {
        case .settling: "watched for a while before anything is concluded"
        case .runtimeUnreachable(let reason): "the runtime is not there: \(reason)"
        case .busy(let reason): "the runtime is at work on it: \(reason)"
        case .dumpUnderWay(let sign): "a checkpoint of it is under way: \(sign)"
        case .pausedByOthers: "somebody else has paused it"
        case .resumeFailed: "it did not resume when it was told to"
        case .unseen(let reason): "it cannot be told whether it is frozen: \(reason)"
        }
    }
}

/// How an intent was closed: by what was seen, never by what was done.
package enum ThawEnd: Equatable, Sendable {
    case running(resumedByUs: Bool)
    case stopped
    case gone(String)

    /// `containerState` of the record.
    package var state: String {
        switch self {
        case .running: "RUNNING"
        case .stopped: "STOPPED"
        case .gone: "gone"
        }
    }

    /// `thaw` of the record.
    package var how: String {
        switch self {
        case .running(let resumedByUs): resumedByUs ? "resumed by nodekeep" : "resumed by the runtime"
        case .stopped: "the container has ended"
        case .gone(let reason): reason
        }
    }
}
