// SPDX-License-Identifier: Apache-2.0
package import KubeAPI

/// Where the lease is kept: an API server, or a file.
package protocol LeaseStore: Sendable {
    /// Nil: there is none.
    func get() async -> Result<JSONValue?, HeartbeatFailure>
    /// - Returns: The lease as it was stored; `conflict`: there is one already.
    func create(_ lease: JSONValue) async -> Result<JSONValue, HeartbeatFailure>
    /// - Parameter lease: With the `resourceVersion` that it was read with; `conflict`: it has another one by now.
    func update(_ lease: JSONValue) async -> Result<JSONValue, HeartbeatFailure>
}

/// Where the Node is kept, when a control plane looks after it.
package protocol NodeStore: Sendable {
    /// Nil: there is none.
    func get() async -> Result<JSONValue?, HeartbeatFailure>
    func create(_ node: JSONValue) async -> Result<JSONValue, HeartbeatFailure>
    /// - Parameter patch: A strategic merge patch of the status subresource, labels and annotations included.
    func patchStatus(_ patch: JSONValue) async -> Result<JSONValue, HeartbeatFailure>
}

/// Where the Node is written whole, for whoever reads it later: a file.
package protocol NodeWriter: Sendable {
    func write(_ node: JSONValue) async -> Result<Void, HeartbeatFailure>
}

/// Where events go.
package protocol EventStore: Sendable {
    func create(_ event: JSONValue, namespace: String) async -> Result<JSONValue, HeartbeatFailure>
    func patch(_ patch: JSONValue, namespace: String, name: String) async -> Result<JSONValue, HeartbeatFailure>
}

/// What the heartbeat writes to, by role.
package enum HeartbeatStores: Sendable {
    /// Role none.
    case files(lease: any LeaseStore, node: any NodeWriter)
    /// Companion and node. `renewConnections` is called after calls that failed one after the other.
    case cluster(
        lease: any LeaseStore, node: any NodeStore, events: any EventStore, renewConnections: @Sendable () -> Void)

    var lease: any LeaseStore {
        switch self {
        case .files(let lease, _), .cluster(let lease, _, _, _): lease
        }
    }
}
