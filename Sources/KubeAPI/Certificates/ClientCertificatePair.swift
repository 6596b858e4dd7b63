// SPDX-License-Identifier: Apache-2.0
internal import NIOSSL
internal import NodeStatus
internal import SwiftASN1
internal import X509

/// A client certificate with what leads up to its authority, and its key.
struct ClientCertificatePair: Equatable, Sendable {
    /// DER, leaf first.
    let chain: [[UInt8]]
    /// PEM.
    let key: Secret
    let notBefore: Timestamp
    let notAfter: Timestamp
    let commonName: String
    let organizations: [String]
    let isForClients: Bool

    private static let maximumCertificates = 16

    /// - Parameters:
    ///   - chain: PEM, leaf first; text around the blocks is left out.
    ///   - key: PEM; other blocks may be before it.
    init(chain: [UInt8], key: [UInt8]) throws(CertificateProblem) {
        let certificates: [NIOSSLCertificate]
        do {
            certificates = chain.isEmpty ? [] : try NIOSSLCertificate.fromPEMBytes(chain)
            self.chain = try certificates.map { try $0.toDERBytes() }
        } catch {
            throw CertificateProblem("no certificate in PEM form that can be read")
        }
        guard let first = self.chain.first, certificates.count <= Self.maximumCertificates else {
            throw CertificateProblem(
                "\(certificates.count) certificates, where one to \(Self.maximumCertificates) belong")
        }
        guard let leaf = try? Certificate(strict: first) else {
            throw CertificateProblem("a certificate that cannot be read")
        }
        guard !key.isEmpty, let privateKey = try? NIOSSLPrivateKey(bytes: key, format: .pem) else {
            throw CertificateProblem("no private key in PEM form that can be read")
        }
        var configuration = TLSConfiguration.makeClientConfiguration()
        configuration.trustRoots = .certificates([])
        configuration.certificateChain = certificates.map { .certificate($0) }
        configuration.privateKey = .privateKey(privateKey)
        guard (try? NIOSSLContext(configuration: configuration)) != nil else {
            throw CertificateProblem("the certificate is not that of the key, or of no use for TLS")
        }
        self.key = Secret(key)
        notBefore = Timestamp(seconds: Int64(certificates.first?.notValidBefore ?? 0))
        notAfter = Timestamp(seconds: Int64(certificates.first?.notValidAfter ?? 0))
        commonName = leaf.texts(of: .RDNAttributeType.commonName).last ?? ""
        organizations = leaf.texts(of: .RDNAttributeType.organizationName)
        // Without the extension it is good for everything.
        do {
            let usages = try leaf.extensions.extendedKeyUsage
            isForClients = usages.map { $0.contains(.clientAuth) || $0.contains(.any) } ?? true
        } catch {
            isForClients = false
        }
    }

    var validity: RotationMachine.Validity { RotationMachine.Validity(notBefore: notBefore, notAfter: notAfter) }

    /// Certificates and key for one file, so that they are replaced together.
    var file: [UInt8] {
        let certificates = chain.map { PEMDocument(type: "CERTIFICATE", derBytes: $0).pemString + "\n" }
        return Array(certificates.joined().utf8) + key.bytes + (key.bytes.last == 0x0a ? [] : [0x0a])
    }

    init(file: [UInt8]) throws(CertificateProblem) {
        try self.init(chain: file, key: file)
    }
}

extension Certificate {
    fileprivate func texts(of type: ASN1ObjectIdentifier) -> [String] {
        subject.lazy.flatMap { $0 }.filter { $0.type == type }.compactMap { String($0.value) }
    }
}
