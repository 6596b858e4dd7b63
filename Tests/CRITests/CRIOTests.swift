// SPDX-License-Identifier: Apache-2.0
@testable import CRI
import Testing

@Suite(.timeLimit(.minutes(2))) struct CRIOTests {
    /// What CRI-O would answer to one request, and the head of that request.
    private func asking<Result: Sendable>(
        _ answer: String, _ body: @Sendable (RuntimeClient) async throws -> Result
    ) async throws -> (head: String?, result: Result) {
        let directory = TemporaryDirectory()
        let socket = directory.socket
        let heads = Recorder<String>()
        let result = try await withRawServer(on: socket) { connection in
            heads.append(try await connection.readHead())
            try await connection.write(answer.utf8)
        } _: {
            try await body(RuntimeClient(socket: socket))
        }
        return (heads.all.first, result)
    }

    private static func response(_ status: String, _ body: String) -> String {
        "HTTP/1.1 \(status)\r\nContent-Length: \(body.utf8.count)\r\n\r\n\(body)"
    }

    @Test func unpauses() async throws {
        let (head, wasPaused) = try await asking(Self.response("200 OK", "200 OK")) {
            try await $0.unpauseWithCRIO("0123abcd", timeout: .seconds(10))
        }
        #expect(head?.hasPrefix("GET /unpause/0123abcd HTTP/1.1\r\n") == true)
        #expect(head?.lowercased().contains("\r\nhost: localhost\r\n") == true)
        #expect(wasPaused)
    }

    @Test func saysThatItWasNotPaused() async throws {
        let (_, wasPaused) = try await asking(Self.response("409 Conflict", "container is not paused")) {
            try await $0.unpauseWithCRIO("0123abcd", timeout: .seconds(10))
        }
        #expect(!wasPaused)
    }

    @Test func passesOnAnotherAnswer() async throws {
        await #expect(
            throws: RuntimeError(
                .notFound, "CRI-O answered 404 to GET /unpause: can't find the container with id 0123abcd")
        ) {
            try await asking(Self.response("404 Not Found", "can't find the container with id 0123abcd")) {
                try await $0.unpauseWithCRIO("0123abcd", timeout: .seconds(10))
            }
        }
    }

    @Test(arguments: ["", "../config", "a b", "a?b", "a/b", "é"])
    func asksOnlyForWhatCanBeAnIdentifier(id: String) async throws {
        let client = RuntimeClient(socket: "/nonexistent")
        let error = await #expect(throws: RuntimeError.self) {
            try await client.unpauseWithCRIO(id, timeout: .seconds(10))
        }
        #expect(error?.code == .invalidArgument)
    }

    @Test func readsTheConfiguration() async throws {
        let toml = "[crio.checkpoint_restore]\ncontainer_level_enabled = \"checkpoint_only\"\n"
        let (head, text) = try await asking(Self.response("200 OK", toml)) {
            try await $0.configurationOfCRIO(timeout: .seconds(10))
        }
        #expect(head?.hasPrefix("GET /config HTTP/1.1\r\n") == true)
        #expect(text == toml)
    }

    @Test func takesNoEndlessConfiguration() async throws {
        await #expect(throws: RuntimeError(.resourceExhausted, "the answer to GET /config is larger than 1 MiB")) {
            try await asking(Self.response("200 OK", String(repeating: "x", count: 1 << 20 | 1))) {
                try await $0.configurationOfCRIO(timeout: .seconds(10))
            }
        }
    }

    @Test func namesTheMissingSocket() async throws {
        let client = RuntimeClient(socket: "/nonexistent")
        await #expect(
            throws: RuntimeError(
                .unavailable, "no connection to CRI-O at /nonexistent for GET /config: no such file or directory",
                isConnectionLoss: true)
        ) {
            try await client.configurationOfCRIO(timeout: .seconds(10))
        }
    }

    @Test func waitsNoLongerThanItIsTold() async throws {
        let directory = TemporaryDirectory()
        let socket = directory.socket
        let error = await #expect(throws: RuntimeError.self) {
            try await withRawServer(on: socket) { connection in
                _ = try await connection.readHead()
                _ = try await connection.readHead()
            } _: {
                try await RuntimeClient(socket: socket).configurationOfCRIO(timeout: .milliseconds(50))
            }
        }
        #expect(error?.code == .deadlineExceeded)
    }
}
