// SPDX-License-Identifier: Apache-2.0
package import KubeAPI

/// Remembers whose token it was (staging/src/k8s.io/apiserver/pkg/authentication/token/cache): both answers for the same
/// time, failures not at all. Tokens themselves are not kept. Tokens that are nobody's have a shelf of their own, so a flood of
/// them forgets no good one.
package final class TokenReviewCache: TokenReviewing {
    private let reviewer: any TokenReviewing
    private let digest = KeyedDigest()
    private let cache: VerdictCache<TokenVerdict>

    /// - Parameter lifetime: `authentication.webhook.cacheTTL`; zero: nothing is kept, look-ups are merged all the same.
    package init(
        _ reviewer: any TokenReviewing, lifetime: Duration = .seconds(120),
        limits: VerdictCacheLimits = VerdictCacheLimits(), clock: KubeClock = .system
    ) {
        self.reviewer = reviewer
        cache = VerdictCache(
            kind: TokenReview.kind, shelves: [limits.entries, max(limits.entries / 8, 1)], limits: limits, clock: clock
        ) { verdict in
            VerdictCache.Keeping(
                lifetime: lifetime, bytes: 256 + (verdict.user?.bytes ?? 0), shelf: verdict.user == nil ? 1 : 0)
        }
    }

    /// What is remembered, without asking anybody.
    package func cached(token: String, now: Duration) -> CachedVerdict<TokenVerdict>? {
        cache.cached(digest.value(of: [token]), now: now)
    }

    /// What is remembered, or else a look-up.
    package func verdict(token: String) async throws(WebhookFailure) -> CachedVerdict<TokenVerdict> {
        let reviewer = reviewer
        return try await cache.verdict(digest.value(of: [token])) { () async throws(WebhookFailure) -> TokenVerdict in
            try await reviewer.review(token: token)
        }
    }

    package func review(token: String) async throws(WebhookFailure) -> TokenVerdict {
        try await verdict(token: token).verdict
    }

    package func removeAll() {
        cache.removeAll()
    }

    /// For metrics.
    package var usage: (entries: Int, bytes: Int, lookups: Int) { cache.usage }
}

extension Identity {
    /// About what it takes in memory.
    var bytes: Int {
        let texts = [name, uid ?? ""] + groups + extra.keys + extra.values.joined()
        return texts.reduce(0) { $0 + $1.utf8.count + 32 }
    }
}
