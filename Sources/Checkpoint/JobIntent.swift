// SPDX-License-Identifier: Apache-2.0

/// `intent.json`: what is about to be done to a container, so that whoever comes later can undo it.
package struct JobIntent: Codable, Equatable, Sendable {
    package var version = 1
    package var containerID: String
    /// The container's first process; nil: the runtime did not say.
    package var task: ProcessIdentity?
    /// /proc/sys/kernel/random/boot_id
    package var bootID: String
    /// `unix:///…`
    package var runtimeEndpoint: String
    package var runtime: RuntimeDescription
    /// The runtime's process at that time; nil: it could not be told.
    package var runtimeProcess: ProcessIdentity?
    /// `RUNNING`: nothing else is dumped.
    package var stateBefore: String
    package var moment: Moment
    package var attempt: Int

    package init(
        containerID: String, task: ProcessIdentity?, bootID: String, runtimeEndpoint: String,
        runtime: RuntimeDescription, runtimeProcess: ProcessIdentity?, stateBefore: String, moment: Moment, attempt: Int
    ) {
        self.containerID = containerID
        self.task = task
        self.bootID = bootID
        self.runtimeEndpoint = runtimeEndpoint
        self.runtime = runtime
        self.runtimeProcess = runtimeProcess
        self.stateBefore = stateBefore
        self.moment = moment
        self.attempt = attempt
    }
}

/// `returned.json`: how the CRI call ended. No such file: it is not known whether it has.
package struct JobReturn: Codable, Equatable, Sendable {
    package struct Failure: Codable, Equatable, Sendable {
        /// gRPC's name of the code.
        package var code: String
        package var message: String
        /// The runtime did not say this: the connection was lost, and the call may go on.
        package var isConnectionLoss: Bool

        package init(code: String, message: String, isConnectionLoss: Bool) {
            self.code = code
            self.message = message
            self.isConnectionLoss = isConnectionLoss
        }
    }

    package var version = 1
    package var attempt: Int
    package var moment: Moment
    /// nil: the runtime answered that it is done.
    package var failure: Failure?
    /// The call was cut off, or may have been: it is not known whether the runtime has undone its pause.
    package var isLost = false
    /// Whether anybody else worked on the container during the call; nil: not decided yet.
    package var contention: Contention?
    /// The runtime's events show the pause of this call and no resume.
    package var pauseIsOpen = false
    /// The runtime's events show that what was paused has been resumed.
    package var resumeWasSeen = false
    /// Milliseconds.
    package var dump: Double?
    package var frozen: Double?

    package init(attempt: Int, moment: Moment, failure: Failure?) {
        self.attempt = attempt
        self.moment = moment
        self.failure = failure
    }
}

/// `closed.json`: the container was seen not to be frozen by this job any more.
package struct JobClosing: Codable, Equatable, Sendable {
    package var version = 1
    package var moment: Moment
    /// `RUNNING`, `STOPPED`, `gone`.
    package var state: String
    /// `resumed by the runtime`, `resumed by nodekeep`, ….
    package var how: String

    package init(moment: Moment, state: String, how: String) {
        self.moment = moment
        self.state = state
        self.how = how
    }
}
