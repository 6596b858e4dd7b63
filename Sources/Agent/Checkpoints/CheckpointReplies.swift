// SPDX-License-Identifier: Apache-2.0
internal import API
internal import Checkpoint
internal import CRI

/// From the end of a job, or what kept it from beginning, to the answer that its caller gets.
enum CheckpointReplies {
    /// - Parameter directory: where the archives are, as the operator named it.
    static func answer(_ call: CheckpointCall, _ record: JobRecord, directory: String) -> CheckpointAnswer {
        let job = record.request.id
        var answer: CheckpointAnswer
        if record.outcome == .published, let archive = record.archive {
            answer = .published(path: directory + "/" + archive, job: job)
        } else if record.outcome == .dropped {
            answer = .later(call, seconds: 5, record.message, job: job)
        } else {
            answer = .failed(call, status: status(record.outcome), record.message, job: job)
        }
        answer.ending = CheckpointAnswer.Ending(
            outcome: record.outcome.rawValue, archive: record.archive, sha256: record.sha256, size: record.size)
        return answer
    }

    static func status(_ outcome: JobOutcome) -> UInt16 {
        switch outcome {
        case .published: 200
        case .nameRefused: 400
        case .notRunning, .paused, .contended, .replaced: 409
        case .dropped: 503
        case .noSpace: 507
        case .runtimeError, .lost, .badArchive, .interrupted, .internalError: 500
        }
    }

    static func answer(_ call: CheckpointCall, _ refusal: JobQueue.Refusal) -> CheckpointAnswer {
        switch refusal {
        case .containerFull(let count):
            .later(call, seconds: 10, "\(count) checkpoints wait for this container already")
        case .nodeFull(let count):
            .later(call, seconds: 10, "\(count) checkpoints are under way or waiting on this node already")
        }
    }

    /// - Returns: nil when there is nothing in the way.
    static func answer(_ call: CheckpointCall, _ lookup: ContainerLookup) -> CheckpointAnswer? {
        switch lookup {
        case .found: nil
        case .noPod: .noPod
        case .noContainer: .noContainer(call.container)
        case .notRunning(let state):
            .failed(call, status: 409, "container \(call.container) is not running: its state is \(state.rawValue)")
        }
    }

    /// A runtime that is not there comes back; what it says itself is passed on in its words.
    static func answer(_ call: CheckpointCall, _ error: RuntimeError) -> CheckpointAnswer {
        error.isConnectionLoss || error.code == .unavailable
            ? .later(call, seconds: 5, "\(error)") : .failed(call, status: 500, "\(error)")
    }
}
