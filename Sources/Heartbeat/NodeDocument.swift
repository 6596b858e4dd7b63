// SPDX-License-Identifier: Apache-2.0
package import KubeAPI
package import NodeStatus

/// What is to be said of the node, in the role in which it is said.
package struct NodeDocument: Equatable, Sendable {
    package struct Condition: Equatable, Sendable {
        package var type: String
        package var status: ConditionStatus
        package var reason: String
        package var message: String
        package var lastTransitionTime: Timestamp
    }

    package var name: String
    package var labels: [String: String] = [:]
    package var annotations: [String: String] = [:]
    /// For the registration alone.
    package var spec: JSONValue = [:]
    /// In the kubelet's order, Ready last. When they were last reported is said when they are.
    package var conditions: [Condition]
    /// Without the conditions.
    package var status: JSONValue = [:]

    /// - Parameter shutdown: Since when the machine is about to be switched off; nil: it is not.
    package init(_ node: NodeObject, _ settings: HeartbeatSettings, shutdown: Timestamp?) {
        name = settings.nodeName
        conditions = (node.status.conditions ?? []).map { condition in
            Condition(
                type: condition.type.rawValue, status: condition.status, reason: condition.reason,
                message: condition.message, lastTransitionTime: condition.lastTransitionTime)
        }
        if let shutdown {
            Self.overlay(&conditions, shutdown: shutdown, settings.role == .node ? .kubelet : .nodekeep)
        }
        if settings.role == .companion {
            // Ready is the kubelet's to say, and so is everything else.
            conditions = conditions.filter { $0.type != ConditionType.ready.rawValue }.map { condition in
                var condition = condition
                condition.type = settings.conditionPrefix + condition.type
                return condition
            }
            return
        }
        labels = node.metadata.labels ?? [:]
        annotations = node.metadata.annotations ?? [:]
        annotations[Ownership.installationKey] = settings.installation
        // A Node holds strings and whole numbers: there is nothing that JSON cannot hold.
        let tree = (try? JSONValue(encoding: node)) ?? [:]
        status = tree["status"] ?? [:]
        status["conditions"] = nil
        spec = tree["spec"] ?? [:]
        guard settings.role == .node else { return }
        // No pod ever runs here, and by that we know our own Node: no kubelet says so of its.
        status["capacity", "pods"] = "0"
        status["allocatable", "pods"] = "0"
        spec["taints"] = Self.taints(spec["taints"])
    }

    /// The kubelet's words, at once: what the tracker makes of it comes with the next snapshot.
    private static func overlay(_ conditions: inout [Condition], shutdown: Timestamp, _ wording: ReadyWording) {
        let words = "node is shutting down"
        guard let index = conditions.firstIndex(where: { $0.type == ConditionType.ready.rawValue }) else { return }
        let ready = conditions[index]
        if ready.status == .isFalse {
            guard !ready.message.contains(words) else { return }
            let problems = ready.message.hasPrefix("[") ? String(ready.message.dropFirst().dropLast()) : ready.message
            conditions[index].message = "[\(problems), \(words)]"
        } else {
            conditions[index].status = .isFalse
            conditions[index].message = words
            conditions[index].lastTransitionTime = shutdown
        }
        conditions[index].reason = wording.notReadyReason
    }

    private static func taints(_ configured: JSONValue?) -> JSONValue {
        let own = Ownership.noPodsTaint
        let taints = configured?.elements ?? []
        if taints.contains(where: { $0["key"]?.text == own.key && $0["effect"]?.text == own.effect.rawValue }) {
            return .array(taints)
        }
        return .array(taints + [["key": .string(own.key), "effect": .string(own.effect.rawValue)]])
    }

    /// The whole Node, for its registration and for the file.
    func node(date: Timestamp) -> JSONValue {
        var status = status
        status["conditions"] = .array(conditions.map { $0.object(heartbeat: date) })
        var node: JSONValue = [
            "kind": "Node", "apiVersion": "v1", "metadata": ["name": .string(name)], "spec": spec, "status": status,
        ]
        if !labels.isEmpty { node["metadata", "labels"] = .object(labels.mapValues(JSONValue.string)) }
        if !annotations.isEmpty { node["metadata", "annotations"] = .object(annotations.mapValues(JSONValue.string)) }
        return node
    }
}

extension NodeDocument.Condition {
    func object(heartbeat: Timestamp) -> JSONValue {
        [
            "type": .string(type), "status": .string(status.rawValue), "reason": .string(reason),
            "message": .string(message), "lastHeartbeatTime": .string(heartbeat.rfc3339),
            "lastTransitionTime": .string(lastTransitionTime.rfc3339),
        ]
    }
}
