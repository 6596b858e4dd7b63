// SPDX-License-Identifier: Apache-2.0
import KubeTestServer
import NodeStatus
import Testing

@testable import KubeAPI

@Suite struct CredentialTests {
    private let authority: TestAuthority
    private let directory = Directory()

    init() throws {
        authority = try TestAuthority()
    }

    private func problem(cluster: [String] = [], user: [String] = []) -> String? {
        do throws(KubeconfigProblem) {
            _ = try KubeClient.testing(
                try parse(kubeconfig(server: "https://10.0.0.1", cluster: cluster, user: user)))
            return nil
        } catch {
            return error.description
        }
    }

    @Test func pairsThatDoNotMatch() throws {
        let one = try authority.issue("one", usage: .client)
        let two = try authority.issue("two", usage: .client)
        let chain = directory.write("one.crt", one.chain)
        let key = directory.write("two.key", two.key)
        let text = try #require(problem(user: ["client-certificate: \(chain)", "client-key: \(key)"]))
        #expect(text.contains("client-key \(key): not the key of the certificate in client-certificate \(chain)"))
    }

    @Test func oneFileForBoth() throws {
        let pair = try authority.issue("one", usage: .client)
        let path = directory.write("both.pem", pair.combined)
        #expect(problem(user: ["client-certificate: \(path)", "client-key: \(path)"]) == nil)
    }

    @Test func knowsTheEndOfItsCertificate() throws {
        let end = Timestamp(seconds: 1_800_000_000)
        let pair = try authority.issue("one", usage: .client, notAfter: end)
        let client = try KubeClient.testing(
            port: 1, authority: authority.certificate,
            user: ["client-certificate-data: \(base64(pair.chain))", "client-key-data: \(base64(pair.key))"])
        #expect(client.clientCertificateExpires == end)
    }

    @Test func garbage() throws {
        let junk = directory.write("junk", "-----BEGIN CERTIFICATE-----\nhunter2\n-----END CERTIFICATE-----\n")
        let pair = try authority.issue("one", usage: .client)
        let chain = directory.write("one.crt", pair.chain)
        let encrypted = directory.write(
            "encrypted",
            "-----BEGIN ENCRYPTED PRIVATE KEY-----\nMIIBvTBXBgkqhkiG9w0BBQ0w\n-----END ENCRYPTED PRIVATE KEY-----\n")
        let empty = directory.write("empty", "\n")
        for (text, expected) in [
            (problem(cluster: ["certificate-authority: \(junk)"]), "no certificate in PEM form"),
            (problem(cluster: ["certificate-authority: \(empty)"]), "no certificate in PEM form"),
            (problem(cluster: ["certificate-authority: /nonexistent"]), "cannot be read: No such file"),
            (problem(user: ["client-certificate: \(chain)", "client-key: \(junk)"]), "no private key in PEM form"),
            (problem(user: ["client-certificate: \(chain)", "client-key: \(encrypted)"]), "the key is encrypted"),
            (problem(user: ["tokenFile: \(empty)"]), "one token of at most"),
            (problem(user: ["tokenFile: /dev/zero"]), "larger than 1048576 bytes"),
        ] {
            let text = try #require(text)
            #expect(text.contains(expected))
            #expect(text.hasPrefix("/etc/nodekeep/kubeconfig: "))
            #expect(!text.contains("hunter2"))
        }
    }
}
