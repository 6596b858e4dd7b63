// SPDX-License-Identifier: Apache-2.0
internal import KubeAPI
internal import NodeStatus

/// The lease as the kubelet writes it (pkg/kubelet/util/nodelease.go), with our marks.
enum NodeLease {
    /// - Parameter ownerUID: Of the Node; nil: no owner.
    static func new(_ settings: HeartbeatSettings, ownerUID: String?, date: Timestamp) -> JSONValue {
        let lease = LeaseObject(namespace: settings.leaseNamespace, name: settings.leaseName)
        return renewed(lease.object, settings, ownerUID: ownerUID, date: date)
    }

    /// The lease that was read, renewed: all else stays as it is.
    static func renewed(
        _ old: JSONValue, _ settings: HeartbeatSettings, ownerUID: String?, date: Timestamp
    ) -> JSONValue {
        var lease = LeaseObject(old)
        // The server keeps its own record of who wrote what; sent back, it would be half of the request.
        lease.object["metadata", "managedFields"] = nil
        lease.object["metadata", "annotations", Ownership.installationKey] = .string(settings.installation)
        lease.object["metadata", "annotations", Ownership.renewedKey] = .string(date.rfc3339Micro)
        lease.holderIdentity = settings.holderIdentity
        lease.leaseDurationSeconds = settings.leaseDurationSeconds
        lease.renewTime = date
        if let ownerUID { own(&lease, settings, uid: ownerUID) }
        return lease.object
    }

    static func isOwned(_ lease: JSONValue) -> Bool { !LeaseObject(lease).ownerReferences.isEmpty }

    /// A Node that was deleted and registered again is another one, and a lease that still names the old one as its
    /// owner is collected as garbage. What others own is theirs.
    private static func own(_ lease: inout LeaseObject, _ settings: HeartbeatSettings, uid: String) {
        let node = OwnerReference.node(name: settings.nodeName, uid: uid)
        let index = lease.ownerReferences.firstIndex { $0.kind == node.kind && $0.name == node.name }
        if let index {
            guard lease.ownerReferences[index].uid != uid else { return }
            lease.ownerReferences[index] = node
        } else if lease.ownerReferences.isEmpty {
            lease.ownerReferences = [node]
        }
    }

    /// For pages. Nil: not a lease as we write them.
    static func view(_ object: JSONValue) -> LeaseView? {
        let lease = LeaseObject(object)
        guard let name = lease.name, let holder = lease.holderIdentity, let seconds = lease.leaseDurationSeconds,
            let renewTime = lease.renewTime
        else { return nil }
        return LeaseView(
            namespace: lease.namespace ?? "", name: name, holderIdentity: holder, leaseDurationSeconds: seconds,
            renewTime: renewTime)
    }
}
