// SPDX-License-Identifier: Apache-2.0
import KubeTestServer
import Testing

@testable import KubeAPI

/// Connections, addresses, proxies.
@Suite struct ClientConnectionTests {
    private let authority: TestAuthority
    private let certificate: TestCertificate

    init() throws {
        authority = try TestAuthority()
        certificate = try authority.issue("kube-apiserver", names: ["127.0.0.1", "api.test"], usage: .server)
    }

    private func connection(host: String = "api.test", port: Int, cluster: [String] = []) throws -> KubeConnection {
        let lines = ["certificate-authority-data: \(base64(authority.certificate))"] + cluster
        return try parse(kubeconfig(server: "https://\(host):\(port)", cluster: lines))
    }

    @Test func oneConnectionServesMany() async throws {
        let server = try await KubeTestServer(certificate) { _ in .http(200, "{}") }
        let client = try KubeClient.testing(try connection(port: server.port))
        for _ in 0..<5 { _ = try await client.get("/x") }
        #expect(server.connections == 1)
        client.closeIdleConnections()
        _ = try await client.get("/x")
        #expect(server.connections == 2)
        await client.shutdown()
        await server.stop()
    }

    @Test func addressesOfSixteenBytes() async throws {
        let own = try authority.issue("kube-apiserver", names: ["::1"], usage: .server)
        // Some machines have no IPv6.
        guard let server = try? await KubeTestServer(own, address: "::1", { _ in .http(200, "{}") }) else { return }
        let client = try KubeClient.testing(try connection(host: "[::1]", port: server.port))
        _ = try await client.get("/x")
        #expect(server.requests.first?.headers["host"] == "[::1]:\(server.port)")
        await client.shutdown()
        let named = try await KubeTestServer(certificate, address: "::1") { _ in .http(200, "{}") }
        let resolved = try KubeClient.testing(try connection(port: named.port), lookUp: { _ in .success(["::1"]) })
        _ = try await resolved.get("/x")
        await resolved.shutdown()
        await named.stop()
        await server.stop()
    }

    /// Connections that are not to be used any more are left to the requests that use them.
    @Test func requestsOutliveTheirConnectionsDismissal() async throws {
        let head = Array(TestReply.head(200, length: 12).utf8)
        let drops = Array(repeating: [TestReply.Step.pause(milliseconds: 10), .bytes([0x20])], count: 12).joined()
        let server = try await KubeTestServer(certificate) { _ in TestReply([.bytes(head)] + drops) }
        let client = try KubeClient.testing(try connection(port: server.port))
        let task = Task { await failure { () async throws(KubeError) in try await client.get("/x") } }
        while server.requests.isEmpty { await Task.yield() }
        client.closeIdleConnections()
        #expect(await task.value == nil)
        await client.shutdown()
        await server.stop()
    }

    @Test func idleConnectionsAreClosedOnRequest() async throws {
        let server = try await KubeTestServer(certificate) { _ in .http(200, "{}") }
        let client = try KubeClient.testing(try connection(port: server.port))
        _ = try await client.get("/x")
        client.closeIdleConnections()
        while server.openConnections > 0 { await Task.yield() }
        await client.shutdown()
        await server.stop()
    }

    /// A client that nobody holds any more leaves nothing behind.
    @Test func connectionsEndWithTheClient() async throws {
        let server = try await KubeTestServer(certificate) { _ in .http(200, "{}") }
        do {
            let client = try KubeClient.testing(try connection(port: server.port))
            _ = try await client.get("/x")
        }
        while server.openConnections > 0 { await Task.yield() }
        await server.stop()
    }

    @Test func shutDown() async throws {
        let server = try await KubeTestServer(certificate) { _ in .silence }
        let client = try KubeClient.testing(try connection(port: server.port))
        let task = Task { await failure { () async throws(KubeError) in try await client.get("/x") } }
        while server.requests.isEmpty { await Task.yield() }
        await client.shutdown()
        #expect(await task.value?.kind == .cancelled)
        #expect(await failure { () async throws(KubeError) in try await client.get("/x") }?.kind == .closed)
        await client.shutdown()
        await server.stop()
    }

    @Test func connectionsAndRequestsAreBounded() async throws {
        let server = try await KubeTestServer(certificate) { _ in .silence }
        let client = try KubeClient.testing(
            try connection(port: server.port), lookUp: { _ in .success(["127.0.0.1"]) }
        ) {
            $0.maximumConnections = 2
            $0.maximumRequests = 5
        }
        let tasks = (0..<5).map { _ in
            Task { await failure { () async throws(KubeError) in try await client.get("/x") } }
        }
        while server.requests.count < 2 { await Task.yield() }
        var sixth: KubeError?
        repeat {
            var request = KubeRequest(.get, "/x")
            request.timeout = .milliseconds(10)
            let final = request
            sixth = await failure { () async throws(KubeError) in try await client.send(final) }
        } while sixth?.kind != .busy
        #expect(sixth?.description.hasSuffix("not sent, 5 requests are under way") == true)
        #expect(server.connections == 2)
        for task in tasks { task.cancel() }
        for task in tasks { #expect(await task.value?.kind == .cancelled) }
        await client.shutdown()
        await server.stop()
    }

    @Test func anotherAddress() async throws {
        let server = try await KubeTestServer(certificate) { _ in .http(200, "{}") }
        // Nothing listens at the other addresses of this machine.
        let addresses = ["127.0.0.2", "127.0.0.3", "127.0.0.1"]
        let client = try KubeClient.testing(try connection(port: server.port), lookUp: { _ in .success(addresses) })
        _ = try await client.get("/x")
        _ = try await client.get("/x")
        #expect(client.ordered(addresses) == ["127.0.0.1", "127.0.0.2", "127.0.0.3"])
        #expect(server.connections == 1)
        await client.shutdown()
        await server.stop()
        let error = await failure { () async throws(KubeError) in try await client.get("/x") }
        #expect(error?.kind == .closed)
    }

    /// A request that may have arrived is not sent to another address.
    @Test func noSecondTryAfterSending() async throws {
        let server = try await KubeTestServer(certificate) { _ in TestReply([.cut]) }
        let client = try KubeClient.testing(
            try connection(port: server.port), lookUp: { _ in .success(["127.0.0.1", "127.0.0.1"]) })
        let error = await failure { () async throws(KubeError) in try await client.post("/x", []) }
        #expect(error?.kind == .connectionLost)
        #expect(server.requests.count == 1)
        await client.shutdown()
        await server.stop()
    }

    @Test func namesThatDoNotResolve() async throws {
        let client = try KubeClient.testing(
            try connection(port: 1), lookUp: { _ in .failure(.init(reason: "Name or service not known")) })
        let error = await failure { () async throws(KubeError) in try await client.get("/x") }
        #expect(error?.kind == .nameResolution)
        #expect(error?.description == "GET https://api.test:1/x: no address for api.test: Name or service not known")
    }

    /// The name server is gone: the API server is still where it was.
    @Test func addressesAreRemembered() async throws {
        let server = try await KubeTestServer(certificate) { _ in .http(200, "{}") }
        let clock = ManualClock()
        let calls = Counter()
        let client = try KubeClient.testing(
            try connection(port: server.port), clock: .testing(clock),
            lookUp: { _ in
                calls.next() == 1 ? .success(["127.0.0.1"]) : .failure(.init(reason: "Temporary failure"))
            })
        _ = try await client.get("/x")
        _ = try await client.get("/x")
        #expect(calls.value == 1)
        clock.advance(by: .seconds(3_600))
        client.closeIdleConnections()
        _ = try await client.get("/x")
        #expect(calls.value == 2)
        #expect(server.connections == 2)
        await client.shutdown()
        await server.stop()
    }

    @Test func proxy() async throws {
        let server = try await KubeTestServer(certificate) { _ in .http(200, "{}") }
        let proxy = try await TestProxy(to: server.port)
        let lines = ["proxy-url: \"http://user:pass@proxy.test:\(proxy.port)\""]
        let client = try KubeClient.testing(try connection(port: server.port, cluster: lines))
        _ = try await client.get("/x")
        #expect(server.requests.count == 1)
        #expect(proxy.heads.count == 1)
        #expect(proxy.heads.first?.hasPrefix("CONNECT api.test:\(server.port) HTTP/1.1\r\n") == true)
        #expect(proxy.heads.first?.lowercased().contains("proxy-authorization: basic dxnlcjpwyxnz\r\n") == true)
        #expect(server.requests.first?.headers["proxy-authorization"] == nil)
        await client.shutdown()
        await proxy.stop()
        await server.stop()
    }

    @Test func proxyWithAnotherNameOnTheCertificate() async throws {
        let server = try await KubeTestServer(certificate) { _ in .http(200, "{}") }
        let proxy = try await TestProxy(to: server.port)
        let lines = ["proxy-url: http://127.0.0.1:\(proxy.port)", "tls-server-name: api.test"]
        let client = try KubeClient.testing(try connection(host: "10.9.8.7", port: server.port, cluster: lines))
        _ = try await client.get("/x")
        #expect(proxy.heads.first?.hasPrefix("CONNECT 10.9.8.7:\(server.port) HTTP/1.1\r\n") == true)
        await client.shutdown()
        await proxy.stop()
        await server.stop()
    }

    @Test(arguments: [(407, "the proxy wants a user and a password"), (403, "the proxy refused to connect")])
    func proxyRefuses(status: Int, words: String) async throws {
        let proxy = try await TestProxy(to: 1, status: status)
        let client = try KubeClient.testing(
            try connection(port: 1, cluster: ["proxy-url: http://127.0.0.1:\(proxy.port)"]))
        let error = await failure { () async throws(KubeError) in try await client.get("/x") }
        #expect(error?.kind == .connect)
        #expect(error?.description.contains(words) == true)
        await client.shutdown()
        await proxy.stop()
    }
}
