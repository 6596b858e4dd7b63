// SPDX-License-Identifier: Apache-2.0

extension ObjectKind {
    static let node = ObjectKind(kind: "Node", apiVersion: "v1", plural: "nodes")
    /// A Node lists fifty images with five names each, and every field of every manager: etcd holds 1.5 MiB of it, which
    /// is more as JSON.
    fileprivate static let nodeLimit = 4 << 20
}

extension KubeCalling {
    package func getNode(_ name: String, timeout: Duration? = nil) async throws(KubeError) -> JSONValue {
        try await call(
            .get, .node, at: ObjectKind.node.path(name: name), name: name, timeout: timeout,
            answerLimit: ObjectKind.nodeLimit)
    }

    package func createNode(_ node: JSONValue, timeout: Duration? = nil) async throws(KubeError) -> JSONValue {
        try await call(
            .post, .node, at: ObjectKind.node.path(), name: node["metadata", "name"]?.text, body: node,
            timeout: timeout, answerLimit: ObjectKind.nodeLimit)
    }

    /// - Parameter patch: A strategic merge patch of metadata and status; the server leaves a spec in it alone.
    package func patchNodeStatus(
        name: String, _ patch: JSONValue, timeout: Duration? = nil
    ) async throws(KubeError) -> JSONValue {
        try await patchNode(name, subresource: "status", patch, timeout)
    }

    /// - Parameter patch: A strategic merge patch of metadata and spec; the server leaves a status in it alone.
    package func patchNode(
        name: String, _ patch: JSONValue, timeout: Duration? = nil
    ) async throws(KubeError) -> JSONValue {
        try await patchNode(name, subresource: nil, patch, timeout)
    }

    private func patchNode(
        _ name: String, subresource: String?, _ patch: JSONValue, _ timeout: Duration?
    ) async throws(KubeError) -> JSONValue {
        try await call(
            .patch, .node, at: ObjectKind.node.path(name: name, subresource: subresource), name: name, body: patch,
            contentType: .strategicMergePatch, timeout: timeout, answerLimit: ObjectKind.nodeLimit)
    }
}
