// SPDX-License-Identifier: Apache-2.0
internal import API
internal import Checkpoint
internal import CRI
internal import Glibc
internal import Logbook
internal import Logging
internal import NodeStatus

/// The keeper's state and what it does with it. Everything here happens on the keeper's thread.
final class CheckpointDesk {
    /// Calls that may wait at once; web passes no more on.
    static let maximumCalls = 128
    /// A directory that could not be used is tried again.
    private static let openInterval: Duration = .seconds(10)

    /// A caller who waits.
    struct Caller {
        let call: CheckpointCall
        let reply: @Sendable (CheckpointAnswer) -> Void
        /// On the monotonic clock.
        let deadline: Duration
        /// Nil while the container is looked up.
        var job: JobID?
        /// As has been said.
        var hasLeft = false
    }

    typealias Survey = @Sendable (CheckpointCall) async throws(RuntimeError) -> ContainerSurvey
    /// The arguments of the new process, its job, and whether it is a `dump` or a `recover`.
    /// The directory is the checkpoints directory that the job is in.
    typealias Launch = (
        _ arguments: [String], _ job: String, _ purpose: String, _ directory: String
    ) throws -> DumpLauncher.Started

    let logger: Logger
    /// Nil: no container runtime is configured.
    let survey: Survey?
    let launchProcess: Launch
    let post: @Sendable (CheckpointKeeper.Event) -> Void
    /// Hears of every job that is over.
    var ended: ((JobRecord) -> Void)?
    /// The directory that is worked in from now on has been opened.
    var isUsing: (String) -> Void = { _ in }
    var settings: CheckpointSettings
    var store: CheckpointStore?
    var problem: String?
    var callers: [LongCallID: Caller] = [:]
    var jobs: [JobID: CheckpointJobState] = [:]
    var queue = JobQueue()
    var space: CheckpointSpace
    var outcomes: [String: UInt64] = [:]
    var totals = CheckpointTotals()
    var callerRecords = LogAllowance(burst: 100, perSecond: 10)
    /// Processes whose jobs are over and which have not ended yet.
    var reaped: [WorkerProcess] = []
    /// Jobs that are over and whose directories may still be there.
    var remains: [JobID: Remains] = [:]
    private var outbox: [(@Sendable (CheckpointAnswer) -> Void, CheckpointAnswer)] = []
    private(set) var isStopped = false
    private var nextOpen: Duration = .zero

    init(
        settings: CheckpointSettings, survey: Survey?, launch: @escaping Launch,
        memory: @escaping @Sendable () -> FileSystemSpace?, logger: Logger,
        post: @escaping @Sendable (CheckpointKeeper.Event) -> Void
    ) {
        self.settings = settings
        space = CheckpointSpace(settings: settings, memory: memory)
        self.survey = survey
        launchProcess = launch
        self.logger = logger
        self.post = post
    }

    // MARK: - The directory

    /// Opens the directory and takes up what earlier agents have left in it.
    func open(now: Duration) {
        guard settings.isEnabled, store == nil, now >= nextOpen else { return }
        nextOpen = now + Self.openInterval
        do throws(StorageError) {
            let opened = try CheckpointStore(path: settings.directory)
            store = opened
            problem = nil
            isUsing(settings.directory)
            for problem in try opened.directory.removeLeftovers() {
                logger.warning("\(problem)", metadata: .of(.checkpointLeftovers))
            }
            for id in try opened.directory.jobs() { adopt(id, now: now) }
        } catch {
            note(problem: "\(error)")
            store = nil
            remains = [:]
        }
    }

    /// A dump opens the directory anew, by its path: what is there now must be what was opened, and in order.
    private func lookAtDirectory() {
        guard let open = store else { return }
        do throws(StorageError) {
            let current = try CheckpointDirectory.open(settings.directory, creating: false)
            guard try current.isSame(as: open.directory) else {
                throw StorageError(
                    "\(settings.directory) is another directory than when the agent opened it; restart it")
            }
            problem = nil
        } catch {
            note(problem: "\(error)")
        }
    }

    // MARK: - Events

    func handle(_ event: CheckpointKeeper.Event, now: Duration) {
        switch event {
        case .call(let call, let id, let reply): begin(call, id, reply, now: now)
        case .surveyed(let id, let result): surveyed(id, result, now: now)
        case .cancel(let id): cancel(id)
        case .cancelAll(let web): for id in callers.keys where id.web == web { cancel(id) }
        case .configure(let new): configure(new, now: now)
        case .stop: stop()
        }
    }

    private func begin(
        _ call: CheckpointCall, _ id: LongCallID, _ reply: @escaping @Sendable (CheckpointAnswer) -> Void,
        now: Duration
    ) {
        nextOpen = store == nil ? now : nextOpen
        open(now: now)
        lookAtDirectory()
        guard let survey, settings.runtimeEndpoint != nil else {
            return outbox.append(
                (reply, .failed(call, status: 500, "no container runtime is configured: set containerRuntimeEndpoint")))
        }
        guard store != nil, problem == nil else {
            return outbox.append(
                (reply, .failed(call, status: 500, problem ?? "the checkpoints directory is not open")))
        }
        guard callers.count < Self.maximumCalls else {
            return outbox.append((reply, .later(call, seconds: 10, "\(callers.count) calls wait already")))
        }
        if let refusal = nameProblem(call) { return outbox.append((reply, refusal)) }
        callers[id] = Caller(
            call: call, reply: reply, deadline: now + (call.timeout ?? settings.requestTimeout), job: nil)
        let post = post
        // The one thing that a task does: it waits for the runtime, and for nothing that blocks a thread.
        Task {
            do throws(RuntimeError) {
                post(.surveyed(id, .success(try await survey(call))))
            } catch {
                post(.surveyed(id, .failure(error)))
            }
        }
    }

    /// Refused before anything is touched.
    private func nameProblem(_ call: CheckpointCall) -> CheckpointAnswer? {
        do throws(ArchiveNameRefusal) {
            _ = try ArchiveName(
                namespace: call.namespace, pod: call.pod, container: call.container, time: Time.now())
            return nil
        } catch {
            return .failed(call, status: 400, error.description)
        }
    }

    private func surveyed(_ id: LongCallID, _ result: Result<ContainerSurvey, RuntimeError>, now: Duration) {
        // The caller may have left, or have been told that it took too long.
        guard let caller = callers[id], caller.job == nil else { return }
        switch result {
        case .failure(let error): answer(id, CheckpointReplies.answer(caller.call, error))
        case .success(let survey):
            guard case .found(let identity) = survey.lookup else {
                return answer(id, CheckpointReplies.answer(caller.call, survey.lookup) ?? .noPod)
            }
            if caller.call.isDryRun {
                answer(id, .json(plan(caller.call, identity, survey)))
            } else {
                accept(id, caller.call, identity, survey, now: now)
            }
        }
    }

    private func cancel(_ id: LongCallID) {
        guard let caller = callers[id] else { return }
        guard let job = caller.job else {
            return answer(id, .later(caller.call, seconds: 1, "the caller has closed the connection"))
        }
        guard queue.isWaiting(job.description) else {
            // One that has only closed its own direction still gets the answer. Web may say so as often as it likes.
            guard !caller.hasLeft else { return }
            callers[id]?.hasLeft = true
            return logger.info(
                "the caller has left, the dump goes on", metadata: .of(.checkpointCallerLeft, ["job": "\(job)"]))
        }
        drop(job, "its caller left before it was started")
    }

    private func configure(_ new: CheckpointSettings, now: Duration) {
        let old = settings
        settings = new
        space.settings = new
        guard old.directory != new.directory || old.isEnabled != new.isEnabled else { return }
        // Jobs under way stay where they are; the rest begins anew.
        guard jobs.isEmpty else {
            settings.directory = old.directory
            settings.isEnabled = old.isEnabled
            return logger.warning(
                "the checkpoints directory has changed while jobs are under way: restart the agent to use the new one",
                metadata: .of(.restartNeeded, ["setting": "checkpointDirectory"]))
        }
        store = nil
        remains = [:]
        problem = nil
        nextOpen = .zero
        open(now: now)
    }

    private func stop() {
        for (id, caller) in callers {
            if let job = caller.job, queue.isWaiting(job.description) {
                drop(job, "the agent was stopped before its turn")
            } else if let job = caller.job {
                answer(
                    id,
                    .later(
                        caller.call, seconds: 5,
                        "the agent is stopping; job \(job) goes on and will publish its archive"))
            } else {
                answer(id, .later(caller.call, seconds: 5, "the agent is stopping"))
            }
        }
        isStopped = true
    }

    func answer(_ id: LongCallID, _ answer: CheckpointAnswer) {
        guard let caller = callers.removeValue(forKey: id) else { return }
        outbox.append((caller.reply, answer))
    }

    /// Tells the callers what there is to tell. After what there is to show has been published: whoever has had an
    /// answer and then asks for the status finds it there.
    func sendAnswers() {
        for (reply, answer) in outbox { reply(answer) }
        outbox = []
    }

    // MARK: - Time

    var descriptors: [Int32] {
        guard let store else { return [] }
        return [store.watch.descriptor] + jobs.values.compactMap { $0.worker?.descriptor }
            + reaped.compactMap(\.descriptor)
    }

    /// When something has to be looked at without being woken.
    var nextLook: Duration {
        var next: Duration = store == nil && settings.isEnabled ? nextOpen : .seconds(Int64.max / 4)
        next = min(next, callers.values.map(\.deadline).min() ?? next)
        next = min(next, jobs.values.map(\.nextLook).min() ?? next)
        next = min(next, remains.values.map(\.nextLook).min() ?? next)
        return min(next, store?.nextTally ?? next)
    }

    /// Everything that has become due, and everything that descriptors have to tell.
    func look(now: Duration) {
        open(now: now)
        reaped.removeAll { $0.ending() != nil }
        guard let store, !isStopped else { return }
        for event in store.watch.events() {
            switch event {
            case .finished(let id): finish(id, now: now)
            case .progress(let id): jobs[id]?.readProgress()
            }
        }
        for (id, job) in jobs { check(id, job, now: now) }
        for (id, left) in remains where now >= left.nextLook { lookAfterRemains(of: id, now: now) }
        for (id, caller) in callers where now >= caller.deadline { giveUp(id, caller) }
        startReady(now: now)
        store.tally(now: now)
    }

    private func giveUp(_ id: LongCallID, _ caller: Caller) {
        let waited = GoDuration.format(caller.call.timeout ?? settings.requestTimeout)
        guard let job = caller.job else {
            return answer(id, .failed(caller.call, status: 504, "the runtime has not answered within \(waited)"))
        }
        jobs[job]?.caller = nil
        if queue.isWaiting(job.description) {
            drop(job, "its caller waited \(waited), and its turn had not come")
            answer(
                id,
                .failed(
                    caller.call, status: 504,
                    "its turn has not come within \(waited): job \(job) was dropped", job: job.description))
        } else {
            answer(
                id,
                .failed(
                    caller.call, status: 504, "it is not finished after \(waited): job \(job) goes on",
                    job: job.description))
        }
    }
}
