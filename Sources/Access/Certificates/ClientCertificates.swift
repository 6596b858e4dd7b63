// SPDX-License-Identifier: Apache-2.0
internal import KubeAPI
internal import NodeStatus
internal import SwiftASN1
internal import Synchronization
@_spi(FixedExpiryValidationTime) internal import X509

/// Tells from a client's certificates who it is.
///
/// What a chain has come to is remembered, so that a client on a connection that stays open costs one verification. A
/// new bundle of authorities means a new one of these, and so an empty memory.
final class ClientCertificates: Sendable {
    static let maximumCertificates = 8
    static let maximumBytes = 32 << 10
    /// How long an answer is remembered, at most: revoking anything means replacing the bundle, which empties this.
    static let memory = Duration.seconds(120)
    /// A refusal is remembered only to keep a client that tries again and again cheap.
    static let memoryOfRefusals = Duration.seconds(10)

    enum Outcome: Equatable, Sendable {
        /// A good certificate without a common name, or no certificate.
        case noOpinion
        case identity(Identity, notAfter: Timestamp)
        case refused(String)
    }

    private struct Verified: Sendable {
        /// Nil: without a common name.
        var identity: Identity?
        /// What all certificates of the chain have in common.
        var notBefore: Timestamp
        var notAfter: Timestamp
    }

    let authorities: CertificateAuthorities
    private let verified = Mutex(ExpiringCache<Fingerprint, Verified>(capacity: 1_024))
    private let refused = Mutex(ExpiringCache<Fingerprint, String>(capacity: 256))

    init(_ authorities: CertificateAuthorities) {
        self.authorities = authorities
    }

    /// What is known without reckoning: nil where the chain must be verified.
    func cached(_ chain: [[UInt8]], now: Duration, date: Timestamp) -> Outcome? {
        if chain.isEmpty { return .noOpinion }
        if let problem = Self.problem(ofSizeOf: chain) { return .refused(problem) }
        return cached(Self.key(chain), now: now, date: date)
    }

    /// - Parameters:
    ///   - chain: DER, the client's own first.
    ///   - now: the monotonic clock, for the memory.
    ///   - date: the time at which the certificates must be valid.
    func verify(_ chain: [[UInt8]], now: Duration, date: Timestamp) async -> Outcome {
        guard let client = chain.first else { return .noOpinion }
        if let problem = Self.problem(ofSizeOf: chain) { return .refused(problem) }
        let key = Self.key(chain)
        if let outcome = cached(key, now: now, date: date) { return outcome }
        do throws(CertificateRefusal) {
            let path = try await path(chain, date: date)
            let identity = try CertificateIdentity.identity(of: path.leaf, der: client)
            let value = Verified(
                identity: identity, notBefore: path.map(\.notBefore).max() ?? date,
                notAfter: path.map(\.notAfter).min() ?? date)
            verified.withLock { $0.insert(value, for: key, until: now + Self.memory, now: now) }
            return Self.outcome(value)
        } catch {
            refused.withLock { $0.insert(error.reason, for: key, until: now + Self.memoryOfRefusals, now: now) }
            return .refused(error.reason)
        }
    }

    private func cached(_ key: Fingerprint, now: Duration, date: Timestamp) -> Outcome? {
        if let value = verified.withLock({ $0.value(of: key, now: now) }), value.notBefore <= date,
            date <= value.notAfter
        {
            return Self.outcome(value)
        }
        return refused.withLock { $0.value(of: key, now: now) }.map { .refused($0) }
    }

    private static func outcome(_ value: Verified) -> Outcome {
        value.identity.map { .identity($0, notAfter: value.notAfter) } ?? .noOpinion
    }

    private static func problem(ofSizeOf chain: [[UInt8]]) -> String? {
        guard chain.count <= maximumCertificates else {
            return "\(chain.count) client certificates; \(maximumCertificates) is the limit"
        }
        // At most eight arrays, each in memory: the sum fits.
        guard chain.reduce(0, { $0 + $1.count }) <= maximumBytes else {
            return "the client certificates are larger than \(maximumBytes) bytes"
        }
        return nil
    }

    /// With the length of each in front: the same bytes cut elsewhere are another chain.
    private static func key(_ chain: [[UInt8]]) -> Fingerprint {
        Fingerprint(
            ofAll: chain.flatMap { der in
                [withUnsafeBytes(of: UInt64(der.count).littleEndian) { Array($0) }, der]
            })
    }

    /// From the client's certificate to an authority.
    private func path(_ chain: [[UInt8]], date: Timestamp) async throws(CertificateRefusal) -> ValidatedCertificateChain
    {
        var certificates: [Certificate] = []
        for (index, der) in chain.enumerated() {
            do {
                certificates.append(try Certificate(strict: der))
            } catch {
                let what = index == 0 ? "the client certificate" : "certificate \(index + 1) of the client"
                throw CertificateRefusal(reason: "\(what) cannot be read: \(certificateProblem(error))")
            }
        }
        let client = certificates.removeFirst()
        if let problem = ClientCertificatePolicy.problem(ofClient: client, at: date) {
            throw CertificateRefusal(reason: problem)
        }

        // The verifier tries every way through the certificates that were sent, and each step is a signature: seven
        // that all bear one name and key, and so sign each other, keep it busy for half a minute. So each name is there
        // once. A client that sends an authority twice, signed by an old root and by a new one, gets a second try with
        // the other.
        let (first, last) = Self.distinct(certificates)
        var failures: [String] = []
        for intermediates in first == last ? [first] : [first, last] {
            var verifier = Verifier(rootCertificates: authorities.store) {
                ClientCertificatePolicy(date: date)
                RFC5280Policy(fixedExpiryValidationTime: date.date)
            }
            switch await verifier.validate(leaf: client, intermediates: CertificateStore(intermediates)) {
            case .validCertificate(let path): return path
            case .couldNotValidate(let found): failures += found.prefix(4).map { $0.policyFailureReason.description }
            }
        }
        throw CertificateRefusal(reason: Self.reason(failures, client))
    }

    /// One certificate of each name: the first that was sent, and the last.
    static func distinct(_ certificates: [Certificate]) -> (first: [Certificate], last: [Certificate]) {
        var first: [Certificate] = []
        var last: [Certificate] = []
        for certificate in certificates where !first.contains(where: { $0.subject == certificate.subject }) {
            first.append(certificate)
        }
        for certificate in certificates.reversed() where !last.contains(where: { $0.subject == certificate.subject }) {
            last.insert(certificate, at: 0)
        }
        return (first, last.count == first.count && Set(last) == Set(first) ? first : last)
    }

    /// In our words: those of the library show whole certificates.
    private static func reason(_ failures: [String], _ client: Certificate) -> String {
        guard let failure = failures.first else {
            return client.issuer == client.subject
                ? "the client certificate \(client.shownSubject) is self-signed, and not one of the authorities"
                : "the client certificate, issued by \(quoted("\(client.issuer)")), was not signed by one of the authorities"
        }
        guard failure.hasPrefix("RFC5280Policy:") || failure.hasPrefix("version 1") else { return failure }
        if failure.contains("maximum path length") {
            return "the chain of the client certificate is longer than one of its authorities allows"
        }
        if failure.contains("is not marked as a CA") {
            return "a certificate in the chain of the client certificate is not that of an authority"
        }
        if failure.contains("constraint") || failure.contains("subtree") {
            return "the client certificate has a name that one of its authorities must not give (name constraints)"
        }
        return "the chain of the client certificate is not as RFC 5280 wants it"
    }
}
