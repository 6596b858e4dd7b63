// SPDX-License-Identifier: Apache-2.0
internal import NodeStatus
internal import SwiftASN1
internal import X509

/// What Go's verifier, and so the kubelet, asks of a chain beyond swift-certificates' `RFC5280Policy`.
///
/// - The client's certificate must be for client authentication, and so must every authority above it that says what it
///   is for. (Go lets a client's certificate without any extended key usage pass. We do not: such a certificate was
///   made for something else.)
/// - An intermediate authority must be of version 3 and say that it is one. RFC5280Policy lets a version 1 certificate
///   sign others, which makes an authority of everybody who has one from the cluster's.
/// - An authority with a key usage must be allowed to sign certificates.
/// - No SHA-1, except in the root's own signature, which nobody looks at.
struct ClientCertificatePolicy: VerifierPolicy, Sendable {
    /// Where the time is that everything must be valid at.
    let date: Timestamp

    /// Names beside the subject give nobody a name here, and `RFC5280Policy` holds them against name constraints.
    let verifyingCriticalExtensions: [ASN1ObjectIdentifier] = [
        .X509ExtensionID.extendedKeyUsage, .X509ExtensionID.subjectAlternativeName,
    ]

    /// All extensions that may be critical.
    static let understood: [ASN1ObjectIdentifier] = [
        .X509ExtensionID.extendedKeyUsage, .X509ExtensionID.subjectAlternativeName, .X509ExtensionID.basicConstraints,
        .X509ExtensionID.nameConstraints, .X509ExtensionID.keyUsage,
    ]

    func chainMeetsPolicyRequirements(chain: UnverifiedCertificateChain) -> PolicyEvaluationResult {
        for (index, certificate) in chain.enumerated() {
            let isRoot = index == chain.count - 1
            let problem =
                index == 0
                ? Self.problem(ofClient: certificate, at: date)
                : Self.problem(ofAuthority: certificate, isRoot: isRoot, at: date)
            if let problem { return .failsToMeetPolicy(reason: problem) }
            if !isRoot, certificate.signatureAlgorithm == .sha1WithRSAEncryption {
                return .failsToMeetPolicy(reason: "a certificate of the chain is signed with SHA-1")
            }
        }
        return .meetsPolicy
    }

    /// What can be said about the client's certificate without its chain; nil: nothing.
    static func problem(ofClient certificate: Certificate, at date: Timestamp) -> String? {
        if date < certificate.notBefore {
            return "the client certificate is not valid before \(certificate.notBefore.rfc3339)"
        }
        if date > certificate.notAfter {
            return "the client certificate has expired on \(certificate.notAfter.rfc3339)"
        }
        if let unknown = certificate.extensions.first(where: { $0.critical && !understood.contains($0.oid) }) {
            return "the client certificate has a critical extension \(unknown.oid) that is not known here"
        }
        do {
            guard let usage = try certificate.extensions.extendedKeyUsage, usage.contains(.clientAuth) else {
                return "the client certificate is not for client authentication (extended key usage)"
            }
        } catch {
            return "the client certificate's extended key usage cannot be read"
        }
        return nil
    }

    private static func problem(ofAuthority certificate: Certificate, isRoot: Bool, at date: Timestamp) -> String? {
        let name = "the authority \(certificate.shownSubject)"
        if date < certificate.notBefore { return "\(name) is not valid before \(certificate.notBefore.rfc3339)" }
        if date > certificate.notAfter { return "\(name) has expired on \(certificate.notAfter.rfc3339)" }
        if !isRoot, certificate.version != .v3 { return "\(name) is a certificate of version 1, which is no authority" }
        do {
            if let usage = try certificate.extensions.extendedKeyUsage,
                !usage.contains(.clientAuth), !usage.contains(.any)
            {
                return "\(name) is not for client authentication"
            }
            if let usage = try certificate.extensions.keyUsage, !usage.keyCertSign {
                return "\(name) must not sign certificates (key usage)"
            }
        } catch {
            return "the extensions of \(name) cannot be read"
        }
        return nil
    }
}
