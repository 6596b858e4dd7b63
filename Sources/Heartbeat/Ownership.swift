// SPDX-License-Identifier: Apache-2.0
internal import KubeAPI
package import NodeStatus

/// By what this installation knows its own objects, and somebody else's.
///
/// Where a kubelet is, or was, its Node and its lease must not be kept alive by anybody else. A kubelet that finds a
/// lease renews it as it is, holder included; so each renewal repeats its time in an annotation, which others leave
/// alone: a time that the annotation does not have is not ours.
package enum Ownership {
    /// On Node and Lease: which installation made them.
    package static let installationKey = "nodekeep.dev/installation"
    /// On the Lease: the `renewTime` that we wrote.
    package static let renewedKey = "nodekeep.dev/renewed"
    /// On the Node at its registration: nothing runs pods here.
    package static let noPodsTaint = Taint(key: "nodekeep.dev/no-pods", effect: .noExecute)

    enum LeaseClaim: Equatable {
        case ours
        /// Another installation of nodekeep's.
        case otherInstallation(String)
        /// Whoever's.
        case foreign(String)
        /// Ours, but somebody else renews it.
        case renewedByOthers
    }

    static func claim(on object: JSONValue, _ settings: HeartbeatSettings) -> LeaseClaim {
        let lease = LeaseObject(object)
        let holder = lease.holderIdentity ?? ""
        let installation = lease.annotations[installationKey]
        guard installation == settings.installation, holder == settings.holderIdentity else {
            if let installation, installation != settings.installation, holder.hasSuffix("_" + installation) {
                return .otherInstallation(ForeignText.line(installation, limit: 64))
            }
            return .foreign(holder.isEmpty ? "nobody by name" : "\"\(ForeignText.line(holder, limit: 64))\"")
        }
        // Somebody may have released it: nobody's time is not somebody else's.
        guard let renewTime = lease.renewTime else { return .ours }
        let ours = lease.annotations[renewedKey].flatMap { Timestamp(microTime: $0) }
        return renewTime == ours ? .ours : .renewedByOthers
    }

    /// Why this Node is not ours to write, for role node; nil: it is ours.
    static func problem(of node: JSONValue, _ settings: HeartbeatSettings) -> String? {
        let name = settings.nodeName
        let installation = node["metadata", "annotations", installationKey]?.text
        let remedy =
            "Stop whoever runs there and delete it (kubectl delete node \(name)), or use cluster.role: companion"
        guard installation == settings.installation else {
            if let installation {
                return "the Node \(name) belongs to another installation of nodekeep "
                    + "(\(ForeignText.line(installation, limit: 64)); this one is \(settings.installation)). \(remedy)"
            }
            let version = node["status", "nodeInfo", "kubeletVersion"]?.text ?? ""
            guard version.isEmpty else {
                return "the Node \(name) belongs to a kubelet (\(ForeignText.line(version, limit: 64))). \(remedy)"
            }
            return "the Node \(name) was made by somebody else. Delete it (kubectl delete node \(name)), or give it to "
                + "this installation (kubectl annotate node \(name) \(installationKey)=\(settings.installation))"
        }
        // We say that no pod fits here, and a kubelet never does.
        guard let text = node["status", "capacity", "pods"]?.text, let pods = try? Quantity(parsing: text),
            !pods.isZero
        else { return nil }
        return "a kubelet writes the status of the Node \(name) (it says pods: \(pods)). \(remedy)"
    }
}
