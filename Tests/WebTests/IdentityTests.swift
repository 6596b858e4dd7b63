// SPDX-License-Identifier: Apache-2.0

import Gate
import Glibc
import Testing

@Suite("The certificate of the main listener")
struct IdentityTests {
    private let certificates: Certificates

    init() throws {
        certificates = try Certificates.shared()
    }

    private func subject(_ web: Harness) throws -> String? {
        let output = try run(try web.handshake([])).output
        return output.split(separator: "\n").first { $0.hasPrefix("subject=") }.map(String.init)
    }

    @Test("A new one is shown at once, and open connections stay")
    func replaced() throws {
        let web = try Harness.secure()
        let client = try web.secureClient()
        client.get("/a")
        let first = try web.nextRequest()
        #expect(try subject(web) == "subject=O = tests, CN = server")
        for round in 0..<20 {
            try web.use(round % 2 == 0 ? certificates.second : certificates.server)
        }
        try web.use(certificates.second)
        #expect(try subject(web) == "subject=O = tests, CN = second")
        try web.respond(first)
        #expect(try client.response()?.status == 200)
        client.get("/b")
        let second = try web.nextRequest()
        #expect(second.connection == first.connection)
        try web.respond(second)
        #expect(try client.response()?.status == 200)
        #expect(try web.ping().deniedSystemCalls == 0)
    }

    @Test("One that cannot be used is reported, and the one before it stays")
    func unusable() throws {
        let web = try Harness.secure()
        let good = certificates.server
        var broken: [ServerIdentity] = []
        func add(_ change: (inout ServerIdentity) -> Void) {
            var identity = good
            change(&identity)
            broken.append(identity)
        }
        add { $0.certificateChain = [] }
        add { $0.certificateChain = [[1, 2, 3]] }
        add { $0.certificateChain = [[UInt8](good.certificateChain[0].dropLast())] }
        add { $0.certificateChain.append([0x30, 0]) }
        add { $0.privateKey = [] }
        add { $0.privateKey = [0x30, 0] }
        add { $0.privateKey = [UInt8](good.privateKey.dropLast(3)) }
        add { $0.privateKey = certificates.second.privateKey }
        add { $0.clientAuthorityNames = [[0x31, 0]] }
        add { $0.clientAuthorityNames = [[0x30, 2, 1, 1]] }
        for identity in broken {
            try web.send(.serverIdentity(identity))
            let line = try web.next { if case .log(.error, let line) = $0 { line } else { nil } }
            #expect(line.hasPrefix("the server identity for TLS cannot be used, the one before it stays: "))
        }
        #expect(try subject(web) == "subject=O = tests, CN = server")
    }

    @Test("Clients are told the authorities whose certificates are asked for", arguments: ["-tls1_2", "-tls1_3"])
    func authorities(version: String) throws {
        let web = try Harness.secure()
        var identity = certificates.server
        identity.clientAuthorityNames = [Certificates.name("first authority"), Certificates.name("zweite Behörde")]
        try web.use(identity)
        let output = try run(try web.handshake([version])).output
        #expect(output.contains("Acceptable client certificate CA names\nCN = first authority\nCN = zweite Beh"))

        identity.clientAuthorityNames = (0..<256).map {
            Certificates.name("authority \($0) " + String(repeating: "x", count: 90))
        }
        try web.use(identity)
        let many = try run(try web.handshake([version]))
        #expect(many.status == 0)
        #expect(many.output.split(separator: "\n").count { $0.hasPrefix("CN = authority ") } == 256)

        identity.clientAuthorityNames = []
        try web.use(identity)
        #expect(try run(try web.handshake([version])).output.contains("No client certificate CA names sent"))
    }

    @Test("Nothing is asked for where the identity does not ask")
    func notAsked() throws {
        let web = try Harness.secure()
        var identity = certificates.server
        identity.requestsClientCertificate = false
        try web.use(identity)
        let client = try web.secureClient(certificates.showing("client"))
        client.get("/a")
        let request = try web.nextRequest()
        #expect(request.clientCertificates.isEmpty)
        try web.respond(request)
        #expect(try client.response()?.status == 200)
    }

    @Test("The key's bytes are wiped once it is in use", .enabled(if: getuid() == 0))
    func wiped() throws {
        let web = try Harness.secure()
        let client = try web.secureClient()
        client.get("/a")
        _ = try web.nextRequest()
        let key = certificates.server.privateKey
        #expect(try web.memoryHolds(certificates.server.certificateChain[0]))
        #expect(try !web.memoryHolds(key))
        // As it came in pieces, and where it could not be used.
        var large = certificates.second
        large.certificateChain += [[UInt8](repeating: 0x30, count: 60_000)]
        try web.use(large)
        #expect(try !web.memoryHolds(large.privateKey))
    }
}
