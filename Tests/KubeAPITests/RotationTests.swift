// SPDX-License-Identifier: Apache-2.0
import KubeTestServer
import Logging
import Synchronization
import Testing

@testable import KubeAPI

/// Credentials that change while a client runs.
@Suite struct RotationTests {
    private let authority: TestAuthority
    private let certificate: TestCertificate
    private let directory = Directory()
    private let clock = ManualClock()

    init() throws {
        authority = try TestAuthority()
        certificate = try authority.issue("kube-apiserver", names: ["127.0.0.1"], usage: .server)
    }

    /// Takes one token, which the test may change.
    private func serve(_ token: Mutex<String>.Box) async throws -> KubeTestServer {
        let unauthorized = try RecordedAnswer.reply("unauthorized-401")
        return try await KubeTestServer(certificate) { request in
            request.headers["authorization"] == "Bearer " + token.value ? .http(200, "{}") : unauthorized
        }
    }

    private func client(
        _ server: KubeTestServer, cluster: [String]? = nil, user: [String], logger: Logger = .silent
    ) throws -> KubeClient {
        let lines = cluster ?? ["certificate-authority-data: \(base64(authority.certificate))"]
        let text = kubeconfig(server: "https://127.0.0.1:\(server.port)", cluster: lines, user: user)
        return try KubeClient.testing(try parse(text), clock: .testing(clock), logger: logger)
    }

    /// A 401 has the file read again at once, and the request is sent once more.
    @Test func tokenAfterRefusal() async throws {
        let token = Mutex.Box("first")
        let server = try await serve(token)
        let path = directory.write("token", "first\n")
        let client = try client(server, user: ["tokenFile: \(path)"])
        #expect(try await client.get("/x").status == 200)
        token.value = "second"
        directory.write("token", "second\n")
        #expect(try await client.get("/x").status == 200)
        let sent = server.requests.map { $0.headers["authorization"] }
        #expect(sent == ["Bearer first", "Bearer first", "Bearer second"])
        await client.shutdown()
        await server.stop()
    }

    @Test func refusedForGood() async throws {
        let server = try await serve(Mutex.Box("other"))
        let path = directory.write("token", "first\n")
        let client = try client(server, user: ["tokenFile: \(path)"])
        let error = await failure { () async throws(KubeError) in try await client.get("/x") }
        #expect(error?.httpStatus == 401)
        #expect(server.requests.count == 1)
        await client.shutdown()
        await server.stop()
    }

    /// Without a refusal the file is looked at after ten seconds.
    @Test func tokenWithTime() async throws {
        let server = try await KubeTestServer(certificate) { _ in .http(200, "{}") }
        let path = directory.write("token", "first")
        let client = try client(server, user: ["tokenFile: \(path)"])
        directory.write("token", "second")
        _ = try await client.get("/x")
        clock.advance(by: .seconds(9))
        _ = try await client.get("/x")
        clock.advance(by: .seconds(1))
        _ = try await client.get("/x")
        #expect(
            server.requests.map { $0.headers["authorization"] } == ["Bearer first", "Bearer first", "Bearer second"])
        await client.shutdown()
        await server.stop()
    }

    @Test(arguments: ["", "two words", "\u{0}"])
    func brokenTokens(content: String) async throws {
        let server = try await KubeTestServer(certificate) { _ in .http(200, "{}") }
        let path = directory.write("token", "first")
        let lines = LogLines()
        let client = try client(server, user: ["tokenFile: \(path)"], logger: lines.logger)
        directory.write("token", content)
        await client.refreshCredentials()
        await client.refreshCredentials()
        #expect(client.credentialProblem?.contains("tokenFile \(path): one token of at most") == true)
        _ = try await client.get("/x")
        #expect(server.requests.first?.headers["authorization"] == "Bearer first")
        #expect(lines.all.count == 1)
        #expect(lines.all.first?.contains("the last good credentials for https://127.0.0.1") == true)
        directory.write("token", "second")
        await client.refreshCredentials()
        #expect(client.credentialProblem == nil)
        _ = try await client.get("/x")
        #expect(server.requests.last?.headers["authorization"] == "Bearer second")
        await client.shutdown()
        await server.stop()
    }

    @Test func clientCertificate() async throws {
        let server = try await KubeTestServer(certificate, clientAuthority: authority.certificate) { _ in
            .http(200, "{}")
        }
        let stranger = try TestAuthority("other").issue("x", usage: .client)
        let node = try authority.issue("system:node:a", usage: .client)
        let path = directory.write("node.pem", stranger.combined)
        let client = try client(server, user: ["client-certificate: \(path)", "client-key: \(path)"])
        let error = await failure { () async throws(KubeError) in try await client.get("/x") }
        #expect(error?.kind == .tls)
        directory.write("node.pem", node.combined)
        await client.refreshCredentials()
        #expect(try await client.get("/x").status == 200)
        // Half of a pair: the other half is on its way.
        directory.write("node.pem", node.chain + "\n" + stranger.key)
        await client.refreshCredentials()
        #expect(client.credentialProblem?.contains("not the key of the certificate") == true)
        #expect(try await client.get("/x").status == 200)
        await client.shutdown()
        await server.stop()
    }

    @Test func authorities() async throws {
        let server = try await KubeTestServer(certificate) { _ in .http(200, "{}") }
        let path = directory.write("ca.crt", try TestAuthority("old").certificate)
        let client = try client(server, cluster: ["certificate-authority: \(path)"], user: [])
        #expect(await failure { () async throws(KubeError) in try await client.get("/x") }?.kind == .tls)
        directory.write("ca.crt", "nothing")
        await client.refreshCredentials()
        let error = await failure { () async throws(KubeError) in try await client.get("/x") }
        #expect(
            error?.description.contains("besides, /etc/nodekeep/kubeconfig: certificate-authority \(path): no") == true)
        directory.write("ca.crt", authority.certificate)
        await client.refreshCredentials()
        #expect(try await client.get("/x").status == 200)
        // The old connection was verified by an authority that counts no more.
        directory.write("ca.crt", try TestAuthority("third").certificate)
        await client.refreshCredentials()
        #expect(await failure { () async throws(KubeError) in try await client.get("/x") }?.kind == .tls)
        await client.shutdown()
        await server.stop()
    }

    /// A disk that hangs holds a thread, and a request for a quarter of a second; the next ones not at all.
    @Test func hungDisk() async throws {
        let server = try await KubeTestServer(certificate) { _ in .http(200, "{}") }
        let path = directory.write("token", "first")
        let client = try client(server, user: ["tokenFile: \(path)"])
        // A pipe that nobody writes to reads as empty at once: what hangs here is the one look that may be under way.
        let gate = Gate()
        let look = Task { await client.credentials.look.run(within: .seconds(60), .system) { gate.wait() } }
        while !client.credentials.look.isUnderWay { await Task.yield() }
        clock.advance(by: .seconds(60))
        _ = try await client.get("/x")
        _ = try await client.get("/x")
        #expect(server.requests.count == 2)
        gate.open()
        await look.value
        await client.shutdown()
        await server.stop()
    }
}

extension Mutex {
    /// A value that a closure and a test share.
    final class Box: Sendable where Value: Sendable {
        private let mutex: Mutex<Value>

        init(_ value: Value) { mutex = Mutex(value) }

        var value: Value {
            get { mutex.withLock { $0 } }
            set { mutex.withLock { $0 = newValue } }
        }
    }
}
