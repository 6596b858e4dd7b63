// SPDX-License-Identifier: Apache-2.0

internal import CMicrohttpd
internal import Gate
internal import Glibc

/// One accepted connection, from libmicrohttpd's first notice of it to its last.
///
/// The listener's table keeps it alive; the library holds an unretained pointer to it in between.
final class Connection {
    enum Phase {
        /// Accepted; no request line has been read.
        case fresh
        /// Between two requests.
        case idle
        /// The request line has been read, the rest is coming.
        case receiving
        /// Suspended; the agent has the request of this id.
        case waiting(UInt64)
        /// Resumed, to be answered with this when the library calls next.
        case resumed(Answer)
        /// The client has gone while it waited.
        case gone
        /// An answer is on its way out.
        case answering
    }

    /// What a waiting request gets.
    enum Answer {
        case response(GateResponse)
        case refusal(Refusal)
    }

    /// Unique for the life of the process.
    let id: UInt64
    let listener: Listener
    let handle: OpaquePointer
    let descriptor: Int32
    let credentials: Peer?
    /// On the main listener.
    let tls: TLSConnection?
    /// What it may read from memory, on the main listener.
    var grants = Grants()
    /// Its place in the listener's table.
    var index = 0
    var phase = Phase.fresh
    /// When the present phase has lasted too long.
    var deadline: Milliseconds
    /// Its turn among all when it last was of use: accepted, or a request finished. Not a time: a burst of connections
    /// comes within one millisecond.
    var lastUsed: UInt64
    /// Shut down by us; the library will notice.
    var isShut = false

    /// Suspended during its handshake; the server waits for its bytes.
    var isParked = false

    /// It is in the server's list of answered connections.
    var isListed = false

    /// Path and query of the present request, as sent.
    var target: [UInt8] = []
    /// What the check of the header found; nil before it.
    var head: RequestHead?
    /// The client has closed its side while waiting: it may still read, but the agent has been told.
    var isCancelled = false

    init(
        id: UInt64, listener: Listener, handle: OpaquePointer, descriptor: Int32, credentials: Peer?,
        tls: TLSConnection?, turn: UInt64, deadline: Milliseconds
    ) {
        self.id = id
        self.tls = tls
        self.listener = listener
        self.handle = handle
        self.descriptor = descriptor
        self.credentials = credentials
        self.lastUsed = turn
        self.deadline = deadline
    }

    /// How much it deserves to stay when there are too many: least first.
    var rank: Int {
        switch phase {
        case .fresh, .idle: 0
        case .receiving: 1
        case .waiting, .resumed, .gone, .answering: 2
        }
    }

    var isIdle: Bool {
        if case .idle = phase { true } else { false }
    }

    var isBusy: Bool { rank > 0 }

    /// A request has not come, or not all of it.
    var isUnfinished: Bool {
        switch phase {
        case .fresh, .receiving: true
        case .idle, .waiting, .resumed, .gone, .answering: false
        }
    }

    /// The library reads from it, or waits for something to read.
    var isReading: Bool {
        guard !isParked else { return false }
        switch phase {
        case .fresh, .idle, .receiving: return true
        case .waiting, .resumed, .gone, .answering: return false
        }
    }

    func shut() {
        guard !isShut else { return }
        isShut = true
        shutdown(descriptor, Int32(SHUT_RDWR))
    }

    /// Who is at the other end, for a request that is passed on.
    var peer: Peer? {
        if let credentials { return credentials }
        guard let address = nodekeep_mhd_client_address(handle) else { return nil }
        return numericPeer(address)
    }
}

/// The numeric address and port of a TCP peer.
private func numericPeer(_ address: UnsafePointer<sockaddr>) -> Peer? {
    let raw = UnsafeRawPointer(address)
    var text = [CChar](repeating: 0, count: Int(INET6_ADDRSTRLEN))
    let port: UInt16
    switch Int32(address.pointee.sa_family) {
    case AF_INET:
        var four = raw.loadUnaligned(as: sockaddr_in.self)
        guard inet_ntop(AF_INET, &four.sin_addr, &text, socklen_t(text.count)) != nil else { return nil }
        port = UInt16(bigEndian: four.sin_port)
    case AF_INET6:
        var six = raw.loadUnaligned(as: sockaddr_in6.self)
        guard inet_ntop(AF_INET6, &six.sin6_addr, &text, socklen_t(text.count)) != nil else { return nil }
        port = UInt16(bigEndian: six.sin6_port)
    default:
        return nil
    }
    let bytes = text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }
    return .tcp(address: String(decoding: bytes, as: UTF8.self), port: port)
}

/// The process that connected to a Unix socket, as the kernel recorded it then.
func unixPeer(_ descriptor: Int32) -> Peer? {
    var credentials = nodekeep_credentials()
    guard nodekeep_peer_credentials(descriptor, &credentials) == 0 else { return nil }
    return .unix(processID: credentials.process, userID: credentials.user, groupID: credentials.group)
}
