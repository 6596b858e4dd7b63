// SPDX-License-Identifier: Apache-2.0
internal import NIOCore
internal import NIOHTTP1
internal import NIOPosix
internal import NIOSSL
internal import Synchronization

/// An HTTPS server on a port of this machine whose answers a test makes up.
package final class KubeTestServer: Sendable {
    package typealias Answering = @Sendable (TestRequest) -> TestReply

    fileprivate struct State {
        var requests: [TestRequest] = []
        var connections = 0
        var open = 0
    }

    fileprivate final class Log: Sendable {
        fileprivate let state = Mutex(State())
    }

    private let log: Log
    private let channel: any Channel
    package let port: Int

    /// - Parameters:
    ///   - clientAuthority: PEM of the authority that clients must have a certificate of; nil: none is wanted.
    ///   - isClientOptional: One without a certificate may come as well, as with a real API server.
    ///   - oldTLS: It speaks TLS 1.1 at best.
    package init(
        _ certificate: TestCertificate, address: String = "127.0.0.1", clientAuthority: String? = nil,
        isClientOptional: Bool = false, oldTLS: Bool = false, _ answer: @escaping Answering
    ) async throws {
        let log = Log()
        self.log = log
        var configuration = TLSConfiguration.makeServerConfiguration(
            certificateChain: try NIOSSLCertificate.fromPEMBytes(Array(certificate.chain.utf8)).map {
                .certificate($0)
            },
            privateKey: .privateKey(try NIOSSLPrivateKey(bytes: Array(certificate.key.utf8), format: .pem)))
        if oldTLS {
            configuration.minimumTLSVersion = .tlsv1
            configuration.maximumTLSVersion = .tlsv11
        }
        if let clientAuthority {
            configuration.certificateVerification = isClientOptional ? .optionalVerification : .noHostnameVerification
            configuration.trustRoots = .certificates(try NIOSSLCertificate.fromPEMBytes(Array(clientAuthority.utf8)))
        }
        let context = try NIOSSLContext(configuration: configuration)
        channel = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .childChannelInitializer { channel in
                log.state.withLock {
                    $0.connections += 1
                    $0.open += 1
                }
                channel.closeFuture.whenComplete { _ in log.state.withLock { $0.open -= 1 } }
                return channel.eventLoop.makeCompletedFuture {
                    let pipeline = channel.pipeline.syncOperations
                    try pipeline.addHandler(NIOSSLServerHandler(context: context))
                    try pipeline.addHandler(ByteToMessageHandler(HTTPRequestDecoder()))
                    try pipeline.addHandler(AnsweringHandler(log: log, answer: answer))
                }
            }
            .bind(to: SocketAddress(ipAddress: address, port: 0)).get()
        port = channel.localAddress?.port ?? 0
    }

    package func stop() async {
        try? await channel.close()
    }

    /// In the order in which they came.
    package var requests: [TestRequest] { log.state.withLock { $0.requests } }
    /// TCP connections so far.
    package var connections: Int { log.state.withLock { $0.connections } }
    package var openConnections: Int { log.state.withLock { $0.open } }

    private final class AnsweringHandler: ChannelInboundHandler {
        typealias InboundIn = HTTPServerRequestPart
        typealias OutboundOut = ByteBuffer

        private let log: Log
        private let answer: Answering
        private var request: TestRequest?

        init(log: Log, answer: @escaping Answering) {
            self.log = log
            self.answer = answer
        }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            switch unwrapInboundIn(data) {
            case .head(let head):
                let headers = head.headers.map { ($0.name.lowercased(), $0.value) }
                request = TestRequest(
                    method: head.method.rawValue, target: head.uri,
                    headers: [String: String](headers, uniquingKeysWith: { $0 + ", " + $1 }), body: [],
                    client: Self.client(context))
            case .body(let part): request?.body += part.readableBytesView
            case .end:
                guard let request else { return }
                self.request = nil
                log.state.withLock { $0.requests.append(request) }
                perform(answer(request).steps[...], context)
            }
        }

        private static func client(_ context: ChannelHandlerContext) -> String? {
            guard let certificate = try? context.pipeline.syncOperations.nioSSL_peerCertificate(),
                let bytes = try? certificate.toDERBytes()
            else { return nil }
            return TestAuthority.commonName(of: bytes)
        }

        private func perform(_ steps: ArraySlice<TestReply.Step>, _ context: ChannelHandlerContext) {
            guard let step = steps.first, context.channel.isActive else { return }
            let rest = steps.dropFirst()
            switch step {
            case .bytes(let bytes):
                context.writeAndFlush(wrapOutboundOut(ByteBuffer(bytes: bytes)), promise: nil)
                perform(rest, context)
            case .pause(let milliseconds):
                let bound = NIOLoopBound((self, context), eventLoop: context.eventLoop)
                context.eventLoop.scheduleTask(in: .milliseconds(milliseconds)) {
                    bound.value.0.perform(rest, bound.value.1)
                }
            case .close: context.close(promise: nil)
            case .cut:
                // From below TLS, which would say goodbye.
                let tls = try? context.pipeline.syncOperations.context(handlerType: NIOSSLServerHandler.self)
                tls?.close(mode: .all, promise: nil)
            }
        }

        func errorCaught(context: ChannelHandlerContext, error: any Error) {
            context.close(promise: nil)
        }
    }
}
