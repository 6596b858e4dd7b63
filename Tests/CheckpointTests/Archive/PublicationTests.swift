// SPDX-License-Identifier: Apache-2.0
import Glibc
import NodeStatus
import Posix
import Testing

@testable import Checkpoint

@Suite struct PublicationTests {
    private let scratch: ArchiveScratch
    private let directory: CheckpointDirectory
    private let job: JobDirectory
    private let archive: VerifiedArchive
    private let name: ArchiveName

    init() throws {
        scratch = try ArchiveScratch()
        archive = try verify(SampleCheckpoint().tar(), in: scratch)
        directory = try scratch.checkpoints()
        job = try #require(try directory.job(someJob))
        name = try ArchiveName(
            namespace: "default", pod: "counter", container: "count",
            time: Timestamp(rfc3339: "2026-11-21T06:12:33.999999999Z")!)
    }

    private func publish(
        _ announced: (ArchiveName) throws(StorageError) -> Void = { _ in }
    ) throws(PublicationFailure) -> ArchiveName {
        try directory.publish(archive, of: job, as: name, announce: announced)
    }

    @Test func theArchiveMoves() throws {
        var announced: [String] = []
        let published = try publish { name in
            announced.append(name.fileName)
            #expect(job.contains(.archive) && !directory.containsArchive(name.fileName))
        }
        #expect(published == name)
        #expect(announced == [name.fileName])
        #expect(try scratch.read("checkpoints/\(name)") == SampleCheckpoint().tar())
        #expect(mode("\(directory.path)/\(name)") == 0o600)
        #expect(!job.contains(.archive) && directory.containsArchive(name.fileName))
        let entries = try directory.archiveEntries()
        #expect(entries.map(\.fileName) == [name.fileName] && entries.map(\.size) == [archive.size])
    }

    @Test func aNameThatIsTakenIsLeftAlone() throws {
        try scratch.write([1], to: "checkpoints/\(name)")
        let second = try name.bumped()
        symlink("nowhere", "\(directory.path)/\(second)")
        var announced: [String] = []
        let published = try publish { announced.append($0.fileName) }
        #expect(published.time.rfc3339Nano == "2026-11-21T06:12:34.000000001Z")
        #expect(announced == [name.fileName, second.fileName, published.fileName])
        #expect(try scratch.read("checkpoints/\(name)") == [1])
    }

    @Test func theTriesAreCounted() throws {
        var taken = name
        for _ in 0..<CheckpointDirectory.nameTries {
            try scratch.write([1], to: "checkpoints/\(taken)")
            taken = try taken.bumped()
        }
        var tries = 0
        let failure = #expect(throws: PublicationFailure.self) { try publish { _ in tries += 1 } }
        #expect(tries == 64)
        guard case .storage(let error) = failure else { return #expect(Bool(false)) }
        #expect(error.isTaken)
        #expect(job.contains(.archive))
    }

    @Test func oneThatWasChangedIsNotPublished() throws {
        let file = try Descriptor.open(in: AT_FDCWD, archive.path, O_WRONLY | O_APPEND)
        try file.write([0])
        #expect(throws: PublicationFailure.changed("\(archive.path) has been changed since it was verified")) {
            try publish()
        }
        // Another one of the same content is another one, too.
        unlink(archive.path)
        try scratch.write(SampleCheckpoint().tar(), to: "checkpoints/.nodekeep/\(someJob)/archive.tar")
        #expect(throws: PublicationFailure.self) { try publish() }
        unlink(archive.path)
        #expect(throws: PublicationFailure.self) { try publish() }
        #expect(try directory.archiveEntries() == [])
    }

    @Test func nothingIsRenamedUnannounced() throws {
        let full = StorageError("write the outcome", code: ENOSPC)
        #expect(throws: PublicationFailure.storage(full)) {
            try publish { (_) throws(StorageError) in throw full }
        }
        #expect(job.contains(.archive))
    }

    @Test func onlyArchivesAreListed() throws {
        for other in ["checkpoint-a.tar", "checkpoint-a.tar.part", "other.tar"] {
            try scratch.write([1, 2], to: "checkpoints/" + other)
        }
        mkdir(directory.path + "/checkpoint-d.tar", 0o700)
        symlink("checkpoint-a.tar", directory.path + "/checkpoint-l.tar")
        #expect(try directory.archiveEntries().map(\.fileName) == ["checkpoint-a.tar"])
        #expect(!directory.containsArchive("../checkpoints/checkpoint-a.tar"))
    }

    // MARK: Records

    @Test func theOutcomeBecomesTheRecord() throws {
        #expect(storageError { try directory.moveOutcomeToRecords(of: job) }?.isMissing == true)
        try job.write([1], to: .outcome)
        try directory.moveOutcomeToRecords(of: job)
        #expect(!job.contains(.outcome))
        #expect(try directory.record(someJob) == [1])
        #expect(try directory.recordedJobs() == [someJob])
        // Again, after a crash.
        try directory.moveOutcomeToRecords(of: job)
        try job.write([2], to: .outcome)
        #expect(storageError { try directory.moveOutcomeToRecords(of: job) }?.isTaken == true)
        #expect(try directory.record(someJob) == [1])
        try directory.removeRecord(someJob)
        try directory.removeRecord(someJob)
        #expect(try directory.record(someJob) == nil)
    }

    @Test func onlyRecordsAreListed() throws {
        for other in ["x.json", "\(someJob)", ".\(someJob).json", "\(someJob).json.new"] {
            try scratch.write([], to: "checkpoints/.nodekeep/records/" + other)
        }
        #expect(try directory.recordedJobs() == [])
    }
}
