// SPDX-License-Identifier: Apache-2.0
package import KubeAPI

/// TokenReview (staging/src/k8s.io/apiserver/plugin/pkg/authenticator/token/webhook): no audiences are asked for. A text in
/// `status.error` is a failure and no verdict, as with the kubelet.
package struct TokenReviewer: TokenReviewing {
    /// A whole `Authorization` header is no longer than this.
    private static let tokenLimit = 8_192

    private let call: WebhookCall

    /// - Parameter timeout: For each of the calls that one review may take; nil: the client's own.
    package init(_ client: any KubeCalling, retry: RetryPolicy = RetryPolicy(), timeout: Duration? = nil) {
        call = WebhookCall(
            client: client, retry: retry, timeout: timeout, kind: TokenReview.kind, apiVersion: TokenReview.apiVersion,
            path: TokenReview.path)
    }

    package func review(token: String) async throws(WebhookFailure) -> TokenVerdict {
        guard !token.isEmpty, token.utf8.count <= Self.tokenLimit else { return TokenVerdict(user: nil) }
        let secret = Secret(token)
        let answer = try await call.answer(
            TokenReview.Answer.self, to: TokenReview.Request(token: token), secret: secret)
        guard let status = answer.status else { throw failure("the answer has no status") }
        if let error = status.error, !error.isEmpty {
            let text = ForeignText.line(error, limit: 512)
            throw failure(secret.leaks(into: error) ? "an error that holds the token and is not repeated" : text)
        }
        guard status.authenticated == true else { return TokenVerdict(user: nil) }
        switch ReviewedUser.identity(status.user) {
        case .success(let identity): return TokenVerdict(user: identity)
        case .failure(let problem): throw failure(problem.explanation)
        }
    }

    private func failure(_ text: String) -> WebhookFailure {
        WebhookFailure(message: "\(TokenReview.kind): \(text)")
    }
}

/// The user of a TokenReview's status, held to what an identity may be here: it is kept, compared, logged and sent on.
enum ReviewedUser {
    struct Problem: Error, Equatable {
        let explanation: String
    }

    static let nameLimit = 1_024
    static let maximumGroups = 2_048
    static let maximumExtraKeys = 128
    static let maximumExtraValues = 128
    /// Of all texts together.
    static let totalLimit = 131_072

    static func identity(_ user: TokenReview.Answer.User?) -> Result<Identity, Problem> {
        guard let user, let name = user.username, !name.isEmpty else {
            return .failure(Problem(explanation: "authenticated, but without a user name"))
        }
        let groups = user.groups ?? []
        let extra = user.extra ?? [:]
        guard groups.count <= maximumGroups else {
            return .failure(Problem(explanation: "a user in more than \(maximumGroups) groups"))
        }
        guard extra.count <= maximumExtraKeys, extra.values.allSatisfy({ $0.count <= maximumExtraValues }) else {
            return .failure(Problem(explanation: "a user with more extra fields than \(maximumExtraKeys)"))
        }
        let uid = user.uid.flatMap { $0.isEmpty ? nil : $0 }
        var total = 0
        for text in [[name], uid.map { [$0] } ?? [], groups, Array(extra.keys), extra.values.flatMap { $0 }].joined() {
            guard text.utf8.count <= nameLimit, ForeignText.isPlain(text) else {
                return .failure(
                    Problem(
                        explanation: "a user, group or extra field of more than \(nameLimit) bytes or with control "
                            + "characters in it"))
            }
            total += text.utf8.count
        }
        guard total <= totalLimit else {
            return .failure(Problem(explanation: "a user of more than \(totalLimit) bytes"))
        }
        return .success(Identity(name: name, uid: uid, groups: groups, extra: extra, method: .webhook))
    }
}
