// SPDX-License-Identifier: Apache-2.0

import Gate
import Testing

@Suite("Connections that take too long, and too many of them")
struct DeadlineTests {
    @Test(
        "A client that sends a byte now and then is cut when its time is over",
        arguments: ["", "GET / HTTP/1.1\r\nX: "])
    func slowHeader(begin: String) throws {
        let web = try Harness { $0.requestTimeout = 600 }
        let client = try web.client()
        client.send(begin)
        let sender = try web.client()
        for _ in 0..<40 {
            client.send("a")
            if client.isClosed(within: 50) { break }
        }
        #expect(client.isClosed(within: 1))
        #expect(try web.ping().connectionsTimedOut >= 1)
        _ = sender
    }

    @Test("So is a slow body, and a slow second request")
    func slowBody() throws {
        let web = try Harness {
            $0.requestTimeout = 600
            $0.idleTimeout = 700
        }
        try web.publish("/")
        let body = try web.client()
        body.send("POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n\r\n")
        let second = try web.client()
        second.get("/")
        #expect(try second.response()?.status == 200)
        let third = try web.client()
        third.get("/")
        #expect(try third.response()?.status == 200)
        third.send("GET / HTTP/1.1\r\n")
        for _ in 0..<25 {
            body.send("a")
            second.send("G")
            third.send("a")
            pause(milliseconds: 50)
        }
        #expect(body.isClosed(within: 300))
        #expect(second.isClosed(within: 300))
        #expect(third.isClosed(within: 300))
    }

    @Test("An idle connection is closed after its time, one in use is not")
    func idle() throws {
        let web = try Harness { $0.idleTimeout = 600 }
        try web.publish("/")
        let idle = try web.client()
        let used = try web.client()
        idle.get("/")
        _ = try idle.response()
        for _ in 0..<12 {
            used.get("/")
            #expect(try used.response()?.status == 200)
            pause(milliseconds: 100)
        }
        #expect(idle.isClosed(within: 500))
    }

    @Test("A client that does not read its answer is cut")
    func slowReader() throws {
        let web = try Harness { $0.responseTimeout = 300 }
        try web.publish("/large", String(repeating: "x", count: 16_000_000))
        let client = try web.client()
        client.get("/large")
        pause(milliseconds: 1200)
        let counters = try web.ping()
        #expect(counters.connectionsTimedOut == 1)
        #expect(counters.connectionsOpen == 0)
    }

    @Test("A request that waits for the agent is not cut for it")
    func waiting() throws {
        let web = try Harness {
            $0.requestTimeout = 400
            $0.idleTimeout = 400
            $0.responseTimeout = 400
        }
        let client = try web.client()
        client.get("/")
        let request = try web.nextRequest()
        pause(milliseconds: 1600)
        try web.respond(request)
        #expect(try client.response()?.status == 200)
    }

    @Test("A thousand idle connections do not keep a client out", arguments: [true, false])
    func manyConnections(overTCP: Bool) throws {
        let web = try Harness { $0.maximumConnections = 100 }
        try web.publish("/")
        let client = try overTCP ? web.client() : web.unixClient()
        var idle: [Client] = []
        for index in 0..<1000 {
            idle.append(try overTCP ? web.client() : web.unixClient())
            // A client in use stays although it is the oldest.
            if index % 20 == 0 {
                // Connects queue in the kernel: it is the accepting that makes them newer than the client.
                while try web.ping().connectionsAccepted < UInt64(index + 2) {}
                client.get("/")
                #expect(try client.response()?.status == 200)
            }
        }
        let late = try overTCP ? web.client() : web.unixClient()
        late.get("/")
        #expect(try late.response()?.status == 200)
        let counters = try web.ping()
        #expect(counters.connectionsOpen <= 101)
        #expect(counters.connectionsEvicted >= 900)
        #expect(counters.deniedSystemCalls == 0)
        #expect(directoryEntries("/proc/\(web.process)/fd").count < 120)
    }

    @Test("A request that waits is not evicted by idle connections")
    func evictionSparesBusy() throws {
        let web = try Harness { $0.maximumConnections = 10 }
        let client = try web.client()
        client.get("/a")
        let request = try web.nextRequest()
        let idle = try (0..<50).map { _ in try web.client() }
        try web.ping()
        try web.respond(request)
        #expect(try client.response()?.status == 200)
        _ = idle
    }

    @Test("An idle process does not use the processor, with and without connections")
    func atRest() throws {
        let web = try Harness()
        try web.publish("/")
        let client = try web.client()
        client.get("/")
        _ = try client.response()
        let waiting = try web.unixClient()
        waiting.get("/other")
        _ = try web.nextRequest()
        let halfDone = try web.client()
        halfDone.send("GET / HTTP/1.1\r\nHo")
        let before = try web.ticks()
        pause(milliseconds: 1000)
        #expect(try web.ticks() - before <= 1)
        _ = (client, waiting, halfDone)
    }
}
