// SPDX-License-Identifier: Apache-2.0
internal import CLinux
internal import Glibc
internal import NodeStatus
internal import Posix

/// The directory that archives are published in, with `.nodekeep` below it for jobs and records.
///
/// Opened once; everything below is reached through descriptors, so that nobody who can rename a parent directory moves
/// it. All calls are synchronous and go to the disk: they are not for a task.
package final class CheckpointDirectory: Sendable {
    /// As it was given, without a slash at its end. The runtime is given paths below it.
    package let path: String
    let archives: Descriptor
    let work: Descriptor
    let records: Descriptor
    let owner: uid_t

    static let workName = ".nodekeep"
    static let recordsName = "records"
    static let recordSuffix = ".json"
    /// What a job directory is renamed to before it is emptied.
    static let removedPrefix = "removed-"

    package var workPath: String { path + "/" + Self.workName }
    /// Where a record appears (IN_MOVED_TO) when a job is over.
    package var recordsPath: String { workPath + "/" + Self.recordsName }

    /// Opens the directory and checks it: its owner is this process's user, its mode 0700, it is no link.
    ///
    /// - Parameters:
    ///   - path: absolute.
    ///   - creating: makes what is missing and proves that files there can be renamed without replacing others, which
    ///     not every file system can.
    /// - Throws: `StorageError` saying which directory is wrong, how, and what to do.
    package static func open(_ path: String, creating: Bool) throws(StorageError) -> CheckpointDirectory {
        try CheckpointDirectory(path, owner: geteuid(), creating: creating)
    }

    init(_ path: String, owner: uid_t, creating: Bool) throws(StorageError) {
        var path = path[...]
        while path.utf8.count > 1, path.hasSuffix("/") { path.removeLast() }
        self.path = String(path)
        self.owner = owner
        archives = try PrivateDirectory.open(self.path, owner: owner, creating: creating)
        let workPath = path + "/" + Self.workName
        work = try PrivateDirectory.open(
            in: archives.number, Self.workName, path: String(workPath), owner: owner, creating: creating)
        records = try PrivateDirectory.open(
            in: work.number, Self.recordsName, path: "\(workPath)/\(Self.recordsName)", owner: owner, creating: creating
        )
        let devices = try naming("look at the directory", self.path) { () throws(ErrorNumber) in
            [try archives.status().st_dev, try work.status().st_dev, try records.status().st_dev]
        }
        guard devices.allSatisfy({ $0 == devices[0] }) else {
            throw StorageError(
                "\(workPath) is on another file system than \(path): an archive could not be renamed into place; unmount it"
            )
        }
        if creating { try proveExclusiveRename() }
    }

    private func proveExclusiveRename() throws(StorageError) {
        let name = ".probe-\(getpid())-\(UInt32.random(in: .min ... .max))"
        let renamed = name + ".renamed"
        defer {
            unlinkat(work.number, name, 0)
            unlinkat(work.number, renamed, 0)
        }
        try naming("create a file in", workPath) { () throws(ErrorNumber) in
            _ = try Descriptor.open(in: work.number, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, mode: 0o600)
        }
        try naming(
            "rename a file without replacing another in", workPath,
            hint: "its file system cannot; set checkpointDirectory to a directory on another one"
        ) { () throws(ErrorNumber) in
            _ = try retrying { nodekeep_rename_new(work.number, name, work.number, renamed) }
        }
    }

    /// Whether both are the same directory, whatever their paths.
    package func isSame(as other: CheckpointDirectory) throws(StorageError) -> Bool {
        try naming("look at the directory", path) { () throws(ErrorNumber) in
            guard try archives.isSameFile(as: other.archives) else { return false }
            return try work.isSameFile(as: other.work)
        }
    }

    // MARK: Jobs

    /// Makes the directory of a new job, 0700.
    ///
    /// - Throws: `StorageError`, `isTaken` where there is a job or a record of that name already.
    package func createJob(_ id: JobID) throws(StorageError) -> JobDirectory {
        let jobPath = jobPath(id)
        var status = stat()
        if fstatat(records.number, Self.recordName(id), &status, AT_SYMLINK_NOFOLLOW) == 0 {
            throw StorageError("create the job directory", jobPath, code: EEXIST, hint: "it has a record already")
        }
        try naming("create the job directory", jobPath) { () throws(ErrorNumber) in
            _ = try retrying { mkdirat(work.number, id.description, 0o700) }
        }
        let opened = try PrivateDirectory.open(
            in: work.number, id.description, path: jobPath, owner: owner, creating: false)
        try naming("write to the disk the directory", workPath) { () throws(ErrorNumber) in try work.synchronize() }
        return JobDirectory(id: id, path: jobPath, directory: opened, owner: owner)
    }

    /// Opens the directory of a job; nil where there is none (any more).
    package func job(_ id: JobID) throws(StorageError) -> JobDirectory? {
        do {
            let opened = try PrivateDirectory.open(
                in: work.number, id.description, path: jobPath(id), owner: owner, creating: false)
            return JobDirectory(id: id, path: jobPath(id), directory: opened, owner: owner)
        } catch  where error.isMissing {
            return nil
        }
    }

    /// The jobs that have a directory, the oldest first.
    package func jobs() throws(StorageError) -> [JobID] {
        try directoryNames(work, path: workPath).compactMap(JobID.init).sorted()
    }

    /// Removes the directory of a job with everything in it. None there: nothing to do.
    ///
    /// Renamed first, so that a runtime that is late finds no directory to write into, and emptied afterwards: where
    /// that is interrupted or fails, ``removeLeftovers()`` goes on.
    package func removeJob(_ id: JobID) throws(StorageError) {
        let removed = Self.removedPrefix + id.description
        do {
            _ = try retrying { nodekeep_rename_new(work.number, id.description, work.number, removed) }
        } catch {
            switch error.code {
            case ENOENT: return
            // A leftover has that name: empty the directory where it is.
            case EEXIST: return try removeTree(in: work, id.description, path: jobPath(id))
            default: throw StorageError("remove the job directory", jobPath(id), code: error.code)
            }
        }
        try removeTree(in: work, removed, path: workPath + "/" + removed)
    }

    /// Goes on with removals that were interrupted, and removes what a killed process left of files half-made.
    ///
    /// - Returns: what could not be removed, and why.
    package func removeLeftovers() throws(StorageError) -> [StorageError] {
        var problems: [StorageError] = []
        for name in try directoryNames(work, path: workPath) where name.hasPrefix(Self.removedPrefix) {
            do { try removeTree(in: work, name, path: workPath + "/" + name) } catch { problems.append(error) }
        }
        return problems
    }

    private func jobPath(_ id: JobID) -> String { workPath + "/" + id.description }
    static func recordName(_ id: JobID) -> String { id.description + recordSuffix }
}
