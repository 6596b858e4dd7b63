// SPDX-License-Identifier: Apache-2.0
internal import Crypto
internal import CryptoExtras
internal import FoundationEssentials
internal import NodeStatus
internal import SwiftASN1
internal import X509

/// A key, and the request for a certificate of it.
struct CertificateRequest: Sendable {
    let identity: ClientCertificateIdentity
    let key: P256.Signing.PrivateKey
    /// Of the object in the cluster. The same key and the same wish have the same name, so what is asked for again after
    /// an answer that never came is found again.
    let name: String
    /// PKCS #10.
    let pem: [UInt8]

    init(_ identity: ClientCertificateIdentity, key: P256.Signing.PrivateKey) throws(CertificateProblem) {
        self.identity = identity
        self.key = key
        name = Self.name(identity, key)
        do {
            let request = try CertificateSigningRequest(
                version: .v1,
                subject: try DistinguishedName {
                    for organization in identity.organizations { OrganizationName(organization) }
                    CommonName(identity.commonName)
                },
                privateKey: Certificate.PrivateKey(key), attributes: .init([]), signatureAlgorithm: .ecdsaWithSHA256)
            pem = Array((try request.serializeAsPEM().pemString + "\n").utf8)
        } catch {
            throw CertificateProblem("no certificate can be asked for with the name \(shown(identity.commonName))")
        }
    }

    /// As a kubelet would call it (bootstrap.go digestedName): what is digested cannot run into one another, since a bar
    /// is no character of base64.
    private static func name(_ identity: ClientCertificateIdentity, _ key: P256.Signing.PrivateKey) -> String {
        var hash = SHA512256()
        let texts = [identity.commonName] + identity.organizations + ClientCertificateIdentity.usages
        for part in [Array(key.publicKey.derRepresentation)] + texts.map({ Array($0.utf8) }) {
            hash.update(data: Array(Base64.urlEncode(part).utf8) + [UInt8(ascii: "|")])
        }
        return "node-csr-" + Base64.urlEncode(Array(hash.finalize()))
    }

    /// Whether a request in PEM, which may be of anybody, is one with this key.
    func isWithThisKey(_ other: [UInt8]) -> Bool {
        guard let text = String(validating: other, as: UTF8.self),
            let request = try? CertificateSigningRequest(pemEncoded: text)
        else { return false }
        return request.publicKey == Certificate.PublicKey(key.publicKey)
    }

    /// What the signer has made of it, with the key.
    ///
    /// - Parameter chain: PEM, leaf first.
    func pair(with chain: [UInt8], date: Timestamp) throws(CertificateProblem) -> ClientCertificatePair {
        let pair = try ClientCertificatePair(chain: chain, key: Array(key.pemRepresentation.utf8))
        guard pair.commonName == identity.commonName, Set(pair.organizations) == Set(identity.organizations) else {
            throw CertificateProblem(
                "the certificate is for \(shown(pair.commonName)) in \(shown(pair.organizations)), "
                    + "not for \(shown(identity.commonName)) in \(shown(identity.organizations))")
        }
        guard pair.isForClients else {
            throw CertificateProblem("the certificate is not one to be a client with")
        }
        guard pair.notAfter > date else {
            throw CertificateProblem(
                "the certificate ended on \(pair.notAfter.rfc3339), and here it is \(date.rfc3339): is one of the "
                    + "clocks wrong?")
        }
        return pair
    }
}

private func shown(_ text: String) -> String { "\"" + ForeignText.line(text, limit: 128) + "\"" }

private func shown(_ texts: [String]) -> String {
    texts.isEmpty ? "no group" : texts.prefix(8).map { shown($0) }.joined(separator: ", ")
}
