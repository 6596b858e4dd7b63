// SPDX-License-Identifier: Apache-2.0
internal import NodeStatus

extension KubeconfigSection {
    /// The fields of a cluster.
    func cluster(directory: String) throws(KubeconfigProblem) -> KubeConnection {
        warnOfUnknown([
            "server", "tls-server-name", "insecure-skip-tls-verify", "certificate-authority",
            "certificate-authority-data", "proxy-url", "disable-compression", "extensions",
        ])
        guard let text = try text("server") else {
            throw problem("server", "missing: the https:// address of the API server")
        }
        let server = try address("server") { () throws(ServerAddress.Problem) in try ServerAddress(text) }
        var connection = KubeConnection(server: server, trust: try trust(directory: directory), origin: file)
        if let name = try self.text("tls-server-name") {
            // It is sent as the name that is wanted (SNI), and no address may be: RFC 6066 §3.
            guard DNSName.isValid(name), IPAddress(name) == nil else {
                throw problem(
                    "tls-server-name",
                    "a DNS name belongs here; an address in the server's certificate is checked by itself"
                )
            }
            connection.tlsServerName = name.lowercased()
        }
        if let text = try self.text("proxy-url") {
            let proxy = try address("proxy-url") { () throws(ServerAddress.Problem) in try ProxyAddress(text) }
            if case .nobody = connection.trust {
            } else if server.isIPAddress, connection.tlsServerName == nil {
                // The TLS library compares the certificate with the address it is connected to, here the proxy's.
                throw problem(
                    "proxy-url",
                    "behind a proxy the server must be given by name, or tls-server-name be a name of its certificate")
            }
            connection.proxy = proxy
        }
        return connection
    }

    private func trust(directory: String) throws(KubeconfigProblem) -> KubeConnection.Trust {
        let authority = try source("certificate-authority", directory: directory)
        guard try flag("insecure-skip-tls-verify") else { return authority.map { .authorities($0) } ?? .system }
        if let authority {
            throw problem(
                "insecure-skip-tls-verify",
                "not together with \(authority.field): either the server is verified, or not")
        }
        warn(
            "insecure-skip-tls-verify",
            "whoever answers at the server's address is believed and is given the credentials")
        return .nobody
    }

    /// The fields of a user.
    func addUser(to connection: inout KubeConnection, directory: String) throws(KubeconfigProblem) {
        warnOfUnknown([
            "client-certificate", "client-certificate-data", "client-key", "client-key-data", "token", "tokenFile",
            "extensions",
        ])
        try refuseUser()
        let chain = try source("client-certificate", directory: directory)
        let key = try source("client-key", directory: directory)
        switch (chain, key) {
        case (let chain?, let key?):
            connection.clientCertificate = KubeConnection.ClientCertificate(chain: chain, key: key)
        case (let chain?, nil):
            throw problem(chain.field, "without its key: client-key or client-key-data must be there as well")
        case (nil, let key?):
            throw problem(key.field, "without its certificate: client-certificate or -data must be there as well")
        case (nil, nil): break
        }
        // The file wins, as with client-go.
        if let path = try text("tokenFile") {
            connection.token = .file(path: Self.resolved(path, directory), field: "tokenFile")
        } else if let token = try text("token") {
            guard let bytes = BearerToken.trimmed(Array(token.utf8)) else {
                throw problem("token", BearerToken.explanation)
            }
            connection.token = .data(Secret(bytes), field: "token")
        }
    }

    /// What would make somebody else of us than the file says, if it were ignored.
    private func refuseUser() throws(KubeconfigProblem) {
        let instead = "use client-certificate and client-key, token or tokenFile"
        if has("exec") {
            throw problem(
                "exec", "credential plugins are not supported: no foreign program runs in this service; \(instead)")
        }
        if has("auth-provider") {
            throw problem("auth-provider", "Kubernetes itself gave them up in 1.26; \(instead)")
        }
        for key in ["username", "password"] where has(key) {
            throw problem(key, "API servers gave up passwords in Kubernetes 1.19; \(instead)")
        }
        for key in ["as", "as-uid", "as-groups", "as-user-extra"] where has(key) {
            throw problem(key, "impersonation is not supported; give the credentials of that user")
        }
    }

    /// `NAME-data` beats `NAME`, as with client-go.
    private func source(_ key: String, directory: String) throws(KubeconfigProblem) -> CredentialSource? {
        if let encoded = try text(key + "-data") {
            guard let bytes = Base64.decode(encoded) else {
                throw problem(key + "-data", "not base64: the PEM text belongs here, encoded with base64 -w0")
            }
            return .data(Secret(bytes), field: key + "-data")
        }
        guard let path = try text(key) else { return nil }
        return .file(path: Self.resolved(path, directory), field: key)
    }

    private func address<Address>(
        _ key: String, _ parse: () throws(ServerAddress.Problem) -> Address
    ) throws(KubeconfigProblem) -> Address {
        do throws(ServerAddress.Problem) {
            return try parse()
        } catch {
            throw problem(key, error.explanation)
        }
    }

    private static func resolved(_ path: String, _ directory: String) -> String {
        path.hasPrefix("/") ? path : "\(directory)/\(path)"
    }
}
