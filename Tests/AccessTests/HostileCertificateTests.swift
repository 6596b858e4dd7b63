// SPDX-License-Identifier: Apache-2.0

import NodeStatus
import Testing
import X509

@testable import Access

/// What somebody sends who is not to be let in, and what it costs.
@Suite struct HostileCertificateTests {
    private func root() throws -> Issued { try Blueprint.authority("root").issue(by: nil) }

    /// Sequences in sequences, thousands deep.
    private func nest() -> [UInt8] {
        var bytes: [UInt8] = [5, 0]
        while bytes.count < 30_000 {
            bytes = [0x30, 0x82, UInt8(bytes.count >> 8), UInt8(bytes.count & 0xff)] + bytes
        }
        return bytes
    }

    @Test func bytesThatAreNoCertificate() async throws {
        let root = try root()
        let client = try Blueprint.client("alice").issue(by: root).der
        let verifier = ClientCertificates(try authorities(root))
        for garbage: [UInt8] in [
            [], [0], [0x30], [0x30, 0x80], [0x30, 0x84, 0xff, 0xff, 0xff, 0xff], Array("-----BEGIN".utf8), client + [0],
            Array(client.dropLast()), Array(client.dropFirst()), [UInt8](repeating: 0x30, count: 4_000),
            [[UInt8]](repeating: [0x30, 0x80], count: 15_000).flatMap { $0 }, nest(),
        ] {
            let refusal = await verifier.verify([garbage]).refusal
            #expect(refusal?.hasPrefix("the client certificate cannot be read") == true, "\(refusal ?? "")")
            let second = await verifier.verify([client, garbage]).refusal
            #expect(second?.hasPrefix("certificate 2 of the client cannot be read") == true, "\(second ?? "")")
            #expect((second?.utf8.count ?? 0) < 400)
            #expect(second?.contains(".swift") == false)
        }
    }

    @Test func oneByteElsewhereIsAnotherCertificate() async throws {
        let root = try root()
        let client = try Blueprint.client("alice").issue(by: root).der
        let verifier = ClientCertificates(try authorities(root))
        // Nor is it taken for the one that is remembered.
        #expect(await verifier.verify([client]).identity != nil)
        var generator = Repeatable(seed: 1)
        for _ in 0..<300 {
            var bytes = client
            let index = Int.random(in: bytes.indices, using: &generator)
            bytes[index] ^= UInt8.random(in: 1 ... .max, using: &generator)
            let outcome = await verifier.verify([bytes])
            #expect(outcome.refusal != nil, "byte \(index)")
        }
    }

    @Test func timesThatNoClockShows() async throws {
        let root = try root()
        var blueprint = try Blueprint.client("alice")
        blueprint.notAfter = Timestamp(seconds: 2_000_000_000)  // 2033-05-18T03:33:20Z
        let client = try blueprint.issue(by: root).der
        let verifier = ClientCertificates(try authorities(root))
        let time = Array("330518033320Z".utf8)
        let place = try #require(client.indices.first { client[$0...].starts(with: time) })
        for (seconds, isRead) in [("59", true), ("60", false), ("61", false), ("62", false)] {
            var bytes = client
            bytes.replaceSubrange(place + 10..<place + 12, with: seconds.utf8)
            let refusal = try #require(await verifier.verify([bytes]).refusal)
            #expect(refusal.hasPrefix("the client certificate cannot be read") != isRead, "\(seconds): \(refusal)")
        }
    }

    @Test func aClockThatIsFarOff() async throws {
        let root = try root()
        let client = try Blueprint.client("alice").issue(by: root).der
        let verifier = ClientCertificates(try authorities(root))
        for (index, seconds) in [Int64.min, -1, 0, 253_402_300_800, .max].enumerated() {
            // Beyond what is remembered of the last.
            let later = now + .seconds(60 * index)
            let outcome = await verifier.verify([client], now: later, date: Timestamp(seconds: seconds))
            #expect(outcome.refusal != nil)
        }
    }

    @Test func sizesAreBounded() async throws {
        let root = try root()
        let client = try Blueprint.client("alice").issue(by: root).der
        let verifier = ClientCertificates(try authorities(root))
        let many = [[UInt8]](repeating: client, count: 9)
        #expect(await verifier.verify(many) == .refused("9 client certificates; 8 is the limit"))
        #expect(verifier.cached(many, now: now, date: today) == .refused("9 client certificates; 8 is the limit"))
        let large = [client, [UInt8](repeating: 0, count: 32_768 - client.count + 1)]
        #expect(await verifier.verify(large) == .refused("the client certificates are larger than 32768 bytes"))
        #expect(await verifier.verify(Array(many.dropLast())).identity?.name == "alice")
    }

    /// Seven authorities of one name and key, so that each has signed all the others; other names beside the subject
    /// keep the verifier from holding them for the same. 7! ways, and more than 10 000 signatures.
    @Test func manyWaysThroughTheChainAreNotTried() async throws {
        let root = try root()
        let first = try Blueprint.authority("maze").issue(by: nil)
        var maze: [Issued] = []
        for index in 0..<7 {
            var blueprint = try Blueprint.authority("maze")
            let names = SubjectAlternativeNames([.dnsName("n\(index)")])
            blueprint.extra = [try Certificate.Extension(names, critical: false)]
            maze.append(try blueprint.issue(by: first, key: first.key))
        }
        let (one, other) = ClientCertificates.distinct(maze.map(\.certificate))
        #expect(one == [maze[0].certificate])
        #expect(other == [maze[6].certificate])
        let client = try Blueprint.client("alice").issue(by: first)
        let verifier = ClientCertificates(try authorities(root))
        let refusal = await verifier.verify([client.der] + maze.map(\.der)).refusal
        #expect(refusal?.contains("was not signed by one of the authorities") == true)
    }

    @Test func anAuthorityMayBeSentAsSignedByTwo() async throws {
        let old = try Blueprint.authority("old").issue(by: nil)
        let new = try Blueprint.authority("new").issue(by: nil)
        let byOld = try Blueprint.authority("middle").issue(by: old)
        let byNew = try Blueprint.authority("middle").issue(by: new, key: byOld.key)
        let client = try Blueprint.client("alice").issue(by: byOld)
        for trusted in [old, new] {
            let verifier = ClientCertificates(try authorities(trusted))
            #expect(await verifier.verify([client.der, byOld.der, byNew.der]).identity?.name == "alice")
            #expect(await verifier.verify([client.der, byNew.der, byOld.der]).identity?.name == "alice")
        }
    }

    @Test func anAnswerIsRememberedForAWhile() async throws {
        let root = try root()
        let chain = [try Blueprint.client("alice").issue(by: root).der]
        let verifier = ClientCertificates(try authorities(root))
        #expect(verifier.cached(chain, now: now, date: today) == nil)
        let outcome = await verifier.verify(chain)
        #expect(verifier.cached(chain, now: now + .seconds(119), date: today) == outcome)
        #expect(verifier.cached(chain, now: now + .seconds(120), date: today) == nil)
        // Another's memory is not this one's: a new bundle forgets everything.
        #expect(ClientCertificates(verifier.authorities).cached(chain, now: now, date: today) == nil)
    }

    @Test func whatIsRememberedExpires() async throws {
        let root = try root()
        var blueprint = try Blueprint.client("alice")
        blueprint.notAfter = today.later(5)
        let chain = [try blueprint.issue(by: root).der]
        let verifier = ClientCertificates(try authorities(root))
        #expect(await verifier.verify(chain).identity != nil)
        #expect(verifier.cached(chain, now: now, date: today.later(5)) != nil)
        #expect(verifier.cached(chain, now: now, date: today.later(6)) == nil)
        #expect(verifier.cached(chain, now: now, date: today.later(-86_401)) == nil)
        let late = await verifier.verify(chain, now: now, date: today.later(6))
        #expect(late.refusal?.contains("has expired") == true)
    }

    @Test func aRefusalIsRememberedShortly() async throws {
        let chain = [try Blueprint.client("alice").issue(by: nil).der]
        let verifier = ClientCertificates(try authorities(try root()))
        let outcome = await verifier.verify(chain)
        #expect(outcome.refusal != nil)
        #expect(verifier.cached(chain, now: now + .seconds(9), date: today) == outcome)
        #expect(verifier.cached(chain, now: now + .seconds(10), date: today) == nil)
    }

    @Test func theMemoryIsBounded() {
        var cache = ExpiringCache<Int, Int>(capacity: 3)
        for index in 0..<1_000 { cache.insert(index, for: index, until: now + .seconds(1), now: now) }
        #expect(cache.count == 3)
        #expect((997..<1_000).allSatisfy { cache.value(of: $0, now: now) == $0 })
        // What has been used stays.
        _ = cache.value(of: 997, now: now)
        cache.insert(1, for: 1, until: now + .seconds(1), now: now)
        #expect(cache.value(of: 997, now: now) == 997)
        #expect(cache.value(of: 998, now: now) == nil)
        // What has expired makes room first.
        cache.insert(2, for: 2, until: now + .seconds(9), now: now)
        cache.insert(3, for: 3, until: now + .seconds(9), now: now + .seconds(2))
        #expect(cache.count == 2)
        cache.insert(4, for: 4, until: now, now: now)
        #expect(cache.value(of: 4, now: now) == nil)
    }
}

/// Chains that the openssl command line has made: Fixtures/make.
@Suite struct FixtureCertificateTests {
    private func verify(_ names: String..., by authorities: String = "ca") async throws -> ClientCertificates.Outcome {
        let verifier = ClientCertificates(try fixtureAuthorities(authorities))
        return await verifier.verify(try names.map { try fixtureDER($0) })
    }

    @Test func goodOnes() async throws {
        let alice = try #require(await verify("client").identity)
        #expect(alice.name == "alice")
        #expect(alice.groups == ["ops", "dév", "system:authenticated"])
        #expect(try await verify("below", "intermediate").identity?.name == "below")
        #expect(try await verify("client-384", by: "ca-384").identity?.name == "carol")
        #expect(try await verify("edwards", by: "edwards-ca").identity?.name == "edwards")
        #expect(try await verify("no-name") == .noOpinion)
    }

    @Test func theUIDOfTheSubject() async throws {
        #expect(try await verify("uid").identity?.uid == "u-1")
        #expect(try await verify("two-uids") == .refused("the client certificate has more than one UID"))
    }

    @Test func badOnes() async throws {
        for name in ["server", "no-usage"] {
            #expect(try await verify(name).refusal?.contains("is not for client authentication") == true)
        }
        #expect(try await verify("sha1") == .refused("a certificate of the chain is signed with SHA-1"))
        #expect(try await verify("bmp").refusal?.contains("common name is not a UTF-8") == true)
        #expect(try await verify("pss").refusal?.contains("cannot be read") == true)
        #expect(try await verify("stranger").refusal?.contains("self-signed") == true)
        #expect(try await verify("client", by: "ca-384").refusal?.contains("was not signed by") == true)
        #expect(try await verify("ca").refusal?.contains("is not for client authentication") == true)
    }

    /// Everybody with a certificate of version 1 would be an authority.
    @Test func aCertificateOfVersionOneSignsNobody() async throws {
        let outcome = try await verify("under-version-1", "version-1")
        #expect(
            outcome
                == .refused("the authority \"CN=version-1\" is a certificate of version 1, which is no authority"))
    }
}

@Suite struct BundleTests {
    private func failure(_ text: String) -> [String] {
        problems { () throws(AccessProblems) in try CertificateAuthorities(Array(text.utf8), file: "ca.pem") }
    }

    @Test func severalWithTextAround() throws {
        let first = try Blueprint.authority("first").issue(by: nil)
        let second = try Blueprint.authority("second").issue(by: nil)
        let text =
            "# first\r\n" + first.pem.replacing("\n", with: "  \r\n") + "\n\nSubject: x\n" + second.pem + first.pem
        let bundle = try CertificateAuthorities(Array(text.utf8), file: "ca.pem")
        #expect(bundle.certificates.count == 3)
        #expect(bundle.names.count == 2)
        // The subject's DER, as TLS wants it.
        #expect(bundle.names[0].first == 0x30)
        let contains = first.der.indices.contains { first.der[$0...].starts(with: bundle.names[0]) }
        #expect(contains)
    }

    @Test func linesOfAnyLength() throws {
        let issued = try Blueprint.authority("first").issue(by: nil)
        let lines = issued.pem.split(separator: "\n")
        let text = ([lines[0], Substring(lines.dropFirst().dropLast().joined())] + lines.suffix(1)).joined(
            separator: "\n")
        #expect(try CertificateAuthorities(Array(text.utf8), file: "ca.pem").certificates.count == 1)
    }

    @Test func whatIsNoBundle() throws {
        let good = try Blueprint.authority("first").issue(by: nil).pem
        #expect(failure("") == ["ca.pem: there is no certificate in it"])
        #expect(failure("nothing\n") == ["ca.pem: there is no certificate in it"])
        #expect(failure("-----BEGIN CERTIFICATE-----\nAA==\n") == ["ca.pem:1: the END line of this block is missing"])
        #expect(failure("\n-----END CERTIFICATE-----\n") == ["ca.pem:2: an END line without its BEGIN line"])
        #expect(failure("-----BEGIN CERTIFICATE-----\n" + good).first?.hasPrefix("ca.pem:2: a BEGIN line") == true)
        #expect(
            failure("-----BEGIN CERTIFICATE-----\n?\n-----END CERTIFICATE-----") == [
                "ca.pem:3: the block that ends here is not base64"
            ])
        #expect(failure("-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----").count == 1)
        #expect(
            failure(good + "-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----").first?.contains(
                "this certificate cannot be used") == true)
        let key = failure(good + "-----BEGIN PRIVATE KEY-----\nMAA=\n-----END PRIVATE KEY-----")
        #expect(key.first?.contains("a block of \"PRIVATE KEY\": only CERTIFICATE blocks belong in this file") == true)
        #expect(failure(String(repeating: good, count: 101)).first?.contains("more than 100 certificates") == true)
        let der = problems { () throws(AccessProblems) in
            try CertificateAuthorities([0x30, 0x82, 0xff], file: "ca.pem")
        }
        #expect(der == ["ca.pem: it is not a text file; PEM is wanted, not DER"])
    }

    @Test func anAuthorityThatCannotBeUsedIsNamed() throws {
        let found = problems { () throws(AccessProblems) in
            try CertificateAuthorities(
                (try? fixture("ca.pem") + fixture("brainpool-ca.pem")) ?? [], file: "ca.pem")
        }
        #expect(found.count == 1)
        #expect(found.first?.contains("this certificate cannot be used") == true)
    }
}
