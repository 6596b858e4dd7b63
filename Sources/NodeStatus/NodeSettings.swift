// SPDX-License-Identifier: Apache-2.0

/// What the configuration says about the node's status. The defaults are the kubelet's, except where said.
package struct NodeSettings: Equatable, Sendable {
    /// Instead of the host name; empty: none.
    package var hostnameOverride: String = ""
    /// The kubelet's `--node-ip`: none, one, or one of each family. `0.0.0.0` or `::` alone only says which family is
    /// preferred. `NodeIPs.parse` gives legal lists.
    package var nodeIPs: [IPAddress] = []
    /// Published as ExternalIP; a kubelet leaves that to cloud controllers.
    package var externalIPs: [IPAddress] = []
    package var nodeLabels: [String: String] = [:]
    package var registerWithTaints: [Taint] = []
    package var maxPods: UInt64 = 110
    /// Zero: no such limit.
    package var podsPerCore: UInt64 = 0
    package var systemReserved: [ReservedResource: Quantity] = [:]
    package var kubeReserved: [ReservedResource: Quantity] = [:]
    /// How many CPUs `reservedSystemCPUs` names; nil if it is not set. Replaces both reservations of CPU.
    package var reservedSystemCPUs: UInt64?
    package var evictionHard: [EvictionThreshold] = EvictionThresholds.defaults
    package var evictionSoft: [EvictionThreshold] = []
    /// How long a pressure condition stays True after the last bad reading.
    package var pressureTransitionPeriod: Duration = .seconds(300)
    /// For single conditions; the kubelet has one period for all.
    package var pressureTransitionPeriods: [ConditionType: Duration] = [:]
    /// How often heartbeat times move when nothing changes.
    package var statusReportFrequency: Duration = .seconds(300)
    package var kubeletEndpointPort: Int32 = 10_280
    package var kubeletVersion: String = ""
    /// Whether there is a container runtime to be watched.
    package var runtimeConfigured: Bool = false
    /// How many images the status names; -1: all.
    package var statusMaxImages: Int = 50
    /// Whether `ephemeral-storage` is a resource of the node.
    package var localStorageCapacityIsolation: Bool = true
    package var providerID: String?

    package init() {}

    package func transitionPeriod(of condition: ConditionType) -> Duration {
        pressureTransitionPeriods[condition] ?? pressureTransitionPeriod
    }
}

/// What `systemReserved` and `kubeReserved` can hold (cmd/kubelet/app/server.go parseResourceList).
package enum ReservedResource: String, Codable, Sendable, CaseIterable {
    case cpu
    case memory
    case ephemeralStorage = "ephemeral-storage"
    case pid

    /// Parses one entry.
    ///
    /// - Throws: `SyntaxError` for an unknown resource, or a quantity that is none or negative.
    package static func parse(
        resource: String, quantity: String
    ) throws(SyntaxError) -> (ReservedResource, Quantity) {
        guard let known = ReservedResource(rawValue: resource) else {
            throw SyntaxError(
                resource, isNot: "a resource that can be reserved", problem: "there is none of that name",
                allowed: allCases.map(\.rawValue).joined(separator: ", "))
        }
        let amount = try Quantity(parsing: quantity)
        guard !amount.isNegative else {
            throw SyntaxError(
                quantity, isNot: "a reservation of \(resource)", problem: "it is negative", allowed: "0 or more")
        }
        return (known, amount)
    }
}
