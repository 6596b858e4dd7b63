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
        refuseSharedCheckpointDirectory(reader)
    }

    /// Archives do not lie where something else is taken away: the state with the package, the run directory with every
    /// stop, shared memory with the next boot.
    private func refuseSharedCheckpointDirectory(_ reader: ValueReader) {
        guard checkpointsEnabled else { return }
        let others = [
            (stateDirectory, "stateDir, which goes with the package"),
            (runDirectory, "runDir, which goes whenever the service stops"),
            ("/dev", "/dev, which is gone after the next boot"), ("/proc", "/proc"), ("/sys", "/sys"),
        ]
        for (other, why) in others where Paths.isBelow(checkpointDirectory, other) {
            let origin = reader.find("checkpointDirectory")?.origin ?? reader.find("rootDir")?.origin
            reader.findings.refuse(
                origin ?? .flag("--root-dir"), checkpointDirectory,
                "a directory of its own for checkpoints, not \(other) or below it: that is \(why)")
            return
        }
    }
}
