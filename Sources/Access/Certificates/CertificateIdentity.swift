// SPDX-License-Identifier: Apache-2.0
internal import SwiftASN1
internal import X509

/// Why a client's certificate lets nobody in, in words for the log.
struct CertificateRefusal: Error {
    let reason: String
}

/// Reads the user out of a certificate's subject, as apiserver/pkg/authentication/request/x509/x509.go does.
enum CertificateIdentity {
    /// The attribute that holds the user's UID (feature AllowParsingUserUIDFromCertAuth).
    private static let userID: ASN1ObjectIdentifier = [1, 3, 6, 1, 4, 1, 57683, 2]
    private static let credentialID = "authentication.kubernetes.io/credential-id"

    /// - Returns: nil where there is no common name: the certificate says nothing about who its holder is.
    static func identity(of certificate: Certificate, der: [UInt8]) throws(CertificateRefusal) -> Identity? {
        var name = ""
        var groups: [String] = []
        var uid: String?
        for attribute in certificate.subject.lazy.flatMap({ $0 }) {
            switch attribute.type {
            // The last one counts, as in Go.
            case .RDNAttributeType.commonName: name = try text(attribute, "common name")
            case .RDNAttributeType.organizationName:
                let group = try text(attribute, "organization")
                if !group.isEmpty { groups.append(group) }
            case userID:
                guard uid == nil else {
                    throw CertificateRefusal(reason: "the client certificate has more than one UID")
                }
                let value = try text(attribute, "UID")
                guard !value.isEmpty else { throw CertificateRefusal(reason: "the client certificate's UID is empty") }
                uid = value
            default: break
            }
        }
        guard !name.isEmpty else { return nil }
        let identity = Identity(
            name: name, uid: uid, groups: groups,
            extra: [credentialID: ["X509SHA256=" + Fingerprint(of: der).hexadecimal]], method: .x509)
        if let problem = IdentityNames.problem(identity) {
            throw CertificateRefusal(reason: "the client certificate's subject: \(problem)")
        }
        return identity.withAuthenticatedGroup
    }

    private static func text(
        _ attribute: RelativeDistinguishedName.Attribute, _ what: String
    ) throws(CertificateRefusal) -> String {
        guard let text = String(attribute.value) else {
            throw CertificateRefusal(reason: "the client certificate's \(what) is not a UTF-8, printable or IA5 string")
        }
        return text
    }
}
