// SPDX-License-Identifier: Apache-2.0

package import NodeStatus

/// In which role the agent speaks to a control plane, and what of.
package struct ClusterSettings: Equatable, Sendable {
    package var role = HeartbeatRole.none
    /// A companion's; nil: `nodekeep`.
    package var leaseNamespace: String?
    /// A companion's; nil: `nodekeep-` and the node's name.
    package var leaseName: String?
    /// In front of a companion's conditions.
    package var conditionPrefix = ConditionPrefix.standard
    /// Role node: whether the Node is made where there is none.
    package var registersNode = true
    /// How long the lease lasts; renewed after a quarter of it.
    package var leaseDurationSeconds: Int64 = 40
    /// Whose token may ask for a client certificate; nil: the kubeconfig's credentials are somebody else's to keep fresh.
    package var bootstrapKubeconfig: String?

    package init() {}
}
