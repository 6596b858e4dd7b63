// SPDX-License-Identifier: Apache-2.0
package import CRI

/// Which container a pod's and a container's name mean at this moment.
package enum ContainerLookup: Equatable, Sendable {
    case found(ContainerIdentity)
    case noPod
    case noContainer
    /// It is there, but not running.
    case notRunning(ContainerState)

    package static let podName = "io.kubernetes.pod.name"
    package static let podNamespace = "io.kubernetes.pod.namespace"
    package static let podUID = "io.kubernetes.pod.uid"
    package static let containerName = "io.kubernetes.container.name"

    /// The labels that a pod's sandboxes and containers have.
    package static func podLabels(namespace: String, pod: String) -> [String: String] {
        [podNamespace: namespace, podName: pod]
    }

    /// Chooses among what the runtime lists for a pod's labels.
    ///
    /// Of several of one name (an old and a new sandbox, restarts) the one that runs is meant; of several that run,
    /// the one in the ready sandbox of the highest attempt, the youngest. The kubelet (kuberuntime_manager.go) goes by
    /// the name of the pod and the time alone, and so can take the container of a pod that is being replaced.
    package static func choose(
        namespace: String, pod: String, container: String, sandboxes: [Sandbox], containers: [Container]
    ) -> ContainerLookup {
        let ours = containers.filter { item in
            item.labels[podNamespace] == namespace && item.labels[podName] == pod
                && (item.labels[containerName] ?? item.name) == container && container != infrastructure
        }
        let pods = sandboxes.filter { $0.namespace == namespace && $0.name == pod }
        guard !ours.isEmpty else {
            let isKnown =
                !pods.isEmpty
                || containers.contains { $0.labels[podNamespace] == namespace && $0.labels[podName] == pod }
            return isKnown ? .noContainer : .noPod
        }
        let sandbox = Dictionary(pods.map { ($0.id, $0) }, uniquingKeysWith: { first, _ in first })
        let running = ours.filter { $0.state == .running }
        guard let chosen = running.max(by: { isLess($0, $1, sandbox) }) else {
            let latest = ours.max { isLess($0, $1, sandbox) }
            return .notRunning(latest?.state ?? .unknown)
        }
        return .found(
            ContainerIdentity(
                namespace: namespace, pod: pod,
                podUID: chosen.labels[podUID] ?? sandbox[chosen.sandboxID]?.uid ?? "", container: container,
                containerID: chosen.id, sandboxID: chosen.sandboxID, attempt: chosen.attempt, image: chosen.image))
    }

    /// The pause container of runtimes that list it.
    private static let infrastructure = "POD"

    private static func isLess(_ left: Container, _ right: Container, _ sandboxes: [String: Sandbox]) -> Bool {
        rank(left, sandboxes[left.sandboxID]).lexicographicallyPrecedes(rank(right, sandboxes[right.sandboxID]))
    }

    private static func rank(_ container: Container, _ sandbox: Sandbox?) -> [Int64] {
        [
            sandbox?.isReady == true ? 1 : 0, Int64(sandbox?.attempt ?? 0), sandbox?.createdAt ?? 0,
            Int64(container.attempt), container.createdAt,
        ]
    }
}
