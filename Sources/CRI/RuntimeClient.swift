// SPDX-License-Identifier: Apache-2.0
internal import GRPCCore
internal import SwiftProtobuf

/// The container runtime at the other end of a Unix socket: CRI, and containerd's own Tasks and Events services, which
/// answer on the same socket.
///
/// Connects by itself, and again after the connection was lost. Every method throws ``RuntimeError``; `timeout` is the
/// gRPC deadline, nil sends none. Where nobody listens on the socket a call fails at once; where somebody listens who
/// does not answer, it fails when `connectLimit` is over, with a deadline or without; both say so with
/// `isConnectionLoss`. When the calling task is cancelled, so is the call, but for ``checkpoint(_:location:timeout:)``.
package final class RuntimeClient: Sendable {
    /// The largest answer that is taken, bytes: what the kubelet takes and containerd sends at most.
    static let messageLimit = 16 * 1_024 * 1_024

    let socket: String
    private let connectLimit: Duration
    private let client: GRPCClient<RuntimeTransport>

    /// - Parameters:
    ///   - socket: absolute path.
    ///   - connectLimit: for as long as a call waits for a connection, whatever its timeout.
    package init(socket: String, connectLimit: Duration = .seconds(5)) {
        self.socket = socket
        self.connectLimit = connectLimit
        client = GRPCClient(transport: RuntimeTransport(socket: socket))
    }

    /// Serves the connection until ``shutDown()`` was called and the running calls are done, or until the task is
    /// cancelled, which cuts them off. Calls made before wait for it. Once in a client's life.
    package func run() async {
        // Throws where it runs already or has been shut down: then there is nothing to serve.
        try? await client.runConnections()
    }

    /// Takes no more calls.
    package func shutDown() {
        client.beginGracefulShutdown()
    }

    /// The process that listens on the socket, by its credentials (SO_PEERCRED), connecting and closing again. Blocks
    /// for as long as connect(2) does: not for a task.
    package static func listener(socket: String) -> Int32? {
        UnixSocket.listener(at: socket)
    }

    // MARK: The calls that all the others are made of

    func unary<Request: SwiftProtobuf.Message, Response: SwiftProtobuf.Message>(
        _ method: MethodDescriptor, _ request: Request, metadata: Metadata = [:], timeout: Duration?
    ) async throws(RuntimeError) -> Response {
        try await call(method, timeout: timeout) { options in
            try await self.client.unary(
                request: ClientRequest(message: request, metadata: metadata), descriptor: method,
                serializer: MessageEncoder<Request>(), deserializer: MessageDecoder<Response>(), options: options
            ) { try $0.message }
        }
    }

    /// Returns when the runtime has ended the stream.
    func stream<Request: SwiftProtobuf.Message, Response: SwiftProtobuf.Message>(
        _ method: MethodDescriptor, _ request: Request, metadata: Metadata = [:],
        _ body: @escaping @Sendable (Response) async -> Void
    ) async throws(RuntimeError) {
        try await call(method, timeout: nil) { options in
            try await self.client.serverStreaming(
                request: ClientRequest(message: request, metadata: metadata), descriptor: method,
                serializer: MessageEncoder<Request>(), deserializer: MessageDecoder<Response>(), options: options
            ) { response in
                for try await message in response.messages { await body(message) }
            }
        }
    }

    /// Makes the call and bounds the time that it waits for a connection.
    private func call<Value: Sendable>(
        _ method: MethodDescriptor, timeout: Duration?,
        _ body: @escaping @Sendable (CallOptions) async throws -> Value
    ) async throws(RuntimeError) -> Value {
        let progress = CallProgress()
        // gRPC's own arithmetic traps on what is less than nothing and has no digits for eternity.
        let timeout = timeout.map { min(max($0, .zero), .seconds(365 * 86_400)) }
        var options = CallOptions.defaults
        options.timeout = timeout
        // The transport takes the first for the largest answer as well.
        options.maxRequestMessageBytes = Self.messageLimit
        options.maxResponseMessageBytes = Self.messageLimit
        let prepared = options
        do {
            return try await withThrowingTaskGroup(of: Value?.self) { group in
                defer { group.cancelAll() }
                group.addTask {
                    try await CallProgress.$current.withValue(progress) { try await body(prepared) }
                }
                group.addTask {
                    // Ends early when the call has ended.
                    guard (try? await Task.sleep(for: self.connectLimit)) != nil, progress.abandon() else { return nil }
                    throw NoConnection()
                }
                while let result = try await group.next() {
                    if let value = result { return value }
                }
                throw NoConnection()
            }
        } catch {
            throw RuntimeError(
                error, call: method.method, socket: socket, progress: progress, timeout: timeout,
                connectLimit: connectLimit, isCancelled: Task.isCancelled)
        }
    }

    private struct NoConnection: Error {}
}
