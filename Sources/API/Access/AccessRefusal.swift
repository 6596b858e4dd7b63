// SPDX-License-Identifier: Apache-2.0
package import Access
package import Gate

/// Why a request is not answered with what it asks for.
package enum AccessRefusal: Equatable, Sendable {
    /// Nobody, or nobody that could be believed. The reason is for the log alone.
    case unauthenticated(reason: String)
    /// Somebody who may not.
    case forbidden(Identity, reason: String)
    /// It could not be found out whether he may.
    case undecided(Identity, reason: String)
    /// Too many wait for a decision already.
    case busy

    package var status: UInt16 {
        switch self {
        case .unauthenticated: 401
        case .forbidden: 403
        case .undecided: 500
        case .busy: 503
        }
    }

    package var identity: Identity? {
        switch self {
        case .unauthenticated, .busy: nil
        case .forbidden(let identity, _), .undecided(let identity, _): identity
        }
    }

    package var reason: String {
        switch self {
        case .unauthenticated(let reason), .forbidden(_, let reason), .undecided(_, let reason): reason
        case .busy: "too many requests wait for a decision"
        }
    }

    /// On checkpoints the kubelet's plain texts (pkg/kubelet/server/server.go), which clients match on; elsewhere a
    /// `metav1.Status`.
    package func response(to request: GateRequest, _ attributes: AccessAttributes) -> GateResponse {
        if attributes.subresources == ["checkpoint"] {
            var answer = CheckpointAnswer(status: status, body: text(attributes))
            if case .busy = self { answer.headers = [Self.retryAfter] }
            return answer.response(id: request.id)
        }
        var answer = StatusAnswer(code: status, reason: word, message: text(attributes).trimmed)
        switch self {
        case .unauthenticated: answer.headers = [HeaderField("www-authenticate", "Bearer realm=\"nodekeep\"")]
        case .busy: answer.headers = [Self.retryAfter]
        case .forbidden, .undecided: break
        }
        return answer.response(to: request)
    }

    private static let retryAfter = HeaderField("retry-after", "1")

    private var word: String {
        switch self {
        case .unauthenticated: "Unauthorized"
        case .forbidden: "Forbidden"
        case .undecided: "InternalError"
        case .busy: "ServiceUnavailable"
        }
    }

    private func text(_ attributes: AccessAttributes) -> String {
        let tried = attributes.subresources.joined(separator: " ")
        switch self {
        case .unauthenticated:
            return "Unauthorized"
        case .forbidden(let identity, _):
            return "Forbidden (user=\(identity.name), verb=\(attributes.verb), resource=nodes, "
                + "subresource(s)=[\(tried)])\n"
        case .undecided(let identity, _):
            return "Authorization error (user=\(identity.name), verb=\(attributes.verb), resource=nodes, "
                + "subresource=\(attributes.subresources.last ?? ""))"
        case .busy:
            return "too many requests wait to be authorized; try again"
        }
    }
}

extension String {
    fileprivate var trimmed: String { hasSuffix("\n") ? String(dropLast()) : self }
}
