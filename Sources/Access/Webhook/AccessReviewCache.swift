// SPDX-License-Identifier: Apache-2.0
package import KubeAPI

/// Remembers what identities may do (staging/src/k8s.io/apiserver/plugin/pkg/authorizer/webhook/webhook.go): a yes longer than a
/// no, failures not at all, and nothing that was asked with 10 000 bytes of attributes or more.
package final class AccessReviewCache: AccessReviewing {
    private static let attributeLimit = 10_000

    private let reviewer: any AccessReviewing
    private let attributeBytes: Int
    private let digest = KeyedDigest()
    private let cache: VerdictCache<AccessVerdict>

    /// - Parameters:
    ///   - nodeName: As the reviewer asks for it.
    ///   - allowed: `authorization.webhook.cacheAuthorizedTTL`.
    ///   - denied: `authorization.webhook.cacheUnauthorizedTTL`.
    package init(
        _ reviewer: any AccessReviewing, nodeName: String, allowed: Duration = .seconds(300),
        denied: Duration = .seconds(30), limits: VerdictCacheLimits = VerdictCacheLimits(), clock: KubeClock = .system
    ) {
        self.reviewer = reviewer
        attributeBytes = nodeName.utf8.count + "v1".utf8.count + "nodes".utf8.count
        cache = VerdictCache(
            kind: SubjectAccessReview.kind, shelves: [limits.entries], limits: limits, clock: clock
        ) { verdict in
            switch verdict {
            case .allowed(let reason):
                VerdictCache.Keeping(lifetime: allowed, bytes: 256 + reason.utf8.count, shelf: 0)
            case .denied(let reason): VerdictCache.Keeping(lifetime: denied, bytes: 256 + reason.utf8.count, shelf: 0)
            }
        }
    }

    /// What is remembered, without asking anybody.
    package func cached(
        _ identity: Identity, verb: String, subresource: String, now: Duration
    ) -> CachedVerdict<AccessVerdict>? {
        cache.cached(key(identity, verb, subresource), now: now)
    }

    /// What is remembered, or else a look-up.
    package func verdict(
        _ identity: Identity, verb: String, subresource: String
    ) async throws(WebhookFailure) -> CachedVerdict<AccessVerdict> {
        let reviewer = reviewer
        let isKept = attributeBytes + verb.utf8.count + subresource.utf8.count < Self.attributeLimit
        return try await cache.verdict(
            key(identity, verb, subresource), keep: isKept
        ) { () async throws(WebhookFailure) -> AccessVerdict in
            try await reviewer.review(identity, verb: verb, subresource: subresource)
        }
    }

    package func review(
        _ identity: Identity, verb: String, subresource: String
    ) async throws(WebhookFailure) -> AccessVerdict {
        try await verdict(identity, verb: verb, subresource: subresource).verdict
    }

    package func removeAll() {
        cache.removeAll()
    }

    /// For metrics.
    package var usage: (entries: Int, bytes: Int, lookups: Int) { cache.usage }

    /// All that the request to the API server depends on; how somebody was authenticated is not in it.
    private func key(_ identity: Identity, _ verb: String, _ subresource: String) -> KeyedDigest.Value {
        var texts = [verb, subresource, identity.name, identity.uid ?? "", "\(identity.groups.count)"]
        texts += identity.groups
        for (key, values) in identity.extra.sorted(by: { $0.key < $1.key }) {
            texts += [key, "\(values.count)"] + values
        }
        return digest.value(of: texts)
    }
}
