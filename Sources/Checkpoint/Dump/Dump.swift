// SPDX-License-Identifier: Apache-2.0
internal import CRI
internal import Logbook
internal import Logging
internal import NodeStatus

/// One job from its request to its record: looks at the container, has it dumped, sees to it that it runs again,
/// verifies and publishes the archive.
///
/// Blocks on files and needs a thread where it may: see ``onOwnThread(_:_:)``.
package struct Dump {
    package enum Refusal: Error, Equatable, CustomStringConvertible {
        case noJob(String)
        /// Somebody else works on it.
        case locked(String)

        package var description: String {
            switch self {
            case .noJob(let path): "there is no job at \(path)"
            case .locked(let path): "another process works on the job at \(path)"
            }
        }
    }

    let around: JobSurroundings

    package init(_ around: JobSurroundings) {
        self.around = around
    }

    /// Returns when the record is written and the job's directory removed: what was to be found out about a container
    /// that somebody else has frozen can take long.
    ///
    /// - Returns: the record; nil where there was nothing to make one of.
    /// - Throws: ``Refusal``, `StorageError`: the job is left for a recovery.
    package func run(_ id: JobID) async throws -> JobRecord? {
        let path = "\(around.directory.workPath)/\(id)"
        guard let job = try around.directory.job(id) else { throw Refusal.noJob(path) }
        guard let lock = try JobLock.tryAcquire(job) else { throw Refusal.locked(path) }
        defer { lock.hold() }
        try around.after(.lockTaken)
        // Only a job of which nothing has been done yet is begun.
        guard ![.intent, .returned, .outcome].contains(where: job.contains), try around.directory.record(id) == nil,
            let request = try? job.read(JobRequest.self, from: .request)
        else {
            return try await JobRecovery(around: around, job: job).run(patience: nil).record
        }
        return try await DumpRun(around: around, job: job, request: request).run()
    }
}

/// What is known in the course of a dump.
final class DumpRun {
    enum Ending {
        case publish(VerifiedArchive, at: Timestamp)
        case fail(JobOutcome, String)
    }

    let around: JobSurroundings
    let job: JobDirectory
    let request: JobRequest
    let ending: JobEnding
    let start: Duration
    var record: JobRecord
    /// The guard of a container that somebody else has frozen: it goes on when the record is written.
    var openGuard: ThawGuard?
    var events: TaskEventWatch?
    /// It has been waited for.
    var eventsAreReady = false

    init(around: JobSurroundings, job: JobDirectory, request: JobRequest) {
        var around = around
        around.logger[metadataKey: "job"] = "\(job.id)"
        for (key, value) in request.container.logFields { around.logger[metadataKey: key] = value }
        self.around = around
        self.job = job
        self.request = request
        ending = JobEnding(around: around, job: job)
        start = around.clock.monotonic()
        let now = around.moment()
        record = JobRecord(request: request, outcome: .interrupted, message: "", finishedAt: now)
        record.startedAt = now
        let queued = now.time.duration(since: request.acceptedAt.time)
        // A clock that was set back meanwhile leaves nothing to say.
        if queued >= .zero { record.times.queued = queued.milliseconds }
    }

    func run() async throws -> JobRecord {
        defer { events?.stop() }
        let result: Ending
        do {
            result = try await perform()
        } catch let error as StorageError {
            result = .fail(error.outcome, error.description)
        }
        switch result {
        case .publish(let archive, let time):
            progress(.publishing)
            record = try await ending.publish(archive, record: record, at: time)
        case .fail(let outcome, let message):
            record = try await ending.fail(record, outcome, message)
        }
        report()
        if var openGuard {
            progress(.thawing)
            if case .closed(let end) = await openGuard.run() {
                end.log(request.container.containerID, to: around.logger)
            }
        }
        try ending.removeJob()
        return record
    }

    private func perform() async throws -> Ending {
        progress(.preparing)
        let container = request.container
        // The journal finds out whose a record is while its process lives, and remembers it: the last one of a process
        // that ends at once would be nobody's.
        around.logger.info(
            "checkpoint of \(container.name) begins", metadata: .of(.dumpStarted, request.logFields(job: job.id)))
        do {
            _ = try ArchiveName(
                namespace: container.namespace, pod: container.pod, container: container.container,
                time: around.clock.now())
        } catch {
            return .fail(.nameRefused, error.description)
        }
        let runtime: any CheckpointRuntime
        do throws(RuntimeError) {
            runtime = try await around.connector.connect(endpoint: request.runtimeEndpoint)
        } catch {
            return .fail(.runtimeError, error.description)
        }
        // A guard that goes on needs it to the end of the job.
        defer { if openGuard == nil { runtime.close() } }
        record.runtime = runtime.about.text
        var contention = ""
        for attempt in 1...2 {
            record.attempts = attempt - 1
            let preparation = DumpPreparation(run: self, runtime: runtime, attempt: attempt)
            switch try await preparation.run() {
            case .ended(let outcome, let message):
                guard attempt == 1 || outcome != .paused else {
                    return .fail(.contended, "\(contention); tried again: \(message)")
                }
                return .fail(outcome, message)
            case .ready(let watch):
                // Seen running and thawed: whatever froze it in the first try is over.
                openGuard = nil
                record.attempts = attempt
                switch try await DumpTry(run: self, runtime: runtime, watch: watch, attempt: attempt).run() {
                case .ended(let ending): return ending
                case .contended(let reason):
                    contention = reason
                    around.logger.warning(
                        "try \(attempt) was not alone with the container: \(reason)",
                        metadata: .of(.checkpointContended, ["container_id": "\(container.containerID)"]))
                }
            }
        }
        return .fail(.contended, contention)
    }

    /// For those who look on: not waited for by the disk, and no reason to stop.
    func progress(_ phase: JobPhase) {
        let progress = JobProgress(
            phase: phase, since: around.moment(), processID: around.machine.ownProcess, attempt: max(1, record.attempts)
        )
        do {
            try job.write(progress, to: .progress, durably: false)
        } catch {
            around.logger.debug("the progress of the job cannot be written: \(error)")
        }
    }

    private func report() {
        var fields = request.logFields(job: job.id)
        fields["outcome"] = "\(record.outcome.rawValue)"
        fields["image"] = "\(request.container.image)"
        fields["authenticated_by"] = "\(request.requester.authenticatedBy)"
        fields["attempts"] = "\(record.attempts)"
        fields["request"] = request.requester.request.map { "\($0)" }
        fields["size"] = record.size.map { "\($0)" }
        let times: [(String, Double?)] = [
            ("queued_ms", record.times.queued), ("prepare_ms", record.times.prepare), ("dump_ms", record.times.dump),
            ("frozen_ms", record.times.frozen), ("verify_ms", record.times.verify),
            ("publish_ms", record.times.publish),
        ]
        for (name, value) in times { fields[name] = value.map { "\(($0 * 10).rounded() / 10)" } }
        if record.outcome == .published {
            // Every published one has both.
            fields["archive"] = "\(record.archive ?? "")"
            fields["sha256"] = "\(record.sha256 ?? "")"
            around.logger.info(
                "checkpoint of \(request.container.name) published", metadata: .of(.dumpSucceeded, fields))
        } else {
            around.logger.error(
                "checkpoint of \(request.container.name) failed: \(record.message)",
                metadata: .of(.dumpFailed, fields))
        }
    }
}
