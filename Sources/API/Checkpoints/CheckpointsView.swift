// SPDX-License-Identifier: Apache-2.0
internal import NodeStatus

/// The checkpoints at this moment, as plain values.
package struct CheckpointsView: Equatable, Sendable {
    /// The directory of the archives; nil: checkpoints are switched off.
    package var directory: String?
    /// Why no checkpoint can be taken now, or nil.
    package var problem: String?
    /// Archives in the directory, whoever made them, and their bytes; nil: not counted yet.
    package var archives: UInt64?
    package var bytes: UInt64?
    package var jobs: [CheckpointJob]
    /// Attempts that have ended since the agent started, by outcome.
    package var outcomes: [String: UInt64]
    /// Sums over what has been published since the agent started: seconds, bytes.
    package var totals: CheckpointTotals

    package init(
        directory: String? = nil, problem: String? = nil, archives: UInt64? = nil, bytes: UInt64? = nil,
        jobs: [CheckpointJob] = [], outcomes: [String: UInt64] = [:], totals: CheckpointTotals = CheckpointTotals()
    ) {
        self.directory = directory
        self.problem = problem
        self.archives = archives
        self.bytes = bytes
        self.jobs = jobs
        self.outcomes = outcomes
        self.totals = totals
    }

    var running: Int { jobs.count { $0.isRunning } }
    var queued: Int { jobs.count { !$0.isRunning } }
    /// Jobs whose container may stand still because of us and is being looked after.
    var frozen: [CheckpointJob] { jobs.filter(\.isThawing) }
}

package struct CheckpointTotals: Equatable, Sendable {
    package var dumpSeconds = 0.0
    package var frozenSeconds = 0.0
    package var verifySeconds = 0.0
    package var publishSeconds = 0.0
    package var bytes: UInt64 = 0

    package init() {}
}

/// A job that is running or queued.
package struct CheckpointJob: Equatable, Sendable, Encodable {
    package var id: String
    /// `queued`, `preparing`, `dumping`, `thawing`, `verifying`, `publishing`.
    package var phase: String
    package var namespace: String
    package var pod: String
    package var container: String
    package var containerID: String
    /// The caller's own name for the request.
    package var request: String?
    package var requester: String
    package var acceptedAt: String
    package var startedAt: String?
    /// 1 is the next; nil: running.
    package var position: Int?
    /// Bytes that the archive is expected to have.
    package var estimateBytes: UInt64?
    /// Bytes of the archive so far.
    package var writtenBytes: UInt64?

    package init(
        id: String, phase: String, namespace: String, pod: String, container: String, containerID: String,
        request: String?, requester: String, acceptedAt: String, startedAt: String?, position: Int?,
        estimateBytes: UInt64?, writtenBytes: UInt64?
    ) {
        self.id = id
        self.phase = phase
        self.namespace = namespace
        self.pod = pod
        self.container = container
        self.containerID = containerID
        self.request = request
        self.requester = requester
        self.acceptedAt = acceptedAt
        self.startedAt = startedAt
        self.position = position
        self.estimateBytes = estimateBytes
        self.writtenBytes = writtenBytes
    }

    var isRunning: Bool { phase != "queued" }
    var isThawing: Bool { phase == "thawing" }
}

/// `checkpoints` of `/status`.
struct CheckpointsReport: Encodable {
    struct Frozen: Encodable {
        var namespace: String
        var pod: String
        var container: String
        var containerID: String
        var job: String
    }

    var directory: String?
    var enabled: Bool
    var problem: String?
    var archives: UInt64?
    var bytes: UInt64?
    var running: Int
    var queued: Int
    var frozen: [Frozen]

    init(_ view: CheckpointsView) {
        directory = view.directory
        enabled = view.directory != nil
        problem = view.problem
        archives = view.archives
        bytes = view.bytes
        running = view.running
        queued = view.queued
        frozen = view.frozen.map {
            Frozen(
                namespace: $0.namespace, pod: $0.pod, container: $0.container, containerID: $0.containerID, job: $0.id)
        }
    }
}

/// `GET /checkpoints/jobs`.
struct CheckpointJobList: Encodable {
    var items: [CheckpointJob]
}
