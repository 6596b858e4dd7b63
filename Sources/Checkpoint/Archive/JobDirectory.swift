// SPDX-License-Identifier: Apache-2.0
internal import Glibc
internal import Posix

/// The files of a job directory.
package enum JobFile: String, Sendable, CaseIterable {
    case lock = "lock"
    case request = "request.json"
    case progress = "progress.json"
    case intent = "intent.json"
    case returned = "returned.json"
    case closed = "closed.json"
    case archive = "archive.tar"
    case outcome = "outcome.json"
    /// Room for the other files, given up when there is none left: a job must be able to say that the disk is full.
    case reserve = "reserve"
}

/// The open directory of one job. All calls go to the disk: they are not for a task.
package final class JobDirectory: Sendable {
    package let id: JobID
    /// Absolute.
    package let path: String
    let directory: Descriptor
    let owner: uid_t

    /// Records and their like are a few KB; what is larger is none of ours.
    package static let fileLimit = 1 << 20
    private static let reserveSize = 64 << 10

    init(id: JobID, path: String, directory: Descriptor, owner: uid_t) {
        self.id = id
        self.path = path
        self.directory = directory
        self.owner = owner
    }

    package func path(of file: JobFile) -> String { path + "/" + file.rawValue }

    /// Replaces a file as a whole: whoever reads it sees the old one or the new one, also after a crash.
    ///
    /// - Parameter durably: waits until file and directory are on the disk.
    package func write(_ bytes: [UInt8], to file: JobFile, durably: Bool = true) throws(StorageError) {
        do throws(StorageError) {
            try replace(file, with: bytes, durably: durably)
        } catch {
            guard error.isNoSpace, file != .reserve, contains(.reserve) else { throw error }
            try remove(.reserve)
            try replace(file, with: bytes, durably: durably)
        }
    }

    /// Sets room aside for what will have to be written about this job, whatever becomes of the disk.
    package func writeReserve() throws(StorageError) {
        try write([UInt8](repeating: 0, count: Self.reserveSize), to: .reserve)
    }

    private func replace(_ file: JobFile, with bytes: [UInt8], durably: Bool) throws(StorageError) {
        try naming("write", path(of: file)) { () throws(ErrorNumber) in
            try directory.replace(file.rawValue, with: bytes, durably: durably)
        }
    }

    /// The content of a file; nil where there is none.
    ///
    /// - Throws: also for what is no regular file of our own, or longer than ``fileLimit``.
    package func read(_ file: JobFile) throws(StorageError) -> [UInt8]? {
        try readPrivateFile(in: directory, file.rawValue, path: path(of: file), owner: owner, limit: Self.fileLimit)
    }

    package func contains(_ file: JobFile) -> Bool {
        var status = stat()
        return fstatat(directory.number, file.rawValue, &status, AT_SYMLINK_NOFOLLOW) == 0
    }

    /// The length of a file in bytes; nil where there is none.
    package func size(of file: JobFile) -> UInt64? {
        var status = stat()
        guard fstatat(directory.number, file.rawValue, &status, AT_SYMLINK_NOFOLLOW) == 0 else { return nil }
        return UInt64(clamping: status.st_size)
    }

    /// Removes a file. None there: nothing to do.
    package func remove(_ file: JobFile) throws(StorageError) {
        guard unlinkat(directory.number, file.rawValue, 0) != 0, errno != ENOENT else { return }
        throw StorageError("remove", path(of: file), code: errno)
    }

    /// Until names that were made, renamed and removed are on the disk.
    package func synchronize() throws(StorageError) {
        try naming("write to the disk the directory", path) { () throws(ErrorNumber) in try directory.synchronize() }
    }
}

/// A whole small file that nobody else can have written; nil where there is none.
func readPrivateFile(
    in directory: Descriptor, _ name: String, path: String, owner: uid_t, limit: Int
) throws(StorageError) -> [UInt8]? {
    let opened: Descriptor
    do {
        // A pipe in its place must not block.
        opened = try Descriptor.open(in: directory.number, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK)
    } catch {
        if error.code == ENOENT { return nil }
        throw StorageError("open", path, code: error.code)
    }
    let (status, bytes) = try naming("read", path) { () throws(ErrorNumber) in
        (try opened.status(), try opened.read(limit: limit + 1))
    }
    guard status.st_mode & S_IFMT == S_IFREG, status.st_uid == owner else {
        throw StorageError("\(path) is not a regular file of uid \(owner); remove it")
    }
    guard bytes.count <= limit else { throw StorageError("\(path) is longer than \(limit) bytes; remove it") }
    return bytes
}
