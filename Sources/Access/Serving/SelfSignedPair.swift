// SPDX-License-Identifier: Apache-2.0
internal import Crypto
internal import FoundationEssentials
internal import NodeStatus
internal import SwiftASN1
internal import X509

/// A pair of our own for a server that was given none: nobody has vouched for it, but what is said cannot be overheard.
enum SelfSignedPair {
    static let lifetime: Int64 = 365 * 86_400

    /// A P-256 key and a certificate that holds from an hour before `date`, so that a clock a little behind takes it.
    ///
    /// - Parameters:
    ///   - name: the node's; the subject, and the first name that it is good for.
    ///   - addresses: IP addresses that it is good for.
    /// - Returns: both as PEM.
    static func make(name: String, addresses: [IPAddress], date: Timestamp) throws -> (certificate: String, key: String)
    {
        let key = P256.Signing.PrivateKey()
        let signer = Certificate.PrivateKey(key)
        // The limit of a common name (RFC 5280, ub-common-name).
        let common = String(decoding: "nodekeep \(name)".utf8.prefix(64), as: UTF8.self)
        let subject = try DistinguishedName { CommonName(common) }
        var names: [GeneralName] = [.dnsName(name), .dnsName("localhost")]
        names += addresses.map { .ipAddress(ASN1OctetString(contentBytes: ArraySlice($0.bytes))) }
        let extensions = try Certificate.Extensions {
            Critical(BasicConstraints.notCertificateAuthority)
            Critical(KeyUsage(digitalSignature: true))
            try ExtendedKeyUsage([.serverAuth])
            SubjectAlternativeNames(names)
        }
        let begin = date.seconds - 3_600
        let certificate = try Certificate(
            version: .v3, serialNumber: Certificate.SerialNumber(), publicKey: signer.publicKey,
            notValidBefore: Timestamp(seconds: begin).date, notValidAfter: Timestamp(seconds: begin + lifetime).date,
            issuer: subject, subject: subject, signatureAlgorithm: .ecdsaWithSHA256, extensions: extensions,
            issuerPrivateKey: signer)
        return (try certificate.serializeAsPEM().pemString + "\n", key.pemRepresentation + "\n")
    }
}
