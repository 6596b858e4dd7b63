// SPDX-License-Identifier: Apache-2.0
internal import FoundationEssentials
package import NodeStatus

/// A core/v1 Event as the kubelet writes it (client-go tools/record/event.go).
package struct EventObject: Hashable, Sendable {
    /// What it is about. A cluster-wide object has no namespace; its events are in `default`.
    package struct Reference: Hashable, Sendable {
        package var apiVersion: String
        package var kind: String
        package var namespace: String?
        package var name: String
        /// Without the real one `kubectl describe` does not show the event.
        package var uid: String?

        package init(apiVersion: String = "v1", kind: String, namespace: String? = nil, name: String, uid: String?) {
            self.apiVersion = apiVersion
            self.kind = kind
            self.namespace = namespace
            self.name = name
            self.uid = uid
        }
    }

    package enum Level: String, Sendable {
        case normal = "Normal"
        case warning = "Warning"
    }

    /// Characters; what is longer is cut. The newer API's limit, which core/v1 does not enforce.
    private static let messageLimit = 1_000

    package var namespace: String
    package var name: String
    package var regarding: Reference
    package var level: Level
    package var reason: String
    package var message: String
    /// `nodekeep`.
    package var component: String
    /// The node's name.
    package var host: String
    package var first: Timestamp
    package var last: Timestamp
    package var count: Int64

    package init(
        namespace: String, name: String, regarding: Reference, level: Level, reason: String, message: String,
        component: String, host: String, first: Timestamp, last: Timestamp, count: Int64 = 1
    ) {
        self.namespace = namespace
        self.name = name
        self.regarding = regarding
        self.level = level
        self.reason = reason
        self.message = message
        self.component = component
        self.host = host
        self.first = first
        self.last = last
        self.count = count
    }

    /// For a POST.
    package var object: JSONValue {
        var involved: JSONValue = [
            "apiVersion": .string(regarding.apiVersion), "kind": .string(regarding.kind),
            "name": .string(regarding.name),
        ]
        involved["namespace"] = regarding.namespace.map { .string($0) }
        involved["uid"] = regarding.uid.map { .string($0) }
        return [
            "apiVersion": .string(ObjectKind.event.apiVersion), "kind": .string(ObjectKind.event.kind),
            "metadata": ["name": .string(name), "namespace": .string(namespace)],
            "involvedObject": involved, "type": .string(level.rawValue), "reason": .string(reason),
            "message": .string(ForeignText.line(message, limit: Self.messageLimit)),
            "source": ["component": .string(component), "host": .string(host)],
            "firstTimestamp": .string(first.rfc3339), "lastTimestamp": .string(last.rfc3339),
            "count": .integer(count),
            // Go's zero time; the field belongs to the newer API.
            "eventTime": .null,
            "reportingComponent": .string(component), "reportingInstance": .string(host),
        ]
    }

    /// For a PATCH of the event that was there before: what happened again.
    package var patch: JSONValue {
        [
            "count": .integer(count), "lastTimestamp": .string(last.rfc3339),
            "message": .string(ForeignText.line(message, limit: Self.messageLimit)),
        ]
    }

    /// client-go's: the object's name and the time in nanoseconds; a random one where that is no name.
    package static func name(of object: String, at time: Timestamp) -> String {
        let (seconds, isTooLate) = time.seconds.multipliedReportingOverflow(by: 1_000_000_000)
        let (sum, isTooLateStill) = seconds.addingReportingOverflow(Int64(time.nanoseconds))
        let name = object + "." + String(sum, radix: 16)
        guard !isTooLate, !isTooLateStill, LabelSyntax.subdomainProblem(name) == nil else {
            return UUID().uuidString.lowercased()
        }
        return name
    }
}

extension ObjectKind {
    static let event = ObjectKind(kind: "Event", apiVersion: "v1", plural: "events")
}

extension KubeCalling {
    package func createEvent(
        namespace: String, _ event: JSONValue, timeout: Duration? = nil
    ) async throws(KubeError) -> JSONValue {
        let path = ObjectKind.event.path(namespace: namespace)
        let name = event["metadata", "name"]?.text
        return try await call(.post, .event, at: path, name: name, body: event, timeout: timeout)
    }

    /// - Parameter patch: A strategic merge patch: `EventObject.patch`.
    package func patchEvent(
        namespace: String, name: String, _ patch: JSONValue, timeout: Duration? = nil
    ) async throws(KubeError) -> JSONValue {
        let path = ObjectKind.event.path(namespace: namespace, name: name)
        return try await call(
            .patch, .event, at: path, name: name, body: patch, contentType: .strategicMergePatch, timeout: timeout)
    }
}
