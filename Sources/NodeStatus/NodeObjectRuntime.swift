// SPDX-License-Identifier: Apache-2.0

// The parts of a Node's status that come from the container runtime.

/// An entry of `status.images`.
package struct ContainerImage: Codable, Equatable, Sendable {
    package var names: [String]
    /// Bytes; nil for none.
    package var sizeBytes: Int64?

    package init(names: [String], sizeBytes: Int64?) {
        self.names = names
        self.sizeBytes = sizeBytes
    }
}

/// An entry of `status.runtimeHandlers`.
package struct NodeRuntimeHandler: Codable, Equatable, Sendable {
    package struct Features: Codable, Equatable, Sendable {
        package var recursiveReadOnlyMounts: Bool
        package var userNamespaces: Bool

        package init(recursiveReadOnlyMounts: Bool, userNamespaces: Bool) {
            self.recursiveReadOnlyMounts = recursiveReadOnlyMounts
            self.userNamespaces = userNamespaces
        }
    }

    /// Empty: the default handler.
    package var name: String
    package var features: Features

    package init(name: String, features: Features) {
        self.name = name
        self.features = features
    }
}

/// `status.features`.
package struct NodeFeatures: Codable, Equatable, Sendable {
    package var supplementalGroupsPolicy: Bool

    package init(supplementalGroupsPolicy: Bool) {
        self.supplementalGroupsPolicy = supplementalGroupsPolicy
    }
}

extension RuntimeReport {
    /// `containerd://2.1.9`. While the runtime does not say its version, a kubelet says `containerd://Unknown`, and
    /// `://Unknown` as long as it does not even know its name.
    var containerRuntimeVersion: String {
        "\(name ?? "")://\(version.value?.rendered ?? "Unknown")"
    }

    /// - Parameter maximum: `nodeStatusMaxImages`; -1: all.
    func containerImages(maximum: Int) -> [ContainerImage]? {
        let images = (images.value ?? []).prefix(maximum < 0 ? .max : maximum).map { image in
            ContainerImage(names: image.names, sizeBytes: image.size == 0 ? nil : Int64(clamping: image.size))
        }
        return images.isEmpty ? nil : images
    }

    var runtimeHandlers: [NodeRuntimeHandler]? {
        guard !handlers.isEmpty else { return nil }
        return handlers.map { handler in
            NodeRuntimeHandler(
                name: handler.name,
                features: .init(
                    recursiveReadOnlyMounts: handler.recursiveReadOnlyMounts, userNamespaces: handler.userNamespaces))
        }
    }

    var features: NodeFeatures? {
        supplementalGroupsPolicy.map { NodeFeatures(supplementalGroupsPolicy: $0) }
    }
}
