// SPDX-License-Identifier: Apache-2.0
internal import Checkpoint
internal import Logbook
internal import Logging
internal import NodeStatus

// What the log says of jobs.

extension CheckpointDesk {
    /// Whoever asks and hangs up again and again causes records without a dump. What has none in the log has one on the
    /// disk, and is counted.
    func mayLogForCaller() -> Bool { callerRecords.take(Time.monotonic()) }

    /// Said once, not each time it is met.
    func note(problem new: String) {
        if problem != new {
            logger.error("no checkpoint can be taken: \(new)", metadata: .of(.checkpointsUnavailable))
        }
        problem = new
    }

    /// How a job has ended.
    func log(_ id: JobID, _ record: JobRecord) {
        let request = record.request
        // No process has worked on it.
        if record.startedAt == nil, !mayLogForCaller() { return }
        var metadata = request.logFields(job: id)
        metadata["outcome"] = "\(record.outcome.rawValue)"
        metadata["authenticated_by"] = "\(request.requester.authenticatedBy)"
        metadata["request"] = request.requester.request.map { "\($0)" }
        metadata["size"] = record.size.map { "\($0)" }
        metadata["frozen_ms"] = record.times.frozen.map { "\(Int64($0.rounded()))" }
        metadata["dump_ms"] = record.times.dump.map { "\(Int64($0.rounded()))" }
        let name = request.container.name
        switch record.outcome {
        case .published:
            // Every published one has both.
            metadata["archive"] = "\(record.archive ?? "")"
            metadata["sha256"] = "\(record.sha256 ?? "")"
            logger.notice(
                "a checkpoint of \(name) is published", metadata: .of(.checkpointPublished, metadata))
        case .dropped:
            logger.info(
                "a checkpoint of \(name) was dropped: \(record.message)",
                metadata: .of(.checkpointDropped, metadata))
        default:
            logger.warning(
                "no checkpoint of \(name): \(record.message)", metadata: .of(.checkpointFailed, metadata))
        }
    }
}
