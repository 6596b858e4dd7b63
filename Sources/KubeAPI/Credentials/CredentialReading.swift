// SPDX-License-Identifier: Apache-2.0

/// The bytes of all that a connection's credentials consist of, as they were at one time.
struct CredentialBytes: Equatable, Sendable {
    private(set) var authorities: [UInt8]?
    private(set) var chain: [UInt8]?
    private(set) var key: [UInt8]?
    private(set) var token: [UInt8]?

    /// Blocks.
    init(_ connection: KubeConnection) throws(KubeconfigProblem) {
        if case .authorities(let source) = connection.trust { authorities = try Self.bytes(of: source, connection) }
        if let certificate = connection.clientCertificate {
            chain = try Self.bytes(of: certificate.chain, connection)
            key = try Self.bytes(of: certificate.key, connection)
        }
        if let source = connection.token { token = try Self.bytes(of: source, connection) }
    }

    private static func bytes(
        of source: CredentialSource, _ connection: KubeConnection
    ) throws(KubeconfigProblem) -> [UInt8] {
        switch source {
        case .data(let secret, _): return secret.bytes
        case .file(let path, _):
            do throws(CredentialFile.Problem) {
                return try CredentialFile.read(path)
            } catch {
                throw KubeconfigProblem(
                    file: connection.origin, field: source.name, "cannot be read: \(error.reason)")
            }
        }
    }
}

/// The same, made fit for use.
struct CredentialReading: Sendable {
    let bytes: CredentialBytes
    let material: TLSMaterial
    let token: Secret?

    init(_ bytes: CredentialBytes, _ connection: KubeConnection) throws(KubeconfigProblem) {
        self.bytes = bytes
        material = try TLSMaterial(
            connection, authorities: bytes.authorities, chain: bytes.chain, key: bytes.key)
        guard let source = connection.token else {
            token = nil
            return
        }
        guard let trimmed = BearerToken.trimmed(bytes.token ?? []) else {
            throw KubeconfigProblem(file: connection.origin, field: source.name, BearerToken.explanation)
        }
        token = Secret(trimmed)
    }
}
