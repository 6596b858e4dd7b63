// SPDX-License-Identifier: Apache-2.0

/// What the kernel and the file system say of a container and of those who work on it. Calls block for a short time.
package protocol CheckpointMachine: Sendable {
    /// /proc/sys/kernel/random/boot_id
    func bootID() -> String
    /// getpid(2)
    var ownProcess: Int32 { get }
    /// nil: there is none of that number.
    func process(_ id: Int32) -> ProcessIdentity?
    func freezer(_ processID: Int32) -> FreezerState

    /// Whether the runtime's work directory says that a dump is under way.
    ///
    /// - Parameter runtime: the process that has the socket now; a directory from before its start is a leftover of one
    ///   that was killed. nil: none is known, and every directory counts.
    func workDirectorySign(_ directory: DumpWorkDirectory?, runtime: ProcessIdentity?) -> DumpSign

    /// Whether a criu is at work, or a low-level runtime (runc, crun), which carries out what was asked of the shim
    /// before: a pause, for instance.
    ///
    /// - Parameter task: the container's first process: what counts is its shim's; nil: any criu counts.
    func workSign(task: Int32?) -> DumpSign

    /// From now on counts the work directories that the runtime makes; nil where they cannot be watched.
    func watch(_ directory: DumpWorkDirectory) -> (any WorkDirectoryCount)?
    /// From now on looks at the freezer again and again; nil where nothing is to be seen.
    func watchFreezer(_ processID: Int32) -> (any FreezerTime)?
}

/// Counts the work directories that were made since.
package protocol WorkDirectoryCount: Sendable {
    /// nil: the count was lost.
    func made() -> Int?
}

/// For how long a freezer was not thawed.
package protocol FreezerTime: Sendable {
    /// Ends the watch.
    ///
    /// - Returns: from the first freeze to the last thaw; nil where it was never seen frozen.
    func stop() -> Duration?
}
