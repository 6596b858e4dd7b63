// SPDX-License-Identifier: Apache-2.0

import Crypto
import NodeStatus
import SwiftASN1
import Testing
import X509

@testable import Access

/// Chains that the tests make themselves.
@Suite struct CertificateTests {
    private func root(_ name: String = "root") throws -> Issued { try Blueprint.authority(name).issue(by: nil) }

    @Test func commonNameAndOrganizationsAreUserAndGroups() async throws {
        let root = try root()
        let client = try Blueprint.client("alice", groups: ["ops", "dev"]).issue(by: root)
        let outcome = await ClientCertificates(try authorities(root)).verify([client.der])
        let identity = try #require(outcome.identity)
        #expect(identity.name == "alice")
        #expect(identity.uid == nil)
        #expect(identity.groups == ["ops", "dev", "system:authenticated"])
        #expect(identity.method == .x509)
        let hash = Fingerprint(of: client.der).hexadecimal
        #expect(identity.extra == ["authentication.kubernetes.io/credential-id": ["X509SHA256=" + hash]])
        #expect(outcome == .identity(identity, notAfter: today.later(86_400)))
    }

    @Test func aKeyOfRSAWorksToo() async throws {
        let root = try Blueprint.authority("rsa").issue(by: nil, key: try rsaKey.get())
        let client = try Blueprint.client("alice").issue(by: root)
        #expect(await ClientCertificates(try authorities(root)).verify([client.der]).identity?.name == "alice")
    }

    @Test func intermediatesComeFromTheClient() async throws {
        let root = try root()
        let middle = try Blueprint.authority("middle").issue(by: root)
        let low = try Blueprint.authority("low").issue(by: middle)
        let client = try Blueprint.client("alice").issue(by: low)
        let verifier = ClientCertificates(try authorities(root))
        #expect(await verifier.verify([client.der, low.der, middle.der]).identity?.name == "alice")
        // In any order, with what belongs to nothing among them.
        let other = try Blueprint.authority("other").issue(by: nil)
        #expect(await verifier.verify([client.der, other.der, middle.der, low.der]).identity?.name == "alice")
        #expect(await verifier.verify([client.der, low.der]).refusal?.contains("was not signed by one") == true)
        // An intermediate authority may also be in the bundle itself.
        let direct = ClientCertificates(try authorities(low))
        #expect(await direct.verify([client.der]).identity?.name == "alice")
    }

    @Test func everyAuthorityOfTheBundleCounts() async throws {
        let first = try root("first")
        let second = try root("second")
        let verifier = ClientCertificates(try authorities(first, second))
        #expect(await verifier.verify([try Blueprint.client("a").issue(by: first).der]).identity?.name == "a")
        #expect(await verifier.verify([try Blueprint.client("b").issue(by: second).der]).identity?.name == "b")
    }

    @Test func expiredAndNotYetValid() async throws {
        let root = try root()
        var blueprint = try Blueprint.client("alice")
        blueprint.notAfter = today.later(-1)
        let verifier = ClientCertificates(try authorities(root))
        let expired = await verifier.verify([try blueprint.issue(by: root).der])
        #expect(expired == .refused("the client certificate has expired on 2029-12-31T23:59:59Z"))
        blueprint.notBefore = today.later(1)
        blueprint.notAfter = today.later(10)
        let early = await verifier.verify([try blueprint.issue(by: root).der])
        #expect(early == .refused("the client certificate is not valid before 2030-01-01T00:00:01Z"))
    }

    @Test func expiredAuthorities() async throws {
        var blueprint = try Blueprint.authority("root")
        blueprint.notAfter = today.later(-1)
        let root = try blueprint.issue(by: nil)
        let client = try Blueprint.client("alice").issue(by: root)
        let bundle = try authorities(root)
        #expect(
            await ClientCertificates(bundle).verify([client.der])
                == .refused("the authority \"CN=root\" has expired on 2029-12-31T23:59:59Z"))
        #expect(bundle.outdated(at: today) == ["the authority \"CN=root\" has expired, and lets nobody in"])
        #expect(bundle.outdated(at: today.later(-10)) == [])
        #expect(
            bundle.outdated(at: today.later(-1_000_000)) == [
                "the authority \"CN=root\" is not valid yet, and lets nobody in"
            ])
    }

    @Test func anotherAuthorityOfTheSameName() async throws {
        let client = try Blueprint.client("alice").issue(by: try root())
        let outcome = await ClientCertificates(try authorities(try root())).verify([client.der])
        #expect(
            outcome
                == .refused(
                    "the client certificate, issued by \"CN=root\", was not signed by one of the authorities"))
    }

    @Test func selfSigned() async throws {
        let client = try Blueprint.client("alice").issue(by: nil)
        let outcome = await ClientCertificates(try authorities(try root())).verify([client.der])
        #expect(
            outcome == .refused("the client certificate \"CN=alice\" is self-signed, and not one of the authorities"))
    }

    @Test func wrongUsage() async throws {
        let root = try root()
        let verifier = ClientCertificates(try authorities(root))
        var blueprint = try Blueprint.client("alice")
        for usage: [ExtendedKeyUsage.Usage]? in [[.serverAuth], [.any], nil] {
            blueprint.extendedUsage = usage
            let outcome = await verifier.verify([try blueprint.issue(by: root).der])
            #expect(
                outcome == .refused("the client certificate is not for client authentication (extended key usage)"))
        }
        blueprint.extendedUsage = [.serverAuth, .clientAuth]
        #expect(await verifier.verify([try blueprint.issue(by: root).der]).identity?.name == "alice")
    }

    @Test func anAuthorityForServersOnly() async throws {
        let root = try root()
        var blueprint = try Blueprint.authority("middle")
        blueprint.extendedUsage = [.serverAuth]
        let middle = try blueprint.issue(by: root)
        let client = try Blueprint.client("alice").issue(by: middle)
        let verifier = ClientCertificates(try authorities(root))
        #expect(
            await verifier.verify([client.der, middle.der])
                == .refused("the authority \"CN=middle\" is not for client authentication"))
        blueprint.extendedUsage = [.any]
        let allowed = try blueprint.issue(by: root)
        let good = try Blueprint.client("alice").issue(by: allowed)
        #expect(await verifier.verify([good.der, allowed.der]).identity?.name == "alice")
    }

    @Test func aClientIsNoAuthority() async throws {
        let root = try root()
        let client = try Blueprint.client("alice").issue(by: root)
        let forged = try Blueprint.client("admin", groups: ["system:masters"]).issue(by: client)
        let outcome = await ClientCertificates(try authorities(root)).verify([forged.der, client.der])
        #expect(
            outcome
                == .refused("a certificate in the chain of the client certificate is not that of an authority"))
        // Nor is one that may sign, but not certificates.
        var blueprint = try Blueprint.authority("lists")
        blueprint.keyUsage = KeyUsage(cRLSign: true)
        let lists = try blueprint.issue(by: root)
        let below = try Blueprint.client("admin").issue(by: lists)
        let second = await ClientCertificates(try authorities(root)).verify([below.der, lists.der])
        #expect(second == .refused("the authority \"CN=lists\" must not sign certificates (key usage)"))
    }

    @Test func pathLength() async throws {
        var blueprint = try Blueprint.authority("root")
        blueprint.maximumPathLength = 0
        let root = try blueprint.issue(by: nil)
        let middle = try Blueprint.authority("middle").issue(by: root)
        let verifier = ClientCertificates(try authorities(root))
        let below = try Blueprint.client("alice").issue(by: middle)
        #expect(
            await verifier.verify([below.der, middle.der])
                == .refused("the chain of the client certificate is longer than one of its authorities allows"))
        #expect(await verifier.verify([try Blueprint.client("bob").issue(by: root).der]).identity?.name == "bob")
    }

    @Test func nameConstraints() async throws {
        let root = try root()
        var blueprint = try Blueprint.authority("middle")
        let constraints = NameConstraints(permittedSubtrees: [.dnsName("good.example")], excludedSubtrees: [])
        blueprint.extra = [try Certificate.Extension(constraints, critical: true)]
        let middle = try blueprint.issue(by: root)
        var client = try Blueprint.client("alice")
        client.extra = [try Certificate.Extension(SubjectAlternativeNames([.dnsName("bad.example")]), critical: false)]
        let verifier = ClientCertificates(try authorities(root))
        #expect(
            await verifier.verify([try client.issue(by: middle).der, middle.der])
                == .refused(
                    "the client certificate has a name that one of its authorities must not give (name constraints)"))
        client.extra = [
            try Certificate.Extension(SubjectAlternativeNames([.dnsName("x.good.example")]), critical: true)
        ]
        #expect(await verifier.verify([try client.issue(by: middle).der, middle.der]).identity?.name == "alice")
    }

    @Test func unknownCriticalExtensions() async throws {
        let root = try root()
        var blueprint = try Blueprint.client("alice")
        blueprint.extra = [Certificate.Extension(oid: [1, 2, 3, 4], critical: true, value: [5, 0])]
        let verifier = ClientCertificates(try authorities(root))
        let refusal = await verifier.verify([try blueprint.issue(by: root).der]).refusal
        #expect(refusal == "the client certificate has a critical extension 1.2.3.4 that is not known here")
        blueprint.extra = [Certificate.Extension(oid: [1, 2, 3, 4], critical: false, value: [5, 0])]
        #expect(await verifier.verify([try blueprint.issue(by: root).der]).identity?.name == "alice")
    }

    @Test func withoutCommonNameThereIsNoOpinion() async throws {
        let root = try root()
        var blueprint = try Blueprint.client("")
        blueprint.subject = try DistinguishedName { OrganizationName("ops") }
        let verifier = ClientCertificates(try authorities(root))
        let chain = [try blueprint.issue(by: root).der]
        #expect(await verifier.verify(chain) == .noOpinion)
        #expect(verifier.cached(chain, now: now, date: today) == .noOpinion)
        #expect(await verifier.verify([]) == .noOpinion)
    }

    @Test func namesThatCannotBeTaken() async throws {
        let root = try root()
        let verifier = ClientCertificates(try authorities(root))
        for name in ["uid:0", "two\nlines", "nul\0", "\u{202e}moc", String(repeating: "x", count: 1_025)] {
            let refusal = await verifier.verify([try Blueprint.client(name).issue(by: root).der]).refusal
            #expect(
                refusal?.hasPrefix("the client certificate's subject: the user name ") == true,
                "\(name.debugDescription)")
            #expect(refusal?.unicodeScalars.contains(where: \.isUnprintable) == false)
        }
        let group = await verifier.verify([try Blueprint.client("a", groups: ["gid:0"]).issue(by: root).der]).refusal
        #expect(group?.contains("gid:") == true)
        // The name alone makes nobody root.
        let name = await verifier.verify([try Blueprint.client("root", groups: ["system:masters"]).issue(by: root).der])
        #expect(name.identity?.isLocalRoot == false)
        // The last common name counts, as in Go.
        var blueprint = try Blueprint.client("first")
        blueprint.subject = try DistinguishedName {
            CommonName("first")
            CommonName("last")
        }
        #expect(await verifier.verify([try blueprint.issue(by: root).der]).identity?.name == "last")
    }
}
