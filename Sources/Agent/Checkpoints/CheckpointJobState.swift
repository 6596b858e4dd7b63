// SPDX-License-Identifier: Apache-2.0
internal import API
internal import Checkpoint
internal import NodeStatus

/// One job as the keeper sees it. Used on the keeper's thread only.
final class CheckpointJobState {
    enum Stage {
        /// Its turn has not come; the lock is ours.
        case queued(JobLock)
        /// A process works on it.
        case running
        /// Its process has ended without a record: another has to put things in order, not before this time.
        case orphaned(retryAt: Duration)
    }

    let request: JobRequest
    let directory: JobDirectory
    var stage: Stage
    /// Nil: nobody waits for it (any more).
    var caller: LongCallID?
    /// Our child; nil: a unit's process, or one that an earlier agent has started.
    var worker: WorkerProcess?
    var progress: JobProgress?
    var written: UInt64?
    var startedAt: Timestamp?
    /// Recoveries that have been started for it.
    var recoveries = 0
    /// On the monotonic clock.
    var nextLook: Duration = .seconds(Int64.max / 4)
    /// Before this its process may not have taken the lock yet.
    var graceUntil: Duration = .zero

    init(request: JobRequest, directory: JobDirectory, stage: Stage, caller: LongCallID?) {
        self.request = request
        self.directory = directory
        self.stage = stage
        self.caller = caller
    }

    var isQueued: Bool {
        if case .queued = stage { true } else { false }
    }

    /// Reads what its process says of itself.
    func readProgress() {
        progress = (try? directory.read(JobProgress.self, from: .progress)) ?? progress
        written = directory.size(of: .archive)
    }

    func view(position: Int?) -> CheckpointJob {
        let container = request.container
        let phase: JobPhase =
            switch stage {
            case .queued: .queued
            case .running: progress?.phase ?? .preparing
            case .orphaned: .thawing
            }
        return CheckpointJob(
            id: request.id, phase: phase.rawValue, namespace: container.namespace, pod: container.pod,
            container: container.container, containerID: container.containerID, request: request.requester.request,
            requester: request.requester.user, acceptedAt: request.acceptedAt.time.rfc3339Micro,
            startedAt: startedAt?.rfc3339Micro, position: position,
            estimateBytes: request.estimate?.charges.last?.bytes,
            writtenBytes: written)
    }
}

extension CheckpointDesk {
    /// A job that is over, as long as its directory may still be there.
    struct Remains {
        /// On the monotonic clock.
        var nextLook: Duration
        var wait: Duration
    }
}
