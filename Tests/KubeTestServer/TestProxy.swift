// SPDX-License-Identifier: Apache-2.0
internal import NIOCore
internal import NIOPosix
internal import Synchronization

/// An HTTP proxy that knows CONNECT, and connects to one port of this machine whatever it is asked for.
package final class TestProxy: Sendable {
    private let channel: any Channel
    private let seen: Seen
    package let port: Int

    fileprivate final class Seen: Sendable {
        let heads = Mutex<[String]>([])
    }

    /// - Parameter status: Of its own answer: 200, 407, 403.
    package init(to target: Int, status: Int = 200) async throws {
        let seen = Seen()
        self.seen = seen
        channel = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(
                        ConnectHandler(target: target, status: status, seen: seen))
                }
            }
            .bind(host: "127.0.0.1", port: 0).get()
        port = channel.localAddress?.port ?? 0
    }

    package func stop() async {
        try? await channel.close()
    }

    /// The requests' lines with their headers.
    package var heads: [String] { seen.heads.withLock { $0 } }

    private final class ConnectHandler: ChannelInboundHandler {
        typealias InboundIn = ByteBuffer
        typealias OutboundOut = ByteBuffer

        private let target: Int
        private let status: Int
        private let seen: Seen
        private var head = ""
        private var isConnecting = false
        private var early: [ByteBuffer] = []
        private var partner: (any Channel)?

        init(target: Int, status: Int, seen: Seen) {
            self.target = target
            self.status = status
            self.seen = seen
        }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            let buffer = unwrapInboundIn(data)
            if let partner { return partner.writeAndFlush(buffer, promise: nil) }
            guard !isConnecting else { return early.append(buffer) }
            head += String(buffer: buffer)
            guard head.hasSuffix("\r\n\r\n") else { return }
            seen.heads.withLock { $0.append(head) }
            guard status == 200 else {
                let refusal = "HTTP/1.1 \(status) \r\ncontent-length: 0\r\n\r\n"
                context.writeAndFlush(wrapOutboundOut(ByteBuffer(string: refusal)), promise: nil)
                return
            }
            isConnecting = true
            let client = context.channel
            let bound = NIOLoopBound((self, context), eventLoop: context.eventLoop)
            ClientBootstrap(group: context.eventLoop)
                .channelInitializer { channel in
                    channel.eventLoop.makeCompletedFuture {
                        try channel.pipeline.syncOperations.addHandler(Relay(to: client))
                    }
                }
                .connect(host: "127.0.0.1", port: target).whenSuccess { bound.value.0.connected($0, bound.value.1) }
        }

        private func connected(_ channel: any Channel, _ context: ChannelHandlerContext) {
            partner = channel
            context.writeAndFlush(wrapOutboundOut(ByteBuffer(string: "HTTP/1.1 200 \r\n\r\n")), promise: nil)
            for buffer in early { channel.writeAndFlush(buffer, promise: nil) }
            early = []
        }

        func channelInactive(context: ChannelHandlerContext) {
            partner?.close(promise: nil)
        }
    }

    private final class Relay: ChannelInboundHandler {
        typealias InboundIn = ByteBuffer

        private let other: any Channel

        init(to other: any Channel) {
            self.other = other
        }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            other.writeAndFlush(unwrapInboundIn(data), promise: nil)
        }

        func channelInactive(context: ChannelHandlerContext) {
            other.close(promise: nil)
        }
    }
}
