// SPDX-License-Identifier: Apache-2.0

/// How to reach an API server and who to be there: what one context of a kubeconfig comes to.
package struct KubeConnection: Sendable {
    /// Who says that the server is the right one.
    package enum Trust: Sendable {
        /// The system's authorities.
        case system
        /// A bundle of PEM certificates.
        case authorities(CredentialSource)
        /// Nobody: `insecure-skip-tls-verify`.
        case nobody
    }

    package struct ClientCertificate: Sendable {
        /// PEM, leaf first.
        package var chain: CredentialSource
        /// PEM: PKCS #8, PKCS #1 or SEC 1, not encrypted.
        package var key: CredentialSource
    }

    package var server: ServerAddress
    /// The name that the server's certificate must have, in place of the server's host.
    package var tlsServerName: String?
    package var trust: Trust
    package var clientCertificate: ClientCertificate?
    package var token: CredentialSource?
    package var proxy: ProxyAddress?
    /// The context's namespace, or the pod's.
    package var namespace: String?
    /// The kubeconfig's path, or what stands in its place: for messages.
    package var origin: String
    /// What an operator should know although it is not wrong.
    package var warnings: [String] = []

    /// The name, or the IP address, that the server's certificate must have.
    package var verifiedName: String { tlsServerName ?? server.host }
}

/// Where a piece of a credential is.
package enum CredentialSource: Sendable {
    /// An absolute path; read again when it changes.
    case file(path: String, field: String)
    case data(Secret, field: String)

    package var field: String {
        switch self {
        case .file(_, let field), .data(_, let field): field
        }
    }

    package var path: String? {
        if case .file(let path, _) = self { path } else { nil }
    }

    /// For messages: `client-key /etc/nodekeep/node.key`.
    package var name: String {
        switch self {
        case .file(let path, let field): "\(field) \(ForeignText.line(path))"
        case .data(_, let field): field
        }
    }
}
