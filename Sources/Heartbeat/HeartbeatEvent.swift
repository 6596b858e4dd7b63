// SPDX-License-Identifier: Apache-2.0
package import KubeAPI
package import NodeStatus

/// Something that happened, to be told as an Event of core/v1.
package struct HeartbeatEvent: Hashable, Sendable {
    /// What it is about.
    package enum Object: Hashable, Sendable {
        /// The Node, with the uid that it has when the event is sent.
        case node
        case pod(namespace: String, name: String, uid: String)
    }

    package var level: EventObject.Level
    /// In CamelCase: `NodeHasDiskPressure`.
    package var reason: String
    package var message: String
    package var object: Object
    package var time: Timestamp

    package init(_ level: EventObject.Level, reason: String, message: String, object: Object = .node, time: Timestamp) {
        self.level = level
        self.reason = reason
        self.message = message
        self.object = object
        self.time = time
    }
}

/// An event as it was sent, and how often.
struct EventRecord: Equatable, Sendable {
    var name: String
    var message: String
    var firstTime: Timestamp
    var lastTime: Timestamp
    var count: Int64 = 1

    /// - Parameter nodeUID: The Node's real one: by any other the event is not shown with it.
    func object(_ event: HeartbeatEvent, nodeName: String, nodeUID: String) -> EventObject {
        let regarding: EventObject.Reference
        switch event.object {
        case .node:
            regarding = EventObject.Reference(kind: "Node", name: nodeName, uid: nodeUID)
        case .pod(let namespace, let name, let uid):
            regarding = EventObject.Reference(
                kind: "Pod", namespace: namespace, name: name, uid: uid.isEmpty ? nil : uid)
        }
        return EventObject(
            namespace: event.namespace, name: name, regarding: regarding, level: event.level, reason: event.reason,
            message: message, component: "nodekeep", host: nodeName, first: firstTime, last: lastTime, count: count)
    }
}

extension HeartbeatEvent {
    /// That of the object; for a Node, which has none, `default`.
    var namespace: String {
        switch object {
        case .node: "default"
        case .pod(let namespace, _, _): namespace
        }
    }
}
