// SPDX-License-Identifier: Apache-2.0
import Glibc
import Posix
import Testing

@testable import Checkpoint

@Suite struct JobRemovalTests {
    private let scratch: ArchiveScratch
    private let directory: CheckpointDirectory
    private let job: JobDirectory

    init() throws {
        scratch = try ArchiveScratch()
        directory = try scratch.checkpoints()
        job = try directory.createJob(someJob)
    }

    @Test func takesEverythingButWhatLinksLeadTo() throws {
        try job.write([1], to: .request)
        mkdir(scratch.path + "/outside", 0o700)
        try scratch.write([1], to: "outside/kept")
        symlink(scratch.path + "/outside", job.path + "/directory-link")
        symlink(scratch.path + "/outside/kept", job.path + "/file-link")
        link(scratch.path + "/outside/kept", job.path + "/hard-link")
        symlink("nowhere", job.path + "/broken")
        mkfifo(job.path + "/pipe", 0o600)
        try run("/bin/mkdir", "-p", job.path + "/a/b/c")
        symlink("..", job.path + "/a/b/c/up")
        // A name that is no text.
        close(open(job.path + "/", O_RDONLY))
        var odd = Array((job.path + "/odd-").utf8CString)
        odd.insert(contentsOf: [-1, -2], at: odd.count - 1)
        close(open(odd, O_CREAT | O_WRONLY, 0o600))
        chmod(job.path + "/a", 0o500)

        try directory.removeJob(someJob)
        #expect(!exists(job.path))
        #expect(try directoryNames(directory.work, path: "") == ["records"])
        #expect(try scratch.read("outside/kept") == [1])
        try directory.removeJob(someJob)
    }

    @Test func nestingHasAnEnd() throws {
        try run("/bin/mkdir", "-p", job.path + String(repeating: "/d", count: 40))
        let error = storageError { try directory.removeJob(someJob) }
        #expect(error?.description.contains("nested too deeply") == true)
        // Nobody can write into it any more, nevertheless.
        #expect(!exists(job.path))
    }

    @Test func interruptedOnesAreFinished() throws {
        try job.write([1], to: .request)
        let removed = directory.workPath + "/removed-\(someJob)"
        rename(job.path, removed)
        #expect(try directory.jobs() == [])
        #expect(try directory.removeLeftovers() == [])
        #expect(!exists(removed))
        // The name is free again, and taken by a leftover it is no obstacle.
        _ = try directory.createJob(someJob)
        mkdir(removed, 0o700)
        try directory.removeJob(someJob)
        #expect(!exists(job.path))
        #expect(try directory.removeLeftovers() == [])
        #expect(try directoryNames(directory.work, path: "") == ["records"])
    }

    @Test func leftoversThatStayAreTold() throws {
        let removed = directory.workPath + "/removed-\(someJob)"
        try run("/bin/mkdir", "-p", removed + String(repeating: "/d", count: 40))
        #expect(try directory.removeLeftovers().count == 1)
    }

    /// A runtime that is late opens the archive by its path, again and again; in the end there is no directory.
    @Test func aLateWriterFails() throws {
        let path = job.path(of: .archive)
        let writer = Writer(path: path)
        writer.start()
        while !exists(path) { sched_yield() }
        try directory.removeJob(someJob)
        writer.join()
        #expect(writer.lastError == ENOENT)
        #expect(try directoryNames(directory.work, path: "") == ["records"])
    }

    @Test func aWriterInsideDoesNotStopIt() throws {
        // Opened relative to the directory, so that renaming it makes no difference.
        let flags = O_RDONLY | O_DIRECTORY
        let inside = try Descriptor.open(in: AT_FDCWD, job.path, flags)
        _ = try Descriptor.open(in: inside.number, "archive.tar", O_CREAT | O_WRONLY, mode: 0o600)
        try directory.removeJob(someJob)
        #expect(!exists(job.path))
        #expect(throws: ErrorNumber(code: ENOENT)) {
            try Descriptor.open(in: inside.number, "archive.tar", O_CREAT | O_WRONLY, mode: 0o600)
        }
    }
}

/// A thread that creates a file by its path until that fails.
private final class Writer: @unchecked Sendable {
    // Safe because lastError is read after the thread was joined.
    private(set) var lastError: Int32 = 0
    private let path: String
    private var thread = pthread_t()

    init(path: String) { self.path = path }

    func start() {
        pthread_create(
            &thread, nil,
            { argument in
                guard let argument else { return nil }
                Unmanaged<Writer>.fromOpaque(argument).takeUnretainedValue().write()
                return nil
            }, Unmanaged.passUnretained(self).toOpaque())
    }

    func join() { pthread_join(thread, nil) }

    private func write() {
        while true {
            let descriptor = open(path, O_RDWR | O_CREAT, 0o600)
            guard descriptor >= 0 else {
                lastError = errno
                return
            }
            close(descriptor)
        }
    }
}
