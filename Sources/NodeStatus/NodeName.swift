// SPDX-License-Identifier: Apache-2.0

/// The node's name, which is also its `Hostname` address and its `kubernetes.io/hostname` label
/// (component-helpers/node/util/hostname.go).
package enum NodeName {
    /// `hostnameOverride` or the host name, trimmed and in lower case.
    ///
    /// - Returns: Missing when there is no host name or nothing is left of it, which is fatal to a kubelet.
    package static func compute(_ snapshot: NodeSnapshot, _ settings: NodeSettings) -> Reading<String> {
        let override = settings.hostnameOverride.trimmed
        let hostname =
            override.isEmpty ? snapshot.hostname : Reading.value(settings.hostnameOverride, at: snapshot.time)
        guard case .value(let text, let time) = hostname.map(normalized) else { return hostname }
        return text.isEmpty ? .missing("the host name is empty") : .value(text, at: time)
    }

    package static func normalized(_ hostname: String) -> String { hostname.trimmed.lowercased() }

    /// Why an API server would refuse a node of this name, nil if it would not.
    package static func problem(_ name: String) -> String? {
        LabelSyntax.subdomainProblem(name).map { "the node name \"\(name)\" \($0)" }
    }
}
