// SPDX-License-Identifier: Apache-2.0

extension AccessControl {
    static let localRootDecision = Decision.allowed(by: "root at the local socket", until: nil)

    /// - Parameter now: the monotonic clock.
    package func authorize(_ identity: Identity, _ attributes: AccessAttributes, now: Duration) async -> Decision {
        if let decision = decisionWithoutAsking(identity, attributes) { return decision }
        guard let accessReview else { return .failed("there is no API server to ask") }
        var reasons: [String] = []
        // The first that allows counts; an error ends it, though a later one might allow (pkg/kubelet/server/auth.go).
        for subresource in attributes.subresources {
            let answer: AccessReviewSlot.Answer
            if let known = accessReview.cached(identity, attributes.verb, subresource, now) {
                answer = known
            } else {
                do {
                    answer = try await accessReview.review(identity, attributes.verb, subresource, now)
                } catch {
                    return .failed("nodes/\(subresource) could not be reviewed: \(printable(error.message))")
                }
            }
            if let decision = Self.decision(answer, subresource, &reasons) { return decision }
        }
        return .denied(reasons.joined(separator: "; "))
    }

    /// What needs no waiting; nil: ``authorize(_:_:now:)`` must be awaited.
    package func cachedDecision(_ identity: Identity, _ attributes: AccessAttributes, now: Duration) -> Decision? {
        if let decision = decisionWithoutAsking(identity, attributes) { return decision }
        guard let accessReview else { return .failed("there is no API server to ask") }
        var reasons: [String] = []
        for subresource in attributes.subresources {
            guard let answer = accessReview.cached(identity, attributes.verb, subresource, now) else { return nil }
            if let decision = Self.decision(answer, subresource, &reasons) { return decision }
        }
        return .denied(reasons.joined(separator: "; "))
    }

    /// The same as `nodekeep policy check` says it; nil where the mode is another.
    package func explain(_ identity: Identity, _ attributes: AccessAttributes) -> PolicyExplanation? {
        material.policy?.explain(identity, attributes)
    }

    private func decisionWithoutAsking(_ identity: Identity, _ attributes: AccessAttributes) -> Decision? {
        if identity.isLocalRoot { return Self.localRootDecision }
        switch configuration.mode {
        case .alwaysAllow: return .allowed(by: configuration.mode.rawValue, until: nil)
        case .policy: return material.policy?.decide(identity, attributes) ?? .failed("there is no policy")
        case .webhook: return attributes.subresources.isEmpty ? .denied("there is nothing to ask about") : nil
        }
    }

    /// - Returns: nil where the next subresource must be tried.
    private static func decision(
        _ answer: AccessReviewSlot.Answer, _ subresource: String, _ reasons: inout [String]
    ) -> Decision? {
        switch answer.verdict {
        case .allowed(let reason):
            let text = reason.isEmpty ? "" : ": " + printable(reason)
            return .allowed(by: "SubjectAccessReview of nodes/\(subresource)\(text)", until: answer.until)
        case .denied(let reason):
            let text = reason.isEmpty ? "" : ": " + printable(reason)
            reasons.append("SubjectAccessReview denies nodes/\(subresource)\(text)")
            return nil
        }
    }
}
