// SPDX-License-Identifier: Apache-2.0
import Glibc
import Posix
import Testing

@testable import Checkpoint

@Suite struct CheckpointDirectoryTests {
    private let scratch: ArchiveScratch
    private let root: String

    init() throws {
        scratch = try ArchiveScratch()
        root = scratch.path + "/checkpoints"
    }

    @Test func makesWhatIsMissing() throws {
        // Directories below inherit the bit; ours must not have it.
        chmod(scratch.path, 0o2755)
        let directory = try CheckpointDirectory.open(scratch.path + "/a/b/checkpoints//", creating: true)
        #expect(directory.path == scratch.path + "/a/b/checkpoints")
        #expect(directory.recordsPath == scratch.path + "/a/b/checkpoints/.nodekeep/records")
        for path in [directory.path, directory.workPath, directory.recordsPath] { #expect(mode(path) == 0o700) }
        #expect(try directoryNames(directory.work, path: "") == ["records"])
        _ = try CheckpointDirectory.open(directory.path, creating: false)
    }

    @Test func parentsCanBeEntered() throws {
        _ = try CheckpointDirectory.open(scratch.path + "/a/checkpoints", creating: true)
        #expect(try mode(scratch.path + "/a") == 0o755 & ~currentMask())
    }

    /// Without changing it, which all threads would see.
    private func currentMask() throws -> mode_t {
        let status = try Descriptor.open(in: AT_FDCWD, "/proc/self/status", O_RDONLY).read(limit: 1 << 16)
        let line = String(decoding: status, as: UTF8.self).split(separator: "\n").first { $0.hasPrefix("Umask:") }
        return try #require(line?.split(separator: "\t").last.flatMap { mode_t($0, radix: 8) })
    }

    @Test func isOnlyMadeWhenAsked() {
        #expect(storageError { _ = try CheckpointDirectory.open(root, creating: false) }?.isMissing == true)
        #expect(!exists(root))
    }

    @Test func refusesWhatOthersMayEnter() throws {
        for wrong: mode_t in [0o750, 0o701, 0o755, 0o600, 0o1777] {
            try run("/bin/rm", "-rf", root)
            mkdir(root, 0o700)
            chmod(root, wrong)
            let error = storageError { _ = try CheckpointDirectory.open(root, creating: true) }
            let digits = String(wrong & 0o777, radix: 8)
            #expect(
                error?.description
                    == "\(root) has mode 0\(digits): archives hold the memory of containers, only its owner may enter; "
                    + "chmod 0700 \(root), or set checkpointDirectory to another place")
        }
    }

    @Test func refusesAnotherOwner() throws {
        mkdir(root, 0o700)
        let error = storageError { _ = try CheckpointDirectory(root, owner: geteuid() + 1, creating: false) }
        #expect(error?.description.contains("could read and exchange archives there") == true)
    }

    @Test func refusesALinkAtTheEnd() throws {
        mkdir(scratch.path + "/real", 0o700)
        symlink("real", root)
        let error = storageError { _ = try CheckpointDirectory.open(root + "/", creating: true) }
        #expect(error?.description.hasPrefix("\(root) is a symbolic link") == true)
        #expect(try run("/bin/rmdir", scratch.path + "/real") == 0)
    }

    @Test func refusesWhatIsNoDirectory() throws {
        try scratch.write([], to: "checkpoints")
        let error = storageError { _ = try CheckpointDirectory.open(root, creating: true) }
        #expect(error?.description.hasPrefix("\(root) is not a directory") == true)
        for path in ["checkpoints", "", "a\0b", "/" + String(repeating: "x/", count: 3000)] {
            #expect(storageError { _ = try CheckpointDirectory.open(path, creating: true) } != nil)
        }
    }

    @Test func refusesALinkBelow() throws {
        mkdir(root, 0o700)
        mkdir(scratch.path + "/elsewhere", 0o700)
        symlink(scratch.path + "/elsewhere", root + "/.nodekeep")
        let error = storageError { _ = try CheckpointDirectory.open(root, creating: true) }
        #expect(error?.description.hasPrefix("\(root)/.nodekeep is a symbolic link") == true)
        unlink(root + "/.nodekeep")
        mkdir(root + "/.nodekeep", 0o700)
        mkdir(root + "/.nodekeep/records", 0o755)
        #expect(
            storageError { _ = try CheckpointDirectory.open(root, creating: true) }?.description.contains("0755")
                == true)
    }

    @Test func staysTheSameWhenItsParentIsExchanged() throws {
        let directory = try CheckpointDirectory.open(scratch.path + "/var/checkpoints", creating: true)
        rename(scratch.path + "/var", scratch.path + "/old")
        mkdir(scratch.path + "/var", 0o777)
        _ = try directory.createJob(someJob)
        #expect(exists(scratch.path + "/old/checkpoints/.nodekeep/\(someJob)"))
    }

    // MARK: Jobs

    @Test func jobsAreMadeOnce() throws {
        let directory = try scratch.checkpoints()
        let job = try directory.createJob(someJob)
        #expect(job.path == root + "/.nodekeep/20261121t061233-4f9a2c1b")
        #expect(mode(job.path) == 0o700)
        #expect(storageError { _ = try directory.createJob(someJob) }?.isTaken == true)
        #expect(try directory.job(someJob)?.path == job.path)
        #expect(try directory.job(JobID("20261121t061233-00000000")!) == nil)
    }

    @Test func aRecordTakesTheNameToo() throws {
        let directory = try scratch.checkpoints()
        try scratch.write([], to: "checkpoints/.nodekeep/records/\(someJob).json")
        #expect(storageError { _ = try directory.createJob(someJob) }?.isTaken == true)
    }

    @Test func onlyJobsAreListed() throws {
        let directory = try scratch.checkpoints()
        let ids = ["20261121t061233-4f9a2c1b", "20261121t061234-00000000", "20251121t061234-00000000"].compactMap(
            JobID.init)
        for id in ids { _ = try directory.createJob(id) }
        mkdir(directory.workPath + "/lost+found", 0o700)
        try scratch.write([], to: "checkpoints/.nodekeep/.probe-1-2")
        #expect(try directory.jobs() == ids.sorted())
    }

    @Test func aJobThatIsNotOursIsRefused() throws {
        let directory = try scratch.checkpoints()
        symlink(scratch.path, directory.workPath + "/\(someJob)")
        #expect(storageError { _ = try directory.job(someJob) }?.description.contains("symbolic link") == true)
    }
}
