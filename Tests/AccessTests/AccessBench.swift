// SPDX-License-Identifier: Apache-2.0

import Glibc
import NodeStatus
import Synchronization

@testable import Access

/// A webhook that answers as it is told, and counts.
final class FakeReviews: Sendable {
    struct State {
        var tokens: [String: Identity] = [:]
        var failure: String?
        var allowed: Set<String> = []
        var failing: Set<String> = []
        var asked: [String] = []
        var known: Set<String> = []
    }

    let state = Mutex(State())

    var asked: [String] { state.withLock { $0.asked } }

    var tokenSlot: TokenReviewSlot {
        TokenReviewSlot(
            cached: { token, now in
                self.state.withLock { $0.known.contains(token) ? (TokenVerdict(user: $0.tokens[token]), now) : nil }
            },
            review: { token, now async throws(WebhookFailure) in
                let (user, failure) = self.state.withLock { state in
                    state.asked.append(token)
                    return (state.tokens[token], state.failure)
                }
                if let failure { throw WebhookFailure(message: failure) }
                return (TokenVerdict(user: user), now + .seconds(120))
            })
    }

    var accessSlot: AccessReviewSlot {
        AccessReviewSlot(
            cached: { _, verb, subresource, now in
                let key = verb + " " + subresource
                return self.state.withLock {
                    $0.known.contains(key) ? ($0.allowed.contains(key) ? .allowed("") : .denied("known"), now) : nil
                }
            },
            review: { _, verb, subresource, now async throws(WebhookFailure) in
                let key = verb + " " + subresource
                let (isAllowed, isFailing) = self.state.withLock { state in
                    state.asked.append(key)
                    return (state.allowed.contains(key), state.failing.contains(key))
                }
                if isFailing { throw WebhookFailure(message: "down\n") }
                return (isAllowed ? .allowed("by\u{1b} me") : .denied("not you"), now + .seconds(30))
            })
    }
}

/// Files in a directory, and what is made of them.
struct AccessBench {
    let scratch: Scratch
    let reviews = FakeReviews()
    var configuration: AccessConfiguration

    init(_ mode: AuthorizationMode = .alwaysAllow) throws {
        scratch = try Scratch()
        configuration = AccessConfiguration(mode: mode, tokenFileOwner: geteuid())
    }

    mutating func useAuthorities(_ issued: Issued...) throws {
        configuration.clientCAFile = try scratch.write(issued.map(\.pem).joined(), to: "ca.pem", mode: 0o644)
    }

    mutating func useStaticTokens(_ text: String) throws {
        configuration.staticTokenFile = try scratch.write(text, to: "tokens.csv")
    }

    mutating func usePolicy(_ text: String) throws {
        configuration.policyFile = try scratch.write(text, to: "policy.yaml")
    }

    func control(token: Bool = false, access: Bool = false) throws -> AccessControl {
        try AccessControl(
            configuration, tokenReview: token ? reviews.tokenSlot : nil,
            accessReview: access ? reviews.accessSlot : nil,
            date: today)
    }
}

extension AccessControl {
    func authenticate(_ authorization: String? = nil, certificates: [[UInt8]] = []) async -> Authentication {
        await authenticate(
            Credentials(peer: .tcp, clientCertificates: certificates, authorization: authorization), now: now,
            date: today)
    }
}

extension Authentication {
    var identity: Identity? {
        if case .authenticated(let identity, _) = self { identity } else { nil }
    }
}
