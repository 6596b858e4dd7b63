// SPDX-License-Identifier: Apache-2.0

import Gate
import Glibc
import Testing

@Suite("Requests that the agent answers")
struct PassingTests {
    @Test("A request arrives as it was sent, undecoded, with the fields that pass")
    func asSent() throws {
        let web = try Harness()
        let client = try web.client()
        client.get(
            "/a%2fb/%00/../c?x=1%26&y=2+3", "Accept: text/html", "accept: */*", "Cookie: secret", "User-Agent: t",
            "X-A: b")
        let request = try web.nextRequest()
        #expect(request.method == "GET")
        #expect(request.path == "/a%2fb/%00/../c")
        #expect(request.query == "x=1%26&y=2+3")
        #expect(
            Set(request.headers.map { "\($0.name): \($0.value)" })
                == ["host: localhost", "accept: text/html, */*", "user-agent: t"])
        #expect(request.listener == .local)
        guard case .tcp("127.0.0.1", let port) = request.peer else { throw TestFailure("peer \(request.peer)") }
        #expect(port != web.port)
        try web.respond(request, 201, "made\n")
        let response = try #require(try client.response())
        #expect(response.status == 201)
        #expect(response.text == "made\n")
        #expect(try web.ping().requestsPassed == 1)
    }

    @Test("The peer on the Unix socket is the process that connected")
    func credentials() throws {
        let web = try Harness()
        let client = try web.unixClient()
        client.get("/who")
        let request = try web.nextRequest()
        #expect(request.listener == .socket)
        #expect(request.peer == .unix(processID: getpid(), userID: getuid(), groupID: getgid()))
        try web.respond(request)
        #expect(try client.response()?.status == 200)
    }

    @Test("A small body is read and dropped, and the connection stays")
    func body() throws {
        let web = try Harness()
        let client = try web.client()
        client.send(
            "POST /c HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\n\r\nabcdeGET /d HTTP/1.1\r\nHost: localhost\r\n\r\n"
        )
        let post = try web.nextRequest()
        #expect(post.method == "POST")
        try web.respond(post)
        #expect(try client.response()?.status == 200)
        let get = try web.nextRequest()
        #expect(get.path == "/d")
        try web.respond(get, 404)
        #expect(try client.response()?.status == 404)
    }

    @Test("HEAD through the agent keeps the length and drops the body")
    func head() throws {
        let web = try Harness()
        let client = try web.client()
        client.get("/h", method: "HEAD")
        try web.respond(try web.nextRequest(), 200, "12345")
        #expect(try client.response(toHead: true)?.headers["content-length"] == "5")
    }

    @Test("Pipelined requests are answered in order")
    func pipelined() throws {
        let web = try Harness()
        try web.publish("/page", "page\n")
        let client = try web.client()
        let request = { (path: String) in "GET \(path) HTTP/1.1\r\nHost: localhost\r\n\r\n" }
        client.send(request("/page") + request("/slow") + request("/page") + request("/page"))
        let slow = try web.nextRequest()
        #expect(try client.response()?.text == "page\n")
        try web.respond(slow)
        #expect(try client.response()?.text == "from the agent\n")
        #expect(try client.response()?.text == "page\n")
        #expect(try client.response()?.text == "page\n")
    }

    @Test("An agent that does not answer is 503, and its late answer is nobody's")
    func silence() throws {
        let web = try Harness { $0.agentTimeout = 1000 }
        let client = try web.client()
        client.get("/a")
        let request = try web.nextRequest()
        let response = try #require(try client.response())
        #expect(response.status == 503)
        #expect(response.text == "the agent did not answer\n")
        try web.respond(request)
        client.get("/b")
        try web.respond(try web.nextRequest(), 200, "b\n")
        #expect(try client.response()?.text == "b\n")
    }

    @Test("An agent that asks for more time gets it, and no more")
    func moreTime() throws {
        let web = try Harness { $0.agentTimeout = 1000 }
        let client = try web.client()
        client.get("/a")
        let request = try web.nextRequest()
        try web.send(.await(id: request.id, milliseconds: 60_000))
        try web.send(.await(id: request.id &+ 1, milliseconds: 0))
        pause(milliseconds: 1500)
        try web.respond(request)
        #expect(try client.response()?.text == "from the agent\n")
        client.get("/b")
        try web.send(.await(id: try web.nextRequest().id, milliseconds: 300))
        #expect(try client.response()?.text == "the agent did not answer\n")
    }

    @Test("A client that hangs up is told to the agent once, and its answer goes nowhere", arguments: [true, false])
    func hangUp(overTCP: Bool) throws {
        let web = try Harness()
        var client: Client? = try overTCP ? web.client() : web.unixClient()
        client?.get("/a")
        let request = try web.nextRequest()
        client = nil
        #expect(try web.next { if case .cancelled(let id) = $0 { id } else { nil } } == request.id)
        try web.respond(request)
        for _ in 0..<100 where try web.ping().connectionsOpen > 0 {
            pause(milliseconds: 5)
        }
        #expect(try web.ping().connectionsOpen == 0)
        _ = client
    }

    @Test("A half-closed client is told to the agent and still gets its answer")
    func halfClosed() throws {
        let web = try Harness()
        let client = try web.client()
        client.get("/a")
        client.closeWriting()
        let request = try web.nextRequest()
        #expect(try web.next { if case .cancelled(let id) = $0 { id } else { nil } } == request.id)
        let before = try web.ticks()
        pause(milliseconds: 200)
        #expect(try web.ticks() - before < 5)
        try web.respond(request)
        #expect(try client.response()?.text == "from the agent\n")
        #expect(client.isClosed(within: 1000))
    }

    @Test(
        "A client that sends its requests and its end at once gets its answers and our end", arguments: [true, false])
    func endAtOnce(overTCP: Bool) throws {
        let web = try Harness()
        try web.publish("/page", "page\n")
        for count in [1, 3] {
            let client = try overTCP ? web.client() : web.unixClient()
            client.send(String(repeating: "GET /page HTTP/1.1\r\nHost: localhost\r\n\r\n", count: count))
            client.closeWriting()
            for _ in 0..<count {
                #expect(try client.response()?.text == "page\n")
            }
            #expect(client.isClosed(within: 1000))
        }
    }

    @Test("Beyond the most that may wait is 503 with Retry-After")
    func tooMany() throws {
        let web = try Harness { $0.maximumPassedRequests = 2 }
        let clients = try (0..<3).map { _ in try web.client() }
        for client in clients.prefix(2) {
            client.get("/a")
            _ = try web.nextRequest()
        }
        clients[2].get("/a")
        let response = try #require(try clients[2].response())
        #expect(response.status == 503)
        #expect(response.headers["retry-after"] == "1")
        #expect(try web.ping().refused == [RefusedCount(reason: "busy", status: 503, count: 1)])
    }

    @Test("An agent that does not read does not make the process grow")
    func unread() throws {
        let web = try Harness {
            $0.maximumPassedRequests = 100_000
            $0.agentTimeout = 500
        }
        let filler = String(repeating: "x", count: 8000)
        var refused = false
        var connections: [Client] = []
        // Each waiting request takes a connection; the oldest are evicted, which must not matter here.
        for _ in 0..<600 where !refused {
            let client = try web.client()
            client.get("/a", "User-Agent: \(filler)")
            connections.append(client)
            client.setTimeout(milliseconds: 1)
            refused = try client.response()?.status == 503
        }
        let resident = Int(try web.status()["VmRSS"]?.split(separator: " ").first ?? "") ?? .max
        #expect(resident < 60_000)
        #expect(try web.ping().requestsPassed > 0)
    }

    @Test("Answers with nonsense from the agent do not harm", arguments: [UInt16(0), 99, 100, 101, 600, 65_535])
    func oddStatus(status: UInt16) throws {
        let web = try Harness()
        let client = try web.client()
        client.get("/a")
        let request = try web.nextRequest()
        try web.send(
            .respond(
                GateResponse(
                    id: request.id, status: status,
                    headers: [HeaderField("bad name", "x"), HeaderField("a", "b\r\nc: d"), HeaderField("", "")],
                    body: [])))
        #expect(try client.response()?.status == 500)
    }
}
