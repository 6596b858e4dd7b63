// SPDX-License-Identifier: Apache-2.0

/// The container whose checkpoint is asked for.
package struct CheckpointTarget: Equatable, Hashable, Sendable {
    package var namespace: String
    package var pod: String
    package var container: String

    package init(namespace: String, pod: String, container: String) {
        self.namespace = namespace
        self.pod = pod
        self.container = container
    }
}

/// What a request asks for.
package struct AccessAttributes: Equatable, Hashable, Sendable {
    /// `get create update patch delete list`; empty for OPTIONS and the rest, as the kubelet has it.
    package var verb: String
    /// Of the node, tried in order: the first that is allowed counts. `["stats"]`, `["healthz", "proxy"]`.
    package var subresources: [String]
    /// The path of the request. For policy rules only ``endpoint`` counts.
    package var path: String
    package var checkpoint: CheckpointTarget?

    package init(verb: String, subresources: [String], path: String, checkpoint: CheckpointTarget? = nil) {
        self.verb = verb
        self.subresources = subresources
        self.path = path
        self.checkpoint = checkpoint
    }

    /// What a request for this endpoint of a policy rule would be.
    package init(verb: String, endpoint: PolicyEndpoint, checkpoint: CheckpointTarget? = nil) {
        let subresources: [String] =
            switch endpoint {
            case .stats, .metrics, .checkpoint: [endpoint.rawValue]
            case .healthz, .configz: [endpoint.rawValue, "proxy"]
            case .checkpoints: ["checkpoint"]
            }
        self.init(verb: verb, subresources: subresources, path: "/" + endpoint.rawValue, checkpoint: checkpoint)
    }

    /// The name under which a policy rule has it: the first subresource, except that the archives are apart from the
    /// making of them. A page that has no name here (`proxy`) is allowed only by a rule for `*`.
    package var endpoint: String {
        // By bytes, and whatever follows: to Swift a slash with an accent behind it is another character.
        let first = path.utf8.dropFirst().prefix { $0 != UInt8(ascii: "/") }
        if first.elementsEqual(PolicyEndpoint.checkpoints.rawValue.utf8) { return PolicyEndpoint.checkpoints.rawValue }
        return subresources.first ?? String(Substring(first))
    }
}

/// The endpoints that a policy rule can name.
package enum PolicyEndpoint: String, CaseIterable, Sendable {
    /// `/`, `/status`, `/node` and `/stats/summary`.
    case stats
    case metrics
    case healthz
    case configz
    /// Making one.
    case checkpoint
    /// The archives: list, describe, verify, keep, delete.
    case checkpoints

    /// Requests for it can be about a certain container.
    var hasTarget: Bool { self == .checkpoint || self == .checkpoints }
}
