// SPDX-License-Identifier: Apache-2.0
package import NodeStatus

/// In the order of the kubelet: certificate, then bearer token, then nobody. The first that succeeds counts; anonymous
/// is only who has tried nothing (apiserver/pkg/authentication/authenticatorfactory/delegating.go).
extension AccessControl {
    /// - Parameters:
    ///   - now: the monotonic clock.
    ///   - date: the time at which certificates and tokens must be valid.
    package func authenticate(_ credentials: Credentials, now: Duration, date: Timestamp) async -> Authentication {
        if let known = cachedAuthentication(credentials, now: now, date: date) { return known }
        let material = material
        var steps: [Step] = []
        if let certificates = material.certificates {
            let chain = credentials.clientCertificates
            steps.append(Step(await certificates.verify(chain, now: now, date: date), now, date))
        }
        if steps.allSatisfy({ !$0.isSuccess }) {
            switch localToken(credentials, material, now: now, date: date) {
            case .step(let step): steps.append(step)
            case .review(let token): steps.append(await review(token, now: now))
            }
        }
        return conclusion(steps)
    }

    /// What needs no waiting; nil: ``authenticate(_:now:date:)`` must be awaited.
    package func cachedAuthentication(_ credentials: Credentials, now: Duration, date: Timestamp) -> Authentication? {
        if case .unix(_, let userID, let groupID) = credentials.peer {
            let identity = userID == 0 ? Identity.localRoot : .localUser(userID, group: groupID)
            return .authenticated(identity, until: nil)
        }
        let material = material
        var steps: [Step] = []
        if let certificates = material.certificates {
            guard let outcome = certificates.cached(credentials.clientCertificates, now: now, date: date) else {
                return nil
            }
            steps.append(Step(outcome, now, date))
        }
        if steps.allSatisfy({ !$0.isSuccess }) {
            switch localToken(credentials, material, now: now, date: date) {
            case .step(let step): steps.append(step)
            case .review(let token):
                guard let answer = tokenReview?.cached(token, now) else { return nil }
                steps.append(Step(answer))
            }
        }
        return conclusion(steps)
    }

    private func conclusion(_ steps: [Step]) -> Authentication {
        var reasons: [String] = []
        for step in steps {
            switch step {
            case .identity(let identity, let until): return .authenticated(identity, until: until)
            case .refused(let reason): reasons.append(reason)
            case .noOpinion: break
            }
        }
        if !reasons.isEmpty { return .rejected(reasons.joined(separator: "; ")) }
        return configuration.allowsAnonymous ? .authenticated(.anonymous, until: nil) : .anonymousRefused
    }

    private enum TokenStep {
        case step(Step)
        /// Only the webhook can know this token.
        case review(String)
    }

    private func localToken(
        _ credentials: Credentials, _ material: AccessMaterial, now: Duration, date: Timestamp
    ) -> TokenStep {
        // As the kubelet: where nobody reads tokens, the header means nothing.
        guard hasTokenAuthenticator else { return .step(.noOpinion) }
        let token: String
        switch BearerToken(credentials.authorization) {
        case .none: return .step(.noOpinion)
        case .malformed(let reason): return .step(.refused(reason))
        case .token(let text): token = text
        }
        var refusal: String?
        switch material.nodekeepTokens?.verdict(on: token, date: date) {
        case .record(let record):
            return .step(.identity(record.identity, until: record.expires.map { date.duration(until: $0).after(now) }))
        case .refused(let reason): refusal = reason
        case nil: break
        }
        if let identity = material.staticTokens?.identity(of: token) {
            return .step(.identity(identity, until: nil))
        }
        if let refusal { return .step(.refused(refusal)) }
        // Ours is nobody else's business, also when it has been revoked.
        guard tokenReview != nil, !NodekeepToken.isOurs(token) else {
            return .step(.refused("the bearer token is not known"))
        }
        return .review(token)
    }

    private func review(_ token: String, now: Duration) async -> Step {
        guard let tokenReview else { return .noOpinion }
        do {
            return Step(try await tokenReview.review(token, now))
        } catch {
            return .refused("the bearer token could not be reviewed: \(printable(error.message))")
        }
    }
}

/// What one authenticator has said.
private enum Step {
    case noOpinion
    case identity(Identity, until: Duration?)
    case refused(String)

    init(_ outcome: ClientCertificates.Outcome, _ now: Duration, _ date: Timestamp) {
        switch outcome {
        case .noOpinion: self = .noOpinion
        case .refused(let reason): self = .refused(reason)
        case .identity(let identity, let notAfter):
            self = .identity(identity, until: date.duration(until: notAfter).after(now))
        }
    }

    init(_ answer: TokenReviewSlot.Answer) {
        guard var identity = answer.verdict.user else {
            self = .refused("the bearer token is not valid")
            return
        }
        // Whatever the server says, it has not seen anybody at our socket.
        identity.method = .webhook
        if let problem = IdentityNames.problem(identity) {
            self = .refused("the bearer token is that of somebody who cannot be let in: \(problem)")
        } else {
            self = .identity(identity.withAuthenticatedGroup, until: answer.until)
        }
    }

    var isSuccess: Bool {
        if case .identity = self { true } else { false }
    }
}
