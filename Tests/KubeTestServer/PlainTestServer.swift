// SPDX-License-Identifier: Apache-2.0
internal import NIOCore
internal import NIOPosix

/// A TCP server without TLS: what stands on a port where an API server should be.
package final class PlainTestServer: Sendable {
    package enum Behaviour: Sendable {
        case silent
        /// To the first bytes that come.
        case says(String)
        case closes
    }

    private let channel: any Channel
    package let port: Int

    package init(_ behaviour: Behaviour) async throws {
        channel = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(Handler(behaviour))
                }
            }
            .bind(host: "127.0.0.1", port: 0).get()
        port = channel.localAddress?.port ?? 0
    }

    package func stop() async {
        try? await channel.close()
    }

    private final class Handler: ChannelInboundHandler {
        typealias InboundIn = ByteBuffer
        typealias OutboundOut = ByteBuffer

        private let behaviour: Behaviour

        init(_ behaviour: Behaviour) {
            self.behaviour = behaviour
        }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            switch behaviour {
            case .silent: break
            case .says(let text):
                context.writeAndFlush(wrapOutboundOut(ByteBuffer(string: text)), promise: nil)
            case .closes: context.close(promise: nil)
            }
        }
    }
}
