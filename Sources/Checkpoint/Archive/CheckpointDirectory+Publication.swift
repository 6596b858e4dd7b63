// SPDX-License-Identifier: Apache-2.0
internal import CLinux
internal import Glibc
internal import Posix

/// A published archive as it is in the directory.
package struct ArchiveEntry: Equatable, Sendable {
    package var fileName: String
    /// Bytes.
    package var size: UInt64
    /// Seconds since 1970.
    package var modified: Int64

    package init(fileName: String, size: UInt64, modified: Int64) {
        self.fileName = fileName
        self.size = size
        self.modified = modified
    }
}

/// Why an archive was not published.
package enum PublicationFailure: Error, Equatable, CustomStringConvertible {
    case storage(StorageError)
    case nameRefused(ArchiveNameRefusal)
    /// It is no longer the file that was verified.
    case changed(String)

    package var description: String {
        switch self {
        case .storage(let error): error.description
        case .nameRefused(let refusal): refusal.description
        case .changed(let text): text
        }
    }
}

extension CheckpointDirectory {
    /// How many names are tried, each a nanosecond after the one before.
    package static let nameTries = 64

    /// Gives a verified archive its final name.
    ///
    /// The archive is on the disk before, and both directories are after. Never replaces a file: while the name is
    /// taken it tries one that is a nanosecond later.
    ///
    /// - Parameter announce: called before each try with the name, to write it durably into the job's outcome: whoever
    ///   finds that outcome after a crash, and no `archive.tar` in the job directory, knows that the archive has it.
    /// - Returns: the name that the archive has now.
    package func publish(
        _ archive: VerifiedArchive, of job: JobDirectory, as name: ArchiveName,
        announce: (ArchiveName) throws(StorageError) -> Void
    ) throws(PublicationFailure) -> ArchiveName {
        do {
            try archive.synchronize()
            try checkUnchanged(archive, of: job)
            var name = name
            for _ in 0..<Self.nameTries {
                try announce(name)
                if try rename(job, to: name) {
                    try naming("write to the disk the directory", path) { () throws(ErrorNumber) in
                        try archives.synchronize()
                        try job.directory.synchronize()
                    }
                    return name
                }
                name = try name.bumped()
            }
            throw PublicationFailure.storage(
                StorageError(
                    "rename \(job.path(of: .archive)) to", "\(path)/\(name)", code: EEXIST,
                    hint: "and so are the \(Self.nameTries) names before it"))
        } catch let error as PublicationFailure {
            throw error
        } catch let error as StorageError {
            throw .storage(error)
        } catch let error as ArchiveNameRefusal {
            throw .nameRefused(error)
        } catch {
            throw .storage(StorageError("\(error)"))
        }
    }

    /// False where the name is taken.
    private func rename(_ job: JobDirectory, to name: ArchiveName) throws(StorageError) -> Bool {
        do {
            _ = try retrying {
                nodekeep_rename_new(
                    job.directory.number, JobFile.archive.rawValue, archives.number, name.fileName)
            }
            return true
        } catch {
            if error.code == EEXIST { return false }
            throw StorageError("rename \(job.path(of: .archive)) to", "\(path)/\(name)", code: error.code)
        }
    }

    private func checkUnchanged(_ archive: VerifiedArchive, of job: JobDirectory) throws {
        let path = job.path(of: .archive)
        var status = stat()
        guard fstatat(job.directory.number, JobFile.archive.rawValue, &status, AT_SYMLINK_NOFOLLOW) == 0 else {
            throw StorageError("look at", path, code: errno)
        }
        guard archive.identity == FileIdentity(status) else {
            throw PublicationFailure.changed("\(path) has been changed since it was verified")
        }
    }

    /// Whether there is a published archive (or anything else) of this name.
    package func containsArchive(_ fileName: String) -> Bool {
        var status = stat()
        return !fileName.utf8.contains(UInt8(ascii: "/"))
            && fstatat(archives.number, fileName, &status, AT_SYMLINK_NOFOLLOW) == 0
    }

    /// Every archive in the directory, those that others have put there too, in no particular order: regular files
    /// named `checkpoint-….tar`.
    package func archiveEntries() throws(StorageError) -> [ArchiveEntry] {
        try directoryNames(archives, path: path).compactMap { name in
            guard name.hasPrefix("checkpoint-"), name.hasSuffix(".tar") else { return nil }
            var status = stat()
            guard fstatat(archives.number, name, &status, AT_SYMLINK_NOFOLLOW) == 0, status.st_mode & S_IFMT == S_IFREG
            else { return nil }
            return ArchiveEntry(
                fileName: name, size: UInt64(clamping: status.st_size), modified: Int64(status.st_mtim.tv_sec))
        }
    }
}
