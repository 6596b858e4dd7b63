// SPDX-License-Identifier: Apache-2.0
internal import GRPCCore
internal import GRPCNIOTransportHTTP2Posix
internal import NIOPosix
internal import Synchronization

/// HTTP/2 over the runtime's socket, which fails a call at once with the system's reason where nobody listens there, and
/// waits for the connection where somebody does: the transport by itself knows only its own last attempt, up to three
/// seconds ago.
final class RuntimeTransport: ClientTransport {
    typealias Bytes = HTTP2ClientTransport.Posix.Bytes

    /// One thread serves the connections of the whole process: they are few and mostly silent.
    static let eventLoops = MultiThreadedEventLoopGroup(numberOfThreads: 1)

    /// Between two attempts to open a stream on a connection that is said to be there.
    private static let pause = Duration.milliseconds(20)

    private let socket: String
    private let base: HTTP2ClientTransport.Posix

    private struct Streams {
        var count = 0
        var isClosing = false
        var drained: AsyncStream<Void>.Continuation?

        var isDrained: Bool { isClosing && count == 0 }
    }

    private let streams = Mutex(Streams())

    init(socket: String) {
        var configuration = HTTP2ClientTransport.Posix.Config.defaults
        // As the kubelet's client has it; CRI-O looks at it.
        configuration.http2.authority = "localhost"
        configuration.backoff = .init(initial: .milliseconds(100), max: .seconds(3), multiplier: 1.6, jitter: 0.2)
        // A checkpoint is silent for as long as it takes: nothing here may end a connection.
        configuration.connection.maxIdleTime = nil
        configuration.connection.keepalive = nil
        configuration.connection.flushCoalescing = nil
        do {
            base = try HTTP2ClientTransport.Posix(
                target: .unixDomainSocket(path: socket), transportSecurity: .plaintext, config: configuration,
                eventLoopGroup: Self.eventLoops)
        } catch {
            // Only a target that no resolver is registered for: never this one.
            preconditionFailure("no transport for Unix sockets: \(error)")
        }
        self.socket = socket
    }

    var retryThrottle: RetryThrottle? { nil }

    func config(forMethod descriptor: MethodDescriptor) -> MethodConfig? { nil }

    /// Ends with the last call after ``beginGracefulShutdown()``. The transport by itself waits for a connection that
    /// it is about to make as well, which a runtime that does not answer never grants.
    func connect() async throws {
        let (drained, continuation) = AsyncStream<Void>.makeStream()
        streams.withLock {
            $0.drained = continuation
            if $0.isDrained { continuation.finish() }
        }
        defer { streams.withLock { $0.isClosing = true } }
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await self.base.connect() }
            group.addTask { for await _ in drained {} }
            defer { group.cancelAll() }
            try await group.next()
        }
    }

    func beginGracefulShutdown() {
        base.beginGracefulShutdown()
        streams.withLock {
            $0.isClosing = true
            if $0.isDrained { $0.drained?.finish() }
        }
    }

    private func opened() {
        streams.withLock { $0.count += 1 }
    }

    private func closed() {
        streams.withLock {
            $0.count -= 1
            if $0.isDrained { $0.drained?.finish() }
        }
    }

    func withStream<T: Sendable>(
        descriptor: MethodDescriptor, options: CallOptions,
        _ closure: (_ stream: RPCStream<Inbound, Outbound>, _ context: ClientContext) async throws -> T
    ) async throws -> T {
        let progress = CallProgress.current
        var options = options
        options.waitForReady = false
        while true {
            var hasBegun = false
            do {
                return try await base.withStream(descriptor: descriptor, options: options) { stream, context in
                    guard progress?.begin() ?? true else { throw CancellationError() }
                    hasBegun = true
                    opened()
                    defer { closed() }
                    return try await closure(stream, context)
                }
            } catch {
                guard !hasBegun, !streams.withLock({ $0.isClosing }) else { throw error }
                try Task.checkCancellation()
                if let obstacle = UnixSocket.obstacle(at: socket) {
                    progress?.note(obstacle: obstacle)
                    throw error
                }
                // Somebody listens by now. Whoever made the call bounds how long this is tried.
                progress?.note(obstacle: "it is listened on, but no gRPC connection comes about: \(error)")
                options.waitForReady = true
                try await Task.sleep(for: Self.pause)
            }
        }
    }
}
