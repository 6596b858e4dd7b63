// SPDX-License-Identifier: Apache-2.0
import KubeTestServer
import NodeStatus
import Testing

@testable import KubeAPI

/// Who the server is, and who we are to it.
@Suite struct ClientTLSTests {
    private let authority: TestAuthority

    init() throws {
        authority = try TestAuthority()
    }

    private func serve(
        names: [String] = ["127.0.0.1"], notBefore: Timestamp = TestAuthority.longAgo,
        notAfter: Timestamp = TestAuthority.farOff, clientAuthority: String? = nil, oldTLS: Bool = false
    ) async throws -> KubeTestServer {
        let certificate = try authority.issue(
            "kube-apiserver", names: names, usage: .server, notBefore: notBefore, notAfter: notAfter)
        return try await KubeTestServer(certificate, clientAuthority: clientAuthority, oldTLS: oldTLS) { _ in
            .http(200, "{}")
        }
    }

    private func failure(
        of server: KubeTestServer, authority: String? = nil, host: String = "127.0.0.1", date: Timestamp = someDate,
        cluster: [String] = [], user: [String] = []
    ) async throws -> KubeError? {
        let client = try KubeClient.testing(
            port: server.port, host: host, authority: authority ?? self.authority.certificate, cluster: cluster,
            user: user, clock: .testing(date: date))
        let error = await KubeAPITests.failure { () async throws(KubeError) in try await client.get("/version") }
        await client.shutdown()
        return error
    }

    @Test func goodByAddressAndByName() async throws {
        let server = try await serve(names: ["127.0.0.1", "api.test"])
        #expect(try await failure(of: server) == nil)
        #expect(try await failure(of: server, host: "api.test") == nil)
        #expect(server.requests.map { $0.headers["host"] } == ["127.0.0.1:\(server.port)", "api.test:\(server.port)"])
        await server.stop()
    }

    @Test func wrongAuthority() async throws {
        let server = try await serve()
        let other = try await failure(of: server, authority: try TestAuthority("other").certificate)
        #expect(other?.kind == .tls)
        #expect(
            other?.description
                == "GET https://127.0.0.1:\(server.port)/version: the server's certificate was issued by "
                + "CN=kubernetes, which is not in certificate-authority-data")
        // Every kubeadm cluster's authority has this name.
        let namesake = try await failure(of: server, authority: try TestAuthority().certificate)
        #expect(namesake?.description.contains("issued by another CN=kubernetes than the one in") == true)
        #expect(server.requests.isEmpty)
        await server.stop()
    }

    @Test func expired() async throws {
        let end = Timestamp(seconds: 1_600_000_000)
        let server = try await serve(notAfter: end)
        let error = try await failure(of: server)
        #expect(error?.kind == .tls)
        #expect(
            error?.description.contains("the server's certificate (CN=kube-apiserver) expired on 2020-09-13T12:26:40Z")
                == true)
        await server.stop()
    }

    @Test func notYetValid() async throws {
        let server = try await serve(notBefore: Timestamp(seconds: 4_000_000_000))
        let error = try await failure(of: server)
        #expect(error?.kind == .tls)
        #expect(
            error?.description.contains("is valid from 2096-10-02T07:06:40Z only, and here it is 2026-11-21") == true)
        await server.stop()
    }

    @Test func authorityExpired() async throws {
        let old = try TestAuthority("old", notAfter: Timestamp(seconds: 1_600_000_000))
        let certificate = try old.issue("kube-apiserver", names: ["127.0.0.1"], usage: .server)
        let server = try await KubeTestServer(certificate) { _ in .http(200, "{}") }
        let error = try await failure(of: server, authority: old.certificate)
        #expect(error?.description.contains("the authority CN=old in certificate-authority-data expired on") == true)
        await server.stop()
    }

    @Test func wrongName() async throws {
        let server = try await serve(names: ["api.test", "10.0.0.1"])
        let address = try await failure(of: server)
        #expect(address?.kind == .tls)
        #expect(
            address?.description.contains(
                "is for api.test, 10.0.0.1, not for 127.0.0.1: correct server, or set tls-server-name") == true)
        let name = try await failure(of: server, host: "other.test")
        #expect(name?.description.contains("not for other.test") == true)
        #expect(name?.description.hasSuffix(" at 127.0.0.1") == true)
        await server.stop()
    }

    @Test func anotherNameOnTheCertificate() async throws {
        let server = try await serve(names: ["kubernetes.default"])
        let lines = ["tls-server-name: kubernetes.default"]
        #expect(try await failure(of: server, cluster: lines) == nil)
        #expect(try await failure(of: server, host: "api.test", cluster: lines) == nil)
        // The name is TLS's alone.
        #expect(server.requests.map { $0.headers["host"] } == ["127.0.0.1:\(server.port)", "api.test:\(server.port)"])
        await server.stop()
    }

    @Test func nobodyVerifies() async throws {
        let certificate = try TestAuthority("x").issue("x", names: ["x.test"], usage: .server)
        let server = try await KubeTestServer(certificate) { _ in .http(200, "{}") }
        let text = kubeconfig(
            server: "https://127.0.0.1:\(server.port)", cluster: ["insecure-skip-tls-verify: true"])
        let client = try KubeClient.testing(try parse(text))
        #expect(try await client.get("/version").status == 200)
        await server.stop()
    }

    @Test func clientCertificate() async throws {
        let server = try await serve(clientAuthority: authority.certificate)
        let node = try authority.issue("system:node:a", organizations: ["system:nodes"], usage: .client)
        let good = ["client-certificate-data: \(base64(node.chain))", "client-key-data: \(base64(node.key))"]
        #expect(try await failure(of: server, user: good) == nil)

        let none = try await failure(of: server)
        #expect(none?.kind == .tls)
        #expect(none?.description.contains("the server demands a client certificate") == true)

        let stranger = try TestAuthority("other").issue("x", usage: .client)
        let wrong = ["client-certificate-data: \(base64(stranger.chain))", "client-key-data: \(base64(stranger.key))"]
        let unknown = try await failure(of: server, user: wrong)
        #expect(unknown?.kind == .tls)
        #expect(
            unknown?.description.contains("the server does not know the authority of our client certificate") == true)

        let old = try authority.issue("x", usage: .client, notAfter: Timestamp(seconds: 1_600_000_000))
        let expired = ["client-certificate-data: \(base64(old.chain))", "client-key-data: \(base64(old.key))"]
        let late = try await failure(of: server, user: expired)
        #expect(late?.description.contains("our client certificate has expired") == true)
        await server.stop()
    }

    @Test func oldTLS() async throws {
        let server = try await serve(oldTLS: true)
        let error = try await failure(of: server)
        #expect(error?.kind == .tls)
        #expect(error?.description.contains("does not speak TLS 1.2 or later") == true)
        await server.stop()
    }

    @Test func noTLSAtAll() async throws {
        let server = try await PlainTestServer(.says("HTTP/1.1 400 Bad Request\r\n\r\n"))
        let client = try KubeClient.testing(port: server.port, authority: authority.certificate)
        let error = await KubeAPITests.failure { () async throws(KubeError) in try await client.get("/version") }
        #expect(error?.kind == .tls)
        #expect(error?.description.contains("does not speak TLS: is it the API server's port?") == true)
        await server.stop()
    }

    @Test func closesInTheHandshake() async throws {
        let server = try await PlainTestServer(.closes)
        let client = try KubeClient.testing(port: server.port, authority: authority.certificate)
        let error = await KubeAPITests.failure { () async throws(KubeError) in try await client.get("/version") }
        #expect(error?.kind == .tls)
        #expect(error?.description.contains("closed the connection in the TLS handshake") == true)
        await server.stop()
    }

    @Test func acceptsAndSaysNothing() async throws {
        let server = try await PlainTestServer(.silent)
        let client = try KubeClient.testing(port: server.port, authority: authority.certificate) {
            $0.connectTimeout = .milliseconds(200)
        }
        let error = await KubeAPITests.failure { () async throws(KubeError) in try await client.get("/version") }
        #expect(error?.kind == .connect)
        #expect(
            error?.description.hasSuffix(
                ": no connection within 0.2 seconds: no answer to TCP, or none to TLS's handshake") == true)
        await server.stop()
    }

    @Test func nobodyListens() async throws {
        let server = try await PlainTestServer(.silent)
        await server.stop()
        let client = try KubeClient.testing(port: server.port, authority: authority.certificate)
        let error = await KubeAPITests.failure { () async throws(KubeError) in try await client.get("/version") }
        #expect(error?.kind == .connect)
        #expect(error?.description.contains("Connection refused: nothing listens there") == true)
    }

    /// A client whose every request fails looks at the certificate once in half a minute.
    @Test func looksOnce() async throws {
        let server = try await serve(names: ["api.test"])
        let clock = ManualClock()
        let client = try KubeClient.testing(
            port: server.port, authority: authority.certificate, clock: .testing(clock))
        func text() async -> String? {
            await KubeAPITests.failure { () async throws(KubeError) in try await client.get("/version") }?.description
        }
        let first = await text()
        #expect(first?.contains("is for api.test") == true)
        #expect(server.connections == 2)
        #expect(await text() == first)
        #expect(server.connections == 3)
        clock.advance(by: .seconds(30))
        #expect(await text() == first)
        #expect(server.connections == 5)
        await client.shutdown()
        await server.stop()
    }
}
