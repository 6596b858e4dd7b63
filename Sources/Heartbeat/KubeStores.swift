// SPDX-License-Identifier: Apache-2.0
package import KubeAPI
internal import NodeStatus

extension HeartbeatStores {
    /// All of an API server's.
    ///
    /// - Parameter renewConnections: `KubeClient.closeIdleConnections`.
    package static func apiServer(
        _ client: any KubeCalling, _ settings: HeartbeatSettings, renewConnections: @escaping @Sendable () -> Void
    ) -> HeartbeatStores {
        .cluster(
            lease: KubeLeaseStore(client, settings), node: KubeNodeStore(client, settings),
            events: KubeEventStore(client, settings), renewConnections: renewConnections)
    }
}

package struct KubeLeaseStore: LeaseStore {
    private let client: any KubeCalling
    private let settings: HeartbeatSettings

    package init(_ client: any KubeCalling, _ settings: HeartbeatSettings) {
        self.client = client
        self.settings = settings
    }

    package func get() async -> Result<JSONValue?, HeartbeatFailure> {
        await found { () throws(KubeError) in
            try await client.getLease(
                namespace: settings.leaseNamespace, name: settings.leaseName, timeout: settings.requestTimeout)
        }
    }

    package func create(_ lease: JSONValue) async -> Result<JSONValue, HeartbeatFailure> {
        await written { () throws(KubeError) in
            try await client.createLease(
                namespace: settings.leaseNamespace, lease, timeout: settings.requestTimeout)
        }
    }

    package func update(_ lease: JSONValue) async -> Result<JSONValue, HeartbeatFailure> {
        await written { () throws(KubeError) in
            try await client.updateLease(
                namespace: settings.leaseNamespace, name: settings.leaseName, lease,
                timeout: settings.requestTimeout)
        }
    }
}

package struct KubeNodeStore: NodeStore {
    private let client: any KubeCalling
    private let settings: HeartbeatSettings

    package init(_ client: any KubeCalling, _ settings: HeartbeatSettings) {
        self.client = client
        self.settings = settings
    }

    package func get() async -> Result<JSONValue?, HeartbeatFailure> {
        await found { () throws(KubeError) in
            try await client.getNode(settings.nodeName, timeout: settings.requestTimeout)
        }
    }

    package func create(_ node: JSONValue) async -> Result<JSONValue, HeartbeatFailure> {
        await written { () throws(KubeError) in
            try await client.createNode(node, timeout: settings.requestTimeout)
        }
    }

    package func patchStatus(_ patch: JSONValue) async -> Result<JSONValue, HeartbeatFailure> {
        await written { () throws(KubeError) in
            try await client.patchNodeStatus(name: settings.nodeName, patch, timeout: settings.requestTimeout)
        }
    }
}

package struct KubeEventStore: EventStore {
    private let client: any KubeCalling
    private let settings: HeartbeatSettings

    package init(_ client: any KubeCalling, _ settings: HeartbeatSettings) {
        self.client = client
        self.settings = settings
    }

    package func create(_ event: JSONValue, namespace: String) async -> Result<JSONValue, HeartbeatFailure> {
        await written { () throws(KubeError) in
            try await client.createEvent(namespace: namespace, event, timeout: settings.requestTimeout)
        }
    }

    package func patch(
        _ patch: JSONValue, namespace: String, name: String
    ) async -> Result<JSONValue, HeartbeatFailure> {
        await written { () throws(KubeError) in
            try await client.patchEvent(
                namespace: namespace, name: name, patch, timeout: settings.requestTimeout)
        }
    }
}

extension HeartbeatSettings {
    /// No call outlasts the next one's time (cmd/kubelet/app/server.go).
    fileprivate var requestTimeout: Duration {
        min(statusUpdateFrequency, .seconds(max(leaseDurationSeconds, 1)))
    }
}

private func written(_ call: () async throws(KubeError) -> JSONValue) async -> Result<JSONValue, HeartbeatFailure> {
    do {
        return .success(try await call())
    } catch {
        return .failure(HeartbeatFailure(error))
    }
}

/// Nil: there is no such object.
private func found(_ call: () async throws(KubeError) -> JSONValue) async -> Result<JSONValue?, HeartbeatFailure> {
    do {
        return .success(try await call())
    } catch {
        return error.isNotFound ? .success(.none) : .failure(HeartbeatFailure(error))
    }
}
