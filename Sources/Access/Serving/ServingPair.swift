// SPDX-License-Identifier: Apache-2.0
internal import Crypto
internal import FoundationEssentials
internal import KubeAPI
package import NodeStatus
internal import SwiftASN1
internal import X509

/// A certificate with its chain and its key: what a TLS server shows and proves.
package struct ServingPair: Equatable, Sendable {
    /// DER, the server's own first.
    package let certificateChain: [[UInt8]]
    /// DER, PKCS #8.
    package let privateKey: [UInt8]
    package let notBefore: Timestamp
    package let notAfter: Timestamp
    /// For people.
    package let subject: String
    /// The DNS names that it is good for.
    let names: [String]

    static let maximumBytes = 256 * 1_024
    private static let maximumCertificates = 16

    /// Reads a pair of PEM files' content, and holds one against the other.
    ///
    /// - Throws: `AccessProblems`: which of the two files is not what it should be, and why. Never a part of the key.
    init(
        certificate: [UInt8], certificateFile: String, key: [UInt8], keyFile: String
    ) throws(AccessProblems) {
        let blocks = try PEM.certificates(certificate, file: certificateFile, limit: Self.maximumCertificates)
        func fail(_ file: String, line: Int? = nil, _ explanation: String) -> AccessProblems {
            AccessProblems([AccessProblem(file, line: line, explanation)])
        }
        guard let first = blocks.first else { throw fail(certificateFile, "there is no certificate in it") }
        var certificates: [Certificate] = []
        for block in blocks {
            do {
                certificates.append(try Certificate(strict: block.der))
            } catch {
                throw fail(certificateFile, line: block.line, "the certificate that begins here cannot be read")
            }
        }
        let privateKey = try Self.privateKey(key, keyFile)
        guard let leaf = certificates.first, privateKey.publicKey == leaf.publicKey else {
            throw fail(
                keyFile,
                "it is not the key of the first certificate in \(certificateFile); both must be replaced together")
        }
        do {
            self.privateKey = try Self.pkcs8(try privateKey.serializeAsPEM())
        } catch {
            throw fail(keyFile, "the key cannot be passed on")
        }
        certificateChain = [first.der] + blocks.dropFirst().map(\.der)
        notBefore = Timestamp(leaf.notValidBefore)
        notAfter = Timestamp(leaf.notValidAfter)
        subject = String(describing: leaf.subject)
        names = Self.names(leaf)
    }

    private static func names(_ certificate: Certificate) -> [String] {
        guard let alternatives = try? certificate.extensions.subjectAlternativeNames else { return [] }
        return alternatives.compactMap { name in
            if case .dnsName(let text) = name { text } else { nil }
        }
    }

    /// swift-crypto writes RSA keys as PKCS #1; RFC 5958 says what goes around that.
    private static func pkcs8(_ document: PEMDocument) throws -> [UInt8] {
        guard document.discriminator == "RSA PRIVATE KEY" else { return document.derBytes }
        var serializer = DER.Serializer()
        try serializer.appendConstructedNode(identifier: .sequence) { coder in
            try coder.serialize(0)
            try coder.appendConstructedNode(identifier: .sequence) { algorithm in
                try algorithm.serialize(try ASN1ObjectIdentifier(elements: [1, 2, 840, 113_549, 1, 1, 1]))
                try algorithm.serialize(ASN1Null())
            }
            try coder.serialize(ASN1OctetString(contentBytes: document.derBytes[...]))
        }
        return serializer.serializedBytes
    }

    private static func privateKey(_ bytes: [UInt8], _ file: String) throws(AccessProblems) -> Certificate.PrivateKey {
        // An EC key may have its parameters in a block of their own before it, as openssl ecparam writes them.
        guard let text = String(validating: bytes, as: UTF8.self),
            let documents = try? PEMDocument.parseMultiple(pemString: text), !documents.isEmpty
        else { throw AccessProblems([AccessProblem(file, "it is not a PEM file with one key")]) }
        let keys = documents.filter { $0.discriminator.hasSuffix("PRIVATE KEY") }
        guard let document = keys.first, keys.count == 1 else {
            throw AccessProblems([AccessProblem(file, "\(keys.count) private keys are in it; one is wanted")])
        }
        if document.discriminator.hasPrefix("ENCRYPTED") {
            throw AccessProblems([
                AccessProblem(file, "the key is encrypted, and nobody is there to give the pass phrase")
            ])
        }
        do {
            return try Certificate.PrivateKey(pemDocument: document)
        } catch {
            throw AccessProblems([
                AccessProblem(
                    file,
                    "the key cannot be read: RSA, P-256, P-384, P-521 or Ed25519 in PEM (PKCS #8, SEC 1 or PKCS #1)")
            ])
        }
    }
}
