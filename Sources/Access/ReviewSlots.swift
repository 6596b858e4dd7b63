// SPDX-License-Identifier: Apache-2.0

/// Where a TokenReview is plugged into ``AccessControl``: the call, and the look into its cache that needs no waiting.
package struct TokenReviewSlot: Sendable {
    /// A verdict and, on the monotonic clock, until when it may be relied on; nil: no limit is known.
    package typealias Answer = (verdict: TokenVerdict, until: Duration?)

    let cached: @Sendable (_ token: String, _ now: Duration) -> Answer?
    let review: @Sendable (_ token: String, _ now: Duration) async throws(WebhookFailure) -> Answer

    /// - Parameter cached: what is known without asking; nil: it must be asked.
    package init(
        cached: @escaping @Sendable (_ token: String, _ now: Duration) -> Answer?,
        review: @escaping @Sendable (_ token: String, _ now: Duration) async throws(WebhookFailure) -> Answer
    ) {
        self.cached = cached
        self.review = review
    }

    /// Without a cache: every request is asked about.
    package init(_ reviewer: any TokenReviewing) {
        self.init(
            cached: { _, _ in nil },
            review: { token, _ async throws(WebhookFailure) in (try await reviewer.review(token: token), nil) })
    }
}

/// The same for SubjectAccessReview.
package struct AccessReviewSlot: Sendable {
    package typealias Answer = (verdict: AccessVerdict, until: Duration?)

    let cached: @Sendable (_ identity: Identity, _ verb: String, _ subresource: String, _ now: Duration) -> Answer?
    let review:
        @Sendable (_ identity: Identity, _ verb: String, _ subresource: String, _ now: Duration)
            async throws(WebhookFailure) -> Answer

    package init(
        cached: @escaping @Sendable (Identity, _ verb: String, _ subresource: String, _ now: Duration) -> Answer?,
        review:
            @escaping @Sendable (Identity, _ verb: String, _ subresource: String, _ now: Duration)
            async throws(WebhookFailure) -> Answer
    ) {
        self.cached = cached
        self.review = review
    }

    package init(_ reviewer: any AccessReviewing) {
        self.init(
            cached: { _, _, _, _ in nil },
            review: { identity, verb, subresource, _ async throws(WebhookFailure) in
                (try await reviewer.review(identity, verb: verb, subresource: subresource), nil)
            })
    }
}
