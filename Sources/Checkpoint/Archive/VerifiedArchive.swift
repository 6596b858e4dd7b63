// SPDX-License-Identifier: Apache-2.0
internal import CLinux
internal import Glibc
internal import Posix

/// What tells that a file is still the one it was: device, inode, length, time of the last write.
struct FileIdentity: Equatable, Sendable {
    var device: UInt
    var inode: UInt
    var size: Int
    var seconds: Int
    var nanoseconds: Int

    init(_ status: stat) {
        device = UInt(status.st_dev)
        inode = UInt(status.st_ino)
        size = Int(status.st_size)
        seconds = Int(status.st_mtim.tv_sec)
        nanoseconds = Int(status.st_mtim.tv_nsec)
    }
}

/// What an archive was found to hold.
package struct ArchiveFacts: Codable, Equatable, Sendable {
    /// Files, directories and links.
    package var entries: UInt64 = 0
    /// Bytes of `checkpoint/pages-*.img`: the memory of the processes.
    package var memoryPages: UInt64 = 0
    /// Bytes of `rootfs-diff.tar`, 0 where there is none.
    package var rootFSDiff: UInt64 = 0
    /// Processes in `checkpoint/pstree.img`; nil where it was not understood.
    package var processes: UInt64?

    package init() {}
}

/// An archive that was read to its end and is what it should be, with the open file that was read.
package final class VerifiedArchive: Sendable {
    package let path: String
    /// Bytes.
    package let size: UInt64
    /// Lower-case hex.
    package let sha256: String
    package let facts: ArchiveFacts
    let file: Descriptor
    let identity: FileIdentity

    init(path: String, sha256: String, facts: ArchiveFacts, file: Descriptor, identity: FileIdentity) {
        self.path = path
        size = UInt64(clamping: identity.size)
        self.sha256 = sha256
        self.facts = facts
        self.file = file
        self.identity = identity
    }

    /// Waits until all of it is on the disk, and gives the page cache back.
    func synchronize() throws(StorageError) {
        try naming("write to the disk", path) { () throws(ErrorNumber) in try file.synchronize() }
        posix_fadvise(file.number, 0, 0, POSIX_FADV_DONTNEED)
    }
}
