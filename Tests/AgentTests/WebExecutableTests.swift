// SPDX-License-Identifier: Apache-2.0
import Foundation
import Glibc
import Testing

@testable import Agent

@Suite("The web executable of this agent's version")
struct WebExecutableTests {
    let path = FileManager.default.temporaryDirectory.appendingPathComponent("nodekeep-\(UUID().uuidString)").path

    @Test("is started by its path, and where another has taken that by what is still open")
    func replaced() throws {
        defer { try? FileManager.default.removeItem(atPath: path) }
        try Data("old".utf8).write(to: URL(fileURLWithPath: path))
        let executable = try WebExecutable(path)
        #expect(executable.startPath == path)
        // As dpkg does it: another file under another name, then its name.
        try Data("new".utf8).write(to: URL(fileURLWithPath: path + ".dpkg-new"))
        #expect(rename(path + ".dpkg-new", path) == 0)
        #expect(executable.startPath != path)
        #expect(try Data(contentsOf: URL(fileURLWithPath: executable.startPath)) == Data("old".utf8))
        #expect(unlink(path) == 0)
        #expect(try Data(contentsOf: URL(fileURLWithPath: executable.startPath)) == Data("old".utf8))
    }

    @Test("is opened or refused by name")
    func missing() {
        #expect { try WebExecutable(path) } throws: { "\($0)".contains(path) }
    }
}
