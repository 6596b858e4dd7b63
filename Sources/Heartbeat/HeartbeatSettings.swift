// SPDX-License-Identifier: Apache-2.0
package import NodeStatus

/// What the heartbeat is to do, and as whom. Fixed while it runs.
package struct HeartbeatSettings: Equatable, Sendable {
    package var role: HeartbeatRole
    package var nodeName: String
    /// Tells this installation from every other: the same after a restart and an upgrade, another on another machine.
    package var installation: String
    package var leaseNamespace: String
    package var leaseName: String
    /// `nodeLeaseDurationSeconds`; renewed after a quarter of it.
    package var leaseDurationSeconds: Int64 = 40
    /// `nodeStatusUpdateFrequency`: how long it takes until a status that could not be written is tried again.
    package var statusUpdateFrequency: Duration = .seconds(10)
    /// `nodeStatusReportFrequency`: how often a status is written that has not changed.
    package var statusReportFrequency: Duration = .seconds(300)
    /// `registerNode`: whether the Node is made where there is none.
    package var registersNode = true
    /// Of a companion's conditions; `ConditionPrefix.problem` says what is none.
    package var conditionPrefix = ConditionPrefix.standard
    /// For the messages of events.
    package var version: String

    package static let nodeLeaseNamespace = "kube-node-lease"

    /// With the role's own lease: a Node's is found under the Node's name, and nowhere else.
    package init(role: HeartbeatRole, nodeName: String, installation: String, version: String) {
        self.role = role
        self.nodeName = nodeName
        self.installation = installation
        self.version = version
        leaseNamespace = role == .companion ? "nodekeep" : Self.nodeLeaseNamespace
        leaseName = role == .companion ? "nodekeep-\(nodeName)" : nodeName
    }

    /// A quarter of the lease's duration, as a kubelet does (pkg/kubelet/kubelet.go nodeLeaseRenewIntervalFraction).
    var renewInterval: Duration { .milliseconds(max(leaseDurationSeconds, 1) * 250) }

    /// As client-go's leader elections name theirs. A kubelet's is the node's bare name, so nobody takes one for the other.
    var holderIdentity: String { "\(nodeName)_\(installation)" }
}
