// SPDX-License-Identifier: Apache-2.0
import Foundation
import Testing

@testable import Agent

@Suite("The checkpoints directory that was used last")
struct UsedDirectoryTests {
    let state = FileManager.default.temporaryDirectory.appendingPathComponent("nodekeep-\(UUID().uuidString)").path

    @Test("is what was noted last")
    func noted() throws {
        try FileManager.default.createDirectory(atPath: state, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: state) }
        #expect(UsedDirectory.read(stateDirectory: state) == nil)
        try UsedDirectory.note("/srv/a", stateDirectory: state)
        try UsedDirectory.note("/srv/b c", stateDirectory: state)
        #expect(UsedDirectory.read(stateDirectory: state) == "/srv/b c")
    }

    @Test("is none where the file says something else", arguments: ["", "\n", "srv/a", "../a"])
    func nonsense(_ text: String) throws {
        try FileManager.default.createDirectory(atPath: state, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: state) }
        try Data(text.utf8).write(to: URL(fileURLWithPath: state + "/checkpoint-directory"))
        #expect(UsedDirectory.read(stateDirectory: state) == nil)
    }
}
