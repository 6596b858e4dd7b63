// SPDX-License-Identifier: Apache-2.0

/// In which role the agent speaks to a control plane: `cluster.role`.
package enum HeartbeatRole: String, Codable, Sendable, CaseIterable {
    /// To nobody: lease and status are files.
    case none
    /// Beside a kubelet: a lease of its own, and conditions under its own prefix.
    case companion
    /// As the node's agent, where there is no kubelet.
    case node
}

/// What a companion puts in front of the types of its conditions: `nodekeep.dev/MemoryPressure`.
package enum ConditionPrefix {
    package static let standard = "nodekeep.dev/"

    /// Why conditions cannot have this prefix, as half a sentence; nil if they can.
    ///
    /// A condition's type is a qualified name (core/v1/types.go NodeCondition, by the API conventions), and a companion
    /// must never write one that is a kubelet's or Kubernetes' own.
    package static func problem(_ prefix: String) -> String? {
        if prefix.isEmpty { return "is empty: the conditions would be the kubelet's" }
        if prefix.utf8.contains(UInt8(ascii: "/")), !prefix.hasSuffix("/") { return "goes on behind its '/'" }
        for type in ConditionType.allCases {
            do throws(SyntaxError) {
                try LabelSyntax.validate(key: prefix + type.rawValue)
            } catch {
                return "makes no condition type: \(error.problem)"
            }
        }
        let domain = prefix.hasSuffix("/") ? String(prefix.dropLast()) : ""
        for reserved in ["kubernetes.io", "k8s.io"] where domain == reserved || domain.hasSuffix("." + reserved) {
            return "is in \(reserved), which is Kubernetes' own"
        }
        return nil
    }
}
