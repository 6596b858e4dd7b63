// SPDX-License-Identifier: Apache-2.0
internal import KubeAPI
internal import Checkpoint
internal import Heartbeat

extension HeartbeatKeeper {
    /// An event about the Node for each checkpoint that somebody waited for.
    func tell(_ record: JobRecord) {
        let name = record.request.container.name
        switch record.outcome {
        case .published:
            self.record(.normal, reason: "CheckpointTaken", message: "A checkpoint of \(name) was taken")
        case .dropped:
            break
        case .notRunning, .paused, .replaced, .noSpace, .nameRefused, .contended:
            self.record(
                .warning, reason: "CheckpointRefused", message: "No checkpoint of \(name): \(record.message)")
        case .runtimeError, .lost, .badArchive, .interrupted, .internalError:
            self.record(.warning, reason: "CheckpointFailed", message: "No checkpoint of \(name): \(record.message)")
        }
    }
}
