// SPDX-License-Identifier: Apache-2.0
internal import Logbook
internal import Logging
internal import NodeStatus

/// Brings every job whose process is gone to its end. May run beside dumps and other recoveries: a job belongs to
/// whoever holds its lock.
package struct Recovery: Sendable {
    package struct Report: Equatable, Sendable {
        /// Brought to an end, with the outcome; nil: there was nothing to make a record of.
        package var finished: [JobID: JobOutcome?] = [:]
        /// Not now, and why.
        package var open: [JobID: String] = [:]
        /// Somebody works on them, or will.
        package var busy: [JobID] = []
        /// False where the jobs could not be looked through.
        package var isComplete = true

        package init() {}
    }

    /// A job whose dump process has not begun is taken for forgotten after so long.
    private static let unstarted = Duration.seconds(20)
    /// With `once`, a container that cannot be let go of gets so long.
    private static let patience = Duration.seconds(10)

    private let around: JobSurroundings

    package init(_ around: JobSurroundings) {
        self.around = around
    }

    /// - Parameters:
    ///   - once: tries each job once. Otherwise goes on until there is none left that nobody works on.
    ///   - claimingUnstarted: also jobs that have just been accepted and that no process has begun: for the one who
    ///     would begin them. Others wait for that.
    package func run(once: Bool, claimingUnstarted: Bool) async -> Report {
        var report = Report()
        var pause = Duration.milliseconds(500)
        var isFirst = true
        while true {
            report.open = [:]
            report.busy = []
            var hasFresh = false
            guard let steps = await pass(once: once, claiming: claimingUnstarted) else {
                report.isComplete = false
                return report
            }
            for (id, step) in steps {
                switch step {
                case .finished(let outcome): report.finished[id] = .some(outcome)
                case .open(let reason): report.open[id] = reason
                case .busy: report.busy.append(id)
                case .fresh:
                    report.busy.append(id)
                    hasFresh = true
                case .none: break
                }
            }
            report.busy.sort()
            // A process that has just been killed holds its lock until the kernel is done with it.
            let looksAgain = isFirst && !report.busy.isEmpty
            isFirst = false
            if once || (report.open.isEmpty && !hasFresh && !looksAgain) || Task.isCancelled { return report }
            await around.clock.sleep(for: pause)
            pause = min(pause * 2, .seconds(5))
        }
    }

    /// One job, after its process has died: for the one who saw that.
    ///
    /// - Returns: its record; nil where it has none, because somebody else works on it or there is no such job.
    /// - Throws: `StorageError`: the job stays as it is.
    package func recover(_ id: JobID) async throws -> JobRecord? {
        _ = await attempt(id, patience: nil, claiming: true)
        return try around.directory.decodedRecord(id)
    }

    private enum Step: Sendable {
        case finished(JobOutcome?)
        case open(String)
        case busy
        /// Nobody has begun it, and somebody may yet.
        case fresh
        case none
    }

    /// Nil: they cannot be looked through, which has been said.
    private func pass(once: Bool, claiming: Bool) async -> [(JobID, Step)]? {
        let ids: [JobID]
        do {
            ids = try await onOwnThread("recover") { [around] () -> Result<[JobID], StorageError> in
                do throws(StorageError) {
                    for problem in try around.directory.removeLeftovers() {
                        around.logger.warning("\(problem)", metadata: .of(.checkpointLeftovers))
                    }
                    return .success(try around.directory.jobs())
                } catch {
                    return .failure(error)
                }
            }.get()
        } catch {
            around.logger.error(
                "the jobs cannot be looked through: \(error)", metadata: .of(.recoveryProblem))
            return nil
        }
        return await withTaskGroup(of: (JobID, Step).self) { group in
            for id in ids {
                group.addTask { (id, await attempt(id, patience: once ? Self.patience : nil, claiming: claiming)) }
            }
            return await group.reduce(into: []) { $0.append($1) }
        }
    }

    /// On a thread of its own: one job's fsync, or its archive to be read, is not to keep the others waiting.
    private func attempt(_ id: JobID, patience: Duration?, claiming: Bool) async -> Step {
        do {
            return try await onOwnThread("recover") {
                do {
                    return try await take(id, patience: patience, claiming: claiming)
                } catch {
                    around.logger.error(
                        "job \(id) cannot be recovered now: \(error)", metadata: .of(.recoveryProblem, ["job": "\(id)"])
                    )
                    return .open("\(error)")
                }
            }
        } catch {
            around.logger.error(
                "job \(id) cannot be recovered now: \(error)", metadata: .of(.recoveryProblem, ["job": "\(id)"]))
            return .open("\(error)")
        }
    }

    private func take(_ id: JobID, patience: Duration?, claiming: Bool) async throws -> Step {
        guard let job = try around.directory.job(id) else { return .none }
        if !claiming, !job.contains(.lock), isFresh(job) { return .fresh }
        let claim = try claim(job)
        guard case .taken(let lock) = claim else { return claim == .held ? .busy : .none }
        defer { lock.hold() }
        around.logger.notice(
            "job \(id) was left unfinished: recovering it", metadata: .of(.recoveryBegun, ["job": "\(id)"]))
        switch try await JobRecovery(around: around, job: job).run(patience: patience) {
        case .finished(let record):
            if let record {
                var fields = record.request.container.logFields
                fields["job"] = "\(id)"
                fields["outcome"] = "\(record.outcome.rawValue)"
                fields["reason"] = "\(record.message)"
                around.logger.notice(
                    "job \(id), a checkpoint of \(record.request.container.name), ended as \(record.outcome.rawValue)",
                    metadata: .of(.recoveryEnded, fields))
            }
            return .finished(record?.outcome)
        case .open(let reason):
            return .open(reason.text)
        }
    }

    private enum Claim: Equatable {
        case taken(JobLock)
        /// Somebody works on it.
        case held
        /// Somebody has finished it between the look and the lock.
        case gone

        static func == (left: Claim, right: Claim) -> Bool {
            switch (left, right) {
            case (.held, .held), (.gone, .gone): true
            default: false
            }
        }
    }

    private func claim(_ job: JobDirectory) throws(StorageError) -> Claim {
        do throws(StorageError) {
            return try JobLock.tryAcquire(job).map { .taken($0) } ?? .held
        } catch {
            if error.isMissing { return .gone }
            throw error
        }
    }

    private func isFresh(_ job: JobDirectory) -> Bool {
        guard let request = try? job.read(JobRequest.self, from: .request) else { return false }
        let age = around.clock.now().duration(since: request.acceptedAt.time)
        // Accepted in the future: the clock was set back.
        return age >= .zero && age < Self.unstarted
    }
}
