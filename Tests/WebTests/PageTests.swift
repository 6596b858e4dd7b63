// SPDX-License-Identifier: Apache-2.0

import Gate
import Testing

@Suite("Pages answered from memory")
struct PageTests {
    @Test("A published page is served with its tag, and its first use is told once")
    func served() throws {
        let web = try Harness()
        try web.publish("/status", "hello\n", headers: [HeaderField("x-own", "1")])
        let client = try web.client()
        for _ in 0..<3 {
            client.get("/status")
            let response = try #require(try client.response())
            #expect(response.status == 200)
            #expect(response.text == "hello\n")
            #expect(response.headers["etag"] == "\"tag\"")
            #expect(response.headers["vary"] == "Accept-Encoding")
            #expect(response.headers["cache-control"] == "no-cache")
            #expect(response.headers["content-type"] == "text/plain")
            #expect(response.headers["x-own"] == "1")
        }
        #expect(
            try web.next { if case .used(let pages) = $0 { pages } else { nil } } == [
                PageUse(path: "/status", gzip: false)
            ])
        let counters = try web.ping()
        #expect(counters.served == [ServedCount(path: "/status", listener: .local, status: 200, count: 3)])
        #expect(counters.requestsPassed == 0)
        #expect(counters.deniedSystemCalls == 0)
    }

    @Test("HEAD has the length and no body, and the connection stays")
    func head() throws {
        let web = try Harness()
        try web.publish("/status", "hello\n")
        let client = try web.client()
        client.get("/status", method: "HEAD")
        let response = try #require(try client.response(toHead: true))
        #expect(response.status == 200)
        #expect(response.headers["content-length"] == "6")
        client.get("/status")
        #expect(try client.response()?.text == "hello\n")
    }

    @Test(
        "A client that has the page gets 304",
        arguments: [
            "\"tag\"", "W/\"tag\"", "\"a\", \"tag\"", "*", "\"tag-gzip\"", "W/\"a,b\" , W/\"tag\"", " \"tag\" ",
        ])
    func notModified(tags: String) throws {
        let web = try Harness()
        try web.publish("/status")
        let client = try web.client()
        client.get("/status", "If-None-Match: " + tags.trimmed)
        let response = try #require(try client.response())
        #expect(response.status == 304)
        #expect(response.headers["etag"] == "\"tag\"")
        client.get("/status")
        #expect(try client.response()?.status == 200)
    }

    @Test("Another tag gets the page", arguments: ["\"other\"", "tag", "\"tag", "\"TAG\"", "w/\"tag\"", ""])
    func modified(tags: String) throws {
        let web = try Harness()
        try web.publish("/status")
        let client = try web.client()
        client.get("/status", "If-None-Match: \(tags)")
        #expect(try client.response()?.status == 200)
    }

    @Test("A page that is not 200 has neither tag nor 304")
    func failing() throws {
        let web = try Harness()
        try web.publish("/livez", "not well\n", status: 500)
        let client = try web.client()
        client.get("/livez", "If-None-Match: \"tag\"")
        let response = try #require(try client.response())
        #expect(response.status == 500)
        #expect(response.headers["etag"] == nil)
        #expect(response.text == "not well\n")
    }

    @Test(
        "Who accepts gzip gets gzip",
        arguments: [
            ("gzip", true), ("gzip, deflate, br", true), ("GZIP;q=0.5", true), ("*", true), ("x-gzip", true),
            ("br;q=1, gzip;q=0.001", true), ("identity;q=0.5, gzip;q=0.5", true), ("deflate , gzip ; q=1.0", true),
            ("gzip;q=0", false), ("gzip;q=0.000", false), ("*;q=0", false), ("*, gzip;q=0", false), ("deflate", false),
            ("identity", false), ("gzip;q=0.5, identity", false), ("gzip;q=nonsense", false), ("gzipped", false),
            ("", false),
        ])
    func gzip(value: String, compressed: Bool) throws {
        let web = try Harness()
        try web.publish("/status", "plain\n", gzip: .body([UInt8]("compressed".utf8)))
        let client = try web.client()
        client.get("/status", "Accept-Encoding: \(value)")
        let response = try #require(try client.response())
        #expect(response.headers["content-encoding"] == (compressed ? "gzip" : nil))
        #expect(response.headers["etag"] == (compressed ? "\"tag-gzip\"" : "\"tag\""))
        #expect(response.text == (compressed ? "compressed" : "plain\n"))
    }

    @Test("Without a compressed body the agent is asked for it; a worthless one is sent as it is")
    func gzipMissing() throws {
        let web = try Harness()
        try web.publish("/a", gzip: .absent)
        try web.publish("/b", "small\n", gzip: .worthless)
        let client = try web.client()
        client.get("/a", "Accept-Encoding: gzip")
        let request = try web.nextRequest()
        #expect(request.path == "/a")
        try web.respond(request)
        #expect(try client.response()?.text == "from the agent\n")
        client.get("/b", "Accept-Encoding: gzip")
        #expect(try client.response()?.text == "small\n")
        #expect(
            try web.next { if case .used(let pages) = $0 { pages } else { nil } } == [PageUse(path: "/b", gzip: true)])
    }

    @Test("First uses are told again after a publication, and for gzip by itself")
    func uses() throws {
        let web = try Harness()
        let client = try web.client()
        for _ in 0..<2 {
            try web.publish("/a", gzip: .body([1, 2, 3]))
            for encoding in ["identity", "identity", "gzip", "gzip"] {
                client.get("/a", "Accept-Encoding: \(encoding)")
                #expect(try client.response()?.status == 200)
            }
            let expected = [[PageUse(path: "/a", gzip: false)], [PageUse(path: "/a", gzip: true)]]
            for pages in expected {
                #expect(try web.next { if case .used(let pages) = $0 { pages } else { nil } } == pages)
            }
        }
    }

    @Test("A query, another method or another listener is the agent's business")
    func passed() throws {
        let web = try Harness()
        try web.publish("/status", listeners: [.socket])
        let tcp = try web.client()
        tcp.get("/status")
        try web.respond(try web.nextRequest(), 403)
        #expect(try tcp.response()?.status == 403)
        let unix = try web.unixClient()
        unix.get("/status")
        #expect(try unix.response()?.status == 200)
        unix.get("/status?")
        let request = try web.nextRequest()
        #expect(request.query == "")
        try web.respond(request)
        #expect(try unix.response()?.text == "from the agent\n")
        unix.send("DELETE /status HTTP/1.1\r\nHost: x\r\n\r\n")
        try web.respond(try web.nextRequest(), 405)
        #expect(try unix.response()?.status == 405)
    }

    @Test("A page that is no longer confirmed, or expired, is asked for")
    func lifetime() throws {
        let web = try Harness { $0.pageLifetime = 1000 }
        try web.publish("/a", "old\n")
        let client = try web.client()
        func isFromMemory() throws -> Bool {
            let before = try web.ping()
            client.get("/a")
            while true {
                let counters = try web.ping()
                if counters.served != before.served {
                    _ = try client.response()
                    return true
                }
                if counters.requestsPassed > before.requestsPassed {
                    try web.send(
                        .respond(GateResponse(id: counters.requestsPassed, status: 200, headers: [], body: [])))
                    _ = try client.response()
                    return false
                }
            }
        }
        #expect(try isFromMemory())
        pause(milliseconds: 1200)
        #expect(try !isFromMemory())
        try web.send(.confirm)
        #expect(try isFromMemory())
        try web.send(.expire(paths: ["/b", "/a"]))
        #expect(try !isFromMemory())
        try web.send(.confirm)
        #expect(try !isFromMemory())
    }

    @Test("A page of megabytes arrives whole")
    func large() throws {
        let web = try Harness()
        let body = String(repeating: "0123456789abcdef", count: 262_144)
        try web.publish("/large", body)
        let client = try web.client()
        client.get("/large")
        #expect(try client.response()?.body.count == 4_194_304)
        #expect(try web.ping().deniedSystemCalls == 0)
    }
}
