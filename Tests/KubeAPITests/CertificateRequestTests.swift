// SPDX-License-Identifier: Apache-2.0
import Crypto
import KubeTestServer
import NodeStatus
import Testing

@testable import KubeAPI

@Suite struct CertificateRequestTests {
    private let authority: TestAuthority

    init() throws {
        authority = try TestAuthority()
    }

    private func text(_ bytes: [UInt8]) -> String { String(decoding: bytes, as: UTF8.self) }

    /// The name of the object, reckoned after bootstrap.go's digestedName with another SHA-512/256.
    @Test func nameOfAKubelet() throws {
        let scalar: [UInt8] = Array(1...32)
        let key = try P256.Signing.PrivateKey(rawRepresentation: scalar)
        let request = try CertificateRequest(.node("node-a"), key: key)
        #expect(request.name == "node-csr-mS87B466MoWBmFLkblGG5qzDT7YN0V0-BhBaOa_zSqg")
        #expect(try CertificateRequest(.node("node-b"), key: key).name != request.name)
        let other = ClientCertificateIdentity(
            commonName: "system:node:node-a", organizations: ["system:nodes", "more"], signerName: "s")
        #expect(try CertificateRequest(other, key: key).name == "node-csr-RhLukiIRdi5y9cYV9jzu5mX8V63WVR9Bziol95HCcg0")
    }

    @Test func identityOfANode() {
        let identity = ClientCertificateIdentity.node("node-a", expirationSeconds: 600)
        #expect(identity.commonName == "system:node:node-a")
        #expect(identity.organizations == ["system:nodes"])
        #expect(identity.signerName == "kubernetes.io/kube-apiserver-client-kubelet")
        #expect(identity.expirationSeconds == 600)
        #expect(ClientCertificateIdentity.usages == ["digital signature", "client auth"])
    }

    /// The authority checks the signature of the request, so a certificate means that all is well with it.
    @Test func signedAndTaken() throws {
        let request = try CertificateRequest.testing()
        #expect(text(request.pem).hasPrefix("-----BEGIN CERTIFICATE REQUEST-----\n"))
        let notBefore = Timestamp(seconds: someDate.seconds - 60)
        let notAfter = Timestamp(seconds: someDate.seconds + 3_600)
        let issued = try authority.sign(text(request.pem), notBefore: notBefore, notAfter: notAfter)
        let chain = Array(("what goes before\n" + issued + "\n" + authority.certificate).utf8)
        let pair = try request.pair(with: chain, date: someDate)
        #expect(pair.commonName == "system:node:node-a")
        #expect(pair.organizations == ["system:nodes"])
        #expect(pair.validity == RotationMachine.Validity(notBefore: notBefore, notAfter: notAfter))
        #expect(pair.chain.count == 2)
        #expect(!text(pair.file).contains("what goes"))
        let again = try ClientCertificatePair(file: pair.file)
        #expect(again.chain == pair.chain && again.validity == pair.validity)
        #expect(text(pair.file).hasSuffix("-----END PRIVATE KEY-----\n"))
        #expect(!"\(pair)".contains("PRIVATE"))
    }

    @Test func recognisesItsKey() throws {
        let request = try CertificateRequest.testing()
        let same = try CertificateRequest(
            ClientCertificateIdentity(commonName: "other", organizations: [], signerName: "x"), key: request.key)
        #expect(request.isWithThisKey(request.pem))
        #expect(request.isWithThisKey(same.pem))
        #expect(!request.isWithThisKey(try CertificateRequest.testing().pem))
        for garbage in ["", "x", "-----BEGIN CERTIFICATE REQUEST-----\nAAAA\n-----END CERTIFICATE REQUEST-----\n"] {
            #expect(!request.isWithThisKey(Array(garbage.utf8)))
        }
        #expect(!request.isWithThisKey([0xff, 0xfe]))
    }

    private func refusal(_ request: CertificateRequest, _ chain: String, date: Timestamp = someDate) -> String? {
        problem { () throws(CertificateProblem) in try request.pair(with: Array(chain.utf8), date: date) }?.description
    }

    @Test func refusesWhatIsOfNoUse() throws {
        let request = try CertificateRequest.testing()
        let pem = text(request.pem)
        #expect(refusal(request, "") == "0 certificates, where one to 16 belong")
        #expect(refusal(request, "x") == "no certificate in PEM form that can be read")
        let broken = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"
        #expect(refusal(request, broken) == "no certificate in PEM form that can be read")
        let good = try authority.sign(pem)
        #expect(refusal(request, good) == nil)
        let many = Array(repeating: good, count: 17).joined(separator: "\n")
        #expect(refusal(request, many) == "17 certificates, where one to 16 belong")
        let stranger = try CertificateRequest.testing()
        #expect(
            refusal(request, try authority.sign(text(stranger.pem)))
                == "the certificate is not that of the key, or of no use for TLS")
        #expect(
            refusal(request, try authority.sign(pem, usage: .server))
                == "the certificate is not one to be a client with")
        let late = Timestamp(seconds: TestAuthority.farOff.seconds)
        #expect(
            refusal(request, good, date: late)
                == "the certificate ended on 2100-01-01T00:00:00Z, and here it is 2100-01-01T00:00:00Z: is one of the "
                + "clocks wrong?")
        // Signed with our key, for somebody else.
        let other = try CertificateRequest(
            ClientCertificateIdentity(
                commonName: "system:admin", organizations: ["system:masters", "x"], signerName: "s"), key: request.key)
        #expect(
            refusal(request, try authority.sign(text(other.pem)))
                == "the certificate is for \"system:admin\" in \"system:masters\", \"x\", not for "
                + "\"system:node:node-a\" in \"system:nodes\"")
        let nobody = try CertificateRequest(
            ClientCertificateIdentity(commonName: "system:node:node-a", organizations: [], signerName: "s"),
            key: request.key)
        #expect(refusal(request, try authority.sign(text(nobody.pem)))?.contains("in no group, not for") == true)
    }

    @Test func pairsThatAreNone() throws {
        let one = try authority.issue("a", usage: .client)
        let two = try authority.issue("b", usage: .client)
        func fault(_ chain: String, _ key: String) -> String? {
            problem { () throws(CertificateProblem) in
                try ClientCertificatePair(chain: Array(chain.utf8), key: Array(key.utf8))
            }?.description
        }
        #expect(fault(one.chain, one.key) == nil)
        #expect(fault(one.chain, two.key) == "the certificate is not that of the key, or of no use for TLS")
        #expect(fault(one.chain, "") == "no private key in PEM form that can be read")
        #expect(fault(one.chain, one.chain) == "no private key in PEM form that can be read")
        #expect(fault(one.key, one.key) == "no certificate in PEM form that can be read")
    }
}
