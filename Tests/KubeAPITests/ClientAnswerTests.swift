// SPDX-License-Identifier: Apache-2.0
import KubeTestServer
import Synchronization
import Testing

@testable import KubeAPI

/// What servers answer, and what they should not.
@Suite struct ClientAnswerTests {
    private let authority: TestAuthority
    private let certificate: TestCertificate
    private static let token = "hunter2hunter2hunter2"

    init() throws {
        authority = try TestAuthority()
        certificate = try authority.issue("kube-apiserver", names: ["127.0.0.1"], usage: .server)
    }

    private func withServer<Value>(
        _ answer: @escaping KubeTestServer.Answering, _ change: (inout KubeClient.Options) -> Void = { _ in },
        _ body: (KubeClient, KubeTestServer) async throws -> Value
    ) async throws -> Value {
        let server = try await KubeTestServer(certificate, answer)
        let client = try KubeClient.testing(
            port: server.port, authority: authority.certificate, user: ["token: \(Self.token)"], change)
        let value = try await body(client, server)
        await client.shutdown()
        await server.stop()
        return value
    }

    private func failure(
        _ reply: TestReply, _ change: (inout KubeClient.Options) -> Void = { _ in },
        _ adjust: @Sendable (inout KubeRequest) -> Void = { _ in }
    ) async throws -> KubeError {
        try await withServer({ _ in reply }, change) { client, server in
            var request = KubeRequest(.get, "/api/v1/nodes/a")
            adjust(&request)
            let final = request
            let error = try #require(
                await KubeAPITests.failure { () async throws(KubeError) in try await client.send(final) })
            let place = "GET https://127.0.0.1:\(server.port)/api/v1/nodes/a: "
            #expect(error.description.hasPrefix(place))
            #expect(!error.description.contains("hunter2"))
            var short = error
            short.description = String(error.description.dropFirst(place.count))
            return short
        }
    }

    @Test func requestsAsTheyAre() async throws {
        try await withServer({ _ in .http(201, #"{"kind":"Lease"}"#) }) { client, server in
            var request = KubeRequest(.patch, "/api/v1/nodes/a/status", body: Array("{}".utf8))
            request.contentType = .strategicMergePatch
            request.query = [("fieldManager", "node keep/ü&="), ("timeout", "10s")]
            let answer = try await client.send(request)
            #expect(answer.status == 201)
            #expect(String(decoding: answer.body, as: UTF8.self) == #"{"kind":"Lease"}"#)
            let seen = try #require(server.requests.first)
            #expect(seen.method == "PATCH")
            #expect(
                seen.target == "/api/v1/nodes/a/status?fieldManager=node%20keep%2F%C3%BC%26%3D&timeout=10s")
            #expect(seen.text == "{}")
            let expected = [
                "host": "127.0.0.1:\(server.port)", "user-agent": "nodekeep/1.2.3", "accept": "application/json",
                "authorization": "Bearer \(Self.token)", "content-type": "application/strategic-merge-patch+json",
                "content-length": "2",
            ]
            #expect(seen.headers == expected)
        }
    }

    @Test(arguments: ["", "x", "/a b", "/a?b", "/a//b", "/a/../b", "/%2e", "/ü", "/a\r\nx: y"])
    func pathsThatAreNone(path: String) async throws {
        try await withServer({ _ in .http(200, "{}") }) { client, server in
            let error = await KubeAPITests.failure { () async throws(KubeError) in try await client.get(path) }
            #expect(error?.kind == .invalidRequest)
            #expect(server.connections == 0)
        }
    }

    /// Recorded answers of a real API server, with what they come to.
    @Test(arguments: [
        ("unauthorized-401", 401, "Unauthorized", "401: Unauthorized"),
        ("unauthorized-anonymous", 403, "Forbidden", "cannot get resource \"nodes\" in API group"),
        ("node-missing-404", 404, "NotFound", "404: nodes \"nope\" not found"),
        ("lease-conflict-409", 409, "Conflict", "the object has been modified"),
        ("node-patch-wrong-type-415", 415, "UnsupportedMediaType", "415: 415: Unsupported Media Type"),
        ("lease-no-resourceversion-422", 422, "Invalid", "must be specified for an update"),
    ])
    func recorded(name: String, status: Int, reason: String, words: String) async throws {
        let error = try await failure(try RecordedAnswer.reply(name))
        #expect(error.kind == .status)
        #expect(error.httpStatus == status)
        #expect(error.reason(of: .get) == reason)
        #expect(error.status?.reason == reason)
        #expect(error.description.contains(words))
        #expect(!error.isRetriedByWebhooks)
    }

    @Test func causes() async throws {
        let error = try await failure(try RecordedAnswer.reply("lease-no-resourceversion-422"))
        #expect(error.status?.causes.map(\.field) == ["metadata.resourceVersion"])
    }

    @Test func plainTexts() async throws {
        let busy = try await failure(
            .http(
                429, "Too many requests, please try again later.\n", type: "text/plain", headers: [("Retry-After", "7")]
            )
        )
        #expect(busy.description == "429: Too many requests, please try again later.")
        #expect(busy.retryAfter == .seconds(7))
        #expect(busy.reason(of: .post) == "TooManyRequests")
        #expect(busy.isRetriedByWebhooks)
        let page = try await failure(.http(502, "<html>\n<h1>Bad\u{1b}[1m Gateway</h1>", type: "text/html"))
        #expect(page.description == "502: <html> <h1>Bad\\u{1b}[1m Gateway</h1>")
        #expect(!page.isRetriedByWebhooks)
        let bare = try await failure(.http(409, "", type: nil))
        #expect(bare.description == "409")
        #expect(bare.reason(of: .post) == "AlreadyExists")
        #expect(bare.reason(of: .put) == "Conflict")
    }

    @Test(
        arguments: [
            ("0", 0), ("999999", 3_600), ("-1", nil), ("1.5", nil), ("Fri, 31 Dec 1999 23:59:59 GMT", nil),
            ("99999999999999999999", nil),
        ] as [(String, Int?)])
    func retryAfter(header: String, seconds: Int?) async throws {
        let error = try await failure(.http(503, "", headers: [("Retry-After", header)]))
        #expect(error.retryAfter == seconds.map { .seconds($0) })
    }

    @Test func retryAfterOfTheObject() async throws {
        let body = #"{"kind":"Status","reason":"ServerTimeout","message":"m","details":{"retryAfterSeconds":3}}"#
        let error = try await failure(.http(500, body))
        #expect(error.retryAfter == .seconds(3))
        #expect(error.isRetriedByWebhooks)
    }

    @Test func redirectsAreNotFollowed() async throws {
        let error = try await failure(.http(302, "", headers: [("Location", "https://elsewhere.test/")]))
        #expect(error.httpStatus == 302)
        #expect(error.description.contains("leads to https://elsewhere.test/ and is not followed"))
    }

    @Test func tokensInErrorsAreNotRepeated() async throws {
        let error = try await failure(.http(400, "bad header: Bearer \(Self.token)", type: "text/plain"))
        #expect(error.description == "400 (the server's words hold our token and are not repeated)")
        let body = """
            {"kind":"Status","message":"invalid","details":{"causes":[{"field":"x","message":"not \(Self.token.prefix(10))"}]}}
            """
        let inside = try await failure(.http(422, body))
        #expect(inside.status == nil)
        #expect(inside.description.contains("hold our token"))
    }

    @Test func megabytes() async throws {
        let megabytes = String(repeating: "x", count: 3 << 20)
        let announced = try await failure(.http(200, megabytes))
        #expect(announced.kind == .answerTooLarge)
        #expect(announced.description == "the answer is larger than 1048576 bytes")
        let chunk = Array(("10000\r\n" + String(repeating: "x", count: 65_536) + "\r\n").utf8)
        let head = TestReply.head(200, length: nil, headers: [("transfer-encoding", "chunked")])
        let chunked = TestReply([.bytes(Array(head.utf8))] + Array(repeating: .bytes(chunk), count: 64))
        #expect(try await failure(chunked).kind == .answerTooLarge)
        // Of an error's text no more than the beginning is wanted.
        let page = try await failure(.http(500, megabytes, type: "text/html"))
        #expect(page.httpStatus == 500)
        #expect(page.description == "500")
        #expect(try await failure(.http(200, "123456"), { $0.answerLimit = 5 }).kind == .answerTooLarge)
        #expect(try await failure(.http(200, "123456")) { $0.answerLimit = 5 }.kind == .answerTooLarge)
    }

    @Test func exactlyTheLimit() async throws {
        try await withServer({ _ in .http(200, "12345") }, { $0.answerLimit = 5 }) { client, _ in
            let answer = try await client.get("/x")
            #expect(answer.body.count == 5)
        }
    }

    /// Left alone this takes twenty seconds, and each byte comes in time.
    @Test func drips() async throws {
        let head = TestReply.head(200, length: 1_000)
        let drops = Array(repeating: [TestReply.Step.pause(milliseconds: 20), .bytes([0x20])], count: 1_000).joined()
        let error = try await failure(TestReply([.bytes(Array(head.utf8))] + drops)) { $0.timeout = .milliseconds(500) }
        #expect(error.kind == .timeout)
    }

    /// What a timeout says is how far the request has come.
    @Test func timeoutsTellThePhase() throws {
        let client = try KubeClient.testing(port: 6443, authority: authority.certificate)
        let call = CallName(KubeRequest(.get, "/x"), client.connection.server)
        let progress = KubeClient.Progress()
        progress.state.withLock { $0.phase = "in the middle of the answer" }
        let error = client.overtime(call, .milliseconds(1_500), progress)
        #expect(error.kind == .timeout)
        #expect(
            error.description
                == "GET https://127.0.0.1:6443/x: not over after 1.5 seconds, in the middle of the answer")
        // A failure that was only being looked into counts more.
        progress.state.withLock { $0.failure = KubeError(.tls, "y") }
        #expect(client.overtime(call, .seconds(1), progress) == KubeError(.tls, "y"))
    }

    @Test func dripsInTheHead() async throws {
        let head = Array(TestReply.head(200, length: 2, headers: [("x", String(repeating: "y", count: 900))]).utf8)
        let drops = head.map { [TestReply.Step.pause(milliseconds: 20), .bytes([$0])] }.joined()
        let error = try await failure(TestReply(Array(drops))) { $0.timeout = .milliseconds(300) }
        #expect(error.kind == .timeout)
        #expect(error.description == "not over after 0.3 seconds, without an answer")
    }

    /// The connection of a request that ran out of time is closed, not used again.
    @Test func timedOutConnectionsAreClosed() async throws {
        let clock = ManualClock()
        let server = try await KubeTestServer(certificate) { $0.target == "/silent" ? .silence : .http(200, "{}") }
        let client = try KubeClient.testing(
            port: server.port, authority: authority.certificate, clock: .manual(clock))
        let task = Task {
            await KubeAPITests.failure { () async throws(KubeError) in try await client.get("/silent") }
        }
        while server.requests.isEmpty { await Task.yield() }
        clock.advance(by: .seconds(20))
        let error = await task.value
        #expect(error?.kind == .timeout)
        #expect(error?.description.hasSuffix("/silent: not over after 20.0 seconds, without an answer") == true)
        _ = try await client.get("/x")
        #expect(server.connections == 2)
        await client.shutdown()
        await server.stop()
    }

    @Test func cancelled() async throws {
        let calls = Counter()
        try await withServer({ _ in
            calls.next()
            return .silence
        }) { client, server in
            let task = Task {
                await KubeAPITests.failure { () async throws(KubeError) in try await client.get("/x") }
            }
            while calls.value == 0 { await Task.yield() }
            task.cancel()
            #expect(await task.value?.kind == .cancelled)
        }
    }

    @Test(arguments: [
        TestReply([.bytes(Array("SSH-2.0-OpenSSH_9.2\r\n\r\n".utf8)), .close]),
        TestReply([.bytes(Array(repeating: 0xff, count: 5_000)), .close]),
        TestReply([.bytes(Array("HTTP/1.1 200 OK\r\ncontent-length: x\r\n\r\n".utf8)), .close]),
        TestReply([.bytes(Array("HTTP/1.1 200 OK\r\ncontent-length: 2\r\ncontent-length: 3\r\n\r\n{}".utf8)), .close]),
        TestReply([.bytes(Array("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n".utf8)), .close]),
        TestReply([.bytes(Array(("HTTP/1.1 200 OK\r\nx: " + String(repeating: "y", count: 100_000) + "\r\n\r\n").utf8))]
        ),
    ])
    func garbage(reply: TestReply) async throws {
        let error = try await failure(reply)
        #expect(error.kind == .malformedAnswer, "\(error)")
    }

    @Test func wrongContentTypes() async throws {
        let html = try await failure(.http(200, "<html>", type: "text/html; charset=utf-8"))
        #expect(html.kind == .malformedAnswer)
        #expect(html.description == "text/html instead of application/json: is that an API server?")
        #expect(try await failure(.http(200, "{}", type: nil)).kind == .malformedAnswer)
        #expect(try await failure(.http(200, "x", headers: [("content-encoding", "gzip")])).kind == .malformedAnswer)
        try await withServer({ _ in .http(200, "ok", type: "text/plain; charset=utf-8") }) { client, _ in
            var request = KubeRequest(.get, "/healthz")
            request.accept = .anything
            let answer = try await client.send(request)
            #expect(answer.body == Array("ok".utf8))
        }
    }

    @Test(arguments: [TestReply.Step.cut, .close], [TestReply.head(200, length: 10) + "{", "HTTP/1.1 200", ""])
    func cutInTheMiddle(end: TestReply.Step, beginning: String) async throws {
        let error = try await failure(TestReply([.bytes(Array(beginning.utf8)), end]))
        #expect(error.kind == .connectionLost, "\(error)")
        #expect(error.isRetriedByWebhooks)
    }

    @Test func cutInAChunk() async throws {
        let head = TestReply.head(200, length: nil, headers: [("transfer-encoding", "chunked")])
        let error = try await failure(TestReply([.bytes(Array((head + "5\r\nab").utf8)), .cut]))
        #expect(error.kind == .connectionLost, "\(error)")
    }

    /// Without a length only TLS tells a whole answer from half of one.
    @Test func cutWithoutLength() async throws {
        let head = TestReply.head(200, length: nil, headers: [("connection", "close")])
        let error = try await failure(TestReply([.bytes(Array((head + #"{"kind":"#).utf8)), .cut]))
        #expect(error.kind == .connectionLost, "\(error)")
    }
}
