// SPDX-License-Identifier: Apache-2.0
import Foundation
import Gate
import NodeStatus
import Testing

@testable import Agent

@Suite("Directories, lock and listeners")
struct PlacesTests {
    let directory = FileManager.default.temporaryDirectory.appendingPathComponent("nodekeep-\(UUID().uuidString)").path

    @Test("A directory is made with its parents and the mode it needs")
    func prepare() throws {
        defer { try? FileManager.default.removeItem(atPath: directory) }
        try Directories.prepare(directory + "/a/b", mode: 0o700, field: "x")
        try Directories.prepare(directory + "/a/b", mode: 0o700, field: "x")
        let mode = try FileManager.default.attributesOfItem(atPath: directory + "/a/b")[.posixPermissions] as? Int
        #expect(mode == 0o700)
        try Data().write(to: URL(fileURLWithPath: directory + "/file"))
        #expect(throws: AgentError.self) { try Directories.prepare(directory + "/file", mode: 0o700, field: "x") }
        #expect(throws: AgentError.self) { try Directories.prepare(directory + "/file/under", mode: 0o700, field: "x") }
    }

    @Test("One agent holds the lock of a run directory")
    func lock() throws {
        defer { try? FileManager.default.removeItem(atPath: directory) }
        try Directories.prepare(directory, mode: 0o700, field: "x")
        let held = try Directories.lock(runDirectory: directory)
        #expect { try Directories.lock(runDirectory: directory) } throws: {
            "\($0)".contains("another nodekeep runs with")
        }
        close(held)
        close(try Directories.lock(runDirectory: directory))
    }

    @Test("The socket is for its owner and group alone, replaces a leftover and goes with the agent")
    func socket() throws {
        defer { try? FileManager.default.removeItem(atPath: directory) }
        try Directories.prepare(directory, mode: 0o700, field: "x")
        let path = directory + "/s"
        let address = try #require(IPAddress("127.0.0.1"))
        for _ in 0..<2 {
            // Nobody closes these: as after a crash, the file stays behind.
            let listeners = try Listeners(localAddress: address, localPort: 0, socketPath: path)
            let mode = try FileManager.default.attributesOfItem(atPath: path)[.posixPermissions] as? Int
            #expect(mode == 0o660)
            _ = Unmanaged.passRetained(listeners)
        }
        do {
            let listeners = try Listeners(localAddress: address, localPort: 0, socketPath: path)
            #expect(listeners.all.map(\.kind) == [.socket])
        }
        #expect(!FileManager.default.fileExists(atPath: path))
        try Data([1]).write(to: URL(fileURLWithPath: path))
        #expect { try Listeners(localAddress: address, localPort: 0, socketPath: path) } throws: {
            "\($0)".contains("is in the way")
        }
        #expect(FileManager.default.fileExists(atPath: path))
        #expect {
            try Listeners(
                localAddress: address, localPort: 0, socketPath: directory + "/" + String(repeating: "l", count: 120))
        } throws: { "\($0)".contains("at most 107 bytes") }
    }
}

@Suite("JSON trees")
struct JSONTextTests {
    @Test("What is read is written again")
    func roundTrip() throws {
        let text = #"{"a":[1,2.5,true,null,"x\n"],"b":{"c":9223372036854775807,"d":{}}}"# + "\n"
        #expect(String(decoding: JSONText.text(try JSONText.parse(Array(text.utf8))), as: UTF8.self) == text)
    }

    @Test("What is no JSON is an error", arguments: ["", "{", "{\"a\":}", "nul"])
    func malformed(text: String) {
        #expect(throws: (any Error).self) { try JSONText.parse(Array(text.utf8)) }
    }

    @Test("Status text survives an answer with nothing in it")
    func statusText() throws {
        for text in ["{}", "[]", "null", #"{"signals":3,"status":{"conditions":[{}]},"collectors":[1]}"#] {
            #expect(StatusText(try JSONText.parse(Array(text.utf8))).text.contains("Conditions:"))
        }
    }
}
