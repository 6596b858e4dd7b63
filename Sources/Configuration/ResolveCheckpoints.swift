// SPDX-License-Identifier: Apache-2.0

import NodeStatus

/// The kubelet's feature gates that mean something here.
package enum FeatureGate {
    package static let containerCheckpoint = "ContainerCheckpoint"
}

extension Configuration {
    /// Whether checkpoints are served, and where their archives are.
    mutating func resolveCheckpoints(_ reader: ValueReader) {
        for (gate, text, origin) in reader.texts("featureGates") ?? [] {
            if gate == FeatureGate.containerCheckpoint {
                checkpointsEnabled = text.lowercased() == "true"
            } else if !reader.isKubelets {
                reader.findings.refuse(
                    origin, gate, "the only gate here is \(FeatureGate.containerCheckpoint); the others are a kubelet's"
                )
            }
        }
        let directory = reader.text("checkpointDirectory").flatMap { text, origin in
            text.isEmpty ? nil : Paths.judge(text, origin, reader.findings)
        }
        checkpointDirectory = directory ?? Paths.join(rootDirectory, "checkpoints")
    }
}
