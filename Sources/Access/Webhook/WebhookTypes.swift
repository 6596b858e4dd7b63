// SPDX-License-Identifier: Apache-2.0

/// Asks somebody else whose token it is. The raw call, its retries included; `TokenReviewCache` remembers.
package protocol TokenReviewing: Sendable {
    func review(token: String) async throws(WebhookFailure) -> TokenVerdict
}

/// Asks somebody else whether an identity may do something with this node. The raw call, its retries included;
/// `AccessReviewCache` remembers.
package protocol AccessReviewing: Sendable {
    /// - Parameters:
    ///   - verb: `get`, `create`, …; `""` for a method that is none of theirs.
    ///   - subresource: Of `nodes`: `stats`, `checkpoint`, ….
    func review(_ identity: Identity, verb: String, subresource: String) async throws(WebhookFailure) -> AccessVerdict
}

/// There is no verdict. The message is one line for an operator and holds no secret.
package struct WebhookFailure: Error, Equatable, Sendable {
    package var message: String

    package init(message: String) {
        self.message = message
    }
}

package struct TokenVerdict: Equatable, Sendable {
    /// Nil: the token is nobody's.
    package var user: Identity?

    package init(user: Identity?) {
        self.user = user
    }
}

/// With the server's reason, which may be empty.
package enum AccessVerdict: Equatable, Sendable {
    case allowed(String)
    case denied(String)
}
