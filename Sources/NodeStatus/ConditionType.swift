// SPDX-License-Identifier: Apache-2.0

/// The conditions that a kubelet reports, in its order: Ready is last.
package enum ConditionType: String, Codable, Sendable, CaseIterable {
    case memoryPressure = "MemoryPressure"
    case diskPressure = "DiskPressure"
    case pidPressure = "PIDPressure"
    case ready = "Ready"
}

package enum ConditionStatus: String, Codable, Sendable {
    case isTrue = "True"
    case isFalse = "False"
    case unknown = "Unknown"
}

/// One element of a Node's `status.conditions` (core/v1/types.go NodeCondition).
package struct NodeCondition: Codable, Equatable, Sendable {
    package var type: ConditionType
    package var status: ConditionStatus
    package var lastHeartbeatTime: Timestamp
    package var lastTransitionTime: Timestamp
    package var reason: String
    package var message: String

    package init(
        type: ConditionType, status: ConditionStatus, lastHeartbeatTime: Timestamp, lastTransitionTime: Timestamp,
        reason: String, message: String
    ) {
        self.type = type
        self.status = status
        self.lastHeartbeatTime = lastHeartbeatTime
        self.lastTransitionTime = lastTransitionTime
        self.reason = reason
        self.message = message
    }
}
