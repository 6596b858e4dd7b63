// SPDX-License-Identifier: Apache-2.0
@testable import CRI
import GRPCCore
import GRPCNIOTransportHTTP2Posix
import Glibc
import SwiftProtobuf

// GRPCCore has one, too.
typealias RuntimeError = CRI.RuntimeError

/// A gRPC server on a Unix socket whose methods are closures.
struct FakeRuntime: RegistrableRPCService {
    typealias Bytes = [UInt8]
    typealias Method =
        @Sendable (StreamingServerRequest<Bytes>, ServerContext) async throws ->
        StreamingServerResponse<Bytes>

    private var methods: [(MethodDescriptor, Method)] = []

    /// A method that answers with one message. Its metadata is what the client sent.
    mutating func on<Request: SwiftProtobuf.Message, Response: SwiftProtobuf.Message>(
        _ descriptor: MethodDescriptor, _: Request.Type = Request.self,
        _ body: @escaping @Sendable (Request, Metadata) async throws -> Response
    ) {
        onBytes(descriptor) { bytes, metadata in
            let answer = try await body(try Request(serializedBytes: bytes), metadata)
            return try answer.serializedBytes()
        }
    }

    mutating func onBytes(
        _ descriptor: MethodDescriptor, _ body: @escaping @Sendable (Bytes, Metadata) async throws -> Bytes
    ) {
        methods.append(
            (
                descriptor,
                { request, context in
                    let metadata = request.metadata
                    var messages = request.messages.makeAsyncIterator()
                    let message = try await messages.next() ?? []
                    let answer = try await body(message, metadata)
                    return StreamingServerResponse(single: ServerResponse(message: answer))
                }
            ))
    }

    /// A method that sends what it likes.
    mutating func onStream<Request: SwiftProtobuf.Message, Response: SwiftProtobuf.Message>(
        _ descriptor: MethodDescriptor, _: Request.Type = Request.self, _: Response.Type = Response.self,
        _ body: @escaping @Sendable (Request, (Response) async throws -> Void) async throws -> Void
    ) {
        methods.append(
            (
                descriptor,
                { request, context in
                    var messages = request.messages.makeAsyncIterator()
                    let message = try Request(serializedBytes: try await messages.next() ?? [])
                    return StreamingServerResponse { writer in
                        try await body(message) { try await writer.write($0.serializedBytes()) }
                        return [:]
                    }
                }
            ))
    }

    func registerMethods<Transport: ServerTransport>(with router: inout RPCRouter<Transport>) {
        for (descriptor, body) in methods {
            router.registerHandler(
                forMethod: descriptor, deserializer: BytesCoding(), serializer: BytesCoding(), handler: body)
        }
    }

    private struct BytesCoding: MessageSerializer, MessageDeserializer {
        func serialize<Target: GRPCContiguousBytes>(_ message: Bytes) throws -> Target { Target(message) }
        func deserialize<Source: GRPCContiguousBytes>(_ bytes: Source) throws -> Bytes {
            bytes.withUnsafeBytes { Array($0) }
        }
    }

    /// Serves on the socket for as long as the body runs.
    func serving<Result: Sendable>(
        on socket: String, _ body: @Sendable () async throws -> Result
    ) async throws -> Result {
        unlink(socket)
        let transport = HTTP2ServerTransport.Posix(
            address: .unixDomainSocket(path: socket), transportSecurity: .plaintext,
            config: .defaults { $0.rpc.maxRequestPayloadSize = 64 << 20 })
        let server = GRPCServer(transport: transport, services: [self])
        return try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await server.serve() }
            _ = try await transport.listeningAddress
            let result = await outcome(of: body)
            // Not cancelled: a server that is, drops the connections that it has just accepted, on which NIO traps.
            server.beginGracefulShutdown()
            try await group.waitForAll()
            return try result.get()
        }
    }
}

func outcome<Value>(of body: () async throws -> Value) async -> Result<Value, any Error> {
    do {
        return .success(try await body())
    } catch {
        return .failure(error)
    }
}

/// A directory of one test's own.
struct TemporaryDirectory: ~Copyable {
    let path: String

    init() {
        var template = Array("/tmp/nodekeep-cri-XXXXXX".utf8CString)
        path = String(cString: mkdtemp(&template))
    }

    deinit {
        unlink(path + "/runtime.sock")
        rmdir(path)
    }

    var socket: String { path + "/runtime.sock" }
}

/// A running client of a runtime that has these methods.
func withRuntime<Result: Sendable>(
    _ configure: (inout FakeRuntime) -> Void, _ body: @Sendable (RuntimeClient) async throws -> Result
) async throws -> Result {
    var runtime = FakeRuntime()
    configure(&runtime)
    let directory = TemporaryDirectory()
    let socket = directory.socket
    return try await runtime.serving(on: socket) {
        try await withClient(of: socket) { try await body($0) }
    }
}

/// A running client of whatever is at the socket.
func withClient<Result: Sendable>(
    of socket: String, connectLimit: Duration = .seconds(30), _ body: @Sendable (RuntimeClient) async throws -> Result
) async throws -> Result {
    let client = RuntimeClient(socket: socket, connectLimit: connectLimit)
    return try await withThrowingTaskGroup(of: Void.self) { group in
        group.addTask { await client.run() }
        defer { group.cancelAll() }
        return try await body(client)
    }
}
