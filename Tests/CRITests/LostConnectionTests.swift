// SPDX-License-Identifier: Apache-2.0
@testable import CRI
import GRPCCore
import SwiftProtobuf
import Testing

private typealias Runtime = Runtime_V1_RuntimeService.Method

@Suite(.timeLimit(.minutes(2))) struct LostConnectionTests {
    /// What a caller must tell apart: whether the runtime has said so, or nobody has.
    @Test func isToldFromWhatTheRuntimeSays() async throws {
        let error = await #expect(throws: RuntimeError.self) {
            try await withRawRuntime { connection in
                try await connection.send(RawConnection.settings)
                try await connection.readPreface()
                _ = try await connection.readRequest()
            } _: {
                try await $0.checkpoint("c1", location: "/a.tar", timeout: nil)
            }
        }
        #expect(error?.code == .unavailable)
        #expect(error?.isConnectionLoss == true)
        #expect(error?.message.hasSuffix(" was lost during CheckpointContainer: it was closed") == true)
    }

    @Test func isAResetStreamToo() async throws {
        let error = await #expect(throws: RuntimeError.self) {
            try await withRawRuntime { connection in
                try await connection.send(RawConnection.settings)
                try await connection.readPreface()
                let stream = try await connection.readRequest()
                try await connection.send(
                    RawConnection.Frame(
                        kind: RawConnection.Kind.reset, stream: stream, payload: RawConnection.bytes(2)))
                _ = try await connection.readFrame()
            } _: {
                try await $0.checkpoint("c1", location: "/a.tar", timeout: nil)
            }
        }
        #expect(error?.code == .unavailable)
        #expect(error?.isConnectionLoss == true)
        #expect(error?.message.contains("internal error") == true)
    }

    /// A runtime that stops lets the calls end that it has taken.
    @Test func isNotAGoodbyeThatComesBeforeTheAnswer() async throws {
        let requests = Recorder<UInt32>()
        let versions = try await withRawRuntime { connection in
            try await connection.send(RawConnection.settings)
            try await connection.readPreface()
            let stream = try await connection.readRequest()
            requests.append(stream)
            let goodbye = RawConnection.bytes(stream) + RawConnection.bytes(0)
            try await connection.send(RawConnection.Frame(kind: RawConnection.Kind.goAway, payload: goodbye))
            let answer = Runtime.Version.Output.with { $0.runtimeVersion = "\(requests.all.count)" }
            try await connection.send(
                RawConnection.head(stream), RawConnection.message(stream, answer.serializedBytes()),
                RawConnection.trailers(stream))
            // Takes no more of them.
            while true { _ = try await connection.readFrame() }
        } _: {
            [try await $0.version(timeout: nil).version, try await $0.version(timeout: nil).version]
        }
        #expect(versions == ["1", "2"])
    }

    @Test func isWhatOneThatHangsUpAtOnceComesTo() async throws {
        let error = await #expect(throws: RuntimeError.self) {
            try await withRawRuntime(connectLimit: .seconds(5)) { _ in
            } _: {
                _ = try await $0.version(timeout: nil)
            }
        }
        #expect(error?.isConnectionLoss == true)
        #expect(error?.message.contains("it is listened on, but no gRPC connection comes about") == true)
    }

    /// Somebody else's server.
    @Test func isWhatAnAnswerInAnotherProtocolComesTo() async throws {
        let error = await #expect(throws: RuntimeError.self) {
            try await withRawRuntime(connectLimit: .seconds(1)) { connection in
                try await connection.write("HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n".utf8)
                _ = try await connection.read(1_024)
            } _: {
                _ = try await $0.version(timeout: nil)
            }
        }
        #expect(error?.isConnectionLoss == true)
    }

    @Test func isNotADeadline() async throws {
        await #expect(throws: RuntimeError(.deadlineExceeded, "no answer to Version within 0.5 s")) {
            try await withRawRuntime { connection in
                try await connection.send(RawConnection.settings)
                try await connection.readPreface()
                let stream = try await connection.readRequest()
                let answer = try Runtime.Status.Output().serializedBytes() as [UInt8]
                try await connection.send(
                    RawConnection.head(stream), RawConnection.message(stream, answer), RawConnection.trailers(stream))
                while true { _ = try await connection.readFrame() }
            } _: {
                // There is a connection when the deadline begins.
                _ = try await $0.status(verbose: false, timeout: nil)
                _ = try await $0.version(timeout: .milliseconds(500))
            }
        }
    }

    @Test func isNotAnAnswerWithoutAMessage() async throws {
        let error = await #expect(throws: RuntimeError.self) {
            try await withRawRuntime { connection in
                try await connection.send(RawConnection.settings)
                try await connection.readPreface()
                let stream = try await connection.readRequest()
                try await connection.send(RawConnection.head(stream), RawConnection.trailers(stream))
                while true { _ = try await connection.readFrame() }
            } _: {
                _ = try await $0.version(timeout: nil)
            }
        }
        #expect(error?.isConnectionLoss == false)
    }

    @Test func isWhatAShutDownClientSaysToo() async throws {
        let directory = TemporaryDirectory()
        let client = RuntimeClient(socket: directory.socket)
        client.shutDown()
        await client.run()
        let error = await #expect(throws: RuntimeError.self) { try await client.version(timeout: nil) }
        #expect(error?.message.contains("the client has been shut down") == true)
    }
}
