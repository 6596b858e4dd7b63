// SPDX-License-Identifier: Apache-2.0

extension KubeConnection {
    /// A kubeconfig of one context: this server, and a client certificate with its key in one file. Names are those of the
    /// kubelet's (kubernetes/pkg/kubelet/certificate/bootstrap/bootstrap.go).
    ///
    /// - Parameter certificate: An absolute path.
    func kubeconfig(certificate: String) -> [UInt8] {
        var cluster = [("server", Self.quoted(server.description))]
        switch trust {
        case .system: break
        case .authorities(.file(let path, _)): cluster.append(("certificate-authority", Self.quoted(path)))
        case .authorities(.data(let data, _)):
            cluster.append(("certificate-authority-data", Self.quoted(Base64.encode(data.bytes))))
        case .nobody: cluster.append(("insecure-skip-tls-verify", "true"))
        }
        if let tlsServerName { cluster.append(("tls-server-name", Self.quoted(tlsServerName))) }
        if let proxy { cluster.append(("proxy-url", Self.quoted(proxy.url))) }
        var context = [("cluster", "default-cluster"), ("user", "default-auth")]
        if let namespace { context.append(("namespace", Self.quoted(namespace))) }
        let user = [("client-certificate", Self.quoted(certificate)), ("client-key", Self.quoted(certificate))]
        func lines(_ fields: [(String, String)]) -> String { fields.map { "      \($0.0): \($0.1)\n" }.joined() }
        let text = """
            # Written by nodekeep when the node got its certificate; not written again while it can be used.
            apiVersion: v1
            kind: Config
            clusters:
              - name: default-cluster
                cluster:
            \(lines(cluster))contexts:
              - name: default-context
                context:
            \(lines(context))current-context: default-context
            users:
              - name: default-auth
                user:
            \(lines(user))
            """
        return Array(text.utf8)
    }

    /// A text of JSON is one of YAML as well.
    private static func quoted(_ text: String) -> String {
        String(decoding: JSONValue.string(text).encoded(), as: UTF8.self)
    }
}

extension ProxyAddress {
    /// With user and password, percent-encoded.
    fileprivate var url: String {
        guard let credentials else { return description }
        var user = ""
        var isBeforeColon = true
        for byte in credentials.bytes {
            let isPlain = KubeRequest.isOfPath(byte) && byte != UInt8(ascii: "/") && byte != UInt8(ascii: ":")
            if isPlain || (byte == UInt8(ascii: ":") && isBeforeColon) {
                user += String(UnicodeScalar(byte))
                if byte == UInt8(ascii: ":") { isBeforeColon = false }
            } else {
                user += "%" + (byte < 16 ? "0" : "") + String(byte, radix: 16, uppercase: true)
            }
        }
        return "http://\(user)@\(authority)"
    }
}
