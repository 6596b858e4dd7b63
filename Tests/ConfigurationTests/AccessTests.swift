// SPDX-License-Identifier: Apache-2.0

import Configuration
import Testing

@Suite struct AccessTests {
    @Test("As shipped nobody is served on the main listener")
    func defaults() throws {
        let access = try accepted("").access
        #expect(!access.hasAuthenticator && !access.needsWebhook)
        #expect(access.mode == .policy)
        #expect(access.policyFile == "/etc/nodekeep/policy.yaml")
    }

    @Test(
        "Any way to tell somebody turns it on",
        arguments: [
            "authentication: {anonymous: {enabled: true}}", "authentication: {x509: {clientCAFile: /a}}",
            "authentication: {tokenFile: /a}", "authentication: {tokenAuthFile: /a}",
            "authentication: {webhook: {enabled: true}}\nkubeconfig: /k",
        ])
    func authenticators(yaml: String) throws {
        #expect(try accepted(yaml).access.hasAuthenticator)
    }

    @Test("TLS as it was asked for, in the names of today")
    func tls() throws {
        let tls = try accepted(ConfigurationTests.everything).tls
        #expect(tls.certFile == "/tls/c.pem" && tls.privateKeyFile == "/tls/k.pem")
        #expect(tls.minVersion == .tls13)
        #expect(tls.cipherSuites == ["TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256"])
        #expect(try accepted(kubelets + "tlsMinVersion: VersionTLS10").tls.minVersion == .tls12)
    }

    static let bad: [(yaml: String, problem: String)] = [
        (
            "authentication: {anonymous: {enabled: true}}\nauthorization: {mode: AlwaysAllow}",
            "n.yaml:2: authorization.mode: \"AlwaysAllow\" is not allowed: Webhook or Policy while "
                + "authentication.anonymous.enabled is true: together they would give the memory of every container "
                + "to whoever asks"
        ),
        (
            "authentication: {webhook: {enabled: true}}",
            "n.yaml:1: authentication.webhook.enabled: \"true\" is not allowed: only together with kubeconfig (or "
                + "--kubeconfig), which says where the API server is"
        ),
        (
            "authentication: {tokenFile: /t}\nauthorization: {mode: Webhook}",
            "n.yaml:2: authorization.mode: \"Webhook\" is not allowed: only together with kubeconfig (or "
                + "--kubeconfig), which says where the API server is"
        ),
        (
            "tlsCertFile: /c",
            "n.yaml:1: tlsCertFile: \"/c\" is not allowed: tlsCertFile and tlsPrivateKeyFile "
                + "together, or neither"
        ),
        (
            "tlsMinVersion: VersionTLS11",
            "n.yaml:1: tlsMinVersion: \"VersionTLS11\" is not allowed: VersionTLS12 or "
                + "VersionTLS13; older ones are broken and not served"
        ),
        (
            "authentication: {tokenFile: t}",
            "n.yaml:1: authentication.tokenFile: \"t\" is not allowed: an absolute "
                + "path of at most 4095 bytes, without \".\", \"..\" and control characters"
        ),
    ]

    @Test("What would be wrong or open is an error", arguments: bad)
    func problems(yaml: String, problem: String) {
        #expect(resolve(yaml).problems.map(\.description) == [problem])
    }

    @Test("A cipher suite without forward secrecy is an error that names those that may be")
    func weakCipher() {
        let problem = resolve("tlsCipherSuites: [TLS_RSA_WITH_AES_128_CBC_SHA]").problems.first?.description ?? ""
        #expect(problem.hasPrefix("n.yaml:1: tlsCipherSuites[0]: \"TLS_RSA_WITH_AES_128_CBC_SHA\" is not allowed: "))
        #expect(problem.contains("TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384"))
    }

    @Test("A kubelet's file that serves nothing has nothing served")
    func noServer() throws {
        let yaml = kubelets + "enableServer: false\nauthentication: {x509: {clientCAFile: /a}}"
        let configuration = try #require(resolve(yaml, flags: FlagValues(kubeconfig: "/k")).configuration)
        #expect(!configuration.access.hasAuthenticator)
    }
}
