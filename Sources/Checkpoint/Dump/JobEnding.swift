// SPDX-License-Identifier: Apache-2.0
internal import Logbook
internal import Logging
internal import NodeStatus

/// The last part of a job, the same for a dump and for a recovery: the outcome, the archive's name, the record.
///
/// Every step can be the last one of a process; done again from any of them it comes to the same end.
struct JobEnding {
    let around: JobSurroundings
    let job: JobDirectory

    /// How often, and for how long in all, a record is tried to be written to a full disk.
    private static let retryInterval = Duration.seconds(2)
    private static let retries = 30

    /// Publishes a verified archive: on the disk, then the outcome that names it, then the name, then the record.
    ///
    /// - Parameter record: gets name, size and hash; `publish` is the time from now to the moment it is written.
    /// - Returns: the record as it was written; with another outcome where it could not be published.
    func publish(_ archive: VerifiedArchive, record: JobRecord, at time: Timestamp) async throws -> JobRecord {
        var record = record
        let start = around.clock.monotonic()
        record.outcome = .published
        record.message = ""
        record.size = archive.size
        record.sha256 = archive.sha256
        record.facts = archive.facts
        let container = record.request.container
        var isAbandoned = false
        do {
            let name = try ArchiveName(
                namespace: container.namespace, pod: container.pod, container: container.container, time: time)
            _ = try around.directory.publish(archive, of: job, as: name) { (name) throws(StorageError) in
                record.archive = name.fileName
                record.finishedAt = around.moment()
                record.times.publish = (around.clock.monotonic() - start).milliseconds
                try job.write(record, to: .outcome)
                do { try around.after(.outcomeWritten) } catch {
                    isAbandoned = true
                    throw StorageError("\(error)")
                }
            }
        } catch let failure as PublicationFailure {
            if isAbandoned { throw DumpAbandoned() }
            // The rename is what counts: an archive that has its name has its record.
            guard let name = record.archive, !job.contains(.archive), around.directory.containsArchive(name) else {
                return try await fail(record, failure.outcome, failure.description)
            }
            around.logger.error(
                "\(name) is published, but the disk may not know it yet: \(failure)",
                metadata: .of(.archiveNotDurable, ["job": "\(job.id)", "archive": "\(name)"]))
        } catch let refusal as ArchiveNameRefusal {
            return try await fail(record, .nameRefused, refusal.description)
        }
        try around.after(.archiveRenamed)
        try moveRecord()
        return record
    }

    /// Ends a job without an archive.
    func fail(_ record: JobRecord, _ outcome: JobOutcome, _ message: String) async throws -> JobRecord {
        var record = record
        record.outcome = outcome
        record.message = message
        record.archive = nil
        record.size = nil
        record.sha256 = nil
        record.facts = nil
        record.finishedAt = around.moment()
        // First, so that the record has room on a disk that the archive has filled.
        try job.remove(.archive)
        var problem = writingProblem(record)
        for _ in 0..<Self.retries {
            guard let full = problem, full.isNoSpace else { break }
            around.logger.error(
                "the record of job \(job.id) waits for room on the disk: \(full)",
                metadata: .of(.recordWaitsForSpace, ["job": "\(job.id)"]))
            await around.clock.sleep(for: Self.retryInterval)
            problem = writingProblem(record)
        }
        if let problem { throw problem }
        try around.after(.outcomeWritten)
        try moveRecord()
        return record
    }

    private func writingProblem(_ record: JobRecord) -> StorageError? {
        do {
            try job.write(record, to: .outcome)
            return nil
        } catch {
            return error
        }
    }

    func moveRecord() throws {
        try around.directory.moveOutcomeToRecords(of: job)
        try around.after(.recordMoved)
    }

    func removeJob() throws {
        try around.directory.removeJob(job.id)
        try around.after(.jobRemoved)
    }
}

extension PublicationFailure {
    var outcome: JobOutcome {
        switch self {
        case .storage(let error): error.outcome
        case .nameRefused: .nameRefused
        case .changed: .badArchive
        }
    }
}

extension StorageError {
    var outcome: JobOutcome { isNoSpace ? .noSpace : .internalError }
}

extension VerificationFailure {
    var outcome: JobOutcome {
        switch self {
        case .bad: .badArchive
        case .unreadable(let error): error.isMissing ? .badArchive : error.outcome
        }
    }
}
