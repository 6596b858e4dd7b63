// SPDX-License-Identifier: Apache-2.0

import Gate
import Glibc
import Testing

@Suite("Certificates of clients")
struct ClientCertificateTests {
    private let certificates: Certificates

    init() throws {
        certificates = try Certificates.shared()
    }

    @Test(
        "Whatever certificate a client holds the key of is passed on, from whomever it is",
        arguments: ["client", "stranger", "rsa", "ed25519"], ["-tls1_2", "-tls1_3"])
    func passed(name: String, version: String) throws {
        let web = try Harness.secure()
        let client = try web.secureClient([version] + certificates.showing(name))
        // openssl adds the authority, which it knows.
        let expected = try ([name] + (name == "client" ? ["authority"] : [])).map {
            try certificates.bytes("\($0).der")
        }
        for path in ["/a", "/b"] {
            client.get(path)
            let request = try web.nextRequest()
            #expect(request.listener == .main)
            #expect(request.clientCertificates == expected)
            try web.respond(request)
            #expect(try client.response()?.status == 200)
        }
        #expect(try web.ping().deniedSystemCalls == 0)
    }

    @Test("A large one in small records is passed on as well", arguments: ["-tls1_2", "-tls1_3"])
    func largeCertificate(version: String) throws {
        let web = try Harness.secure()
        let client = try web.secureClient([version, "-max_send_frag", "512"] + certificates.showing("large1"))
        client.get("/a")
        let request = try web.nextRequest()
        #expect(request.clientCertificates == [try certificates.bytes("large1.der")])
        try web.respond(request)
        #expect(try client.response()?.status == 200)
    }

    @Test("A client without one is served, and each connection has a number of its own")
    func none() throws {
        let web = try Harness.secure()
        var numbers: Set<UInt64> = []
        for _ in 0..<3 {
            let client = try web.secureClient()
            client.get("/a")
            let request = try web.nextRequest()
            #expect(request.clientCertificates.isEmpty)
            #expect(numbers.insert(request.connection).inserted)
            guard case .tcp("127.0.0.1", _) = request.peer else { throw TestFailure("peer \(request.peer)") }
            try web.respond(request)
            #expect(try client.response()?.status == 200)
        }
    }

    @Test("Somebody else's certificate is of no use without its key", arguments: ["-tls1_2", "-tls1_3"])
    func stolen(version: String) throws {
        let web = try Harness.secure()
        let client = try web.secureClient(
            [version, "-keyform", "DER"] + certificates.showing("client", key: "forged"))
        client.get("/a")
        #expect(client.isClosed(within: 5000))
        let counters = try web.ping()
        #expect(counters.requestsPassed == 0)
        #expect(counters.connectionsOpen == 0)
    }

    @Test("A key whose signature takes long to verify ends the handshake", arguments: ["-tls1_2", "-tls1_3"])
    func expensiveKey(version: String) throws {
        let web = try Harness.secure()
        let client = try web.secureClient([version] + certificates.showing("exponent"))
        client.get("/a")
        #expect(client.isClosed(within: 5000))
        #expect(try web.ping().requestsPassed == 0)
    }

    @Test("A chain of eight is passed on in its order", arguments: ["-tls1_2", "-tls1_3"])
    func chain(version: String) throws {
        let web = try Harness.secure()
        let client = try web.secureClient(
            [version] + certificates.showing("client") + ["-cert_chain", certificates.path("chain8.pem")])
        client.get("/a")
        let request = try web.nextRequest()
        var expected = [try certificates.bytes("client.der")]
        for number in 1...7 {
            expected.append(try certificates.bytes("link\(number).der"))
        }
        #expect(request.clientCertificates == expected)
        try web.respond(request)
        #expect(try client.response()?.status == 200)
    }

    @Test(
        "One that is longer, or has too many bytes, is refused with every request",
        arguments: [("client", "chain9.pem"), ("large1", "chain33k.pem")])
    func tooLong(name: String, chain: String) throws {
        let web = try Harness.secure()
        try web.publish("/page")
        for path in ["/a", "/page"] {
            let client = try web.secureClient(
                certificates.showing(name) + ["-cert_chain", certificates.path(chain)])
            client.get(path)
            let response = try #require(try client.response())
            #expect(response.status == 400)
            #expect(response.text == "certificate chain too long\n")
        }
        let counters = try web.ping()
        #expect(counters.requestsPassed == 0)
        #expect(counters.refused == [RefusedCount(reason: "certificate", status: 400, count: 2)])
    }

    @Test("One that is longer than a handshake may be ends it")
    func farTooLong() throws {
        let web = try Harness.secure()
        let client = try web.secureClient(
            certificates.showing("large1") + ["-cert_chain", certificates.path("chain66k.pem")])
        client.get("/a")
        #expect(client.isClosed(within: 5000))
        let counters = try web.ping()
        #expect(counters.requestsPassed == 0)
        #expect(counters.refused.isEmpty)
        #expect(try run(try web.handshake([])).status == 0)
    }

    @Test(
        "A resumed session still has its certificate, and none is resumed after a new identity",
        arguments: ["-tls1_2", "-tls1_3"])
    func resumed(version: String) throws {
        let web = try Harness.secure()
        let file = certificates.path("session-\(version)-\(web.securePort)")
        let expected = try ["client.der", "authority.der"].map { try certificates.bytes($0) }
        let request = "GET /a HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"

        func visit(_ options: [String]) throws -> String {
            let client = try Client(through: try web.handshake([version] + certificates.showing("client") + options))
            client.send(request)
            let passed = try web.nextRequest()
            #expect(passed.clientCertificates == expected)
            try web.respond(passed)
            return client.rest()
        }
        #expect(try visit(["-sess_out", file]).contains("New, TLS"))
        #expect(try visit(["-sess_in", file, "-sess_out", file]).contains("Reused, TLS"))
        try web.use(certificates.server)
        #expect(try visit(["-sess_in", file]).contains("New, TLS"))
        #expect(try web.ping().deniedSystemCalls == 0)
    }

    @Test("curl gets an answer with its certificate")
    func curl() throws {
        let web = try Harness.secure()
        try web.publish("/status", "hello\n")
        var identity = certificates.server
        identity.clientAuthorityNames = [Certificates.name("authority")]
        try web.use(identity)
        let words = [
            "curl", "--silent", "--show-error", "--cacert", certificates.path("authority.pem"), "--cert",
            certificates.path("client.pem"), "--key", certificates.path("client.key"), "--write-out",
            "%{http_version} %{http_code}", "https://localhost:\(web.securePort)/status",
            "https://localhost:\(web.securePort)/status",
        ]
        var ends: [Int32] = [-1, -1]
        socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0, &ends)
        let process = try start(words, input: ends[1], output: ends[1])
        close(ends[1])
        let first = try web.nextRequest()
        #expect(first.clientCertificates.first == (try certificates.bytes("client.der")))
        try web.respond(first, 200, "first\n", grant: 60_000)
        #expect(readToEnd(ends[0]) == "first\n1.1 200hello\n1.1 200")
        close(ends[0])
        var status: Int32 = 0
        waitpid(process, &status, 0)
        #expect(status == 0)
    }
}
