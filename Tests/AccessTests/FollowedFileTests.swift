// SPDX-License-Identifier: Apache-2.0

import Glibc
import NodeStatus
import Testing

@testable import Access

@Suite struct FollowedFileTests {
    private let scratch: Scratch
    /// Long after any file of these tests was written, so that all of them are settled.
    private let later = Timestamp(seconds: Int64(time(nil)) + 3_600)

    init() throws { scratch = try Scratch() }

    /// The file's text, unless it begins with "bad".
    private func followed(
        _ protection: FileProtection = .trusted, limit: Int = 100, missing: String? = nil
    ) -> FollowedFile<String> {
        FollowedFile(scratch.file("f"), protection, limit: limit, missing: missing) {
            bytes, file throws(AccessProblems) in
            let text = String(decoding: bytes, as: UTF8.self)
            if text.hasPrefix("bad") { throw AccessProblems([AccessProblem(file, line: 1, text)]) }
            return text
        }
    }

    private func broken(_ change: FollowedFile<String>.Change) -> String? {
        if case .broken(let found) = change { found.description } else { nil }
    }

    @Test func aChangeIsSeenOnce() throws {
        try scratch.write("one", to: "f")
        var file = followed()
        #expect(file.look(date: later) == .replaced)
        #expect(file.value == "one")
        #expect(file.look(date: later) == .none)
        try scratch.write("two", to: "f")
        #expect(file.look(date: later) == .replaced)
        #expect(file.value == "two")
        #expect(file.look(date: later) == .none)
        // The same again is no change.
        try scratch.write("two", to: "f")
        #expect(file.look(date: later) == .none)
    }

    @Test func aBrokenFileKeepsTheOldValue() throws {
        try scratch.write("one", to: "f")
        var file = followed()
        #expect(file.look(date: later) == .replaced)
        try scratch.write("bad 1", to: "f")
        #expect(broken(file.look(date: later)) == "\(file.path):1: bad 1")
        #expect(file.value == "one")
        #expect(file.look(date: later) == .none)
        #expect(file.look(date: later) == .none)
        // Another change, and so told again, even with the same words.
        try scratch.write("bad 1", to: "f")
        #expect(broken(file.look(date: later)) == "\(file.path):1: bad 1")
        try scratch.write("bad 2", to: "f")
        #expect(broken(file.look(date: later)) == "\(file.path):1: bad 2")
        try scratch.write("one", to: "f")
        #expect(file.look(date: later) == .recovered)
        try scratch.write("bad 2", to: "f")
        #expect(broken(file.look(date: later)) != nil)
        try scratch.write("two", to: "f")
        #expect(file.look(date: later) == .replaced)
        #expect(file.value == "two")
    }

    @Test func aFileThatIsGone() throws {
        var file = followed()
        #expect(broken(file.look(date: later)) == "\(file.path): No such file or directory")
        #expect(file.look(date: later) == .none)
        #expect(file.value == nil)
        try scratch.write("one", to: "f")
        #expect(file.look(date: later) == .replaced)
        unlink(file.path)
        #expect(broken(file.look(date: later)) == "\(file.path): No such file or directory")
        #expect(file.value == "one")
        #expect(file.look(date: later) == .none)
        try scratch.write("one", to: "f")
        #expect(file.look(date: later) == .recovered)
    }

    @Test func aFileThatNeedNotBeThere() throws {
        var file = followed(missing: "nothing")
        #expect(file.look(date: later) == .replaced)
        #expect(file.value == "nothing")
        #expect(file.look(date: later) == .none)
        try scratch.write("one", to: "f")
        #expect(file.look(date: later) == .replaced)
        unlink(file.path)
        #expect(file.look(date: later) == .replaced)
        #expect(file.value == "nothing")
        try scratch.write("bad", to: "f")
        #expect(broken(file.look(date: later)) != nil)
        unlink(file.path)
        #expect(file.look(date: later) == .recovered)
    }

    /// Two writes within one tick of the clock leave the same times: what was written just now is read again.
    @Test func aFileWrittenJustNowIsReadAgain() throws {
        try scratch.write("one", to: "f")
        var file = followed()
        let first = try #require(GuardedFile.signature(of: file.path))
        file.signature = { _ in first }
        #expect(file.look(date: first.modified) == .replaced)
        try scratch.overwrite("two", in: "f")
        #expect(file.look(date: first.modified) == .replaced)
        #expect(file.value == "two")
        #expect(file.look(date: first.modified) == .none)
        file.signature = { GuardedFile.signature(of: $0) }
        // A content that cannot be used is told once, however often it is read.
        try scratch.write("bad", to: "f")
        let again = try #require(GuardedFile.signature(of: file.path)).modified
        #expect(broken(file.look(date: again)) != nil)
        #expect(file.look(date: again) == .none)
        #expect(file.look(date: again.later(10)) == .none)
    }

    @Test func linksAreFollowed() throws {
        // As Kubernetes mounts a secret.
        mkdir(scratch.file("..1"), 0o755)
        mkdir(scratch.file("..2"), 0o755)
        try scratch.write("one", to: "..1/f")
        try scratch.write("two", to: "..2/f")
        #expect(symlink("..1", scratch.file("..data")) == 0)
        #expect(symlink("..data/f", scratch.file("f")) == 0)
        var file = followed()
        #expect(file.look(date: later) == .replaced)
        #expect(file.look(date: later) == .none)
        #expect(symlink("..2", scratch.file("new")) == 0)
        #expect(rename(scratch.file("new"), scratch.file("..data")) == 0)
        #expect(file.look(date: later) == .replaced)
        #expect(file.value == "two")
    }

    @Test func whatIsNoFile() throws {
        var file = followed()
        #expect(mkdir(file.path, 0o755) == 0)
        #expect(broken(file.look(date: later))?.hasSuffix("it is not a regular file") == true)
        rmdir(file.path)
        #expect(mkfifo(file.path, 0o600) == 0)
        #expect(broken(file.look(date: later))?.hasSuffix("it is not a regular file") == true)
        unlink(file.path)
        #expect(symlink("/dev/zero", file.path) == 0)
        #expect(broken(file.look(date: later))?.hasSuffix("it is not a regular file") == true)
        unlink(file.path)
        #expect(symlink("f", file.path) == 0)
        #expect(broken(file.look(date: later))?.hasSuffix("Too many levels of symbolic links") == true)
        unlink(file.path)
        try scratch.write(String(repeating: "x", count: 101), to: "f")
        #expect(broken(file.look(date: later))?.hasSuffix("it is larger than 100 bytes") == true)
        try scratch.write(String(repeating: "x", count: 100), to: "f")
        #expect(file.look(date: later) == .replaced)
    }

    @Test func whoMayWriteIt() throws {
        try scratch.write("one", to: "f", mode: 0o644)
        var file = followed()
        #expect(file.look(date: later) == .replaced)
        for mode: mode_t in [0o664, 0o646, 0o622] {
            try scratch.write("evil", to: "f", mode: mode)
            #expect(broken(file.look(date: later))?.contains("others than its owner could let anybody in") == true)
            #expect(file.value == "one")
        }
        try scratch.write("two", to: "f", mode: 0o400)
        #expect(file.look(date: later) == .replaced)
        // Only the mode changes.
        #expect(chmod(file.path, 0o666) == 0)
        #expect(broken(file.look(date: later))?.hasSuffix("chmod go-w \(file.path)") == true)
        #expect(chmod(file.path, 0o644) == 0)
        #expect(file.look(date: later) == .recovered)
    }

    @Test func whoMayReadASecret() throws {
        var file = followed(.secret(owner: geteuid()))
        for mode: mode_t in [0o640, 0o604, 0o660, 0o700, 0o4600 | 0o100] {
            try scratch.write("evil", to: "f", mode: mode)
            #expect(broken(file.look(date: later))?.contains("only its owner may read it") == true)
        }
        for mode: mode_t in [0o600, 0o400] {
            try scratch.write("one \(mode)", to: "f", mode: mode)
            #expect(file.look(date: later) == .replaced)
        }
        var other = followed(.secret(owner: geteuid() + 1))
        #expect(broken(other.look(date: later))?.contains("it belongs to uid \(geteuid())") == true)
    }
}
