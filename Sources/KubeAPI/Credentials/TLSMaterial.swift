// SPDX-License-Identifier: Apache-2.0
internal import NIOCore
internal import NIOSSL
internal import NodeStatus

/// What a TLS connection to the API server is made with.
struct TLSMaterial: Sendable {
    /// TLS 1.2 or later; nothing but what the kubeconfig names.
    var configuration: TLSConfiguration
    /// The authorities that the server's certificate must come from, DER; nil: the system's, or nobody's.
    var authorities: [[UInt8]]?
    /// For messages about the server's certificate.
    var authoritiesName: String
    /// When our own certificate ends; nil: we have none.
    var clientCertificateExpires: Timestamp?

    /// A bundle of more is a mistake.
    private static let maximumCertificates = 1_000

    /// - Parameters:
    ///   - authorities: PEM; nil as `trust` has none.
    ///   - chain, key: PEM; both or neither.
    init(
        _ connection: KubeConnection, authorities: [UInt8]?, chain: [UInt8]?, key: [UInt8]?
    ) throws(KubeconfigProblem) {
        configuration = TLSConfiguration.makeClientConfiguration()
        configuration.minimumTLSVersion = .tlsv12
        // A server that goes on talking when it is said goodbye to is not listened to for five seconds.
        configuration.shutdownTimeout = .milliseconds(500)
        switch connection.trust {
        case .nobody:
            configuration.certificateVerification = .none
            authoritiesName = "nobody"
        case .system:
            configuration.trustRoots = .default
            authoritiesName = "the system's authorities"
        case .authorities(let source):
            let certificates = try Self.certificates(authorities ?? [], source, connection)
            configuration.trustRoots = .certificates(certificates)
            self.authorities = certificates.compactMap { try? $0.toDERBytes() }
            authoritiesName = source.name
        }
        if let source = connection.clientCertificate {
            let chain = try Self.certificates(chain ?? [], source.chain, connection)
            configuration.certificateChain = chain.map { .certificate($0) }
            configuration.privateKey = .privateKey(try Self.privateKey(key ?? [], source.key, connection))
            clientCertificateExpires = chain.first.map { Timestamp(seconds: Int64($0.notValidAfter)) }
            try Self.checkPair(configuration, source, connection)
        }
    }

    private static func certificates(
        _ pem: [UInt8], _ source: CredentialSource, _ connection: KubeConnection
    ) throws(KubeconfigProblem) -> [NIOSSLCertificate] {
        let certificates: [NIOSSLCertificate]
        do {
            certificates = try NIOSSLCertificate.fromPEMBytes(pem)
        } catch {
            throw KubeconfigProblem(
                file: connection.origin, field: source.name,
                "no certificate in PEM form (-----BEGIN CERTIFICATE-----) that can be read, or a broken one among them")
        }
        guard certificates.count <= maximumCertificates else {
            throw KubeconfigProblem(
                file: connection.origin, field: source.name, "more than \(maximumCertificates) certificates")
        }
        return certificates
    }

    private static func privateKey(
        _ pem: [UInt8], _ source: CredentialSource, _ connection: KubeConnection
    ) throws(KubeconfigProblem) -> NIOSSLPrivateKey {
        do {
            return try NIOSSLPrivateKey(bytes: pem, format: .pem)
        } catch {
            let isEncrypted = String(decoding: pem, as: UTF8.self).contains("ENCRYPTED")
            throw KubeconfigProblem(
                file: connection.origin, field: source.name,
                isEncrypted
                    ? "the key is encrypted, and nobody is here to give the passphrase: store it without one, mode 0600"
                    : "no private key in PEM form (PKCS #8, PKCS #1 or SEC 1) that can be read")
        }
    }

    /// A pair that does not match would fail each handshake, with words that help nobody.
    private static func checkPair(
        _ configuration: TLSConfiguration, _ source: KubeConnection.ClientCertificate, _ connection: KubeConnection
    ) throws(KubeconfigProblem) {
        var alone = configuration
        alone.trustRoots = .certificates([])
        do {
            _ = try NIOSSLContext(configuration: alone)
        } catch {
            throw KubeconfigProblem(
                file: connection.origin, field: source.key.name,
                "not the key of the certificate in \(source.chain.name), or a certificate that cannot be used")
        }
    }
}
