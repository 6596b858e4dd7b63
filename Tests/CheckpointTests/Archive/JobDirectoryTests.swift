// SPDX-License-Identifier: Apache-2.0
import Glibc
import Posix
import Testing

@testable import Checkpoint

@Suite struct JobDirectoryTests {
    private let scratch: ArchiveScratch
    private let directory: CheckpointDirectory
    private let job: JobDirectory

    init() throws {
        scratch = try ArchiveScratch()
        directory = try scratch.checkpoints()
        job = try directory.createJob(someJob)
    }

    @Test(arguments: [true, false]) func filesAreReplacedAsAWhole(_ durably: Bool) throws {
        #expect(try job.read(.request) == nil)
        #expect(!job.contains(.request))
        try job.write([UInt8](repeating: 1, count: 200_000), to: .request, durably: durably)
        #expect(try job.read(.request) == Array(repeating: 1, count: 200_000))
        let old = try Descriptor.open(in: AT_FDCWD, job.path(of: .request), O_RDONLY)
        try job.write([2] as [UInt8], to: .request, durably: durably)
        #expect(try job.read(.request) == [2])
        #expect(try old.read(limit: 1 << 20).count == 200_000)
        #expect(job.size(of: .request) == 1)
        #expect(mode(job.path(of: .request)) == 0o600)
        #expect(try directoryNames(job.directory, path: "") == ["request.json"])
        try job.remove(.request)
        try job.remove(.request)
        #expect(job.size(of: .request) == nil)
    }

    @Test func halfWrittenOnesOfBeforeAreNoObstacle() throws {
        try scratch.write([9, 9], to: "checkpoints/.nodekeep/\(someJob)/.intent.json.new")
        try job.write([1], to: .intent)
        #expect(try job.read(.intent) == [1])
        #expect(try directoryNames(job.directory, path: "") == ["intent.json"])
    }

    @Test func linksAreReplacedNotFollowed() throws {
        try scratch.write([5], to: "outside")
        symlink(scratch.path + "/outside", job.path(of: .progress))
        symlink(scratch.path + "/outside", job.path + "/.progress.json.new")
        #expect(storageError { _ = try job.read(.progress) }?.code == ELOOP)
        try job.write([1], to: .progress)
        #expect(try job.read(.progress) == [1])
        #expect(try scratch.read("outside") == [5])
    }

    @Test func onlyOurOwnFilesAreRead() throws {
        mkfifo(job.path(of: .intent), 0o600)
        #expect(storageError { _ = try job.read(.intent) }?.description.contains("not a regular file") == true)
        mkdir(job.path(of: .outcome), 0o700)
        #expect(storageError { _ = try job.read(.outcome) } != nil)
        try scratch.write(
            [UInt8](repeating: 0x20, count: JobDirectory.fileLimit), to: "checkpoints/.nodekeep/\(someJob)/request.json"
        )
        #expect(try job.read(.request)?.count == JobDirectory.fileLimit)
        try scratch.write(
            [UInt8](repeating: 0x20, count: JobDirectory.fileLimit + 1),
            to: "checkpoints/.nodekeep/\(someJob)/request.json")
        #expect(storageError { _ = try job.read(.request) }?.description.contains("longer than 1048576 bytes") == true)
    }

    /// A small tmpfs that is full; only root can mount one.
    @Test func aFullDiskIsToldAndLeavesTheOldFile() throws {
        let place = scratch.path + "/small"
        mkdir(place, 0o700)
        guard try run("/usr/bin/mount", "-t", "tmpfs", "-o", "size=64k,mode=0700", "none", place) == 0 else { return }
        defer { _ = try? run("/usr/bin/umount", "-l", place) }
        let directory = try CheckpointDirectory.open(place, creating: true)
        let job = try directory.createJob(someJob)
        try job.write([1], to: .outcome)
        let error = storageError { try job.write([UInt8](repeating: 2, count: 100_000), to: .outcome) }
        #expect(error?.isNoSpace == true)
        #expect(error?.description == "write \(job.path)/outcome.json: No space left on device")
        #expect(try job.read(.outcome) == [1])
        #expect(try directoryNames(job.directory, path: "") == ["outcome.json"])
    }

    @Test func oneHoldsTheLock() throws {
        var lock = try JobLock.tryAcquire(job)
        #expect(lock != nil)
        #expect(try JobLock.tryAcquire(job) == nil)
        #expect(try JobLock.tryAcquire(try #require(try directory.job(someJob))) == nil)
        #expect(try run("/usr/bin/flock", "-n", job.path(of: .lock), "true") == 1)
        lock = nil
        #expect(try run("/usr/bin/flock", "-n", job.path(of: .lock), "true") == 0)
        lock = try JobLock.tryAcquire(job)
        #expect(lock != nil)
    }

    @Test func theLockOfARemovedJobIsNobodys() throws {
        let lock = try JobLock.tryAcquire(job)
        try directory.removeJob(someJob)
        _ = consume lock
        #expect(storageError { _ = try JobLock.tryAcquire(job) }?.isMissing == true)
    }

    @Test func aLockThatWasRemovedUnderneathIsNobodys() throws {
        var lock = try JobLock.tryAcquire(job)
        let error = storageError {
            _ = try JobLock.tryAcquire(job) {
                unlink(job.path(of: .lock))
                lock = nil
            }
        }
        #expect(lock == nil && error?.isMissing == true)
    }
}
