// SPDX-License-Identifier: Apache-2.0

import Glibc
import NodeStatus
import Posix

@testable import Access

/// 2030-01-01T00:00:00Z: when these tests take place.
let today = Timestamp(seconds: 1_893_456_000)
let now = Duration.seconds(1_000)

extension Timestamp {
    func later(_ seconds: Int64) -> Timestamp { Timestamp(seconds: self.seconds + seconds, nanoseconds: nanoseconds) }
}

struct TestFailure: Error {
    let text: String

    init(_ text: String) { self.text = text }
}

/// A new directory under /tmp, removed with the object.
final class Scratch: Sendable {
    let path: String

    init() throws {
        var template = Array("/tmp/access-test-XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else { throw TestFailure("mkdtemp: \(errno)") }
        path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    deinit { remove(path) }

    func file(_ name: String) -> String { path + "/" + name }

    /// Replaces the file as an editor does, so that it is another inode.
    @discardableResult
    func write(_ text: String, to name: String, mode: mode_t = 0o600) throws -> String {
        try write(Array(text.utf8), to: name, mode: mode)
    }

    @discardableResult
    func write(_ bytes: [UInt8], to name: String, mode: mode_t = 0o600) throws -> String {
        let temporary = try Descriptor.open(file(name) + "~", O_WRONLY | O_CREAT | O_TRUNC, mode: 0o600)
        try temporary.write(bytes)
        guard fchmod(temporary.number, mode) == 0, rename(file(name) + "~", file(name)) == 0 else {
            throw TestFailure("write \(name): \(errno)")
        }
        return file(name)
    }

    /// Into the same inode.
    func overwrite(_ text: String, in name: String) throws {
        try Descriptor.open(file(name), O_WRONLY | O_TRUNC).write(Array(text.utf8))
    }

    private func remove(_ path: String) {
        if let directory = opendir(path) {
            while let entry = readdir(directory) {
                let name = withUnsafePointer(to: entry.pointee.d_name) { pointer in
                    pointer.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
                }
                if name == "." || name == ".." { continue }
                if unlink(path + "/" + name) != 0 { remove(path + "/" + name) }
            }
            closedir(directory)
        }
        rmdir(path)
    }
}

/// The problems that `body` throws, a line each.
func problems(_ body: () throws(AccessProblems) -> some Any) -> [String] {
    do {
        _ = try body()
        return []
    } catch {
        return error.all.map(\.description)
    }
}

func problem(_ body: () throws(AccessProblem) -> some Any) -> String? {
    do {
        _ = try body()
        return nil
    } catch {
        return error.description
    }
}

/// A generator of tests that find the same every time.
struct Repeatable: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var word = state
        word = (word ^ (word >> 30)) &* 0xbf58_476d_1ce4_e5b9
        word = (word ^ (word >> 27)) &* 0x94d0_49bb_1331_11eb
        return word ^ (word >> 31)
    }
}
