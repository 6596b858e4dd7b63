// SPDX-License-Identifier: Apache-2.0
package import Access
package import Gate

/// From a request to what it asks for, in the kubelet's terms (pkg/kubelet/server/auth.go): subresources of the node.
package enum AccessRoute {
    /// Never fails: what nobody can read asks for what nobody serves.
    package static func attributes(_ request: GateRequest) -> AccessAttributes {
        let segments = RequestTarget(path: request.path, query: nil)?.segments ?? []
        let first = segments.first ?? ""
        var attributes = AccessAttributes(
            verb: verb(request.method, isList: segments == ["checkpoints"]), subresources: subresources(first),
            path: "/" + segments.joined(separator: "/"))
        if first == "checkpoint", segments.count == 4 {
            attributes.checkpoint = CheckpointTarget(
                namespace: segments[1], pod: segments[2], container: segments[3])
        }
        return attributes
    }

    /// - Returns: empty for what is no verb of Kubernetes. Unlike a kubelet's, HEAD asks for what GET asks for: it shows
    ///   less.
    private static func verb(_ method: String, isList: Bool) -> String {
        switch method {
        case "GET", "HEAD": isList ? "list" : "get"
        case "POST": "create"
        case "PUT": "update"
        case "PATCH": "patch"
        case "DELETE": "delete"
        default: ""
        }
    }

    private static func subresources(_ first: String) -> [String] {
        switch first {
        case "", "status", "node", "stats", "openapi.json": ["stats"]
        case "healthz", "livez", "readyz": ["healthz", "proxy"]
        case "metrics": ["metrics"]
        case "configz": ["configz", "proxy"]
        case "checkpoint", "checkpoints": ["checkpoint"]
        default: ["proxy"]
        }
    }

    /// Requests about checkpoints leave an audit record each.
    package static func isAudited(_ attributes: AccessAttributes) -> Bool {
        attributes.subresources == ["checkpoint"]
    }
}
