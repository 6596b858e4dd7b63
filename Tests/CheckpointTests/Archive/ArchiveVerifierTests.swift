// SPDX-License-Identifier: Apache-2.0
import Glibc
import Synchronization
import Testing

@testable import Checkpoint

@Suite struct ArchiveVerifierTests {
    private let scratch: ArchiveScratch

    init() throws { scratch = try ArchiveScratch() }

    private func problem(_ change: (inout SampleCheckpoint) -> Void) throws -> String? {
        var sample = SampleCheckpoint()
        change(&sample)
        return try sample.problem().map { text in
            // The path is another one each time.
            text.split(separator: "archive: ", maxSplits: 1).last.map(String.init) ?? text
        }
    }

    @Test func aWholeOne() throws {
        let archive = try verify(SampleCheckpoint().tar(), in: scratch)
        #expect(archive.size == UInt64(SampleCheckpoint().tar().count))
        #expect(archive.facts.entries == 15)
        #expect(archive.facts.memoryPages == UInt64(3 * pageSize))
        #expect(archive.facts.rootFSDiff == 1234)
        #expect(archive.facts.processes == 2)
        try scratch.write(Array("\(archive.sha256)  \(archive.path)\n".utf8), to: "sums")
        #expect(try run("sha256sum", "--check", "--status", scratch.path + "/sums") == 0)
    }

    @Test func asGNUTarPacksIt() throws {
        try SampleCheckpoint().unpack(into: scratch, "in")
        #expect(try run("/bin/tar", "-C", scratch.path + "/in", "-cf", scratch.path + "/packed.tar", ".") == 0)
        #expect(try verify(try scratch.read("packed.tar"), in: scratch).facts.processes == 2)
    }

    @Test func itIsMadePrivate() throws {
        let directory = try scratch.checkpoints()
        let job = try directory.createJob(someJob)
        try scratch.write(SampleCheckpoint().tar(), to: "checkpoints/.nodekeep/\(someJob)/archive.tar")
        chmod(job.path(of: .archive), 0o644)
        _ = try ArchiveVerifier(containerID: SampleCheckpoint.containerID).verify(job)
        #expect(mode(job.path(of: .archive)) == 0o600)
    }

    @Test func progressGoesUpToTheEnd() throws {
        var sample = SampleCheckpoint()
        sample["rootfs-diff.tar"] = [UInt8](repeating: 0, count: 40 << 20)
        let total = UInt64(sample.tar().count)
        let directory = try scratch.checkpoints()
        let job = try directory.createJob(someJob)
        try scratch.write(sample.tar(), to: "checkpoints/.nodekeep/\(someJob)/archive.tar")
        let seen = Mutex<[UInt64]>([])
        let verifier = ArchiveVerifier(containerID: SampleCheckpoint.containerID) { read, all in
            seen.withLock { $0.append(read) }
            #expect(all == total)
        }
        _ = try verifier.verify(job)
        #expect(seen.withLock { $0 } == [16 << 20, 32 << 20, total])
    }

    @Test func cutShortAtEveryBlock() throws {
        let bytes = SampleCheckpoint().tar()
        for length in stride(from: 0, to: bytes.count, by: 512) {
            #expect(throws: VerificationFailure.self, "\(length)") {
                try verify(Array(bytes.prefix(length)), in: scratch)
            }
        }
    }

    @Test func aLongerOldArchiveUnderneath() throws {
        #expect(throws: VerificationFailure.self) {
            try verify(SampleCheckpoint().tar() + SampleCheckpoint().tar().suffix(4096), in: scratch)
        }
    }

    @Test(arguments: ["config.dump", "spec.dump", "checkpoint/inventory.img"]) func whatItMustHold(_ name: String)
        throws
    {
        #expect(try problem { $0[name] = nil } == "it has no \(name)")
        #expect(try problem { $0[name] = [] }?.contains("\(name) is empty") == true)
        #expect(try problem { $0.files.append((name, $0[name] ?? [])) }?.contains("\(name) is in it twice") == true)
        #expect(try problem { $0.files.append(("./" + name, $0[name] ?? [])) }?.contains("is in it twice") == true)
        for (type, word) in [("1", "link"), ("2", "link"), ("5", "directory")] as [(Character, String)] {
            var builder = TarBuilder()
            builder.add(name, type: type, link: type == "5" ? "" : "other")
            builder.end()
            let failure = #expect(throws: VerificationFailure.self) { try verify(builder.bytes, in: scratch) }
            #expect(failure?.description.contains("\(name) is a \(word)") == true)
        }
    }

    @Test func itIsOfTheRightContainer() throws {
        let id = SampleCheckpoint.containerID
        #expect(
            try SampleCheckpoint().problem(containerID: "0" + id.dropFirst())?.contains("of another container") == true)
        for (written, isGood) in [
            (id, true), (String(id.prefix(12)), true), (String(id.prefix(11)), false), ("", false), (id + "0", false),
        ] {
            #expect(
                (try problem { $0["config.dump"] = Array(#"{"id":"\#(written)"}"#.utf8) } == nil) == isGood,
                "\(written)")
        }
        #expect(
            try problem { $0["config.dump"] = Array(#"{"id":"a\u001b[31mb"}"#.utf8) }
                == "it is of another container: a\u{fffd}[31mb, not \(id)")
    }

    @Test(arguments: ["{", "[]", "null", "1", "\"x\"", "{} x", "\u{0}", "{\"id\":}", "{'id':1}"])
    func itsDescriptionsAreJSON(_ text: String) throws {
        #expect(try problem { $0["config.dump"] = Array(text.utf8) } == "config.dump is not a JSON object")
        #expect(try problem { $0["spec.dump"] = Array(text.utf8) } == "spec.dump is not a JSON object")
    }

    @Test func itsDescriptionsAreBounded() throws {
        #expect(try problem { $0["config.dump"] = Array("{\"id\":1}".utf8) } == "config.dump does not name a container")
        #expect(
            try problem { $0["config.dump"] = [UInt8](repeating: 0x20, count: (1 << 20) + 1) }?.contains(
                "at most 1048576") == true)
        #expect(
            try problem { $0["spec.dump"] = [UInt8](repeating: 0x20, count: (4 << 20) + 1) }?.contains(
                "at most 4194304") == true)
        #expect(
            try problem { $0["spec.dump"] = [UInt8](repeating: 0x5b, count: 1 << 20) }
                == "spec.dump is not a JSON object")
    }

    // MARK: The file

    @Test func theFileItself() throws {
        let directory = try scratch.checkpoints()
        let job = try directory.createJob(someJob)
        let path = job.path(of: .archive)
        let verifier = ArchiveVerifier(containerID: SampleCheckpoint.containerID)
        func failure() -> VerificationFailure? {
            do { _ = try verifier.verify(job) } catch { return error }
            return nil
        }
        guard case .unreadable(let missing) = failure() else { return #expect(Bool(false)) }
        #expect(missing.isMissing)
        try scratch.write(SampleCheckpoint().tar(), to: "good.tar")
        symlink(scratch.path + "/good.tar", path)
        #expect(failure() == .bad("\(path) is a link"))
        unlink(path)
        mkfifo(path, 0o600)
        #expect(failure() == .bad("\(path) is not a regular file"))
        unlink(path)
        mkdir(path, 0o700)
        #expect(failure() == .bad("\(path) is not a regular file"))
        rmdir(path)
        link(scratch.path + "/good.tar", path)
        #expect(failure() == .bad("\(path) has 2 names, and must have one"))
        unlink(scratch.path + "/good.tar")
        #expect(failure() == nil)
        if geteuid() == 0 {
            chown(path, 1, 0)
            #expect(failure() == .bad("\(path) belongs to uid 1, and must belong to uid 0"))
        }
    }

    @Test func onePublishedIsVerifiedAndLeftAlone() throws {
        let directory = try scratch.checkpoints()
        try scratch.write(SampleCheckpoint().tar(), to: "checkpoints/checkpoint-a.tar")
        chmod(scratch.path + "/checkpoints/checkpoint-a.tar", 0o640)
        let verifier = ArchiveVerifier(containerID: SampleCheckpoint.containerID)
        #expect(try verifier.verify("checkpoint-a.tar", in: directory).facts.processes == 2)
        #expect(mode(scratch.path + "/checkpoints/checkpoint-a.tar") == 0o640)
        for name in ["", "../checkpoints/checkpoint-a.tar", "a\0b"] {
            #expect(throws: VerificationFailure.self) { try verifier.verify(name, in: directory) }
        }
    }
}
