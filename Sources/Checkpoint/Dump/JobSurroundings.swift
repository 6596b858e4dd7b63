// SPDX-License-Identifier: Apache-2.0
package import Logging

/// What a dump and a recovery work with.
package struct JobSurroundings: Sendable {
    package var directory: CheckpointDirectory
    package var connector: any RuntimeConnector
    package var machine: any CheckpointMachine
    package var clock: any CheckpointClock
    package var logger: Logger
    package var timing = ThawDecision.Timing()
    /// Called after every step that another process can see; see ``DumpStep``.
    package var after: @Sendable (DumpStep) throws(DumpAbandoned) -> Void = { _ in }

    package init(
        directory: CheckpointDirectory, connector: any RuntimeConnector = SocketConnector(),
        machine: any CheckpointMachine = LinuxMachine(), clock: any CheckpointClock = SystemClock(), logger: Logger
    ) {
        self.directory = directory
        self.connector = connector
        self.machine = machine
        self.clock = clock
        self.logger = logger
    }

    func timing(for request: JobRequest?) -> ThawDecision.Timing {
        var timing = timing
        timing.quiet = DumpActivity.quiet(for: request?.estimate)
        return timing
    }

    func moment() -> Moment { Moment(clock.now()) }
}

/// The steps of a job after which what is on the disk differs: a process may die behind each of them.
package enum DumpStep: String, Sendable, CaseIterable {
    case lockTaken
    case intentWritten
    case called
    case returnedWritten
    case contentionWritten
    case closed
    case tryRemoved
    case verified
    case outcomeWritten
    case archiveRenamed
    case recordMoved
    case jobRemoved
}

/// Thrown by ``JobSurroundings/after``: everything is left as it is, as if the process had died there.
package struct DumpAbandoned: Error {
    package init() {}
}
