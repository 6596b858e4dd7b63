// SPDX-License-Identifier: Apache-2.0
internal import CRI
internal import Logging
internal import NodeStatus

/// One call of the runtime, and everything until it is known what has come of it.
struct DumpTry {
    enum Result {
        case ended(DumpRun.Ending)
        /// Nothing is left of it.
        case contended(String)
    }

    let run: DumpRun
    let runtime: any CheckpointRuntime
    let watch: DumpWatch
    let attempt: Int

    /// containerd's events are passed on by the shim at its leisure.
    private static let eventPatience = Duration.seconds(2)
    private static let pausePatience = Duration.milliseconds(100)

    private var around: JobSurroundings { run.around }
    private var job: JobDirectory { run.job }
    private var containerID: String { run.request.container.containerID }

    func run() async throws -> Result {
        let clock = around.clock
        let intent = JobIntent(
            containerID: containerID, task: watch.task, bootID: around.machine.bootID(),
            runtimeEndpoint: run.request.runtimeEndpoint, runtime: runtime.about, runtimeProcess: runtime.process(),
            stateBefore: TaskAnswer.running.word, moment: around.moment(), attempt: attempt)
        try job.write(intent, to: .intent)
        try around.after(.intentWritten)
        run.progress(.dumping)
        let freezer = watch.task.flatMap { around.machine.watchFreezer($0.id) }
        defer { _ = freezer?.stop() }
        let began = clock.monotonic()
        run.record.times.prepare = (began - run.start).milliseconds

        let error = await call()
        let took = (clock.monotonic() - began).milliseconds
        // The process that died here has called, and knows nothing of an answer.
        try around.after(.called)

        run.record.times.dump = took
        var returned = JobReturn(attempt: attempt, moment: around.moment(), failure: error.map(JobReturn.Failure.init))
        returned.isLost = error.map(RuntimeFailure.isCutOff) ?? false
        returned.dump = took
        let problem = try await note(&returned, error: error, freezer: freezer)
        let waiting = try await thaw(intent, returned)
        // What was left frozen has been so until now.
        run.record.times.frozen = returned.frozen ?? freezer?.stop()?.milliseconds
        if case .seen(let reason) = returned.contention ?? .none {
            return try await contended(reason, isOpen: waiting)
        }
        if waiting { return try await contended("somebody else paused it during the dump", isOpen: true) }
        if let error { return try await failed(error) }
        if let problem { return .ended(.fail(problem.outcome, problem.description)) }
        return try verify(intent)
    }

    private func call() async -> RuntimeError? {
        do throws(RuntimeError) {
            try await runtime.checkpoint(containerID, location: job.path(of: .archive))
            return nil
        } catch {
            return error
        }
    }

    /// Writes down that the call has ended, at once, and again when it is known who else was there.
    ///
    /// - Returns: why it could not be written: the container is looked after all the same, and nothing is published.
    private func note(
        _ returned: inout JobReturn, error: RuntimeError?, freezer: (any FreezerTime)?
    ) async throws -> StorageError? {
        var problem: StorageError?
        var evidence = watch.evidence
        if !evidence.isDecided(answeredOK: error == nil) {
            do { try job.write(returned, to: .returned) } catch { problem = error }
            try around.after(.returnedWritten)
            evidence = await settledEvidence(answeredOK: error == nil, isLost: returned.isLost)
        }
        let foreignPause = error.map(RuntimeFailure.meansForeignPause) ?? false
        returned.pauseIsOpen = evidence.pauseIsOpen && !foreignPause
        returned.resumeWasSeen = evidence.resumeWasSeen
        // The runtime was going away while it answered: it may not have come to undo its pause.
        if error != nil, !evidence.eventsAreComplete { returned.isLost = true }
        // What follows an answer is not part of it.
        returned.frozen = (evidence.frozen ?? (error == nil ? freezer?.stop() : nil))?.milliseconds
        returned.contention = contention(evidence, error: error)
        do { try job.write(returned, to: .returned) } catch { problem = problem ?? error }
        try around.after(.contentionWritten)
        return problem
    }

    private func contention(_ evidence: ContentionEvidence, error: RuntimeError?) -> Contention {
        let seen = evidence.judge(answeredOK: error == nil)
        if seen != .none { return seen }
        if let error, RuntimeFailure(error) == .contended { return .seen(error.description) }
        // Ours is gone when the answer comes.
        if error == nil,
            case .workDirectory(let text, _) = around.machine.workDirectorySign(
                runtime.workDirectory(containerID), runtime: runtime.process())
        {
            return .seen("another checkpoint of it was started during the dump: \(text)")
        }
        return .none
    }

    private func settledEvidence(answeredOK: Bool, isLost: Bool) async -> ContentionEvidence {
        let start = around.clock.monotonic()
        while true {
            let evidence = watch.evidence
            let waited = around.clock.monotonic() - start
            let patience = answeredOK || evidence.pauseIsOpen ? Self.eventPatience : Self.pausePatience
            // With the connection the stream has ended, too.
            if evidence.isDecided(answeredOK: answeredOK) || isLost || !evidence.eventsAreComplete || waited >= patience
            {
                return evidence
            }
            await around.clock.sleep(for: .milliseconds(5))
        }
    }

    /// - Returns: true where somebody else's pause is in place: the guard is left to ``DumpRun/openGuard``.
    private func thaw(_ intent: JobIntent, _ returned: JobReturn) async throws -> Bool {
        if returned.failure != nil { run.progress(.thawing) }
        var watcher = ThawGuard(
            intent, returned: returned, runtime: runtime, machine: around.machine, clock: around.clock,
            logger: around.logger, timing: around.timing(for: run.request))
        switch await watcher.run(leaving: { $0 == .pausedByOthers }) {
        case .closed(let end):
            run.openGuard = nil
            run.record.containerState = end.state
            run.record.thaw = end.how
            let closing = JobClosing(moment: around.moment(), state: end.state, how: end.how)
            // Found out again where this does not reach the disk.
            try? job.write(closing, to: .closed, durably: false)
            try around.after(.closed)
            return false
        case .open:
            run.openGuard = watcher
            run.record.containerState = TaskAnswer.paused.word
            run.record.thaw = "somebody else's pause, left in place"
            return true
        }
    }

    /// Removes what is left of the try, so that nothing of it is taken for the next one's.
    private func contended(_ reason: String, isOpen: Bool) async throws -> Result {
        guard attempt == 1 else { return .ended(.fail(.contended, reason)) }
        try job.remove(.archive)
        // While somebody's pause is in place, the intent and what is known of it stay until the next one.
        if !isOpen {
            try job.remove(.intent)
            try job.remove(.returned)
            try job.remove(.closed)
        }
        try job.synchronize()
        try around.after(.tryRemoved)
        return .contended(reason)
    }

    private func failed(_ error: RuntimeError) async throws -> Result {
        if let log = DumpLogFinder.read(
            message: error.message, containerID: containerID, candidates: runtime.dumpLogs(containerID))
        {
            run.record.log = CriuLog.lastLines(log)
        }
        return .ended(.fail(JobOutcome(error), error.description))
    }

    private func verify(_ intent: JobIntent) throws -> Result {
        run.progress(.verifying)
        let start = around.clock.monotonic()
        do {
            let archive = try ArchiveVerifier(containerID: containerID).verify(job)
            run.record.times.verify = (around.clock.monotonic() - start).milliseconds
            try around.after(.verified)
            return .ended(.publish(archive, at: intent.moment.time))
        } catch let failure as VerificationFailure {
            return .ended(.fail(failure.outcome, failure.description))
        }
    }
}

extension JobReturn.Failure {
    init(_ error: RuntimeError) {
        self.init(code: error.code.rawValue, message: error.message, isConnectionLoss: error.isConnectionLoss)
    }

    var error: RuntimeError {
        RuntimeError(RuntimeError.Code(rawValue: code) ?? .unknown, message, isConnectionLoss: isConnectionLoss)
    }
}

extension JobOutcome {
    /// What a job comes to whose call of the runtime failed.
    init(_ error: RuntimeError) {
        self =
            switch RuntimeFailure(error) {
            case _ where error.isConnectionLoss: .lost
            case .contended: .contended
            case .noSpace: .noSpace
            case .notRunning: .notRunning
            case .gone: .replaced
            case .other: .runtimeError
            }
    }
}
