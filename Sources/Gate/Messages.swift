// SPDX-License-Identifier: Apache-2.0

/// The gate: everything that the agent and the web process say to each other.
///
/// The web process parses bytes from the network, so the agent treats every message from it as hostile; the agent is
/// trusted by web. Values here are plain and know nothing of HTTP semantics: who may see what is the agent's business.

/// What the agent says to the web process.
package enum AgentMessage: Equatable, Sendable {
    /// The first message, once: listeners and limits.
    case configure(WebConfiguration)
    /// What the main listener is from now on: new handshakes use it at once, open connections keep what they began with.
    /// Every grant ends. One that web cannot use is reported with an error in the log, and the one before it stays.
    case serverIdentity(ServerIdentity)
    /// A page that web may answer from memory until it is replaced, expired or no longer confirmed.
    case publish(PublishedPage)
    /// Every page that web holds is still true: their life is extended by `WebConfiguration.pageLifetime`.
    case confirm
    /// The truth behind these pages has changed: pass the next request for them on.
    case expire(paths: [String])
    /// Every grant ends: who may see what has changed.
    case revokeGrants
    /// The answer to a request that web passed on.
    case respond(GateResponse)
    /// The answer to this request comes within so many milliseconds: ``WebConfiguration/agentTimeout`` is not for it.
    case await(id: UInt64, milliseconds: UInt32)
    /// Asks for a sign of life and the counters.
    case ping(UInt64)
    /// Stop accepting, finish what is under way within so many milliseconds, and exit.
    case drain(milliseconds: UInt32)
}

/// What the web process says to the agent.
package enum WebMessage: Equatable, Sendable {
    /// The filter is loaded and the listeners are served.
    case ready(processID: Int32)
    /// A request that web cannot answer from memory.
    case request(GateRequest)
    /// The client of this request has gone: whatever has not started for it need not start.
    case cancelled(id: UInt64)
    /// First use of these pages since each was published or confirmed: the agent keeps them up to date while they are
    /// used.
    case used([PageUse])
    /// The answer to `ping`.
    case pong(UInt64, WebCounters)
    /// A line for the log; web has no file of its own. Rate-limited by the sender and by the receiver.
    case log(LogLevel, String)
}

package enum LogLevel: UInt8, Sendable, CaseIterable {
    case debug = 1
    case info = 2
    case warning = 3
    case error = 4
}

/// The listener on which a request came in.
package enum ListenerKind: UInt8, Sendable, CaseIterable {
    /// Plain HTTP on a loopback address; `Host` is checked.
    case local = 1
    /// The root-only Unix socket; the peer's credentials are its identity.
    case socket = 2
    /// TLS on the network, for whom the agent allows it.
    case main = 3
}

/// A listening socket that web inherits.
package struct ListenerDescription: Equatable, Sendable {
    package var kind: ListenerKind
    /// The number of the inherited descriptor in the web process.
    package var descriptor: Int32
    /// Host names and addresses, lower case and without port, that a request's `Host` may name; empty: any.
    package var allowedHosts: [String]

    package init(kind: ListenerKind, descriptor: Int32, allowedHosts: [String]) {
        self.kind = kind
        self.descriptor = descriptor
        self.allowedHosts = allowedHosts
    }
}

/// What web needs to know before it serves. All times are milliseconds, all sizes bytes.
package struct WebConfiguration: Equatable, Sendable {
    package var listeners: [ListenerDescription]
    /// Open connections on each listener beyond which the one idle longest is closed for a new one.
    package var maximumConnections: UInt32 = 256
    /// From the connection's (or the previous answer's) first byte until the request is complete.
    package var requestTimeout: UInt32 = 10_000
    /// Without a request on an open connection.
    package var idleTimeout: UInt32 = 60_000
    /// From an answer being ready until the client has taken all of it.
    package var responseTimeout: UInt32 = 30_000
    /// From passing a request to the agent until its answer, unless the agent asks for more time; then 503.
    package var agentTimeout: UInt32 = 5_000
    /// Requests that may wait for the agent at once; beyond it 503.
    package var maximumPassedRequests: UInt32 = 128
    /// The largest request body that is read (and dropped: nothing here takes a body); beyond it 413.
    package var maximumBodySize: UInt32 = 8_192
    /// Memory of a connection: request line and headers must fit in it; beyond it 431 or 414.
    package var connectionMemory: UInt32 = 16_384
    /// How long a published page is good without being confirmed.
    package var pageLifetime: UInt32 = 3_000
    /// Protocol versions, ciphers and groups on the main listener, as a GnuTLS priority string. Empty: there is no main
    /// listener. Web adds to it that Diffie-Hellman over finite fields is off.
    package var tlsPriorities = ""

    package init(listeners: [ListenerDescription]) {
        self.listeners = listeners
    }
}

package struct HeaderField: Equatable, Sendable {
    /// Lower case in requests.
    package var name: String
    package var value: String

    package init(_ name: String, _ value: String) {
        self.name = name
        self.value = value
    }
}

/// A page that web answers from memory: GET and HEAD of exactly `path` without a query; on the main listener only where
/// the connection holds a grant for it (``GateResponse/grantMilliseconds``).
package struct PublishedPage: Equatable, Sendable {
    package var path: String
    package var listeners: [ListenerKind]
    package var status: UInt16
    /// Fields sent with it, `content-type` among them; web adds `etag`, `vary`, `content-encoding`, `content-length`, `date`.
    package var headers: [HeaderField]
    /// Quoted entity tag of the identity body; the gzip body's is the same with `-gzip` before the closing quote.
    package var entityTag: String
    package var body: [UInt8]
    /// The compressed body: `absent` makes web pass on a request that asks for gzip, `worthless` makes it send identity.
    package var gzip: GzipBody

    package init(
        path: String, listeners: [ListenerKind], status: UInt16, headers: [HeaderField], entityTag: String,
        body: [UInt8], gzip: GzipBody
    ) {
        self.path = path
        self.listeners = listeners
        self.status = status
        self.headers = headers
        self.entityTag = entityTag
        self.body = body
        self.gzip = gzip
    }
}

package enum GzipBody: Equatable, Sendable {
    case absent
    case worthless
    case body([UInt8])
}

package struct PageUse: Equatable, Sendable {
    package var path: String
    /// A client asked for it compressed.
    package var gzip: Bool

    package init(path: String, gzip: Bool) {
        self.path = path
        self.gzip = gzip
    }
}

/// Who is at the other end of a connection, as the kernel says.
package enum Peer: Equatable, Sendable {
    /// Credentials of the process that connected to the Unix socket.
    case unix(processID: Int32, userID: UInt32, groupID: UInt32)
    /// Numeric address and port.
    case tcp(address: String, port: UInt16)
}

package struct GateRequest: Equatable, Sendable {
    /// Unique for the life of the web process.
    package var id: UInt64
    /// The connection it came on: unique for the life of the web process.
    package var connection: UInt64
    package var listener: ListenerKind
    package var peer: Peer
    package var method: String
    /// As sent: not decoded, without the query, begins with `/`.
    package var path: String
    /// As sent, without the question mark; nil when there was none.
    package var query: String?
    /// The fields in `GateRequest.passedHeaders` that the client sent, names in lower case.
    package var headers: [HeaderField]
    /// The chain that the client showed in the TLS handshake, DER, its own certificate first; empty: none. TLS has proved
    /// that the client holds the first one's key. Nothing else of it has been verified.
    package var clientCertificates: [[UInt8]]

    /// The only request fields that pass the gate.
    package static let passedHeaders = [
        "host", "accept", "accept-encoding", "authorization", "if-none-match", "user-agent",
    ]

    package init(
        id: UInt64, listener: ListenerKind, peer: Peer, method: String, path: String, query: String?,
        headers: [HeaderField], connection: UInt64 = 0, clientCertificates: [[UInt8]] = []
    ) {
        self.id = id
        self.connection = connection
        self.listener = listener
        self.peer = peer
        self.method = method
        self.path = path
        self.query = query
        self.headers = headers
        self.clientCertificates = clientCertificates
    }
}

package struct GateResponse: Equatable, Sendable {
    package var id: UInt64
    package var status: UInt16
    /// Complete but for `content-length`, `date` and `connection`. On HEAD web drops the body and keeps its length.
    package var headers: [HeaderField]
    package var body: [UInt8]
    /// For so long from its arrival web may answer the same path on the same connection with the same `authorization`
    /// from memory, if the page is published for the main listener. 0: not at all, and never on other listeners.
    package var grantMilliseconds: UInt32

    package init(id: UInt64, status: UInt16, headers: [HeaderField], body: [UInt8], grantMilliseconds: UInt32 = 0) {
        self.id = id
        self.status = status
        self.headers = headers
        self.body = body
        self.grantMilliseconds = grantMilliseconds
    }
}

/// What web has counted since it started.
package struct WebCounters: Equatable, Sendable {
    package var connectionsAccepted: UInt64 = 0
    package var connectionsOpen: UInt64 = 0
    /// Closed to make room for a new one.
    package var connectionsEvicted: UInt64 = 0
    /// Closed because a request, an answer or idleness took too long.
    package var connectionsTimedOut: UInt64 = 0
    package var requestsPassed: UInt64 = 0
    /// Answers from memory.
    package var served: [ServedCount] = []
    /// Requests that web refused by itself.
    package var refused: [RefusedCount] = []
    /// System calls that the filter denied, and the number of the last one (-1: none).
    package var deniedSystemCalls: UInt64 = 0
    package var lastDeniedSystemCall: Int32 = -1

    package init() {}
}

package struct ServedCount: Equatable, Sendable {
    package var path: String
    package var listener: ListenerKind
    package var status: UInt16
    package var count: UInt64

    package init(path: String, listener: ListenerKind, status: UInt16, count: UInt64) {
        self.path = path
        self.listener = listener
        self.status = status
        self.count = count
    }
}

package struct RefusedCount: Equatable, Sendable {
    /// A short fixed word such as `host`, `malformed`, `body`, `busy`.
    package var reason: String
    package var status: UInt16
    package var count: UInt64

    package init(reason: String, status: UInt16, count: UInt64) {
        self.reason = reason
        self.status = status
        self.count = count
    }
}
