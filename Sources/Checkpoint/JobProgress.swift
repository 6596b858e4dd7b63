// SPDX-License-Identifier: Apache-2.0

/// Where a job is.
package enum JobPhase: String, Codable, Sendable, CaseIterable {
    /// Accepted, waits for its turn. Only ever in the agent's memory.
    case queued
    /// The dump process looks at the container and waits until nobody else works on it.
    case preparing
    /// The CRI call.
    case dumping
    /// After an error or a lost call: the container's state is looked after.
    case thawing
    /// The archive is read through and hashed.
    case verifying
    /// fsync, record, rename.
    case publishing
    case done
}

/// `progress.json`.
package struct JobProgress: Codable, Equatable, Sendable {
    package var phase: JobPhase
    package var since: Moment
    package var processID: Int32
    /// Which try this is: 1, and 2 after a contended first one.
    package var attempt: Int

    package init(phase: JobPhase, since: Moment, processID: Int32, attempt: Int) {
        self.phase = phase
        self.since = since
        self.processID = processID
        self.attempt = attempt
    }
}
