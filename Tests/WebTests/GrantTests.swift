// SPDX-License-Identifier: Apache-2.0

import Gate
import Testing

@testable import Web

@Suite("What a connection may read from memory")
struct GrantTests {
    private let path = [UInt8]("/status".utf8)
    private let token = [UInt8]("Bearer a".utf8)

    @Test("A grant is for one path and one authorization, until its end")
    func exact() {
        var grants = Grants()
        #expect(!grants.allow(path, nil, now: 0))
        grants.add(path, token, until: 100)
        #expect(grants.allow(path, token, now: 0))
        #expect(grants.allow(path, token, now: 99))
        #expect(!grants.allow(path, token, now: 100))
        #expect(!grants.allow(path, nil, now: 0))
        #expect(!grants.allow(path, [], now: 0))
        #expect(!grants.allow(path, [UInt8]("Bearer b".utf8), now: 0))
        #expect(!grants.allow(path, [UInt8]("Bearer ".utf8), now: 0))
        #expect(!grants.allow([UInt8]("/statu".utf8), token, now: 0))
        #expect(!grants.allow([UInt8]("/status?".utf8), token, now: 0))
        grants.add(path, nil, until: 100)
        #expect(grants.allow(path, nil, now: 0))
        #expect(!grants.allow(path, [], now: 0))
        grants.removeAll()
        #expect(!grants.allow(path, token, now: 0))
        #expect(!grants.allow(path, nil, now: 0))
    }

    @Test("A new one for the same takes the place of the old, also when it ends sooner")
    func replaced() {
        var grants = Grants()
        grants.add(path, token, until: 100)
        grants.add(path, token, until: 10)
        #expect(!grants.allow(path, token, now: 50))
    }

    @Test("Of more than eight the one that ends first has to go")
    func bounded() {
        var grants = Grants()
        for index in 0..<8 {
            grants.add([UInt8("a".utf8.first ?? 0) + UInt8(index)], nil, until: index == 5 ? 10 : 100)
        }
        grants.add(path, nil, until: 50)
        #expect(grants.allow(path, nil, now: 0))
        let left = (0..<8).filter { grants.allow([UInt8(97 + $0)], nil, now: 0) }
        #expect(left == [0, 1, 2, 3, 4, 6, 7])
    }
}

@Suite("Pages on the main listener")
struct GrantedPageTests {
    /// Whether the page comes from memory; if it is passed on the agent answers with 403 and gives no grant.
    private func isFromMemory(_ web: Harness, _ client: Client, _ path: String, _ lines: String...) throws -> Bool {
        let before = try web.ping().requestsPassed
        client.send("GET \(path) HTTP/1.1\r\nHost: x\r\n" + lines.map { $0 + "\r\n" }.joined() + "\r\n")
        for _ in 0..<500 {
            if let request = try passedOn(web, since: before) {
                try web.send(.respond(GateResponse(id: request, status: 403, headers: [], body: [])))
                #expect(try client.response()?.status == 403)
                return false
            }
            client.setTimeout(milliseconds: 20)
            defer { client.setTimeout(milliseconds: 5000) }
            if let response = try client.response() {
                #expect(response.status == 200)
                return true
            }
        }
        throw TestFailure("no answer")
    }

    /// The number of the request that was passed on since then: they are counted from one.
    private func passedOn(_ web: Harness, since before: UInt64) throws -> UInt64? {
        let passed = try web.ping().requestsPassed
        return passed > before ? passed : nil
    }

    private func grant(_ web: Harness, _ client: Client, _ path: String, _ lines: String..., milliseconds: UInt32)
        throws
    {
        client.send("GET \(path) HTTP/1.1\r\nHost: x\r\n" + lines.map { $0 + "\r\n" }.joined() + "\r\n")
        try web.respond(try web.nextRequest(), grant: milliseconds)
        #expect(try client.response()?.text == "from the agent\n")
    }

    @Test("Without a grant a published page is never answered from memory, on other listeners it is")
    func withoutGrant() throws {
        let web = try Harness.secure()
        try web.publish("/status")
        let client = try web.secureClient()
        for _ in 0..<3 {
            #expect(try !isFromMemory(web, client, "/status"))
        }
        let plain = try web.client()
        plain.get("/status")
        #expect(try plain.response()?.status == 200)
    }

    @Test("With one it is, for that path and that authorization on that connection")
    func withGrant() throws {
        let web = try Harness.secure()
        try web.publish("/status")
        try web.publish("/metrics")
        let client = try web.secureClient()
        try grant(web, client, "/status", "Authorization: Bearer a", milliseconds: 60_000)
        #expect(try isFromMemory(web, client, "/status", "Authorization: Bearer a"))
        #expect(try isFromMemory(web, client, "/status", "authorization: Bearer a"))
        #expect(try !isFromMemory(web, client, "/status", "Authorization: bearer a"))
        #expect(try !isFromMemory(web, client, "/status", "Authorization: Bearer b"))
        #expect(try !isFromMemory(web, client, "/status"))
        #expect(try !isFromMemory(web, client, "/metrics", "Authorization: Bearer a"))
        #expect(try !isFromMemory(web, client, "/status?", "Authorization: Bearer a"))
        #expect(try isFromMemory(web, client, "/status", "Authorization: Bearer a"))
        let other = try web.secureClient()
        #expect(try !isFromMemory(web, other, "/status", "Authorization: Bearer a"))
    }

    @Test("It ends with its time")
    func expired() throws {
        let web = try Harness.secure()
        try web.publish("/status")
        let client = try web.secureClient()
        try grant(web, client, "/status", milliseconds: 1500)
        #expect(try isFromMemory(web, client, "/status"))
        pause(milliseconds: 1700)
        #expect(try !isFromMemory(web, client, "/status"))
    }

    @Test("It ends when grants are revoked, and with a new identity, usable or not")
    func revoked() throws {
        let web = try Harness.secure()
        try web.publish("/status")
        let client = try web.secureClient()
        let certificates = try Certificates.shared()
        var broken = certificates.server
        broken.privateKey = []
        for message in [.revokeGrants, .serverIdentity(certificates.second), .serverIdentity(broken)] as [AgentMessage]
        {
            try grant(web, client, "/status", milliseconds: 60_000)
            #expect(try isFromMemory(web, client, "/status"))
            try web.send(message)
            try web.ping()
            #expect(try !isFromMemory(web, client, "/status"))
        }
    }

    @Test("A page that is not for the main listener needs the agent there, grant or not")
    func otherListener() throws {
        let web = try Harness.secure()
        try web.publish("/status", listeners: [.local, .socket])
        let client = try web.secureClient()
        try grant(web, client, "/status", milliseconds: 60_000)
        #expect(try !isFromMemory(web, client, "/status"))
    }

    @Test("A request that is no GET or HEAD of a page alone gets no grant")
    func notForOthers() throws {
        let web = try Harness.secure()
        try web.publish("/status")
        let client = try web.secureClient()
        try grant(web, client, "/status?a=b", milliseconds: 60_000)
        client.send("POST /status HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n")
        try web.respond(try web.nextRequest(), grant: 60_000)
        #expect(try client.response()?.status == 200)
        #expect(try !isFromMemory(web, client, "/status"))
        client.get("/status", method: "HEAD")
        try web.respond(try web.nextRequest(), grant: 60_000)
        #expect(try client.response(toHead: true)?.status == 200)
        #expect(try isFromMemory(web, client, "/status"))
    }

    @Test("From memory it has the tag, 304, gzip and HEAD as elsewhere, and is counted")
    func asElsewhere() throws {
        let web = try Harness.secure()
        try web.publish("/status", "plain\n", gzip: .body([UInt8]("compressed".utf8)))
        let client = try web.secureClient()
        try grant(web, client, "/status", milliseconds: 60_000)
        client.get("/status")
        #expect(try client.response()?.headers["etag"] == "\"tag\"")
        client.get("/status", "If-None-Match: \"tag\"")
        #expect(try client.response()?.status == 304)
        client.get("/status", "Accept-Encoding: gzip")
        let compressed = try #require(try client.response())
        #expect(compressed.headers["content-encoding"] == "gzip")
        #expect(compressed.text == "compressed")
        client.get("/status", method: "HEAD")
        #expect(try client.response(toHead: true)?.headers["content-length"] == "6")
        let counters = try web.ping()
        #expect(counters.requestsPassed == 1)
        #expect(
            counters.served == [
                ServedCount(path: "/status", listener: .main, status: 200, count: 3),
                ServedCount(path: "/status", listener: .main, status: 304, count: 1),
            ])
        #expect(counters.deniedSystemCalls == 0)
    }
}
