// SPDX-License-Identifier: Apache-2.0
internal import CRI
internal import Logbook
internal import Logging
internal import NodeStatus

/// Brings one job that nobody works on any more to its end, from whatever it has left on the disk: forward where the
/// archive is whole and it is known that nobody disturbed it, back otherwise. Its lock is held by the caller.
///
/// Itself killed at any point, it is begun again from there.
struct JobRecovery {
    enum Result: Equatable {
        /// The job's directory is gone; the record, where there was anything to make one of.
        case finished(JobRecord?)
        /// The container cannot be let go of yet: why.
        case open(ThawWait)

        var record: JobRecord? {
            switch self {
            case .finished(let record): record
            case .open: nil
            }
        }
    }

    private let around: JobSurroundings
    private let job: JobDirectory
    private let ending: JobEnding

    init(around: JobSurroundings, job: JobDirectory) {
        var around = around
        around.logger[metadataKey: "job"] = "\(job.id)"
        self.around = around
        self.job = job
        ending = JobEnding(around: around, job: job)
    }

    /// What the directory holds; a file that cannot be understood counts as missing, and the log names it.
    private struct Files {
        var request: JobRequest?
        var progress: JobProgress?
        var intent: JobIntent?
        var returned: JobReturn?
        var closing: JobClosing?
        var outcome: JobRecord?
    }

    /// - Parameter patience: for a container that cannot be let go of; nil: as long as it takes.
    func run(patience: Duration?) async throws -> Result {
        let files = Files(
            request: read(.request), progress: read(.progress), intent: read(.intent), returned: read(.returned),
            closing: read(.closed), outcome: read(.outcome))
        if let record = try around.directory.decodedRecord(job.id) {
            return try await close(files, record: record, patience: patience)
        }
        if let outcome = files.outcome {
            let record = try await finish(outcome)
            return try await close(files, record: record, patience: patience)
        }
        var end: (state: String, how: String)? = files.closing.map { ($0.state, $0.how) }
        if let intent = files.intent, end == nil {
            var watcher = watcher(intent, files)
            switch await watcher.run(patience: patience, leaving: { $0 == .pausedByOthers }) {
            case .closed(let closed):
                end = (closed.state, closed.how)
                let closing = JobClosing(moment: around.moment(), state: closed.state, how: closed.how)
                try job.write(closing, to: .closed)
                try around.after(.closed)
            case .open(.pausedByOthers):
                // The job is over, whoever has paused it: its record need not wait for him.
                end = (TaskAnswer.paused.word, "somebody else's pause, left in place")
            case .open(let reason):
                return .open(reason)
            }
        }
        guard let request = files.request else {
            around.logger.error(
                "job \(job.id) has no request that can be read, and is removed without a record",
                metadata: .of(.recoveryProblem, ["job": "\(job.id)"]))
            return try await close(files, record: nil, patience: patience)
        }
        var record = record(request, files)
        record.containerState = end?.state
        record.thaw = end?.how
        record = try await conclude(record, files, isPaused: end?.state == TaskAnswer.paused.word)
        return try await close(files, record: record, patience: patience)
    }

    private func read<Value: Decodable>(_ file: JobFile) -> Value? {
        do {
            return try job.read(Value.self, from: file)
        } catch {
            let isIntent = file == .intent
            around.logger.log(
                level: isIntent ? .critical : .error,
                "\(error)\(isIntent ? "; look by hand whether its container is frozen" : "")",
                metadata: .of(.jobFileUnreadable, ["job": "\(job.id)"]))
            return nil
        }
    }

    private func watcher(_ intent: JobIntent, _ files: Files) -> ThawGuard {
        var logger = around.logger
        for (key, value) in files.request?.container.logFields ?? [:] { logger[metadataKey: key] = value }
        return ThawGuard(
            intent, returned: files.returned,
            runtime: around.connector.reopen(endpoint: intent.runtimeEndpoint, about: intent.runtime),
            machine: around.machine, clock: around.clock, logger: logger,
            timing: around.timing(for: files.request))
    }

    /// The record is there: what remains is the container, and the directory.
    private func close(_ files: Files, record: JobRecord?, patience: Duration?) async throws -> Result {
        if let intent = files.intent, !job.contains(.closed) {
            var watcher = watcher(intent, files)
            switch await watcher.run(patience: patience) {
            case .closed(let end):
                end.log(intent.containerID, to: around.logger)
            case .open(let reason):
                return .open(reason)
            }
        }
        try ending.removeJob()
        return .finished(record)
    }

    /// The outcome was written, and then the process died.
    private func finish(_ outcome: JobRecord) async throws -> JobRecord {
        guard outcome.outcome == .published, let fileName = outcome.archive else {
            try ending.moveRecord()
            return outcome
        }
        guard job.contains(.archive) else {
            guard around.directory.containsArchive(fileName) else {
                return try await ending.fail(
                    outcome, .internalError, "the archive \(fileName) was removed before the job was finished")
            }
            try ending.moveRecord()
            return outcome
        }
        // It was verified; but what is published is what is there now.
        return try await publish(outcome, at: outcome.publicationTime, sha256: outcome.sha256)
    }

    private func publish(_ record: JobRecord, at time: Timestamp, sha256: String?) async throws -> JobRecord {
        let containerID = record.request.container.containerID
        let start = around.clock.monotonic()
        do {
            let archive = try ArchiveVerifier(containerID: containerID).verify(job)
            guard sha256 == nil || sha256 == archive.sha256 else {
                return try await ending.fail(record, .badArchive, "the archive has changed since it was verified")
            }
            var record = record
            record.times.verify = (around.clock.monotonic() - start).milliseconds
            try around.after(.verified)
            return try await ending.publish(archive, record: record, at: time)
        } catch let failure as VerificationFailure {
            return try await ending.fail(record, failure.outcome, failure.description)
        }
    }

    private func record(_ request: JobRequest, _ files: Files) -> JobRecord {
        var record = JobRecord(request: request, outcome: .interrupted, message: "", finishedAt: around.moment())
        record.startedAt = files.intent?.moment ?? files.progress?.since
        record.attempts = files.intent?.attempt ?? 0
        record.runtime = files.intent?.runtime.text
        if let returned = files.returned, returned.attempt == files.intent?.attempt {
            record.times.dump = returned.dump
            record.times.frozen = returned.frozen
        }
        return record
    }

    private func conclude(_ record: JobRecord, _ files: Files, isPaused: Bool) async throws -> JobRecord {
        guard let intent = files.intent else {
            return try await job.contains(.intent)
                ? ending.fail(
                    record, .internalError,
                    "the job's intent cannot be read, so that it is not known what has become of the dump")
                : ending.fail(
                    record, .interrupted, "the dump process ended before it had touched the container")
        }
        guard let returned = files.returned, returned.attempt == intent.attempt else {
            return try await ending.fail(
                record, .interrupted, "the dump process ended during the runtime's call, whose answer is not known")
        }
        if case .seen(let reason) = returned.contention { return try await ending.fail(record, .contended, reason) }
        if isPaused {
            return try await ending.fail(record, .contended, "somebody else paused it during the dump")
        }
        if let failure = returned.failure {
            let error = failure.error
            return try await ending.fail(record, JobOutcome(error), error.description)
        }
        guard returned.contention == Contention.none else {
            return try await ending.fail(
                record, .interrupted,
                "the dump process ended before it was known whether somebody else had disturbed the dump")
        }
        return try await publish(record, at: intent.moment.time, sha256: nil)
    }
}

extension JobRecord {
    /// The time in the name of the archive; of the finish where that cannot be read.
    fileprivate var publicationTime: Timestamp {
        // checkpoint-<pod>_<namespace>-<container>-<time>.tar, and the time has 30 characters.
        archive.flatMap { Timestamp(rfc3339: String($0.dropLast(4).suffix(30))) } ?? finishedAt.time
    }
}
