// SPDX-License-Identifier: Apache-2.0
internal import Glibc
internal import Logbook
package import Logging

/// `nodekeep recover`.
package enum RecoverMain {
    /// One job whose process has died, until its container is let go of, however long that takes.
    ///
    /// - Returns: the exit code: 0 when the job has a record, 1 when it is left as it is, 2 for a path that is none.
    package static func run(jobDirectory: String, logger: Logger) async -> Int32 {
        IgnoredSignals.ignore()
        guard let (checkpoints, id) = DumpMain.place(of: jobDirectory) else {
            logger.error(
                "\(jobDirectory) is not <checkpoints>/\(CheckpointDirectory.workName)/<job id>",
                metadata: .of(.recoveryProblem))
            return 2
        }
        do {
            let directory = try CheckpointDirectory.open(checkpoints, creating: false)
            let around = JobSurroundings(directory: directory, logger: logger)
            return try await Recovery(around).recover(id) == nil ? 1 : 0
        } catch {
            logger.error("job \(id) is left as it is: \(error)", metadata: .of(.recoveryOpen, ["job": "\(id)"]))
            return 1
        }
    }

    /// Jobs without a place for their records are jobs all the same. Nothing is made where nothing is missing: the disk may
    /// be full.
    ///
    /// - Returns: nil where there is none, or no agent has worked in it.
    private static func open(_ path: String) throws(StorageError) -> CheckpointDirectory? {
        do {
            return try CheckpointDirectory.open(path, creating: false)
        } catch {
            guard error.isMissing else { throw error }
            guard access(path + "/" + CheckpointDirectory.workName, F_OK) == 0 || errno != ENOENT else { return nil }
            return try CheckpointDirectory.open(path, creating: true)
        }
    }

    /// - Parameters:
    ///   - checkpointDirectory: absolute. None there, or one that no agent has worked in: nothing to recover.
    ///   - once: tries each job once instead of until none is left.
    /// - Returns: the exit code: 0 when no job is left that nobody works on, 1 when one is or the directory is refused.
    package static func run(checkpointDirectory: String, once: Bool, logger: Logger) async -> Int32 {
        let directory: CheckpointDirectory
        do {
            guard let opened = try open(checkpointDirectory) else { return 0 }
            directory = opened
        } catch {
            logger.error("\(error)", metadata: .of(.recoveryProblem))
            return 1
        }
        let report = await Recovery(JobSurroundings(directory: directory, logger: logger)).run(
            once: once, claimingUnstarted: false)
        for id in report.busy {
            logger.notice(
                "job \(id) is under way: somebody works on it", metadata: .of(.recoveryOpen, ["job": "\(id)"]))
        }
        for (id, reason) in report.open.sorted(by: { $0.key < $1.key }) {
            logger.warning(
                "job \(id) is not finished: \(reason)", metadata: .of(.recoveryOpen, ["job": "\(id)"]))
        }
        return report.isComplete && report.open.isEmpty ? 0 : 1
    }
}
