// SPDX-License-Identifier: Apache-2.0
@testable import CRI
import GRPCCore
import Glibc
import SwiftProtobuf
import Testing

private typealias Runtime = Runtime_V1_RuntimeService.Method

@Suite(.timeLimit(.minutes(2))) struct ConnectionTests {
    @Test(arguments: [Duration?.none, .seconds(60)])
    func namesTheMissingSocketAtOnce(timeout: Duration?) async throws {
        let directory = TemporaryDirectory()
        let socket = directory.socket
        await #expect(
            throws: RuntimeError(
                .unavailable,
                "no connection to the container runtime at \(socket) for Version: no such file or directory",
                isConnectionLoss: true)
        ) {
            try await withClient(of: socket) { _ = try await $0.version(timeout: timeout) }
        }
    }

    @Test func namesTheDeadSocketAtOnce() async throws {
        let directory = TemporaryDirectory()
        let socket = directory.socket
        try await FakeRuntime().serving(on: socket) {}
        // What the server leaves behind when it is killed.
        let descriptor = try listening(socket)
        close(descriptor)
        await #expect(
            throws: RuntimeError(
                .unavailable, "no connection to the container runtime at \(socket) for Version: connection refused",
                isConnectionLoss: true)
        ) {
            try await withClient(of: socket) { _ = try await $0.version(timeout: nil) }
        }
    }

    @Test(arguments: [(Duration?.none, "0.1 s"), (.milliseconds(50), "0.05 s"), (.seconds(60), "0.1 s")])
    func givesUpOnOneThatListensAndNeverAnswers(timeout: Duration?, limit: String) async throws {
        let directory = TemporaryDirectory()
        let socket = directory.socket
        let descriptor = try listening(socket)
        defer { close(descriptor) }
        await #expect(
            throws: RuntimeError(
                .unavailable,
                "no connection to the container runtime at \(socket) for CheckpointContainer: it is listened on, but nobody answered within \(limit)",
                isConnectionLoss: true)
        ) {
            try await withClient(of: socket, connectLimit: .milliseconds(100)) {
                try await $0.checkpoint("c1", location: "/a.tar", timeout: timeout)
            }
        }
    }

    @Test func comesBackWithTheRuntime() async throws {
        let directory = TemporaryDirectory()
        let socket = directory.socket
        var runtime = FakeRuntime()
        runtime.on(Runtime.Version.descriptor) { (_: Runtime.Version.Input, _) in
            Runtime.Version.Output.with { $0.runtimeName = "containerd" }
        }
        let server = runtime
        try await withClient(of: socket) { client in
            for _ in 0..<3 {
                // While it is away.
                await #expect(throws: RuntimeError.self) { try await client.version(timeout: nil) }
                try await server.serving(on: socket) {
                    // The end of the last connection may be noticed only now.
                    var version: RuntimeVersion?
                    while version == nil {
                        do {
                            version = try await client.version(timeout: nil)
                        } catch let error as RuntimeError where error.isConnectionLoss {}
                    }
                    #expect(version?.name == "containerd")
                }
            }
        }
    }

    @Test func isShutDownWhileNobodyAnswers() async throws {
        let directory = TemporaryDirectory()
        let descriptor = try listening(directory.socket)
        defer { close(descriptor) }
        let client = RuntimeClient(socket: directory.socket, connectLimit: .milliseconds(50))
        let running = Task { await client.run() }
        await #expect(throws: RuntimeError.self) { try await client.version(timeout: nil) }
        client.shutDown()
        await running.value
    }

    @Test func isShutDownWithItsLastCall() async throws {
        var runtime = FakeRuntime()
        let (requests, requested) = AsyncStream<Void>.makeStream()
        let (answers, answer) = AsyncStream<Void>.makeStream()
        runtime.on(Runtime.CheckpointContainer.descriptor) { (_: Runtime.CheckpointContainer.Input, _) in
            requested.yield()
            for await _ in answers { break }
            return Runtime.CheckpointContainer.Output()
        }
        let directory = TemporaryDirectory()
        let socket = directory.socket
        try await runtime.serving(on: socket) {
            let client = RuntimeClient(socket: socket)
            let running = Task { await client.run() }
            let call = Task { try await client.checkpoint("c1", location: "/a.tar", timeout: nil) }
            for await _ in requests { break }
            client.shutDown()
            await #expect(throws: RuntimeError.self) { try await client.version(timeout: nil) }
            answer.yield()
            try await call.value
            await running.value
        }
    }

    @Test func findsTheListener() async throws {
        let directory = TemporaryDirectory()
        let socket = directory.socket
        #expect(RuntimeClient.listener(socket: socket) == nil)
        let descriptor = try listening(socket)
        #expect(RuntimeClient.listener(socket: socket) == getpid())
        close(descriptor)
        #expect(RuntimeClient.listener(socket: socket) == nil)
    }
}
