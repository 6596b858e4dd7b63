// SPDX-License-Identifier: Apache-2.0
internal import Logbook
package import Logging

/// `nodekeep dump <job directory>`.
package enum DumpMain {
    /// Does one job to its end, whatever signals are sent meanwhile.
    ///
    /// - Parameter jobDirectory: absolute: `<checkpoints>/.nodekeep/<job id>`.
    /// - Returns: the exit code: 0 when the job has a record, 1 when it is left for a recovery, 2 for a path that is none.
    package static func run(jobDirectory: String, logger: Logger) async -> Int32 {
        IgnoredSignals.ignore()
        guard let (checkpoints, id) = place(of: jobDirectory) else {
            logger.error(
                "\(jobDirectory) is not <checkpoints>/\(CheckpointDirectory.workName)/<job id>",
                metadata: .of(.recoveryProblem))
            return 2
        }
        do {
            return try await onOwnThread("dump") {
                do {
                    let directory = try CheckpointDirectory.open(checkpoints, creating: false)
                    let record = try await Dump(JobSurroundings(directory: directory, logger: logger)).run(id)
                    return record == nil ? 1 : 0
                } catch {
                    logger.error(
                        "job \(id) is left as it is: \(error)", metadata: .of(.recoveryOpen, ["job": "\(id)"]))
                    return 1
                }
            }
        } catch {
            logger.error("\(error)", metadata: .of(.recoveryOpen, ["job": "\(id)"]))
            return 1
        }
    }

    static func place(of jobDirectory: String) -> (checkpoints: String, id: JobID)? {
        guard jobDirectory.hasPrefix("/") else { return nil }
        var components = jobDirectory.split(separator: "/")
        guard let id = components.popLast().flatMap({ JobID(String($0)) }),
            components.popLast() == CheckpointDirectory.workName[...], !components.isEmpty
        else { return nil }
        return ("/" + components.joined(separator: "/"), id)
    }
}
