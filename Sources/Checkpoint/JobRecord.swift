// SPDX-License-Identifier: Apache-2.0

/// How a job ended.
package enum JobOutcome: String, Codable, Sendable, CaseIterable {
    case published
    /// The runtime refused or failed; `message` is its own text.
    case runtimeError
    /// The answer was lost with the connection.
    case lost
    /// The archive is not what it should be.
    case badArchive
    /// Somebody else paused, resumed or dumped the container meanwhile, twice.
    case contended
    /// It was not running when its turn came.
    case notRunning
    /// Somebody had paused it.
    case paused
    /// The pod or the container is not the one that was accepted.
    case replaced
    /// A disk was or became full.
    case noSpace
    /// The archive's name cannot be, or could not be taken.
    case nameRefused
    /// Its caller left before it was started.
    case dropped
    /// The dump process died before it could say more; recovery has put things in order.
    case interrupted
    /// Anything of ours that failed: a file that could not be written.
    case internalError
}

/// Times of the phases, in milliseconds.
package struct PhaseTimes: Codable, Equatable, Sendable {
    /// From acceptance to the start of the dump process.
    package var queued: Double?
    package var prepare: Double?
    /// The CRI call from its first byte to its answer.
    package var dump: Double?
    /// As far as it was seen: the container did not run.
    package var frozen: Double?
    package var verify: Double?
    package var publish: Double?

    package init() {}
}

/// `outcome.json` and `records/<id>.json`: everything about one attempt.
package struct JobRecord: Codable, Equatable, Sendable {
    package var version = 1
    package var request: JobRequest
    package var outcome: JobOutcome
    /// For the operator; for `runtimeError` the runtime's `rpc error: code = … desc = …`.
    package var message: String
    package var startedAt: Moment?
    package var finishedAt: Moment
    package var times = PhaseTimes()
    /// Tries made: 2 after a contended first one.
    package var attempts = 0
    /// File name of the published archive below the checkpoints directory.
    package var archive: String?
    /// Bytes.
    package var size: UInt64?
    /// Lower-case hex.
    package var sha256: String?
    /// What the archive was found to hold.
    package var facts: ArchiveFacts?
    /// `containerd v2.1.9`
    package var runtime: String?
    /// The last lines of `criu-dump.log`, where it can be read.
    package var log: [String]?
    /// What the container was seen to be at the end: `RUNNING`, `STOPPED`, `PAUSED`, `gone`; nil when nothing was called.
    package var containerState: String?
    /// How an open freeze was closed: `resumed by the runtime`, `resumed by nodekeep`, ….
    package var thaw: String?

    package init(request: JobRequest, outcome: JobOutcome, message: String, finishedAt: Moment) {
        self.request = request
        self.outcome = outcome
        self.message = message
        self.finishedAt = finishedAt
    }
}
