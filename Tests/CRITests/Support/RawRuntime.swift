// SPDX-License-Identifier: Apache-2.0
import CRI
import NIOCore
import NIOPosix

/// Bytes on a Unix socket, for what no gRPC server would do.
func withRawServer<Result: Sendable>(
    on socket: String, connection handle: @escaping @Sendable (inout RawConnection) async throws -> Void,
    _ body: @Sendable () async throws -> Result
) async throws -> Result {
    let server = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
        .childChannelInitializer { child in
            child.eventLoop.makeCompletedFuture {
                let channel = try NIOAsyncChannel<ByteBuffer, ByteBuffer>(wrappingChannelSynchronously: child)
                // Ends with the connection.
                Task {
                    try await channel.executeThenClose { inbound, outbound in
                        var connection = RawConnection(inbound: inbound.makeAsyncIterator(), outbound: outbound)
                        try await handle(&connection)
                    }
                }
            }
        }
        .bind(unixDomainSocketPath: socket, cleanupExistingSocketFile: true).get()
    let result = await outcome(of: body)
    try await server.close()
    return try result.get()
}

struct RawConnection {
    /// RFC 9113, section 6.
    enum Kind {
        static let data: UInt8 = 0
        static let headers: UInt8 = 1
        static let reset: UInt8 = 3
        static let settings: UInt8 = 4
        static let goAway: UInt8 = 7
    }

    struct Frame: Equatable {
        var kind: UInt8
        var flags: UInt8 = 0
        var stream: UInt32 = 0
        var payload: [UInt8] = []
    }

    /// The client has closed.
    struct Closed: Error {}

    var inbound: NIOAsyncChannelInboundStream<ByteBuffer>.AsyncIterator
    let outbound: NIOAsyncChannelOutboundWriter<ByteBuffer>
    private var received = ByteBuffer()

    init(
        inbound: NIOAsyncChannelInboundStream<ByteBuffer>.AsyncIterator,
        outbound: NIOAsyncChannelOutboundWriter<ByteBuffer>
    ) {
        self.inbound = inbound
        self.outbound = outbound
    }

    mutating func read(_ count: Int) async throws -> [UInt8] {
        while received.readableBytes < count {
            guard let more = try await inbound.next() else { throw Closed() }
            received.writeImmutableBuffer(more)
        }
        return received.readBytes(length: count) ?? []
    }

    /// Up to and with the empty line that ends the head of an HTTP/1 request.
    mutating func readHead() async throws -> String {
        var head: [UInt8] = []
        while !head.suffix(4).elementsEqual("\r\n\r\n".utf8) { head += try await read(1) }
        return String(decoding: head, as: UTF8.self)
    }

    func write(_ bytes: some Collection<UInt8>) async throws {
        try await outbound.write(ByteBuffer(bytes: bytes))
    }

    // MARK: HTTP/2

    /// What every HTTP/2 client begins with.
    mutating func readPreface() async throws {
        _ = try await read(24)
    }

    mutating func readFrame() async throws -> Frame {
        let head = try await read(9)
        let length = head[..<3].reduce(0) { $0 << 8 | Int($1) }
        let stream = head[5...].reduce(0) { $0 << 8 | UInt32($1) }
        return Frame(kind: head[3], flags: head[4], stream: stream, payload: try await read(length))
    }

    /// The stream of the next call, once its request is complete.
    mutating func readRequest() async throws -> UInt32 {
        while true {
            let frame = try await readFrame()
            if frame.kind == Kind.data, frame.flags & 1 == 1 { return frame.stream }
        }
    }

    func send(_ frames: Frame...) async throws {
        var bytes: [UInt8] = []
        for frame in frames {
            let count = frame.payload.count
            bytes += [
                UInt8(count >> 16 & 0xFF), UInt8(count >> 8 & 0xFF), UInt8(count & 0xFF), frame.kind, frame.flags,
            ]
            bytes += Self.bytes(frame.stream) + frame.payload
        }
        try await write(bytes)
    }

    static let settings = Frame(kind: Kind.settings)

    /// The head of a gRPC answer.
    static func head(_ stream: UInt32) -> Frame {
        Frame(kind: Kind.headers, flags: 4, stream: stream, payload: [0x88] + field("content-type", "application/grpc"))
    }

    /// One message, its length told as something else where that is wanted.
    static func message(_ stream: UInt32, _ bytes: [UInt8], length: UInt32? = nil) -> Frame {
        Frame(kind: Kind.data, stream: stream, payload: [0] + Self.bytes(length ?? UInt32(bytes.count)) + bytes)
    }

    static func trailers(_ stream: UInt32, status: Int = 0, message: String = "") -> Frame {
        Frame(
            kind: Kind.headers, flags: 5, stream: stream,
            payload: field("grpc-status", "\(status)") + field("grpc-message", message))
    }

    /// A header that no table is needed for (RFC 7541, section 6.2.2).
    private static func field(_ name: String, _ value: String) -> [UInt8] {
        [0] + [UInt8(name.utf8.count)] + Array(name.utf8) + [UInt8(value.utf8.count)] + Array(value.utf8)
    }

    static func bytes(_ number: UInt32) -> [UInt8] {
        [UInt8(number >> 24), UInt8(number >> 16 & 0xFF), UInt8(number >> 8 & 0xFF), UInt8(number & 0xFF)]
    }
}

/// A client of a raw server.
func withRawRuntime<Result: Sendable>(
    connectLimit: Duration = .seconds(30), _ handle: @escaping @Sendable (inout RawConnection) async throws -> Void,
    _ body: @Sendable (RuntimeClient) async throws -> Result
) async throws -> Result {
    let directory = TemporaryDirectory()
    let socket = directory.socket
    return try await withRawServer(on: socket, connection: handle) {
        try await withClient(of: socket, connectLimit: connectLimit) {
            try await body($0)
        }
    }
}
