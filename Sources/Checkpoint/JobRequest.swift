// SPDX-License-Identifier: Apache-2.0
package import NodeStatus

/// A point in time as the files have it: RFC 3339, UTC, with nine fractional digits.
package struct Moment: Codable, Hashable, Comparable, Sendable {
    package var time: Timestamp

    package init(_ time: Timestamp) {
        self.time = time
    }

    package static func < (left: Moment, right: Moment) -> Bool { left.time < right.time }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(time.rfc3339Nano)
    }

    package init(from decoder: any Decoder) throws {
        time = try Timestamp(from: decoder)
    }
}

extension Timestamp {
    /// Saturating; negative where `earlier` is later.
    func duration(since earlier: Timestamp) -> Duration {
        let (difference, overflow) = seconds.subtractingReportingOverflow(earlier.seconds)
        let whole = overflow ? (seconds < earlier.seconds ? Int64.min : Int64.max) / 2 : difference
        return .seconds(whole) + .nanoseconds(Int64(nanoseconds) - Int64(earlier.nanoseconds))
    }
}

/// Which container, pinned when the request was accepted.
package struct ContainerIdentity: Codable, Hashable, Sendable {
    package var namespace: String
    package var pod: String
    package var podUID: String
    package var container: String
    package var containerID: String
    package var sandboxID: String
    /// Restarts of the container in this pod.
    package var attempt: UInt32
    package var image: String

    package init(
        namespace: String, pod: String, podUID: String, container: String, containerID: String, sandboxID: String,
        attempt: UInt32, image: String
    ) {
        self.namespace = namespace
        self.pod = pod
        self.podUID = podUID
        self.container = container
        self.containerID = containerID
        self.sandboxID = sandboxID
        self.attempt = attempt
        self.image = image
    }

    /// `namespace/pod/container`, as in the kubelet's messages.
    package var name: String { "\(namespace)/\(pod)/\(container)" }
}

/// Who asked.
package struct Requester: Codable, Equatable, Sendable {
    /// `root`, `uid:1000`, or a user's name.
    package var user: String
    /// How that is known: `peer`, `x509`, `nodekeepToken`, `staticToken`, `webhook`, `anonymous`.
    package var authenticatedBy: String
    /// From where: `pid 4711`, later an address and port.
    package var from: String
    package var userAgent: String?
    /// The caller's own name for the request.
    package var request: String?

    package init(user: String, authenticatedBy: String, from: String, userAgent: String? = nil, request: String? = nil)
    {
        self.user = user
        self.authenticatedBy = authenticatedBy
        self.from = from
        self.userAgent = userAgent
        self.request = request
    }
}

/// What a dump is expected to need. Bytes.
package struct SizeEstimate: Codable, Equatable, Sendable {
    /// Anonymous and shared memory: what CRIU writes.
    package var memory: UInt64
    package var swap: UInt64
    /// The container's writable layer.
    package var writableLayer: UInt64
    /// The container's log file, a copy of which goes into the archive.
    package var log: UInt64
    /// What each file system must hold at the same time, each named by a directory in it.
    package var charges: [Charge]

    /// One copy, or several, that land on one file system.
    package struct Charge: Codable, Equatable, Sendable {
        package var directory: String
        package var bytes: UInt64
        /// What lands there, for people: `archive`, `runtime's copies`, `CRIU images`.
        package var purpose: String

        package init(directory: String, bytes: UInt64, purpose: String) {
            self.directory = directory
            self.bytes = bytes
            self.purpose = purpose
        }
    }

    package init(memory: UInt64, swap: UInt64, writableLayer: UInt64, log: UInt64, charges: [Charge]) {
        self.memory = memory
        self.swap = swap
        self.writableLayer = writableLayer
        self.log = log
        self.charges = charges
    }
}

/// `request.json`: what the agent asks of a dump process.
package struct JobRequest: Codable, Equatable, Sendable {
    package var version = 1
    package var id: String
    package var acceptedAt: Moment
    package var container: ContainerIdentity
    package var requester: Requester
    /// `unix:///…`
    package var runtimeEndpoint: String
    package var estimate: SizeEstimate?

    package init(
        id: String, acceptedAt: Moment, container: ContainerIdentity, requester: Requester,
        runtimeEndpoint: String, estimate: SizeEstimate?
    ) {
        self.id = id
        self.acceptedAt = acceptedAt
        self.container = container
        self.requester = requester
        self.runtimeEndpoint = runtimeEndpoint
        self.estimate = estimate
    }
}
