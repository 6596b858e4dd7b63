// SPDX-License-Identifier: Apache-2.0

/// Who is let in on the main listener, and to what.
package struct AccessSettings: Equatable, Sendable {
    /// How it is decided what somebody may do.
    package enum Mode: String, Sendable, CaseIterable {
        /// Whoever has been authenticated may do everything.
        case alwaysAllow = "AlwaysAllow"
        /// A Kubernetes API server is asked (SubjectAccessReview).
        case webhook = "Webhook"
        /// Rules in a file of our own.
        case policy = "Policy"
    }

    /// Requests without any credential are `system:anonymous`.
    package var anonymous = false
    /// PEM: the authorities of client certificates.
    package var clientCAFile: String?
    /// nodekeep's own tokens, as hashes.
    package var tokenFile: String?
    /// Kubernetes' static token file (CSV).
    package var tokenAuthFile: String?
    /// Bearer tokens are shown to a Kubernetes API server (TokenReview).
    package var webhookAuthentication = false
    /// For how long its word holds, yes or no.
    package var webhookCacheTTL: Duration = .seconds(120)

    package var mode = Mode.policy
    package var policyFile = AccessSettings.defaultPolicyFile
    package var cacheAuthorizedTTL: Duration = .seconds(300)
    package var cacheUnauthorizedTTL: Duration = .seconds(30)

    /// Where the API server is that the webhooks ask.
    package var kubeconfig: String?

    package static let defaultPolicyFile = "/etc/nodekeep/policy.yaml"

    package init() {}

    /// The main listener is on once somebody can be told from somebody else, or the operator has said that nobody need.
    package var hasAuthenticator: Bool {
        anonymous || clientCAFile != nil || tokenFile != nil || tokenAuthFile != nil || webhookAuthentication
    }

    package var needsWebhook: Bool { webhookAuthentication || (hasAuthenticator && mode == .webhook) }
}

/// How the main listener speaks TLS.
package struct TLSSettings: Equatable, Sendable {
    package enum Version: String, Sendable, CaseIterable {
        case tls12 = "VersionTLS12"
        case tls13 = "VersionTLS13"
    }

    /// PEM, the leaf first; nil: a self-signed pair of our own.
    package var certFile: String?
    package var privateKeyFile: String?
    package var minVersion = Version.tls12
    /// As Go and IANA name them, of TLS 1.2; empty: all that ``cipherSuites12`` has.
    package var cipherSuites: [String] = []

    /// All have forward secrecy and authenticated encryption.
    package static let cipherSuites12 = [
        "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256", "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384",
        "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256", "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256",
        "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384", "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256",
    ]
    /// Other spellings that Go has for two of them.
    static let otherNames = [
        "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305": "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256",
        "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305": "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256",
    ]
    /// Those of TLS 1.3 are not chosen by anybody, there as here: naming them changes nothing.
    static let cipherSuites13 = ["TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384", "TLS_CHACHA20_POLY1305_SHA256"]

    package init() {}
}
