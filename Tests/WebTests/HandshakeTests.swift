// SPDX-License-Identifier: Apache-2.0

import Gate
import Glibc
import Testing

@Suite("TLS handshakes with real clients")
struct HandshakeTests {
    @Test(
        "TLS 1.2 and 1.3 are spoken, with forward secrecy and authenticated ciphers",
        arguments: [
            (["-tls1_3"], "TLSv1.3, Cipher is TLS_"),
            // The first group is refused, so that the client is asked for another hello.
            (["-tls1_3", "-groups", "ffdhe2048:X25519"], "TLSv1.3, Cipher is TLS_"),
            (["-tls1_2"], "TLSv1.2, Cipher is ECDHE-ECDSA-AES256-GCM-SHA384"),
        ])
    func versions(options: [String], expected: String) throws {
        let web = try Harness.secure()
        let (status, output) = try run(try web.handshake(options))
        #expect(status == 0, "\(output)")
        #expect(output.contains(expected), "\(output)")
        #expect(output.contains("Verify return code: 0 (ok)"))
        #expect(try web.ping().deniedSystemCalls == 0)
    }

    @Test(
        "Older versions, ciphers without authentication and groups of finite fields are refused",
        arguments: [
            ["-tls1_1", "-cipher", "ALL:@SECLEVEL=0"], ["-tls1", "-cipher", "ALL:@SECLEVEL=0"],
            ["-tls1_2", "-cipher", "AES128-GCM-SHA256"], ["-tls1_2", "-cipher", "ECDHE-ECDSA-AES128-SHA"],
            ["-tls1_2", "-cipher", "DHE-RSA-AES256-GCM-SHA384"], ["-tls1_3", "-groups", "ffdhe8192:ffdhe2048"],
        ])
    func refused(options: [String]) throws {
        let web = try Harness.secure()
        let (status, output) = try run(try web.handshake(options))
        #expect(status != 0)
        #expect(output.contains("Cipher is (NONE)"))
        let line = try web.next { if case .log(.info, let line) = $0 { line } else { nil } }
        #expect(line.hasPrefix("the TLS handshake with 127.0.0.1 port "))
        #expect(line.contains("versions, ciphers"))
        #expect(try run(try web.handshake([])).status == 0)
    }

    @Test("The protocol is http/1.1, and who does not offer it is served all the same")
    func protocolNegotiation() throws {
        let web = try Harness.secure()
        let both = try run(try web.handshake(["-alpn", "h2,http/1.1"])).output
        #expect(both.contains("ALPN protocol: http/1.1"))
        let other = try run(try web.handshake(["-alpn", "h2"]))
        #expect(other.status == 0)
        #expect(other.output.contains("No ALPN negotiated"))
    }

    @Test("Plain HTTP on the port is closed, with nothing passed on")
    func plain() throws {
        let web = try Harness.secure()
        let client = try web.rawSecureClient()
        client.get("/")
        #expect(client.isClosed(within: 2000))
        let line = try web.next { if case .log(.info, let line) = $0 { line } else { nil } }
        #expect(line.contains("plain HTTP"))
        #expect(try web.ping().requestsPassed == 0)
    }

    @Test(
        "Bytes that are no handshake end the connection and nothing else",
        arguments: [
            [0x16, 0x03, 0x01, 0xFF, 0xFF], [0x15, 0x03, 0x03, 0x00, 0x02, 0x02, 0x28],
            [0x17, 0x03, 0x03, 0x00, 0x05, 1, 2, 3, 4, 5], [0x14, 0x03, 0x03, 0x00, 0x01, 0x01],
            [0x80, 0x2E, 0x01, 0x00, 0x02, 0x00, 0x15, 0x00, 0x00, 0x00, 0x10],
            [0x16, 0x03, 0x01, 0x00, 0x04, 0x01, 0xFF, 0xFF, 0xFF],
            [UInt8](repeating: 0, count: 100), [UInt8](repeating: 0xFF, count: 100_000),
        ] as [[UInt8]])
    func garbage(bytes: [UInt8]) throws {
        let web = try Harness.secure { $0.requestTimeout = 1000 }
        let client = try web.rawSecureClient()
        client.send(bytes)
        #expect(client.isClosed(within: 3000))
        #expect(try run(try web.handshake([])).status == 0)
        #expect(try web.ping().deniedSystemCalls == 0)
    }

    @Test("A client cannot negotiate anew")
    func renegotiation() throws {
        let web = try Harness.secure()
        let client = try Client(through: try web.handshake(["-tls1_2", "-state"]))
        try client.wait(for: "Verify return code")
        client.send("R\n")
        #expect(client.isClosed(within: 5000))
        let output = client.rest()
        #expect(output.contains("RENEGOTIATING"))
        #expect(!output.contains("read finished\nSSL_connect:SSLv3/TLS read finished"))
        #expect(try web.ping().connectionsOpen == 0)
        #expect(try run(try web.handshake([])).status == 0)
    }

    @Test("New keys within a connection are no harm")
    func keyUpdate() throws {
        let web = try Harness.secure()
        let client = try Client(through: try web.handshake(["-tls1_3"]))
        // A letter is a command at the beginning of what it reads at once.
        try client.wait(for: "Verify return code")
        client.send("K\n")
        try client.wait(for: "KEYUPDATE")
        client.send("k\n")
        try client.wait(for: "KEYUPDATE")
        client.send("GET /a HTTP/1.1\r\nHost: localhost\r\n\r\n")
        try web.respond(try web.nextRequest())
        try client.wait(for: "from the agent")
    }

    @Test("A request that comes together with new keys is read", arguments: ["K\n", "k\n"])
    func keyUpdateAndRequest(command: String) throws {
        let web = try Harness.secure()
        let client = try Client(through: try web.handshake(["-tls1_3"]))
        try client.wait(for: "Verify return code")
        try web.ping()
        kill(web.process, SIGSTOP)
        client.send(command)
        try client.wait(for: "KEYUPDATE")
        client.send("GET /a HTTP/1.1\r\nHost: localhost\r\n\r\n")
        pause(milliseconds: 100)
        kill(web.process, SIGCONT)
        try web.respond(try web.nextRequest())
        try client.wait(for: "from the agent")
    }

    @Test("Before the first identity handshakes fail, and nothing else does")
    func withoutIdentity() throws {
        let web = try Harness(main: true)
        try web.publish("/")
        for _ in 0..<3 {
            let (status, output) = try run(try web.handshake([]))
            #expect(status != 0)
            #expect(output.contains("Cipher is (NONE)"))
        }
        let line = try web.next { if case .log(.info, let line) = $0 { line } else { nil } }
        #expect(line.contains("there is no certificate yet"))
        let plain = try web.client()
        plain.get("/")
        #expect(try plain.response()?.status == 200)
        try web.use(try Certificates.shared().server)
        #expect(try run(try web.handshake([])).status == 0)
    }

    @Test(
        "Priorities that the library does not understand, or none, end the process with 4", arguments: ["", "NONSENSE"])
    func priorities(text: String) throws {
        let web = try Harness(waitUntilReady: false, main: true) { $0.tlsPriorities = text }
        #expect(web.exitStatus() == 4)
    }

    @Test("A thousand half handshakes do not keep a client out, and each has an end")
    func halfHandshakes() throws {
        let web = try Harness.secure {
            $0.maximumConnections = 100
            $0.requestTimeout = 3000
        }
        let client = try web.secureClient()
        client.get("/a")
        try web.respond(try web.nextRequest())
        #expect(try client.response()?.status == 200)

        // The record and the beginning of a hello that announces more.
        let half: [UInt8] = [0x16, 0x03, 0x01, 0x02, 0x00, 0x01, 0x00, 0x01, 0xFC, 0x03, 0x03, 1, 2, 3]
        var halves: [Client] = []
        for index in 0..<1000 {
            let next = try web.rawSecureClient()
            next.send(index % 2 == 0 ? half : [UInt8](half.prefix(3)))
            halves.append(next)
            // A client in use stays although it is the oldest.
            if index % 20 == 0 {
                for _ in 0..<5000 where try web.ping().connectionsAccepted < UInt64(index + 2) {}
                client.get("/a")
                try web.respond(try web.nextRequest())
                #expect(try client.response()?.status == 200, "after \(index) others")
            }
        }
        #expect(try run(try web.handshake([])).status == 0)
        let counters = try web.ping()
        #expect(counters.connectionsOpen <= 101)
        #expect(counters.connectionsEvicted + counters.connectionsTimedOut >= 890)
        #expect(counters.deniedSystemCalls == 0)
        #expect(directoryEntries("/proc/\(web.process)/fd").count < 130)
        // The idle client's time is longer; those that are left run into the time for a request.
        for _ in 0..<100 where try web.ping().connectionsOpen > 1 {
            pause(milliseconds: 50)
        }
        #expect(try web.ping().connectionsOpen == 1)
    }

    @Test("A client that ends its side within the handshake is not waited for", arguments: [5, 100, 1000])
    func endWithin(count: Int) throws {
        let web = try Harness.secure()
        web.limitSending()
        try web.use(try Certificates.shared().large)
        let client = try web.rawSecureClient()
        client.send([UInt8](try web.clientHello().prefix(count)))
        client.closeWriting()
        for _ in 0..<100 where try web.ping().connectionsOpen > 0 || web.ping().connectionsAccepted == 0 {
            pause(milliseconds: 20)
        }
        let counters = try web.ping()
        #expect(counters.connectionsAccepted == 1)
        #expect(counters.connectionsOpen == 0)
    }

    @Test("A handshake that trickles is cut when its time is over")
    func slow() throws {
        let web = try Harness.secure { $0.requestTimeout = 600 }
        let client = try web.rawSecureClient()
        client.send([0x16, 0x03, 0x01, 0x02, 0x00, 0x01, 0x00, 0x01, 0xFC, 0x03, 0x03])
        for _ in 0..<40 {
            client.send([1])
            if client.isClosed(within: 50) { break }
        }
        #expect(client.isClosed(within: 1))
        #expect(try web.ping().connectionsTimedOut == 1)
    }

    @Test(
        "A handshake that does not fit into the connection's buffers goes on when there is room",
        arguments: ["-tls1_2", "-tls1_3"])
    func largeHandshake(version: String) throws {
        let web = try Harness.secure()
        web.limitSending()
        try web.use(try Certificates.shared().large)
        #expect(try web.lateHandshake([version]).contains("Verify return code: 0 (ok)"))
        #expect(try web.ping().deniedSystemCalls == 0)
    }

    @Test("Neither handshakes that fail nor identities that are replaced leave memory behind")
    func memory() throws {
        let web = try Harness.secure()
        let certificates = try Certificates.shared()
        let hello = try web.clientHello()
        func round() throws {
            for index in 0..<500 {
                let client = try web.rawSecureClient()
                client.send([UInt8](hello.prefix(index % 2 == 0 ? hello.count : hello.count / 2)))
                try web.send(.serverIdentity(index % 2 == 0 ? certificates.second : certificates.server))
            }
            for _ in 0..<1000 where try web.ping().connectionsOpen > 0 {
                pause(milliseconds: 2)
            }
        }
        try round()
        let before = try web.resident()
        for _ in 0..<4 {
            try round()
        }
        #expect(try web.resident() - before < 2048)
        #expect(directoryEntries("/proc/\(web.process)/fd").count < 20)
    }

    /// What may stay open on the main listener.
    enum Rest: CaseIterable {
        case silent, half, deaf, idle, idleOld, waiting, begun, unread
    }

    @Test("Nothing that is open uses the processor while nothing happens", arguments: Rest.allCases)
    func atRest(what: Rest) throws {
        let web = try Harness.secure()
        if what == .deaf {
            web.limitSending()
            try web.use(try Certificates.shared().large)
        }
        let client =
            switch what {
            case .silent, .half: try web.rawSecureClient()
            case .deaf: try web.rawSecureClient(buffer: 1)
            case .idleOld: try web.secureClient(["-tls1_2"])
            default: try web.secureClient()
            }
        switch what {
        case .silent: break
        case .half: client.send([0x16, 0x03, 0x01, 0x02, 0x00, 0x01, 0x00, 0x01, 0xFC, 0x03, 0x03])
        case .deaf: client.send(try web.clientHello())
        case .idle, .idleOld:
            client.get("/a")
            try web.respond(try web.nextRequest())
            #expect(try client.response()?.status == 200)
        case .waiting:
            client.get("/b")
            _ = try web.nextRequest()
        case .begun: client.send("GET / HTTP/1.1\r\nHo")
        case .unread:
            client.get("/large")
            try web.respond(try web.nextRequest(), 200, String(repeating: "x", count: 30_000_000))
        }
        pause(milliseconds: 300)
        #expect(try web.ping().connectionsOpen == 1)
        let before = try web.ticks()
        pause(milliseconds: 1000)
        #expect(try web.ticks() - before <= 1)
        _ = client
    }
}
