// SPDX-License-Identifier: Apache-2.0
import Crypto
import Glibc
import KubeTestServer
import NodeStatus
import Posix
import Testing

@testable import KubeAPI

@Suite struct CertificateFilesTests {
    private let directory = Directory()
    private let authority: TestAuthority
    private let files: CertificateFiles

    init() throws {
        authority = try TestAuthority()
        files = CertificateFiles(directory: directory.path, kubeconfig: directory.path + "/kubeconfig")
    }

    private func pair(_ name: String = "a") throws -> ClientCertificatePair {
        let issued = try authority.issue(name, usage: .client)
        return try ClientCertificatePair(chain: Array(issued.chain.utf8), key: Array(issued.key.utf8))
    }

    private func mode(_ path: String) -> mode_t {
        (try? Descriptor.open(path, O_RDONLY).protection())?.mode ?? 0
    }

    private var names: [String] {
        var names: [String] = []
        guard let listing = opendir(directory.path) else { return names }
        defer { closedir(listing) }
        while let entry = readdir(listing) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) {
                $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            if name != ".", name != ".." { names.append(name) }
        }
        return names.sorted()
    }

    private func bootstrap(_ cluster: [String] = [], namespace: String? = nil) throws -> KubeConnection {
        var connection = try parse(
            kubeconfig(
                server: "https://api.test:6443/prefix", cluster: cluster, user: ["token: abcdef.0123456789abcdef"]))
        connection.namespace = namespace
        return connection
    }

    private func fault<Value>(_ call: () throws(CertificateFailure) -> Value) -> String? {
        problem(call).map(\.description)
    }

    @Test func pairsInOneFile() throws {
        #expect(try files.pair() == nil)
        let first = try pair("a")
        let key = try files.key()
        #expect(names == ["client-pending.key"])
        try files.install(first)
        // The key of the request is part of the pair now.
        #expect(names == ["client-current.pem"])
        #expect(mode(files.certificate) == 0o600)
        #expect(try files.pair()?.chain == first.chain)
        let second = try pair("b")
        // What a crash left behind is in nobody's way.
        directory.write(".client-current.pem.new", "half of")
        try files.install(second)
        #expect(try files.pair()?.commonName == "b")
        #expect(names == ["client-current.pem"])
        #expect(try files.key().rawRepresentation != key.rawRepresentation)
    }

    @Test func keysAreKept() throws {
        let nested = CertificateFiles(directory: directory.path + "/pki", kubeconfig: "/x")
        let key = try nested.key()
        #expect(mode(nested.directory) == 0o700)
        #expect(mode(nested.pendingKey) == 0o600)
        #expect(try nested.key().rawRepresentation == key.rawRepresentation)
        nested.dropKey()
        #expect(try nested.key().rawRepresentation != key.rawRepresentation)
        // Whoever could read it may have.
        let read = try nested.key()
        chmod(nested.pendingKey, 0o640)
        #expect(try nested.key().rawRepresentation != read.rawRepresentation)
        #expect(mode(nested.pendingKey) == 0o600)
        let broken = try nested.key()
        truncate(nested.pendingKey, 20)
        #expect(try nested.key().rawRepresentation != broken.rawRepresentation)
        unlink(nested.pendingKey)
        rmdir(nested.directory)
    }

    @Test func filesThatAreNotTaken() throws {
        try files.install(try pair())
        chmod(files.certificate, 0o644)
        #expect(
            fault { () throws(CertificateFailure) in try files.pair() }
                == "\(files.certificate) is not used: it must be a file of uid \(geteuid()) with mode 0600")
        chmod(files.certificate, 0o600)
        #expect(try files.pair() != nil)
        truncate(files.certificate, 100)
        let broken = fault { () throws(CertificateFailure) in try files.pair() }
        #expect(broken == "\(files.certificate): no certificate in PEM form that can be read")
        // A link might lead anywhere.
        let elsewhere = directory.path + "/elsewhere"
        rename(files.certificate, elsewhere)
        symlink(elsewhere, files.certificate)
        #expect(fault { () throws(CertificateFailure) in try files.pair() }?.contains("cannot read") == true)
        unlink(files.certificate)
        mkfifo(files.certificate, 0o600)
        #expect(fault { () throws(CertificateFailure) in try files.pair() }?.contains("is not used") == true)
        unlink(files.certificate)
        #expect(try files.pair() == nil)
    }

    @Test func disksThatRefuse() throws {
        let gone = CertificateFiles(directory: directory.path + "/no/such", kubeconfig: directory.path + "/no/k")
        #expect(
            fault { () throws(CertificateFailure) in try gone.key() }
                == "cannot make the directory \(gone.directory): No such file or directory")
        let pair = try pair()
        #expect(
            fault { () throws(CertificateFailure) in try gone.install(pair) }
                == "cannot write \(gone.certificate): No such file or directory")
        let connection = try bootstrap()
        #expect(
            fault { () throws(CertificateFailure) in try gone.writeKubeconfig(for: connection) }
                == "cannot write \(gone.kubeconfig): No such file or directory")
        // The old file stays as it is when the new one cannot be put in its place.
        mkdir(files.certificate, 0o700)
        #expect(fault { () throws(CertificateFailure) in try files.install(pair) }?.contains("Is a directory") == true)
        rmdir(files.certificate)
        #expect(names.isEmpty)
    }

    /// What is written is read again as the same, for all that a bootstrap kubeconfig may hold.
    @Test(arguments: [
        [], ["certificate-authority: ca.crt"], ["certificate-authority: \"/a \\\"b\\\"/ü: #x.crt\""],
        ["certificate-authority-data: AUTHORITY"], ["insecure-skip-tls-verify: true"],
        ["tls-server-name: other.test", "proxy-url: http://proxy.test:3128"],
        ["proxy-url: http://user%40x:pa%3Ass%2F%20w%25@[::1]:3128"],
    ])
    func kubeconfigs(cluster: [String]) throws {
        let lines = cluster.map { $0.replacing("AUTHORITY", with: base64(authority.certificate)) }
        let bootstrap = try bootstrap(lines, namespace: "some-where")
        #expect(try files.connection() == nil)
        try files.writeKubeconfig(for: bootstrap)
        #expect(mode(files.kubeconfig) == 0o600)
        let connection = try #require(try files.connection())
        #expect(connection.server == bootstrap.server)
        #expect(connection.tlsServerName == bootstrap.tlsServerName)
        #expect(connection.proxy == bootstrap.proxy)
        #expect(connection.namespace == "some-where")
        #expect(connection.token == nil)
        #expect(connection.clientCertificate?.chain.path == files.certificate)
        #expect(connection.clientCertificate?.key.path == files.certificate)
        switch (connection.trust, bootstrap.trust) {
        case (.system, .system), (.nobody, .nobody): break
        case (.authorities(.file(let path, _)), .authorities(.file(let expected, _))): #expect(path == expected)
        case (.authorities(.data(let data, _)), .authorities(.data(let expected, _))): #expect(data == expected)
        default: Issue.record("another authority")
        }
    }

    @Test func kubeconfigsOfOthers() throws {
        let words = "client-certificate and client-key must be \(files.certificate), which is the file that is renewed"
        for user in [
            ["token: x"], ["client-certificate: a.pem", "client-key: a.pem"],
            ["client-certificate: client-current.pem", "client-key: other.pem"],
        ] {
            directory.write("kubeconfig", kubeconfig(server: "https://a.test", user: user))
            let fault = fault { () throws(CertificateFailure) in try files.connection() }
            #expect(fault?.contains(words) == true, "\(fault ?? "")")
        }
        let user = ["client-certificate: client-current.pem", "client-key: client-current.pem"]
        directory.write("kubeconfig", kubeconfig(server: "https://a.test", user: user))
        #expect(try files.connection()?.server.host == "a.test")
        directory.write("kubeconfig", "kind: Config\n")
        #expect(fault { () throws(CertificateFailure) in try files.connection() }?.contains("current-context") == true)
    }
}
