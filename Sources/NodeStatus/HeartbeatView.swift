// SPDX-License-Identifier: Apache-2.0

/// How the heartbeat fares: lease, node status and events. Immutable, published whole; times rather than ages, so that
/// it changes only when something happened.
package struct HeartbeatView: Equatable, Sendable {
    package var role: HeartbeatRole
    /// The API server's address, or the directory of the files.
    package var target: String
    package var lease = LoopView()
    /// The lease as it was last written; nil: not yet.
    package var written: LeaseView?
    /// Lease writes that succeeded, and those that failed.
    package var renewals: UInt64 = 0
    package var failedRenewals: UInt64 = 0
    package var status = LoopView()
    /// Of the Node; nil: not known, or there is none.
    package var nodeUID: String?
    package var events = EventsView()
    /// Where the agent looks after its client certificate itself (cluster.bootstrapKubeconfig); nil: it does not.
    package var certificate: ClientCertificateView?
    /// Why the heartbeat has stopped for good: the Node or the lease is somebody else's. Nil: it has not.
    package var refusal: String?
    /// Which loop of the agent is stuck, so that nothing is renewed. Nil: none is.
    package var heldBack: String?

    package init(role: HeartbeatRole, target: String) {
        self.role = role
        self.target = target
    }
}

/// A Lease (coordination/v1) as it was written.
package struct LeaseView: Equatable, Sendable {
    package var namespace: String
    package var name: String
    package var holderIdentity: String
    package var leaseDurationSeconds: Int64
    package var renewTime: Timestamp

    package init(
        namespace: String, name: String, holderIdentity: String, leaseDurationSeconds: Int64, renewTime: Timestamp
    ) {
        self.namespace = namespace
        self.name = name
        self.holderIdentity = holderIdentity
        self.leaseDurationSeconds = leaseDurationSeconds
        self.renewTime = renewTime
    }
}

/// How a call to a store ended: words for metrics and pages, a fixed set.
package enum HeartbeatResult: String, Sendable, CaseIterable {
    case ok
    /// 401
    case unauthorized
    /// 403
    case forbidden
    /// 404: where the answer is a failure, not where it says that there is no such object yet.
    case notFound = "not_found"
    /// 409
    case conflict
    /// 410
    case gone
    /// 400, 405, 406, 413, 415, 422: it would fail again.
    case invalid
    /// 429
    case tooManyRequests = "too_many_requests"
    /// 5xx but 504
    case serverError = "server_error"
    /// 504: whether the call had an effect is unknown.
    case serverTimeout = "server_timeout"
    case nameResolution = "name_resolution"
    case connect
    case tls
    /// Our own deadline. Whether the call had an effect is unknown.
    case timeout
    /// Whether the call had an effect is unknown.
    case connectionLost = "connection_lost"
    /// No API server's answer.
    case malformedAnswer = "malformed_answer"
    /// A file could not be read or written, or a disk hangs.
    case disk
    case other
}

/// One of the heartbeat's loops.
package struct LoopView: Equatable, Sendable {
    /// Calls by how they ended.
    package var results: [HeartbeatResult: UInt64] = [:]
    package var latency = LatencyHistogram()
    package var lastAttempt: Timestamp?
    /// When lease or status was last written, or found to be as it should be.
    package var lastSuccess: Timestamp?
    /// When it is going to be written next, if nothing happens. By the wall clock as it was when that was decided.
    package var nextDue: Timestamp?
    /// What is wrong at present, worded for an operator. Nil: nothing.
    package var problem: String?

    package init() {}

    package var attempts: UInt64 { results.values.reduce(0, &+) }
}

package struct EventsView: Equatable, Sendable {
    package var loop = LoopView()
    /// Given up: the queue was full, the API server refused them, or it could not be reached for two minutes.
    package var dropped: UInt64 = 0
    /// Held back, as client-go does it, because there were too many of a kind.
    package var suppressed: UInt64 = 0
    package var queued: Int = 0

    package init() {}
}

/// How it stands with the node's client certificate.
package struct ClientCertificateView: Equatable, Sendable {
    /// When the certificate ends; nil: there is none.
    package var expires: Timestamp?
    /// When it is to be replaced.
    package var renewal: Timestamp?
    /// Why there is no new one although there should be; one line, stable while it stays the same.
    package var problem: String?
    /// The certificate signing request that somebody has to approve.
    package var awaits: String?
    /// Certificates that were issued since the start.
    package var issued: UInt64 = 0
    /// Tries that came to nothing since the start.
    package var failures: UInt64 = 0

    package init() {}
}

/// How long calls took.
package struct LatencyHistogram: Equatable, Sendable {
    /// Upper bounds in seconds; above the last one is everything else.
    package static let bounds: [Double] = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10]

    /// For each bound, and for everything else, the calls that are in no smaller one. Not cumulative.
    package private(set) var counts = [UInt64](repeating: 0, count: bounds.count + 1)
    /// Seconds.
    package private(set) var sum: Double = 0

    package init() {}

    package var count: UInt64 { counts.reduce(0, &+) }

    package mutating func add(_ duration: Duration) {
        let (whole, attoseconds) = max(duration, .zero).components
        let seconds = Double(whole) + Double(attoseconds) / 1e18
        counts[Self.bounds.firstIndex { seconds <= $0 } ?? Self.bounds.count] &+= 1
        sum += seconds
    }
}
