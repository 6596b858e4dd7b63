// SPDX-License-Identifier: Apache-2.0
package import NodeStatus

/// A `coordination.k8s.io/v1` Lease: what is known here as properties, the rest as it came.
package struct LeaseObject: Hashable, Sendable {
    package var object: JSONValue

    package init(_ object: JSONValue) {
        self.object = object
    }

    /// A new one.
    package init(namespace: String, name: String) {
        object = [
            "apiVersion": .string(ObjectKind.lease.apiVersion), "kind": .string(ObjectKind.lease.kind),
            "metadata": ["namespace": .string(namespace), "name": .string(name)], "spec": [:],
        ]
    }

    package var name: String? { object["metadata", "name"]?.text }
    package var namespace: String? { object["metadata", "namespace"]?.text }
    package var uid: String? { object["metadata", "uid"]?.text }

    /// Without it the server refuses an update.
    package var resourceVersion: String? {
        get { object["metadata", "resourceVersion"]?.text }
        set { object["metadata", "resourceVersion"] = newValue.map { .string($0) } }
    }

    package var holderIdentity: String? {
        get { object["spec", "holderIdentity"]?.text }
        set { object["spec", "holderIdentity"] = newValue.map { .string($0) } }
    }

    package var leaseDurationSeconds: Int64? {
        get { object["spec", "leaseDurationSeconds"]?.integer }
        set { object["spec", "leaseDurationSeconds"] = newValue.map { .integer($0) } }
    }

    /// To the microsecond.
    package var renewTime: Timestamp? {
        get { object["spec", "renewTime"]?.text.flatMap { Timestamp(microTime: $0) } }
        set { object["spec", "renewTime"] = newValue.map { .string($0.rfc3339Micro) } }
    }

    /// Empty: there are none, and no field for them.
    package var annotations: [String: String] {
        get { (object["metadata", "annotations"]?.fields ?? [:]).compactMapValues(\.text) }
        set {
            object["metadata", "annotations"] = newValue.isEmpty ? nil : .object(newValue.mapValues { .string($0) })
        }
    }

    /// Empty: there are none, and no field for them. Setting leaves of a reference that stays what is not known here:
    /// `controller`, `blockOwnerDeletion`.
    package var ownerReferences: [OwnerReference] {
        get { references.compactMap(OwnerReference.init) }
        set {
            let old = references
            let new = newValue.map { reference in
                old.first { OwnerReference($0) == reference }
                    ?? [
                        "apiVersion": .string(reference.apiVersion), "kind": .string(reference.kind),
                        "name": .string(reference.name), "uid": .string(reference.uid),
                    ]
            }
            object["metadata", "ownerReferences"] = new.isEmpty ? nil : .array(new)
        }
    }

    private var references: [JSONValue] { object["metadata", "ownerReferences"]?.elements ?? [] }
}

extension OwnerReference {
    fileprivate init?(_ value: JSONValue) {
        guard let apiVersion = value["apiVersion"]?.text, let kind = value["kind"]?.text,
            let name = value["name"]?.text, let uid = value["uid"]?.text
        else { return nil }
        self.init(apiVersion: apiVersion, kind: kind, name: name, uid: uid)
    }
}

extension ObjectKind {
    static let lease = ObjectKind(kind: "Lease", apiVersion: "coordination.k8s.io/v1", plural: "leases")
}

extension KubeCalling {
    package func getLease(
        namespace: String, name: String, timeout: Duration? = nil
    ) async throws(KubeError) -> JSONValue {
        let path = ObjectKind.lease.path(namespace: namespace, name: name)
        return try await call(.get, .lease, at: path, name: name, timeout: timeout)
    }

    package func createLease(
        namespace: String, _ lease: JSONValue, timeout: Duration? = nil
    ) async throws(KubeError) -> JSONValue {
        let path = ObjectKind.lease.path(namespace: namespace)
        let name = lease["metadata", "name"]?.text
        return try await call(.post, .lease, at: path, name: name, body: lease, timeout: timeout)
    }

    /// - Parameter lease: With the `resourceVersion` of the one that it replaces.
    package func updateLease(
        namespace: String, name: String, _ lease: JSONValue, timeout: Duration? = nil
    ) async throws(KubeError) -> JSONValue {
        let path = ObjectKind.lease.path(namespace: namespace, name: name)
        return try await call(.put, .lease, at: path, name: name, body: lease, timeout: timeout)
    }
}
