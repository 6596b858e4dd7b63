// SPDX-License-Identifier: Apache-2.0

/// Who a client certificate is to make of us, and which of the cluster's signers is asked for it.
package struct ClientCertificateIdentity: Hashable, Sendable {
    /// The user's name.
    package var commonName: String
    /// The user's groups.
    package var organizations: [String]
    package var signerName: String
    /// Seconds, at least 600; nil: as long as the signer gives, a year by default.
    package var expirationSeconds: Int64?

    /// With a key that is not RSA's; one of that kind would want `key encipherment` as well.
    static let usages = ["digital signature", "client auth"]

    package init(
        commonName: String, organizations: [String], signerName: String, expirationSeconds: Int64? = nil
    ) {
        self.commonName = commonName
        self.organizations = organizations
        self.signerName = signerName
        self.expirationSeconds = expirationSeconds
    }

    /// The kubelet's, for which kube-controller-manager approves by itself what comes from a bootstrap token or from the
    /// node (kubernetes/pkg/kubelet/certificate/bootstrap/bootstrap.go).
    package static func node(_ name: String, expirationSeconds: Int64? = nil) -> ClientCertificateIdentity {
        ClientCertificateIdentity(
            commonName: "system:node:" + name, organizations: ["system:nodes"],
            signerName: "kubernetes.io/kube-apiserver-client-kubelet", expirationSeconds: expirationSeconds)
    }
}

/// What is wrong with a certificate, a key or the file they are in; it holds no part of a key.
struct CertificateProblem: Error, Equatable, CustomStringConvertible {
    let description: String

    init(_ description: String) {
        self.description = description
    }
}
