// SPDX-License-Identifier: Apache-2.0

/// A label of the node, and where its value comes from.
package struct PresetLabel: Codable, Equatable, Sendable {
    package var key: String
    package var value: String
    /// For people: `hostname`, `hostnameOverride`, `uname`, `built for linux`, `configuration: nodeLabels`.
    package var source: String

    package init(key: String, value: String, source: String) {
        self.key = key
        self.value = value
        self.source = source
    }
}

/// The labels that a kubelet gives its node when it registers it (pkg/kubelet/kubelet_node_status.go initialNode).
package struct PresetLabels: Equatable, Sendable {
    /// Sorted by key.
    package var labels: [PresetLabel]
    /// A label that could not be set, and why.
    package var problems: [String]

    package var dictionary: [String: String] {
        Dictionary(labels.map { ($0.key, $0.value) }, uniquingKeysWith: { first, _ in first })
    }

    /// `nodeLabels` override the preset ones. A label that Kubernetes would not take is left out and reported.
    package static func compute(_ snapshot: NodeSnapshot, _ settings: NodeSettings) -> PresetLabels {
        var result = PresetLabels(labels: [], problems: [])
        var found: [String: PresetLabel] = [:]
        func add(_ key: String, _ value: String, _ source: String) {
            do throws(SyntaxError) {
                try LabelSyntax.validate(key: key, value: value)
                found[key] = PresetLabel(key: key, value: value, source: source)
            } catch {
                result.problems.append("the label \(key) is left out: \(error)")
            }
        }
        let configured = settings.nodeLabels
        func addPreset(_ key: String, _ reading: Reading<String>, _ source: String) {
            guard configured[key] == nil else { return }
            switch reading {
            case .value(let value, _): add(key, value, source)
            case .missing(let reason): result.problems.append("the label \(key) is left out: \(reason)")
            }
        }
        let isOverridden = !settings.hostnameOverride.trimmed.isEmpty
        addPreset(
            "kubernetes.io/hostname", NodeName.compute(snapshot, settings),
            isOverridden ? "configuration: hostnameOverride" : "hostname")
        for prefix in ["", "beta."] {
            addPreset(prefix + "kubernetes.io/arch", snapshot.identity.architecture, "uname")
            addPreset(prefix + "kubernetes.io/os", .value("linux", at: snapshot.time), "built for linux")
        }
        for (key, value) in configured.sorted(by: { $0.key < $1.key }) {
            add(key, value, "configuration: nodeLabels")
        }
        result.labels = found.values.sorted { $0.key < $1.key }
        return result
    }
}
