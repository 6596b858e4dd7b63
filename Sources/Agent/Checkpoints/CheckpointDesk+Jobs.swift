// SPDX-License-Identifier: Apache-2.0
internal import API
internal import Access
internal import Checkpoint
internal import Gate
internal import Glibc
internal import Logbook
internal import Logging
internal import NodeStatus

// The life of a job: accepted, started, watched, finished.

extension CheckpointDesk {
    /// A process that has just been started takes the lock within this time.
    private static let startGrace: Duration = .seconds(10)
    private static let lookInterval: Duration = .milliseconds(500)
    /// Recovery of one job is tried again after this long.
    private static let recoveryInterval: Duration = .seconds(5)
    /// What recovery after recovery cannot put in order is tried less and less often.
    private static let longestRecoveryInterval: Duration = .seconds(300)
    /// A job that is over has removed its directory by then.
    private static let removalGrace: Duration = .seconds(1)

    /// Puts a job on the disk and into the queue.
    func accept(
        _ id: LongCallID, _ call: CheckpointCall, _ identity: ContainerIdentity, _ survey: ContainerSurvey,
        now: Duration
    ) {
        guard let store, let endpoint = settings.runtimeEndpoint else { return }
        if let refusal = queue.refusal(container: identity.containerID) {
            return answer(id, CheckpointReplies.answer(call, refusal))
        }
        let estimate = space.estimate(identity, survey, directory: store.directory.path)
        if let shortage = space.shortage(for: estimate) {
            return answer(id, .failed(call, status: 507, "\(shortage)"))
        }
        let time = Time.now()
        let job = JobID.make(time: time)
        let request = JobRequest(
            id: job.description, acceptedAt: Moment(time), container: identity, requester: Self.requester(call),
            runtimeEndpoint: endpoint, estimate: estimate)
        do throws(StorageError) {
            let directory = try store.directory.createJob(job)
            do throws(StorageError) {
                guard let lock = try JobLock.tryAcquire(directory) else {
                    throw StorageError("the lock of the new job \(job) is taken")
                }
                try directory.writeReserve()
                try directory.write(request, to: .request)
                jobs[job] = CheckpointJobState(
                    request: request, directory: directory, stage: .queued(lock), caller: id)
            } catch {
                try? store.directory.removeJob(job)
                throw error
            }
        } catch {
            if mayLogForCaller() {
                logger.error(
                    "a checkpoint of \(call.subject) cannot be accepted: \(error)",
                    metadata: .of(
                        .checkpointNotAccepted,
                        [
                            "namespace": "\(call.namespace)", "pod": "\(call.pod)", "container": "\(call.container)",
                        ]))
            }
            return answer(id, .failed(call, status: error.isNoSpace ? 507 : 500, "\(error)"))
        }
        callers[id]?.job = job
        space.promiseArchive(job, estimate)
        queue.append(job.description, container: identity.containerID)
        if mayLogForCaller() {
            logger.info(
                "a checkpoint of \(call.subject) is accepted",
                metadata: .of(.checkpointAccepted, request.logFields(job: job)))
        }
        startReady(now: now)
    }

    /// Starts whatever may start now.
    func startReady(now: Duration) {
        while let next = queue.startNext() {
            guard let id = JobID(next), let job = jobs[id] else {
                queue.remove(next)
                continue
            }
            if let shortage = space.promiseAll(id, job.request.estimate) {
                refuse(id, .noSpace, "\(shortage)")
                continue
            }
            // Between the release of our lock and the process taking it nobody else may think the job abandoned: this
            // agent is the only one, and it waits for as long as the grace lasts.
            job.stage = .running
            job.startedAt = Time.now()
            launch(job, ["dump", job.directory.path], purpose: "dump", now: now)
        }
    }

    private func launch(_ job: CheckpointJobState, _ arguments: [String], purpose: String, now: Duration) {
        job.graceUntil = now + Self.startGrace
        job.nextLook = now + Self.lookInterval
        store?.watch.follow(job.directory)
        do {
            switch try launchProcess(arguments, job.request.id, purpose, settings.directory) {
            case .child(let processID): job.worker = WorkerProcess(processID)
            case .unit: job.worker = nil
            }
        } catch {
            logger.error("\(error)", metadata: .of(.checkpointJobProblem, ["job": "\(job.request.id)"]))
            job.worker = nil
            job.stage = .orphaned(retryAt: now + Self.recoveryInterval)
        }
    }

    /// A job directory of an earlier agent: its dump may still run, or it may have been left in the middle.
    func adopt(_ id: JobID, now: Duration) {
        guard let store, jobs[id] == nil else { return }
        do throws(StorageError) {
            guard let directory = try store.directory.job(id) else { return }
            if hasRecord(id, store) {
                return lookAfterRemains(of: id, now: now)
            }
            guard let request = (try? directory.read(JobRequest.self, from: .request)) ?? nil else {
                // Nobody knows what it was for: the agent died before it had accepted it.
                guard try JobLock.tryAcquire(directory) != nil else { return }
                logger.warning(
                    "removing a job without a request", metadata: .of(.checkpointLeftovers, ["job": "\(id)"]))
                return try store.directory.removeJob(id)
            }
            let job = CheckpointJobState(request: request, directory: directory, stage: .running, caller: nil)
            jobs[id] = job
            queue.adopt(id.description, container: request.container.containerID)
            space.adopt(id, request.estimate)
            job.nextLook = now
            logger.notice(
                "a checkpoint of \(request.container.name) was under way when this agent started",
                metadata: .of(.checkpointAdopted, request.logFields(job: id)))
        } catch {
            logger.error("\(error)", metadata: .of(.checkpointJobProblem, ["job": "\(id)"]))
        }
    }

    /// After its record a job removes its directory, at once or when the container that somebody else has paused runs.
    /// A process that was killed before that has left the directory: another does the rest.
    func lookAfterRemains(of id: JobID, now: Duration) {
        guard let store else { return }
        do throws(StorageError) {
            guard let directory = try store.directory.job(id) else { return remains[id] = nil }
            let wait = remains[id]?.wait ?? Self.recoveryInterval
            guard try JobLock.tryAcquire(directory) != nil else {
                return remains[id] = Remains(nextLook: now + wait, wait: wait)
            }
            logger.notice(
                "the directory of a job that is over is still there",
                metadata: .of(.checkpointLeftovers, ["job": "\(id)"]))
            remains[id] = Remains(nextLook: now + wait, wait: min(wait * 2, Self.longestRecoveryInterval))
            finishRemains(directory)
        } catch {
            // It has gone meanwhile.
            if error.isMissing { return remains[id] = nil }
            logger.error("\(error)", metadata: .of(.checkpointJobProblem, ["job": "\(id)"]))
            remains[id] = Remains(nextLook: now + Self.longestRecoveryInterval, wait: Self.longestRecoveryInterval)
        }
    }

    private func finishRemains(_ job: JobDirectory) {
        do {
            if case .child(let processID) = try launchProcess(
                ["recover", "--job", job.path], job.id.description, "recover", settings.directory)
            {
                reaped.append(WorkerProcess(processID))
            }
        } catch {
            logger.error("\(error)", metadata: .of(.checkpointJobProblem, ["job": "\(job.id)"]))
        }
    }

    /// What has become of a job that runs.
    func check(_ id: JobID, _ job: CheckpointJobState, now: Duration) {
        guard !job.isQueued, jobs[id] === job, let store else { return }
        if let worker = job.worker, let ending = worker.ending() {
            job.worker = nil
            if hasRecord(id, store) { return finish(id, now: now) }
            var fields = job.request.logFields(job: id)
            fields["pid"] = "\(worker.processID)"
            logger.warning(
                "a process that worked on a checkpoint of \(job.request.container.name) \(ending) without a record",
                metadata: .of(.checkpointWorkerLost, fields))
            job.stage = .orphaned(retryAt: job.recoveries == 0 ? now : now + Self.recoveryInterval)
            job.nextLook = now
        }
        guard now >= job.nextLook else { return }
        job.nextLook = now + Self.lookInterval
        if hasRecord(id, store) { return finish(id, now: now) }
        job.readProgress()
        switch job.stage {
        case .queued: break
        case .running:
            // Not our child: alive as long as it holds the lock.
            guard job.worker == nil, now >= job.graceUntil, isAbandoned(job) else { return }
            job.stage = .orphaned(retryAt: now)
            job.nextLook = now
        case .orphaned(let retryAt):
            job.nextLook = max(retryAt, now)
            guard now >= retryAt else { return }
            job.recoveries += 1
            job.stage = .running
            launch(job, ["recover", "--job", job.directory.path], purpose: "recover", now: now)
        }
    }

    private func hasRecord(_ id: JobID, _ store: CheckpointStore) -> Bool {
        (try? store.directory.record(id)) ?? nil != nil
    }

    /// Nobody holds its lock. Asking takes the lock for a moment.
    private func isAbandoned(_ job: CheckpointJobState) -> Bool {
        do throws(StorageError) {
            return try JobLock.tryAcquire(job.directory) != nil
        } catch {
            // Its directory is gone: so is whoever worked on it, with or without a record.
            return error.isMissing
        }
    }

    /// A record has appeared: the job is over.
    func finish(_ id: JobID, now: Duration) {
        guard let job = jobs[id], let store else { return }
        let record =
            (try? store.directory.decodedRecord(id)) ?? nil
            ?? JobRecord(
                request: job.request, outcome: .internalError, message: "the record of job \(id) cannot be read",
                finishedAt: Moment(Time.now()))
        conclude(id, job, record, store)
        if record.outcome == .published { store.tally(now: now, isDue: true) }
        if let worker = job.worker { reaped.append(worker) }
        remains[id] = Remains(nextLook: now + Self.removalGrace, wait: Self.recoveryInterval)
        startReady(now: now)
    }

    /// Takes a job off the books and tells everybody how it ended.
    private func conclude(_ id: JobID, _ job: CheckpointJobState, _ record: JobRecord, _ store: CheckpointStore) {
        jobs[id] = nil
        queue.remove(id.description)
        space.release(id)
        count(record)
        ended?(record)
        log(id, record)
        if let caller = job.caller, let waiting = callers[caller] {
            answer(caller, CheckpointReplies.answer(waiting.call, record, directory: store.directory.path))
        }
    }

    /// A job that is not to be started any more.
    func drop(_ id: JobID, _ reason: String) {
        refuse(id, .dropped, reason)
    }

    /// Ends a job that no process has worked on, and tells its caller.
    private func refuse(_ id: JobID, _ outcome: JobOutcome, _ reason: String) {
        guard let job = jobs[id], let store else { return }
        let record = JobRecord(
            request: job.request, outcome: outcome, message: reason, finishedAt: Moment(Time.now()))
        conclude(id, job, record, store)
        do throws(StorageError) {
            try job.directory.write(record, to: .outcome)
            try store.directory.moveOutcomeToRecords(of: job.directory)
            try store.directory.removeJob(id)
        } catch {
            logger.error("\(error)", metadata: .of(.checkpointJobProblem, ["job": "\(id)"]))
        }
    }

    private func count(_ record: JobRecord) {
        outcomes[record.outcome.rawValue, default: 0] += 1
        guard record.outcome == .published else { return }
        totals.dumpSeconds += (record.times.dump ?? 0) / 1_000
        totals.frozenSeconds += (record.times.frozen ?? 0) / 1_000
        totals.verifySeconds += (record.times.verify ?? 0) / 1_000
        totals.publishSeconds += (record.times.publish ?? 0) / 1_000
        totals.bytes &+= record.size ?? 0
    }

    private static func requester(_ call: CheckpointCall) -> Requester {
        Requester(
            user: call.identity.name, authenticatedBy: call.identity.method.rawValue, from: AuditLog.from(call.peer),
            userAgent: call.userAgent, request: call.name)
    }

    /// What there is to show.
    var view: CheckpointsView {
        let ordered = jobs.sorted { $0.key < $1.key }
        return CheckpointsView(
            directory: settings.isEnabled ? settings.directory : nil, problem: problem, archives: store?.archives,
            bytes: store?.bytes,
            jobs: ordered.map { $0.value.view(position: queue.position(of: $0.value.request.id)) },
            outcomes: outcomes, totals: totals)
    }
}
