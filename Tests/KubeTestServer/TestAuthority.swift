// SPDX-License-Identifier: Apache-2.0
internal import Crypto
internal import FoundationEssentials
package import NodeStatus
internal import SwiftASN1
internal import X509

/// A certificate with its key, PEM.
package struct TestCertificate: Sendable {
    /// Leaf first.
    package var chain: String
    package var key: String

    /// As a kubelet keeps them: in one file.
    package var combined: String { chain + "\n" + key }
}

/// An authority made for one test.
package struct TestAuthority: Sendable {
    package enum Usage: Sendable {
        case server
        case client
    }

    package static let longAgo = Timestamp(seconds: 1_577_836_800)
    package static let farOff = Timestamp(seconds: 4_102_444_800)

    private let key: Certificate.PrivateKey
    private let name: DistinguishedName
    /// Its own certificate, PEM.
    package let certificate: String

    package init(_ commonName: String = "kubernetes", notAfter: Timestamp = farOff) throws {
        key = Certificate.PrivateKey(P256.Signing.PrivateKey())
        name = try DistinguishedName { CommonName(commonName) }
        let authority = try Certificate(
            version: .v3, serialNumber: Certificate.SerialNumber(), publicKey: key.publicKey,
            notValidBefore: Date(Self.longAgo), notValidAfter: Date(notAfter), issuer: name, subject: name,
            signatureAlgorithm: .ecdsaWithSHA256,
            extensions: try Certificate.Extensions {
                Critical(BasicConstraints.isCertificateAuthority(maxPathLength: nil))
                Critical(KeyUsage(digitalSignature: true, keyCertSign: true))
            }, issuerPrivateKey: key)
        certificate = try authority.serializeAsPEM().pemString
    }

    static func commonName(of certificate: [UInt8]) -> String? {
        guard let certificate = try? Certificate(derEncoded: certificate) else { return nil }
        return certificate.subject.lazy.flatMap { $0 }.first { $0.type == .RDNAttributeType.commonName }
            .flatMap { String($0.value) }
    }

    /// What a signer makes of a request: its subject and its key, for clients.
    ///
    /// - Parameter request: PKCS #10 in PEM, with a signature that is right.
    /// - Returns: PEM.
    package func sign(
        _ request: String, notBefore: Timestamp = longAgo, notAfter: Timestamp = farOff, usage: Usage = .client
    ) throws -> String {
        let request = try CertificateSigningRequest(pemEncoded: request)
        guard request.publicKey.isValidSignature(request.signature, for: request) else { throw BadRequest() }
        return try certify(
            request.publicKey, subject: request.subject, names: [], usage: usage, notBefore: notBefore,
            notAfter: notAfter)
    }

    /// - Parameter names: DNS names and IP addresses.
    package func issue(
        _ commonName: String, organizations: [String] = [], names: [String] = [], usage: Usage,
        notBefore: Timestamp = longAgo, notAfter: Timestamp = farOff
    ) throws -> TestCertificate {
        let leafKey = P256.Signing.PrivateKey()
        let subject = try DistinguishedName {
            for organization in organizations { OrganizationName(organization) }
            CommonName(commonName)
        }
        let chain = try certify(
            Certificate.PublicKey(leafKey.publicKey), subject: subject, names: names, usage: usage,
            notBefore: notBefore, notAfter: notAfter)
        return TestCertificate(chain: chain, key: leafKey.pemRepresentation)
    }

    private func certify(
        _ publicKey: Certificate.PublicKey, subject: DistinguishedName, names: [String], usage: Usage,
        notBefore: Timestamp, notAfter: Timestamp
    ) throws -> String {
        let alternatives = names.map { name in
            IPAddress(name).map { GeneralName.ipAddress(ASN1OctetString(contentBytes: $0.bytes[...])) }
                ?? GeneralName.dnsName(name)
        }
        let leaf = try Certificate(
            version: .v3, serialNumber: Certificate.SerialNumber(), publicKey: publicKey,
            notValidBefore: Date(notBefore), notValidAfter: Date(notAfter), issuer: self.name, subject: subject,
            signatureAlgorithm: .ecdsaWithSHA256,
            extensions: try Certificate.Extensions {
                Critical(BasicConstraints.notCertificateAuthority)
                Critical(KeyUsage(digitalSignature: true))
                try ExtendedKeyUsage([usage == .server ? .serverAuth : .clientAuth])
                if !alternatives.isEmpty { SubjectAlternativeNames(alternatives) }
            }, issuerPrivateKey: key)
        return try leaf.serializeAsPEM().pemString
    }

    private struct BadRequest: Error {}
}

extension Date {
    fileprivate init(_ timestamp: Timestamp) {
        self.init(timeIntervalSince1970: Double(timestamp.seconds))
    }
}
