// SPDX-License-Identifier: Apache-2.0
package import Access
package import Gate

/// What a caller of `POST /checkpoint/{namespace}/{pod}/{container}` asks for.
package struct CheckpointCall: Equatable, Sendable {
    package var namespace: String
    package var pod: String
    package var container: String
    /// How long the caller waits; nil: the runtime's usual request timeout. Never bounds the dump itself.
    package var timeout: Duration?
    /// Only say what it would take.
    package var isDryRun: Bool
    /// The caller's own name for the request.
    package var name: String?
    package var peer: Peer
    package var userAgent: String?
    /// Who asks, as was found out, and by what right.
    package var identity: Identity
    package var allowedBy: String

    package init(
        namespace: String, pod: String, container: String, timeout: Duration?, isDryRun: Bool, name: String?,
        peer: Peer, userAgent: String?, identity: Identity, allowedBy: String
    ) {
        self.namespace = namespace
        self.pod = pod
        self.container = container
        self.timeout = timeout
        self.isDryRun = isDryRun
        self.name = name
        self.peer = peer
        self.userAgent = userAgent
        self.identity = identity
        self.allowedBy = allowedBy
    }

    /// `namespace/pod/container`, as the kubelet's messages have it.
    package var subject: String { "\(namespace)/\(pod)/\(container)" }
}

/// What a request that web has passed on comes to.
package enum Routed: Equatable, Sendable {
    /// It is answered.
    case answer(API.Answer)
    /// It takes its time.
    case checkpoint(CheckpointCall)
}
