// SPDX-License-Identifier: Apache-2.0
internal import Glibc
internal import Posix

/// The lock of a job: whoever works on it holds it, and the kernel drops it when that process ends, however.
///
/// Held for as long as this object lives.
package final class JobLock: Sendable {
    private let file: Descriptor

    private init(_ file: Descriptor) {
        self.file = file
    }

    /// Holds the lock until here: what is not used any more may be let go of earlier. (withExtendedLifetime in an
    /// asynchronous function crashes the compiler of Swift 6.3.1.)
    @inline(never)
    package func hold() { _ = file.number }

    /// Takes the lock without waiting for it.
    ///
    /// - Returns: nil where another process (or another part of this one) holds it.
    /// - Throws: `StorageError`; `isMissing` where the directory has been removed meanwhile.
    package static func tryAcquire(_ job: JobDirectory) throws(StorageError) -> JobLock? {
        try tryAcquire(job, betweenOpenAndLock: {})
    }

    /// - Parameter betweenOpenAndLock: what a test has happen there.
    static func tryAcquire(_ job: JobDirectory, betweenOpenAndLock: () -> Void) throws(StorageError) -> JobLock? {
        let name = JobFile.lock.rawValue
        let path = job.path(of: .lock)
        let file = try naming("open", path) { () throws(ErrorNumber) in
            try Descriptor.open(in: job.directory.number, name, O_RDWR | O_CREAT | O_NOFOLLOW, mode: 0o600)
        }
        betweenOpenAndLock()
        do {
            _ = try retrying { flock(file.number, LOCK_EX | LOCK_NB) }
        } catch {
            if error.code == EWOULDBLOCK { return nil }
            throw StorageError("lock", path, code: error.code)
        }
        // Its last holder may have removed it between our open and our lock: that would be the lock of nothing.
        let status = try naming("look at", path) { () throws(ErrorNumber) in try file.status() }
        var current = stat()
        guard fstatat(job.directory.number, name, &current, AT_SYMLINK_NOFOLLOW) == 0,
            current.st_ino == status.st_ino, current.st_dev == status.st_dev
        else { throw StorageError("lock", path, code: ENOENT) }
        return JobLock(file)
    }
}
