// SPDX-License-Identifier: Apache-2.0

import Crypto
import CryptoExtras
import Glibc
import NodeStatus
import Posix
import SwiftASN1
import Testing
import X509

@testable import Access

@Suite struct ServingCertificateTests {
    private let scratch: Scratch
    private static let year: Int64 = 365 * 86_400

    init() throws { scratch = try Scratch() }

    private var own: ServingCertificate {
        ServingCertificate(.own(path: scratch.file("serving.pem"), name: "node-1", addresses: addresses))
    }

    private var addresses: [IPAddress] { ["192.0.2.7", "2001:db8::7"].compactMap { IPAddress($0) } }

    private var files: ServingCertificate {
        ServingCertificate(.files(certificate: scratch.file("tls.crt"), key: scratch.file("tls.key")))
    }

    private func write(_ issued: Issued, certificate: String = "tls.crt", key: String? = "tls.key") throws {
        try scratch.write(issued.pem, to: certificate, mode: 0o644)
        if let key { try scratch.write(try issued.key.serializeAsPEM().pemString + "\n", to: key) }
    }

    private func server(_ name: String, key: Certificate.PrivateKey? = nil) throws -> Issued {
        var blueprint = try Blueprint.client(name)
        blueprint.extendedUsage = [.serverAuth]
        return try blueprint.issue(by: nil, key: key)
    }

    private func words(_ refresh: AccessRefresh) -> [String] { refresh.notices.map(\.description) }

    // MARK: - Our own

    @Test func oneIsMadeAndKept() throws {
        var first = own
        let made = first.refresh(date: today)
        #expect(made.isChanged)
        #expect(!made.notices.contains { $0.isProblem })
        let pair = try #require(first.pair)
        #expect(pair.notBefore == today.later(-3_600))
        #expect(pair.notAfter == today.later(-3_600 + Self.year))
        var status = stat()
        #expect(lstat(scratch.file("serving.pem"), &status) == 0)
        #expect(status.st_mode & 0o7777 == 0o600)
        #expect(!first.refresh(date: today.later(1)).isChanged)
        // The next agent serves the same.
        var second = own
        #expect(second.refresh(date: today.later(60)).isChanged)
        #expect(second.pair == pair)
    }

    @Test func itSaysWhatItIsFor() throws {
        var made = own
        _ = made.refresh(date: today)
        let certificate = try Certificate(derEncoded: try #require(made.pair?.certificateChain.first))
        let names = try #require(try certificate.extensions.subjectAlternativeNames)
        #expect(
            Array(names) == [.dnsName("node-1"), .dnsName("localhost")]
                + addresses.map { .ipAddress(ASN1OctetString(contentBytes: $0.bytes[...])) })
        #expect(try certificate.extensions.extendedKeyUsage == ExtendedKeyUsage([.serverAuth]))
        #expect(try certificate.extensions.basicConstraints == .notCertificateAuthority)
        #expect(certificate.publicKey.isValidSignature(certificate.signature, for: certificate))
    }

    @Test func itIsRenewedInItsLastThird() throws {
        var made = own
        _ = made.refresh(date: today)
        let pair = made.pair
        #expect(!made.refresh(date: today.later(Self.year * 2 / 3 - 3_700)).isChanged)
        #expect(made.refresh(date: today.later(Self.year * 2 / 3)).isChanged)
        #expect(made.pair != pair)
        var next = own
        _ = next.refresh(date: today.later(Self.year * 2 / 3 + 10))
        #expect(next.pair == made.pair)
    }

    @Test(
        "What cannot be served any more is made anew",
        arguments: ["another name", "the clock is before it", "garbage", "readable"])
    func madeAnew(why: String) throws {
        var first = own
        _ = first.refresh(date: today)
        var second = own
        var date = today
        switch why {
        case "another name":
            second = ServingCertificate(.own(path: scratch.file("serving.pem"), name: "node-2", addresses: []))
        case "the clock is before it": date = today.later(-7_200)
        case "garbage": try scratch.write("garbage", to: "serving.pem")
        // Its key may be known to others.
        default: #expect(chmod(scratch.file("serving.pem"), 0o644) == 0)
        }
        #expect(second.refresh(date: date).isChanged)
        #expect(second.pair != first.pair)
        var third = ServingCertificate(
            .own(path: scratch.file("serving.pem"), name: why == "another name" ? "node-2" : "node-1", addresses: []))
        _ = third.refresh(date: date)
        #expect(third.pair == second.pair)
    }

    @Test func oneThatCannotBeKeptServesAllTheSame() throws {
        var made = ServingCertificate(.own(path: scratch.file("gone/serving.pem"), name: "n", addresses: []))
        let refresh = made.refresh(date: today)
        #expect(made.pair != nil)
        #expect(words(refresh).contains { $0.contains("cannot be kept") })
        // Said once, and not made every second.
        #expect(made.refresh(date: today.later(1)) == AccessRefresh())
    }

    @Test func aLinkInItsPlaceIsReplacedAndNotFollowed() throws {
        try scratch.write("precious", to: "target")
        #expect(symlink(scratch.file("target"), scratch.file(".serving.pem.new")) == 0)
        #expect(symlink(scratch.file("target"), scratch.file("serving.pem")) == 0)
        var made = own
        _ = made.refresh(date: today)
        #expect(made.pair != nil)
        #expect(try Descriptor.open(scratch.file("target"), O_RDONLY).read(limit: 100) == Array("precious".utf8))
    }

    // MARK: - The operator's

    @Test func filesAreFollowed() throws {
        try write(try server("one"))
        var served = files
        #expect(served.refresh(date: today).isChanged)
        let one = served.pair
        #expect(served.refresh(date: today.later(1)) == AccessRefresh())
        try write(try server("two"))
        #expect(served.refresh(date: today.later(2)).isChanged)
        #expect(served.pair != one)
    }

    @Test func halfOfANewPairKeepsTheOldOne() throws {
        try write(try server("one"))
        var served = files
        _ = served.refresh(date: today)
        let one = served.pair
        let two = try server("two")
        try write(two, key: nil)
        let half = served.refresh(date: today.later(1))
        #expect(!half.isChanged)
        #expect(served.pair == one)
        #expect(
            words(half) == [
                "\(scratch.file("tls.key")): it is not the key of the first certificate in \(scratch.file("tls.crt")); "
                    + "both must be replaced together; the certificate that was there before stays in use"
            ])
        #expect(served.refresh(date: today.later(2)) == AccessRefresh())
        try write(two)
        #expect(served.refresh(date: today.later(3)).isChanged)
        #expect(served.pair?.certificateChain == [two.der])
    }

    @Test func withoutThemThereIsNone() throws {
        var served = files
        let refresh = served.refresh(date: today)
        #expect(served.pair == nil)
        #expect(refresh.notices.count == 1)
        #expect(words(refresh).allSatisfy { $0.contains(scratch.file("tls.crt")) && $0.contains("no TLS without it") })
    }

    @Test("Every kind of key is passed on as PKCS #8", arguments: ["p256", "p384", "p521", "ed25519", "rsa"])
    func kinds(kind: String) throws {
        let key: Certificate.PrivateKey =
            switch kind {
            case "p256": Certificate.PrivateKey(P256.Signing.PrivateKey())
            case "p384": Certificate.PrivateKey(P384.Signing.PrivateKey())
            case "p521": Certificate.PrivateKey(P521.Signing.PrivateKey())
            case "ed25519": Certificate.PrivateKey(Curve25519.Signing.PrivateKey())
            default: Certificate.PrivateKey(try _RSA.Signing.PrivateKey(keySize: .bits2048))
            }
        try write(try server("one", key: key))
        var served = files
        #expect(served.refresh(date: today).isChanged)
        let passed = try #require(served.pair?.privateKey)
        let document = PEMDocument(type: "PRIVATE KEY", derBytes: passed)
        #expect(try Certificate.PrivateKey(pemDocument: document).publicKey == key.publicKey)
    }

    @Test(
        "A key that cannot be used is refused",
        arguments: [
            ("", "not a PEM file"),
            ("-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----\n", "encrypted"),
            ("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n", "cannot be read"),
        ])
    func badKey(content: String, reason: String) throws {
        try write(try server("one"))
        try scratch.write(content, to: "tls.key")
        var served = files
        #expect(words(served.refresh(date: today)).contains { $0.contains(reason) })
        #expect(served.pair == nil)
    }

    @Test func aKeyThatOthersCanReadIsRefused() throws {
        try write(try server("one"))
        #expect(chmod(scratch.file("tls.key"), 0o644) == 0)
        var served = files
        #expect(words(served.refresh(date: today)).contains { $0.contains("chmod 0600") })
        #expect(served.pair == nil)
    }

    @Test func expiryIsSaidOnce() throws {
        try write(try server("one"))
        var served = files
        _ = served.refresh(date: today)
        let after = served.refresh(date: today.later(86_401))
        #expect(words(after).contains { $0.contains("has expired on") })
        #expect(!after.isChanged)
        #expect(served.refresh(date: today.later(86_402)) == AccessRefresh())
    }
}
