// SPDX-License-Identifier: Apache-2.0
internal import CLinux
internal import Crypto
internal import Glibc
internal import Posix

/// Why an archive was not taken for a good one.
package enum VerificationFailure: Error, Equatable, CustomStringConvertible {
    /// It is not what it should be.
    case bad(String)
    /// It could not be read; `isMissing`: there is none.
    case unreadable(StorageError)

    package var description: String {
        switch self {
        case .bad(let text): text
        case .unreadable(let error): error.description
        }
    }
}

/// Reads an archive once, from its first byte to its last, for its SHA-256 and for whether it is whole.
package struct ArchiveVerifier: Sendable {
    /// The full id that `config.dump` must name.
    package var containerID: String
    /// Called with the bytes read and the bytes in all, every 16 MiB and at the end.
    package var progress: @Sendable (_ read: UInt64, _ total: UInt64) -> Void

    /// Pieces in which the file is read; a multiple of a tar block.
    private static let pieceSize = 1 << 20
    /// How often the page cache behind is given back.
    private static let cacheStep: UInt64 = 16 << 20

    package init(
        containerID: String, progress: @escaping @Sendable (_ read: UInt64, _ total: UInt64) -> Void = { _, _ in }
    ) {
        self.containerID = containerID
        self.progress = progress
    }

    /// Verifies `archive.tar` of a job and makes it readable for its owner only.
    package func verify(_ job: JobDirectory) throws(VerificationFailure) -> VerifiedArchive {
        let path = job.path(of: .archive)
        let file = try Self.open(in: job.directory, JobFile.archive.rawValue, path: path, owner: job.owner)
        do {
            _ = try retrying { fchmod(file.number, 0o600) }
        } catch {
            throw .unreadable(StorageError("set the mode of", path, code: error.code))
        }
        return try verify(file, path: path)
    }

    /// Verifies a published archive, which is not changed.
    package func verify(
        _ fileName: String, in directory: CheckpointDirectory
    ) throws(VerificationFailure) -> VerifiedArchive {
        let path = directory.path + "/" + printable(fileName)
        guard !fileName.isEmpty, !fileName.utf8.contains(UInt8(ascii: "/")), !fileName.utf8.contains(0) else {
            throw .unreadable(StorageError("open", path, code: EINVAL))
        }
        let file = try Self.open(in: directory.archives, fileName, path: path, owner: directory.owner)
        return try verify(file, path: path)
    }

    /// Opens a regular file of ours that has one name, and nothing else.
    private static func open(
        in directory: Descriptor, _ name: String, path: String, owner: uid_t
    ) throws(VerificationFailure) -> Descriptor {
        let file: Descriptor
        let status: stat
        do {
            // A pipe in its place must not block.
            file = try Descriptor.open(in: directory.number, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK)
            status = try file.status()
        } catch {
            if error.code == ELOOP { throw .bad("\(path) is a link") }
            throw .unreadable(StorageError("open", path, code: error.code))
        }
        guard status.st_mode & S_IFMT == S_IFREG else { throw .bad("\(path) is not a regular file") }
        guard status.st_nlink == 1 else { throw .bad("\(path) has \(status.st_nlink) names, and must have one") }
        guard status.st_uid == owner else {
            throw .bad("\(path) belongs to uid \(status.st_uid), and must belong to uid \(owner)")
        }
        return file
    }

    private func verify(_ file: Descriptor, path: String) throws(VerificationFailure) -> VerifiedArchive {
        let identity = FileIdentity(try Self.reading(path) { () throws(ErrorNumber) in try file.status() })
        // The runtime has not waited for the disk: it begins to write now, so that this and hashing overlap.
        _ = nodekeep_begin_write_back(file.number)
        posix_fadvise(file.number, 0, 0, POSIX_FADV_SEQUENTIAL)
        let total = UInt64(clamping: identity.size)
        var reader = TarReader(ArchiveInspector(containerID: containerID), total: total)
        var hash = SHA256()
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: Self.pieceSize, alignment: 4096)
        defer { buffer.deallocate() }
        var position: UInt64 = 0
        var givenBack: UInt64 = 0
        let facts: ArchiveFacts
        do {
            while true {
                let count = try Self.reading(path) { () throws(ErrorNumber) in
                    try retrying { read(file.number, buffer.baseAddress, buffer.count) }
                }
                if count == 0 { break }
                let piece = UnsafeRawBufferPointer(rebasing: buffer.prefix(count))
                hash.update(bufferPointer: piece)
                try reader.feed(piece)
                position += UInt64(count)
                if position - givenBack >= Self.cacheStep {
                    posix_fadvise(
                        file.number, off_t(givenBack), off_t(position - givenBack), POSIX_FADV_DONTNEED)
                    givenBack = position
                    progress(position, total)
                }
            }
            try reader.finish()
            facts = try reader.consumer.finish(pageSize: UInt64(clamping: sysconf(Int32(_SC_PAGESIZE))))
        } catch let problem as ArchiveProblem {
            throw .bad("\(path) is not a whole checkpoint archive: \(problem)")
        } catch let failure as VerificationFailure {
            throw failure
        } catch {
            throw .bad("\(path): \(error)")
        }
        posix_fadvise(file.number, 0, 0, POSIX_FADV_DONTNEED)
        let after = FileIdentity(try Self.reading(path) { () throws(ErrorNumber) in try file.status() })
        guard after == identity, position == total else { throw .bad("\(path) was written to while it was read") }
        progress(position, total)
        let digits = Array("0123456789abcdef".utf8)
        let sha256 = hash.finalize().flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }
        return VerifiedArchive(
            path: path, sha256: String(decoding: sha256, as: UTF8.self), facts: facts, file: file, identity: identity)
    }

    private static func reading<Value>(
        _ path: String, _ body: () throws(ErrorNumber) -> Value
    ) throws(VerificationFailure) -> Value {
        do { return try body() } catch { throw .unreadable(StorageError("read", path, code: error.code)) }
    }
}
