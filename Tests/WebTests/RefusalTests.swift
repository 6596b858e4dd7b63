// SPDX-License-Identifier: Apache-2.0

import Gate
import Testing

@Suite("Requests that are refused before anybody sees them")
struct RefusalTests {
    struct Case: Sendable, CustomTestStringConvertible {
        var testDescription: String
        var request: String
        /// The statuses that it may get; nil among them: closed without an answer.
        var statuses: [Int?]

        init(_ name: String, _ request: String, _ statuses: Int?...) {
            testDescription = name
            self.request = request
            self.statuses = statuses
        }
    }

    /// Begins of requests; each is followed by a second request that must never be answered.
    static let cases: [Case] = [
        Case(
            "both length headers",
            "POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
            400),
        Case(
            "both, the other way round",
            "POST / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n",
            400),
        Case("chunked", "POST / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400),
        Case(
            "unknown transfer encoding",
            "POST / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", 400),
        Case(
            "blank before the colon",
            "POST / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding : chunked\r\n\r\n0\r\n\r\n", 400),
        Case("tab before the colon", "POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length\t: 5\r\n\r\n01234", 400),
        Case(
            "length twice, the same",
            "POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\nContent-Length: 0\r\n\r\n", 400),
        Case(
            "length twice", "POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\nContent-Length: 5\r\n\r\n01234",
            400),
        Case("length list", "POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5, 5\r\n\r\n01234", 400),
        Case("length with a sign", "POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: +5\r\n\r\n01234", 400),
        Case("length in hexadecimal", "POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0x5\r\n\r\n01234", 400),
        Case("negative length", "POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: -1\r\n\r\n", 400),
        Case("empty length", "POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: \r\n\r\n", 400),
        Case(
            "length of 2^64 - 1", "POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 18446744073709551615\r\n\r\n",
            413, 400),
        Case(
            "length of 2^64", "POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 18446744073709551616\r\n\r\n", 413,
            400),
        Case("large body", "POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 8193\r\n\r\n", 413),
        Case("body on GET", "GET / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\n\r\n01234", 400),
        Case("body on HEAD", "HEAD / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\n\r\n01234", 400),
        Case(
            "body on HTTP/1.0",
            "POST / HTTP/1.0\r\nHost: localhost\r\nConnection: keep-alive\r\nContent-Length: 5\r\n\r\n01234", 400),
        Case("no host", "GET / HTTP/1.1\r\n\r\n", 400),
        Case("host twice", "GET / HTTP/1.1\r\nHost: localhost\r\nHost: localhost\r\n\r\n", 400),
        Case(
            "authorization twice", "GET / HTTP/1.1\r\nHost: localhost\r\nAuthorization: a\r\nAuthorization: b\r\n\r\n",
            400),
        Case(
            "authorization of more than 8 KiB",
            "GET / HTTP/1.1\r\nHost: localhost\r\nAuthorization: " + String(repeating: "a", count: 8_193) + "\r\n\r\n",
            400),
        Case("name that is no token", "GET / HTTP/1.1\r\nHost: localhost\r\nX(a): b\r\n\r\n", 400),
        Case("folded line", "GET / HTTP/1.1\r\nHost: localhost\r\nX-a: one\r\n two\r\n\r\n", 400),
        Case("length folded in", "POST / HTTP/1.1\r\nHost: localhost\r\nContent-: 5\r\n Length\r\n\r\n01234", 400),
        Case("first line begins with a blank", "GET / HTTP/1.1\r\n Host: localhost\r\n\r\n", 400),
        Case("carriage return in a value", "GET / HTTP/1.1\r\nHost: localhost\r\nX: a\rb\r\n\r\n", 400),
        Case("control byte in a value", "GET / HTTP/1.1\r\nHost: localhost\r\nX: a\u{1}b\r\n\r\n", 400),
        Case("delete in a value", "GET / HTTP/1.1\r\nHost: localhost\r\nX: a\u{7f}b\r\n\r\n", 400),
        Case("NUL in a value", "GET / HTTP/1.1\r\nHost: localhost\r\nX: a\u{0}b\r\n\r\n", 400),
        Case("NUL in a name", "GET / HTTP/1.1\r\nHost: localhost\r\nX\u{0}a: b\r\n\r\n", 400),
        Case("NUL in the path", "GET /a\u{0}b HTTP/1.1\r\nHost: localhost\r\n\r\n", 400),
        Case("NUL in the method", "GET\u{0}X / HTTP/1.1\r\nHost: localhost\r\n\r\n", 400, nil),
        Case("line without a colon", "GET / HTTP/1.1\r\nHost: localhost\r\nnonsense\r\n\r\n", 400),
        Case("method in lower case", "get / HTTP/1.1\r\nHost: localhost\r\n\r\n", 501),
        Case("absurd method", "F(O) / HTTP/1.1\r\nHost: localhost\r\n\r\n", 501),
        Case("CONNECT", "CONNECT localhost:1 HTTP/1.1\r\nHost: localhost\r\n\r\n", 501),
        Case("asterisk", "OPTIONS * HTTP/1.1\r\nHost: localhost\r\n\r\n", 400),
        Case("absolute target", "GET http://evil/ HTTP/1.1\r\nHost: localhost\r\n\r\n", 400),
        Case("path without slash", "GET a HTTP/1.1\r\nHost: localhost\r\n\r\n", 400),
        Case("path with 8-bit bytes", "GET /\u{e9} HTTP/1.1\r\nHost: localhost\r\n\r\n", 400),
        Case("path with an escape", "GET /\u{1b}[2J HTTP/1.1\r\nHost: localhost\r\n\r\n", 400),
        Case("blank in the target", "GET /a b HTTP/1.1\r\nHost: localhost\r\n\r\n", 400, nil),
        Case("HTTP/2.0", "GET / HTTP/2.0\r\nHost: localhost\r\n\r\n", 505),
        Case("the HTTP/2 preface", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505),
        Case("version in lower case", "GET / http/1.1\r\nHost: localhost\r\n\r\n", 400),
        Case("version with more", "GET / HTTP/1.1x\r\nHost: localhost\r\n\r\n", 400, 505),
        Case("HTTP/1.2", "GET / HTTP/1.2\r\nHost: localhost\r\n\r\n", 505),
        Case("no version", "GET /\r\nHost: localhost\r\n\r\n", 400),
        Case(
            "101 fields", "GET / HTTP/1.1\r\nHost: localhost\r\n" + String(repeating: "A: b\r\n", count: 100) + "\r\n",
            431),
        Case(
            "a megabyte of header",
            "GET / HTTP/1.1\r\nHost: localhost\r\nX: " + String(repeating: "a", count: 1_048_576) + "\r\n\r\n", 431, nil
        ),
        Case(
            "a megabyte of target",
            "GET /" + String(repeating: "a", count: 1_048_576) + " HTTP/1.1\r\nHost: localhost\r\n\r\n", 414, nil),
        Case(
            "ten thousand fields",
            "GET / HTTP/1.1\r\nHost: localhost\r\n" + String(repeating: "A: b\r\n", count: 10_000) + "\r\n", 431, nil),
        Case("a megabyte without a line", String(repeating: "a", count: 1_048_576), 414, 400, nil),
    ]

    @Test("A malformed request is refused and nothing behind it is read", arguments: cases)
    func malformed(request: Case) throws {
        let web = try Harness()
        try web.publish("/")
        let client = try web.client()
        client.send(request.request + "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
        let response: Client.Response?
        do {
            response = try client.response(toHead: request.request.hasPrefix("HEAD"))
        } catch {
            // Half an answer: the reset came while it was read.
            response = nil
        }
        #expect(request.statuses.contains(response?.status))
        #expect(client.isClosed(within: 1000))
        // The library's own answer to a malformed length has its header twice: not an answer to the second request.
        #expect((try? client.response()) == nil)
        let other = try web.client()
        other.get("/")
        #expect(try other.response()?.status == 200)
        let counters = try web.ping()
        #expect(counters.requestsPassed == 0)
        #expect(counters.deniedSystemCalls == 0)
    }

    @Test("So it is over TLS")
    func malformedOverTLS() throws {
        let web = try Harness.secure()
        for request in Self.cases {
            let client = try web.secureClient()
            client.send(request.request + "GET /behind HTTP/1.1\r\nHost: localhost\r\n\r\n")
            let response: Client.Response?
            do {
                response = try client.response(toHead: request.request.hasPrefix("HEAD"))
            } catch {
                response = nil
            }
            #expect(request.statuses.contains(response?.status), "\(request.testDescription)")
            #expect(client.isClosed(within: 2000), "\(request.testDescription)")
            #expect((try? client.response()) == nil, "\(request.testDescription)")
        }
        let counters = try web.ping()
        #expect(counters.requestsPassed == 0)
        #expect(counters.deniedSystemCalls == 0)
    }

    @Test("An authorization of 8 KiB passes")
    func largeAuthorization() throws {
        let web = try Harness()
        let client = try web.client()
        let value = String(repeating: "a", count: 8_192)
        client.get("/a", "Authorization: \(value)")
        let request = try web.nextRequest()
        #expect(request.headers.contains(HeaderField("authorization", value)))
        try web.respond(request)
        #expect(try client.response()?.status == 200)
    }

    @Test("A refusal is a line of plain text that nobody sniffs, and is counted")
    func refusal() throws {
        let web = try Harness()
        let client = try web.client()
        client.get("/", host: "evil.example")
        let response = try #require(try client.response())
        #expect(response.status == 403)
        #expect(response.text == "this host is not served here\n")
        #expect(response.headers["x-content-type-options"] == "nosniff")
        #expect(response.headers["connection"] == "close")
        #expect(try web.ping().refused == [RefusedCount(reason: "host", status: 403, count: 1)])
    }

    @Test(
        "Host is compared without port and case",
        arguments: [
            ("localhost", 200), ("LocalHost:10281", 200), ("127.0.0.1", 200), ("127.0.0.1:1", 200), ("[::1]", 200),
            ("[::1]:8080", 200), ("evil.example", 403), ("localhost.evil.example", 403), ("localhost@evil", 403),
            ("[::2]", 403),
            ("::1", 403), ("[::1", 403), ("[::1]x", 403), ("localhost:x", 403), (":80", 403), ("", 403),
        ])
    func host(host: String, status: Int) throws {
        let web = try Harness()
        try web.publish("/")
        let client = try web.client()
        client.get("/", host: host)
        #expect(try client.response()?.status == status)
    }

    @Test("Without a list of hosts any will do, and HTTP/1.0 needs none there")
    func anyHost() throws {
        let web = try Harness()
        try web.publish("/")
        let client = try web.unixClient()
        client.get("/", host: "anything at all")
        #expect(try client.response()?.status == 200)
        let old = try web.unixClient()
        old.send("GET / HTTP/1.0\r\n\r\n")
        #expect(try old.response()?.status == 200)
        let oldOverTCP = try web.client()
        oldOverTCP.send("GET / HTTP/1.0\r\n\r\n")
        #expect(try oldOverTCP.response()?.status == 403)
    }

    @Test("A header that fills the memory is not refused for its size alone")
    func largeHeader() throws {
        let web = try Harness()
        try web.publish("/")
        let client = try web.client()
        client.get("/", "X: " + String(repeating: "a", count: 10_000))
        #expect(try client.response()?.status == 200)
    }

    @Test("A refused body with Expect is not sent at all")
    func expectation() throws {
        let web = try Harness()
        let client = try web.client()
        client.send("POST / HTTP/1.1\r\nHost: localhost\r\nExpect: 100-continue\r\nContent-Length: 1000000\r\n\r\n")
        #expect(try client.response()?.status == 413)
    }
}
