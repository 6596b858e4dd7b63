// SPDX-License-Identifier: Apache-2.0

/// Who decides what an authenticated client may do.
package enum AuthorizationMode: String, CaseIterable, Sendable {
    case alwaysAllow = "AlwaysAllow"
    case policy = "Policy"
    case webhook = "Webhook"
}

/// Everything that ``AccessControl`` is made from, apart from the webhooks themselves.
package struct AccessConfiguration: Equatable, Sendable {
    /// `authentication.x509.clientCAFile`: PEM with the authorities of client certificates.
    package var clientCAFile: String?
    /// A static token file of Kubernetes, see ``StaticTokens``.
    package var staticTokenFile: String?
    /// nodekeep's own token file, see ``TokenList``. It need not exist.
    package var nodekeepTokenFile: String?
    /// `authentication.anonymous.enabled`.
    package var allowsAnonymous: Bool
    package var mode: AuthorizationMode
    /// The rules of ``AuthorizationMode/policy``, see ``Policy``.
    package var policyFile: String?
    /// Who must own the token files.
    package var tokenFileOwner: UInt32

    package init(
        clientCAFile: String? = nil, staticTokenFile: String? = nil, nodekeepTokenFile: String? = nil,
        allowsAnonymous: Bool = false, mode: AuthorizationMode, policyFile: String? = nil, tokenFileOwner: UInt32 = 0
    ) {
        self.clientCAFile = clientCAFile
        self.staticTokenFile = staticTokenFile
        self.nodekeepTokenFile = nodekeepTokenFile
        self.allowsAnonymous = allowsAnonymous
        self.mode = mode
        self.policyFile = policyFile
        self.tokenFileOwner = tokenFileOwner
    }
}
