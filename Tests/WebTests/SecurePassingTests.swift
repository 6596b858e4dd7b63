// SPDX-License-Identifier: Apache-2.0

import Gate
import Glibc
import Testing

@Suite("Requests over TLS that the agent answers")
struct SecurePassingTests {
    @Test("A small body is read and dropped, pipelined requests are answered in order")
    func pipelined() throws {
        let web = try Harness.secure()
        let client = try web.secureClient()
        let get = { (path: String) in "GET \(path) HTTP/1.1\r\nHost: localhost\r\n\r\n" }
        client.send(
            "POST /a HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\n\r\nabcde" + get("/b") + get("/c") + get("/d"))
        for path in ["/a", "/b", "/c", "/d"] {
            let request = try web.nextRequest()
            #expect(request.path == path)
            // Long enough for whatever is behind it to be looked at too early.
            pause(milliseconds: 20)
            try web.respond(request, 200, "\(path)\n")
            #expect(try client.response()?.text == "\(path)\n")
        }
        #expect(try web.ping().deniedSystemCalls == 0)
    }

    @Test("Large answers arrive whole")
    func large() throws {
        let web = try Harness.secure()
        let client = try web.secureClient()
        client.get("/a")
        try web.respond(try web.nextRequest(), 200, String(repeating: "0123456789abcdef", count: 262_144))
        #expect(try client.response()?.body.count == 4_194_304)
        client.get("/b")
        try web.respond(try web.nextRequest())
        #expect(try client.response()?.status == 200)
        #expect(try web.ping().deniedSystemCalls == 0)
    }

    @Test("A client that hangs up is told to the agent, and its connection ends")
    func hangUp() throws {
        let web = try Harness.secure()
        var client: Client? = try web.secureClient()
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

    @Test("A client that sends its requests and its end at once does not stay", arguments: ["-tls1_2", "-tls1_3"])
    func endAtOnce(version: String) throws {
        let web = try Harness.secure()
        try web.publish("/")
        for _ in 0..<10 {
            // At the end of its input it says goodbye and hangs up.
            let request = "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"
            let client = try run(try web.handshake([version]), input: request + request)
            #expect(client.status == 0)
        }
        for _ in 0..<100 where try web.ping().requestsPassed == 0 {
            pause(milliseconds: 10)
        }
        let passed = try web.ping().requestsPassed
        #expect(passed > 0)
        for id in 0...passed {
            try web.send(.respond(GateResponse(id: id, status: 200, headers: [], body: [])))
        }
        for _ in 0..<200 where try web.ping().connectionsOpen > 0 {
            pause(milliseconds: 10)
        }
        #expect(try web.ping().connectionsOpen == 0)
    }

    @Test("Idle connections are closed in time, slow requests and slow readers are cut")
    func deadlines() throws {
        let web = try Harness.secure {
            $0.idleTimeout = 600
            $0.requestTimeout = 900
            $0.responseTimeout = 300
        }
        let idle = try web.secureClient()
        idle.get("/a")
        try web.respond(try web.nextRequest())
        #expect(try idle.response()?.status == 200)
        let slow = try web.secureClient()
        slow.send("GET / HTTP/1.1\r\nX: ")
        for _ in 0..<30 {
            slow.send("a")
            if slow.isClosed(within: 50) { break }
        }
        #expect(slow.isClosed(within: 1))
        #expect(idle.isClosed(within: 1000))
        let reader = try web.secureClient()
        reader.get("/large")
        try web.respond(try web.nextRequest(), 200, String(repeating: "x", count: 16_000_000))
        for _ in 0..<100 where try web.ping().connectionsOpen > 0 {
            pause(milliseconds: 20)
        }
        #expect(try web.ping().connectionsOpen == 0)
        _ = reader
    }

    @Test("Draining answers what is under way and cuts half handshakes")
    func drain() throws {
        let web = try Harness.secure()
        let half = try web.rawSecureClient()
        half.send([0x16, 0x03, 0x01])
        let client = try web.secureClient()
        client.get("/a")
        let request = try web.nextRequest()
        try web.send(.drain(milliseconds: 400))
        pause(milliseconds: 50)
        try web.respond(request)
        #expect(try client.response()?.text == "from the agent\n")
        #expect(web.exitStatus(within: 3000) == 0)
        #expect(half.isClosed(within: 500))
    }

    @Test("Beyond the most connections the idle ones go, those that wait stay")
    func eviction() throws {
        let web = try Harness.secure { $0.maximumConnections = 4 }
        let client = try web.secureClient()
        client.get("/a")
        let request = try web.nextRequest()
        for _ in 0..<20 {
            #expect(try run(try web.handshake([])).status == 0)
        }
        let idle = try (0..<20).map { _ in try web.rawSecureClient() }
        for _ in 0..<500 where try web.ping().connectionsAccepted < 41 {
            pause(milliseconds: 5)
        }
        try web.respond(request)
        #expect(try client.response()?.status == 200)
        _ = idle
    }
}
