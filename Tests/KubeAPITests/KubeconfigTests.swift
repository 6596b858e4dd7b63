// SPDX-License-Identifier: Apache-2.0
import KubeTestServer
import Testing

@testable import KubeAPI

@Suite struct KubeconfigTests {
    private static let server = "https://10.0.0.1:6443"

    private func problem(_ text: String, context: String? = nil) -> String? {
        do throws(KubeconfigProblem) {
            _ = try parse(text, context: context)
            return nil
        } catch {
            return error.description
        }
    }

    @Test func readsAll() throws {
        let connection = try parse(
            kubeconfig(
                server: "https://API.example.test/k8s/",
                cluster: [
                    "certificate-authority: pki/ca.crt", "tls-server-name: Kubernetes", "disable-compression: true",
                ],
                user: ["client-certificate: node.pem", "client-key: /keys/node.pem", "tokenFile: ../token"]))
        #expect(connection.server.description == "https://api.example.test:443/k8s")
        #expect(connection.verifiedName == "kubernetes")
        guard case .authorities(.file(let authority, _)) = connection.trust else {
            Issue.record("\(connection.trust)")
            return
        }
        #expect(authority == "/etc/nodekeep/pki/ca.crt")
        #expect(connection.clientCertificate?.chain.path == "/etc/nodekeep/node.pem")
        #expect(connection.clientCertificate?.key.path == "/keys/node.pem")
        #expect(connection.token?.path == "/etc/nodekeep/../token")
        #expect(connection.warnings.isEmpty)
    }

    @Test func dataBeatsFilesAndFilesBeatTokens() throws {
        let connection = try parse(
            kubeconfig(
                server: Self.server,
                cluster: ["certificate-authority: ca.crt", "certificate-authority-data: \(base64("x"))"],
                user: ["token: inline", "tokenFile: token"]))
        guard case .authorities(.data(let bytes, let field)) = connection.trust else {
            Issue.record("\(connection.trust)")
            return
        }
        #expect(bytes.bytes == Array("x".utf8))
        #expect(field == "certificate-authority-data")
        #expect(connection.token?.path == "/etc/nodekeep/token")
    }

    @Test func readsJSON() throws {
        let text = """
            {"kind":"Config","apiVersion":"v1","preferences":{},"current-context":"x",
             "clusters":[{"name":"c","cluster":{"server":"https://[::1]:6443"}}],
             "contexts":[{"name":"x","context":{"cluster":"c","user":"u","namespace":"n"}}],
             "users":[{"name":"u","user":{"token":"abc"}},{"name":"other","user":{"exec":{"command":"x"}}}]}
            """
        let connection = try parse(text)
        #expect(connection.server.authority == "[::1]:6443")
        #expect(connection.namespace == "n")
        guard case .data(let token, _)? = connection.token else {
            Issue.record("no token")
            return
        }
        #expect(token.bytes == Array("abc".utf8))
    }

    /// Fields of a cluster, and what the message must say.
    @Test(arguments: [
        ("certificate-authority: ca\n      insecure-skip-tls-verify: true", "not together with certificate-authority"),
        ("insecure-skip-tls-verify: yes", "true or false belongs here"),
        ("certificate-authority-data: '!!!'", "certificate-authority-data: not base64"),
        ("tls-server-name: 10.0.0.2", "tls-server-name: a DNS name belongs here"),
        ("proxy-url: socks5://p:1", "only proxies with http://"),
        ("proxy-url: https://p:1", "only proxies with http://"),
        ("proxy-url: http://p:1", "behind a proxy the server must be given by name"),
        ("certificate-authority: [a]", "certificate-authority: a text belongs here"),
    ])
    func refusesClusters(lines: String, expected: String) throws {
        let text = try #require(problem(kubeconfig(server: Self.server, cluster: [lines])))
        #expect(text.contains(expected))
        #expect(text.hasPrefix("/etc/nodekeep/kubeconfig:"))
        #expect(text.contains("clusters[\"c\"].cluster."))
    }

    @Test(arguments: [
        ("exec: {command: aws}", "credential plugins are not supported"),
        ("auth-provider: {name: gcp}", "gave them up in 1.26"),
        ("username: admin", "gave up passwords"),
        ("password: hunter2hunter2", "gave up passwords"),
        ("as: root", "impersonation is not supported"),
        ("as-groups: [a]", "impersonation is not supported"),
        ("client-certificate: x", "without its key"),
        ("client-key-data: \(base64("hunter2hunter2"))", "without its certificate"),
        ("token: \"hunter2hunter2 and more\"", "one token of at most"),
        ("client-key-data: hunter2hunter2!", "not base64"),
    ])
    func refusesUsers(line: String, expected: String) throws {
        let text = try #require(problem(kubeconfig(server: Self.server, user: [line])))
        #expect(text.contains(expected))
        #expect(text.contains("users[\"u\"].user."))
        #expect(!text.contains("hunter2"))
    }

    @Test(arguments: [
        ("http://10.0.0.1", "would send credentials in clear"), ("10.0.0.1:6443", "it begins with https://"),
        ("https://u:hunter2@h", "a user in the address"), ("https://h:0", "the port"), ("https://h:65536", "the port"),
        ("https://h/%2e%2e", "a path that has more in it"), ("https://h/a/../b", "a path that has more in it"),
        ("https://h?x=1", "without query"), ("https://[::1", "without its ]"), ("https://[1.2.3.4]", "no IPv6 address"),
        ("https://1.2.3.4.5", "neither a name nor an address"), ("https://ho%20st", "neither a name nor an address"),
        ("https:///x", "neither a name nor an address"), ("https://h:12x", "the port"),
        ("ftp://h", "an https:// address"),
    ])
    func refusesServers(server: String, expected: String) throws {
        let text = try #require(problem(kubeconfig(server: "\"\(server)\"")))
        #expect(text.contains(expected))
        #expect(!text.contains("hunter2"))
    }

    @Test func namesWhatIsMissing() throws {
        let good = kubeconfig(server: Self.server)
        #expect(problem(good, context: "there")?.contains("no context \"there\"; there is \"here\"") == true)
        let noContext = good.replacingFirst("current-context: here", "current-context: \"\"")
        #expect(problem(noContext)?.contains("current-context: missing") == true)
        let noCluster = good.replacingFirst("cluster: c", "cluster: d")
        #expect(problem(noCluster)?.contains("contexts[\"here\"].context.cluster: there is no cluster \"d\"") == true)
        let noUser = good.replacingFirst("user: u", "user: v")
        #expect(problem(noUser)?.contains("there is no user \"v\"; there is \"u\"") == true)
        #expect(problem(good.replacingFirst("kind: Config", "kind: Secret"))?.contains("kind: Config belongs") == true)
        #expect(problem("")?.contains("no kubeconfig") == true)
        #expect(problem("a: &x 1\nb: *x")?.contains("alias") == true)
        let twice = good.replacingFirst("users:", "users:\n  - name: u\n    user: {}")
        #expect(problem(twice)?.contains("users: \"u\" comes twice") == true)
    }

    @Test func warns() throws {
        let connection = try parse(
            kubeconfig(server: Self.server, cluster: ["insecure-skip-tls-verify: true", "certificate-autority: x"]))
        #expect(connection.warnings.contains { $0.contains("whoever answers") })
        #expect(connection.warnings.contains { $0.contains("certificate-autority: not a field that is known here") })
    }

    @Test func proxies() throws {
        let lines = ["proxy-url: \"http://u%40x:p%3aw@proxy.test:3128/\""]
        let connection = try parse(kubeconfig(server: "https://api.test", cluster: lines))
        #expect(connection.proxy?.authority == "proxy.test:3128")
        #expect(connection.proxy?.credentials?.bytes == Array("u@x:p:w".utf8))
        #expect("\(connection)".contains("p:w") == false)
    }

    @Test func missingFilesAreNamed() {
        #expect(throws: KubeconfigProblem(file: "/nonexistent", "cannot be read: No such file or directory")) {
            try Kubeconfig.load("/nonexistent")
        }
        #expect(throws: KubeconfigProblem(file: "/dev/zero", "cannot be read: larger than 1048576 bytes")) {
            try Kubeconfig.load("/dev/zero")
        }
        #expect(throws: KubeconfigProblem(file: "/tmp", "cannot be read: Is a directory")) {
            try Kubeconfig.load("/tmp")
        }
    }

    @Test func inCluster() throws {
        let directory = Directory()
        directory.write("namespace", " kube-system\n")
        let environment = ["KUBERNETES_SERVICE_HOST": "fd00::1", "KUBERNETES_SERVICE_PORT": "443"]
        let connection = try KubeConnection.inCluster(environment: environment, directory: directory.path)
        #expect(connection.server.description == "https://[fd00::1]:443")
        #expect(connection.namespace == "kube-system")
        #expect(connection.token?.path == directory.path + "/token")
        #expect(throws: KubeconfigProblem.self) {
            try KubeConnection.inCluster(environment: ["KUBERNETES_SERVICE_HOST": "x"])
        }
        // Unlike client-go, which goes on with the system's authorities.
        directory.write("token", "abc")
        #expect(throws: KubeconfigProblem.self) { try KubeClient.testing(connection) }
    }
}

extension String {
    /// Without Foundation.
    func replacingFirst(_ old: String, _ new: String) -> String {
        guard let range = firstRange(of: old) else { return self }
        return String(self[..<range.lowerBound]) + new + String(self[range.upperBound...])
    }
}
