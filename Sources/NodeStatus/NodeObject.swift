// SPDX-License-Identifier: Apache-2.0

/// A Kubernetes Node, v1 (core/v1/types.go), as far as nodekeep fills it in.
///
/// Nil, never empty, where Kubernetes leaves an empty field out.
package struct NodeObject: Codable, Equatable, Sendable {
    package var kind: String = "Node"
    package var apiVersion: String = "v1"
    package var metadata: NodeMetadata
    package var spec: NodeSpecObject
    package var status: NodeStatusObject

    package init(metadata: NodeMetadata, spec: NodeSpecObject, status: NodeStatusObject) {
        self.metadata = metadata
        self.spec = spec
        self.status = status
    }
}

package struct NodeMetadata: Codable, Equatable, Sendable {
    package var name: String
    package var labels: [String: String]?
    package var annotations: [String: String]?

    package init(name: String, labels: [String: String]? = nil, annotations: [String: String]? = nil) {
        self.name = name
        self.labels = labels
        self.annotations = annotations
    }
}

package struct NodeSpecObject: Codable, Equatable, Sendable {
    package var providerID: String?
    package var taints: [Taint]?

    package init(providerID: String? = nil, taints: [Taint]? = nil) {
        self.providerID = providerID
        self.taints = taints
    }
}

/// `status` of a Node. What comes from mounting volumes, or names features of the kubelet's own (`declaredFeatures`), is
/// left out.
package struct NodeStatusObject: Codable, Equatable, Sendable {
    package var capacity: ResourceList?
    package var allocatable: ResourceList?
    package var conditions: [NodeCondition]?
    package var addresses: [NodeAddress]?
    package var daemonEndpoints: DaemonEndpoints
    package var nodeInfo: NodeSystemInfo
    /// Largest first.
    package var images: [ContainerImage]?
    package var runtimeHandlers: [NodeRuntimeHandler]?
    package var features: NodeFeatures?

    package init(
        capacity: ResourceList?, allocatable: ResourceList?, conditions: [NodeCondition]?, addresses: [NodeAddress]?,
        daemonEndpoints: DaemonEndpoints, nodeInfo: NodeSystemInfo, images: [ContainerImage]? = nil,
        runtimeHandlers: [NodeRuntimeHandler]? = nil, features: NodeFeatures? = nil
    ) {
        self.capacity = capacity
        self.allocatable = allocatable
        self.conditions = conditions
        self.addresses = addresses
        self.daemonEndpoints = daemonEndpoints
        self.nodeInfo = nodeInfo
        self.images = images
        self.runtimeHandlers = runtimeHandlers
        self.features = features
    }
}

package struct DaemonEndpoints: Codable, Equatable, Sendable {
    package struct Endpoint: Codable, Equatable, Sendable {
        package var port: Int32

        package init(port: Int32) {
            self.port = port
        }

        /// A capital letter, unlike everywhere else.
        private enum CodingKeys: String, CodingKey {
            case port = "Port"
        }
    }

    package var kubeletEndpoint: Endpoint

    package init(kubeletEndpoint: Endpoint) {
        self.kubeletEndpoint = kubeletEndpoint
    }
}

/// `status.nodeInfo`: every key is always there, except `swap`.
package struct NodeSystemInfo: Codable, Equatable, Sendable {
    package struct Swap: Codable, Equatable, Sendable {
        /// Bytes.
        package var capacity: Int64

        package init(capacity: Int64) {
            self.capacity = capacity
        }
    }

    package var machineID: String
    package var systemUUID: String
    package var bootID: String
    package var kernelVersion: String
    package var osImage: String
    package var containerRuntimeVersion: String
    package var kubeletVersion: String
    /// Always empty since 1.36.
    package var kubeProxyVersion: String = ""
    package var operatingSystem: String = "linux"
    package var architecture: String
    package var swap: Swap?

    package init(
        machineID: String, systemUUID: String, bootID: String, kernelVersion: String, osImage: String,
        containerRuntimeVersion: String, kubeletVersion: String, architecture: String, swap: Swap?
    ) {
        self.machineID = machineID
        self.systemUUID = systemUUID
        self.bootID = bootID
        self.kernelVersion = kernelVersion
        self.osImage = osImage
        self.containerRuntimeVersion = containerRuntimeVersion
        self.kubeletVersion = kubeletVersion
        self.architecture = architecture
        self.swap = swap
    }
}

extension NodeObject {
    /// The Node that a snapshot, the settings and the tracker's conditions make.
    ///
    /// What is missing is left out or gets the kubelet's fallback; `/status` has the reasons. Taints are those that the
    /// configuration wants at registration: the derived ones are the control plane's to set.
    package static func build(
        snapshot: NodeSnapshot, settings: NodeSettings, conditions: [NodeCondition]
    ) -> NodeObject {
        let resources = NodeResources.compute(snapshot, settings)
        let labels = PresetLabels.compute(snapshot, settings).dictionary
        let taints = settings.registerWithTaints
        return NodeObject(
            metadata: NodeMetadata(
                name: NodeName.compute(snapshot, settings).value ?? "", labels: labels.isEmpty ? nil : labels),
            spec: NodeSpecObject(
                providerID: settings.providerID.flatMap { $0.isEmpty ? nil : $0 },
                taints: taints.isEmpty ? nil : taints),
            status: NodeStatusObject(
                capacity: resources.capacity.isEmpty ? nil : resources.capacity,
                allocatable: resources.allocatable.isEmpty ? nil : resources.allocatable,
                conditions: conditions.isEmpty ? nil : conditions,
                addresses: NodeAddresses.compute(snapshot, settings).value,
                daemonEndpoints: DaemonEndpoints(kubeletEndpoint: .init(port: settings.kubeletEndpointPort)),
                nodeInfo: NodeSystemInfo.build(snapshot: snapshot, settings: settings),
                images: snapshot.runtime?.containerImages(maximum: settings.statusMaxImages),
                runtimeHandlers: snapshot.runtime?.runtimeHandlers, features: snapshot.runtime?.features))
    }
}

extension NodeSystemInfo {
    /// With the kubelet's fallbacks: `""` for identifiers, `Unknown` for kernel and system. `containerRuntimeVersion` is
    /// `""` where no runtime is configured.
    package static func build(snapshot: NodeSnapshot, settings: NodeSettings) -> NodeSystemInfo {
        let identity = snapshot.identity
        let swap = snapshot.memory.value.map { Int64(clamping: $0.swapTotal) } ?? 0
        return NodeSystemInfo(
            machineID: identity.machineID.value ?? "", systemUUID: identity.systemUUID.value ?? "",
            bootID: identity.bootID.value ?? "", kernelVersion: identity.kernelVersion.value ?? "Unknown",
            osImage: identity.osImage.value ?? "Unknown",
            containerRuntimeVersion: settings.runtimeConfigured
                ? snapshot.runtime?.containerRuntimeVersion ?? "://Unknown" : "",
            kubeletVersion: settings.kubeletVersion, architecture: identity.architecture.value ?? "",
            swap: swap > 0 ? Swap(capacity: swap) : nil)
    }
}
