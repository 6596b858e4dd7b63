// SPDX-License-Identifier: Apache-2.0

/// A `certificates.k8s.io/v1` CertificateSigningRequest.
package struct SigningRequestObject: Hashable, Sendable {
    package enum Verdict: Hashable, Sendable {
        case pending
        /// Somebody agreed, and the signer has not signed yet.
        case approved
        /// PEM.
        case issued([UInt8])
        /// With the words of whoever decided.
        case denied(String)
        /// The signer's: it will not do it.
        case failed(String)
        /// The server's object is not what it should be.
        case broken(String)
    }

    package var object: JSONValue

    package init(_ object: JSONValue) {
        self.object = object
    }

    /// A new one.
    ///
    /// - Parameters:
    ///   - request: PKCS #10 in PEM.
    ///   - expirationSeconds: At least 600; nil: the signer's own choice.
    package init(
        name: String, request: [UInt8], signerName: String, usages: [String], expirationSeconds: Int64? = nil
    ) {
        object = [
            "apiVersion": .string(ObjectKind.signingRequest.apiVersion),
            "kind": .string(ObjectKind.signingRequest.kind),
            "metadata": ["name": .string(name)],
            "spec": [
                "request": .string(Base64.encode(request)), "signerName": .string(signerName),
                "usages": .array(usages.map { .string($0) }),
            ],
        ]
        object["spec", "expirationSeconds"] = expirationSeconds.map { .integer($0) }
    }

    package var name: String? { object["metadata", "name"]?.text }
    package var signerName: String? { object["spec", "signerName"]?.text }
    /// PKCS #10 in PEM.
    package var request: [UInt8]? { object["spec", "request"]?.text.flatMap { Base64.decode($0) } }

    package var verdict: Verdict {
        let conditions = object["status", "conditions"]?.elements ?? []
        var isApproved = false
        for condition in conditions where condition["status"]?.text.map({ $0 == "True" }) ?? true {
            switch condition["type"]?.text {
            case "Denied": return .denied(Self.words(condition))
            case "Failed": return .failed(Self.words(condition))
            case "Approved": isApproved = true
            default: break
            }
        }
        guard isApproved else { return .pending }
        guard let text = object["status", "certificate"]?.text, !text.isEmpty else { return .approved }
        guard let certificate = Base64.decode(text) else { return .broken("status.certificate is not base64") }
        return .issued(certificate)
    }

    private static func words(_ condition: JSONValue) -> String {
        let words = ["reason", "message"].compactMap { condition[$0]?.text }.filter { !$0.isEmpty }
        return words.isEmpty ? "no reason is given" : ForeignText.line(words.joined(separator: ": "), limit: 512)
    }
}

extension ObjectKind {
    static let signingRequest = ObjectKind(
        kind: "CertificateSigningRequest", apiVersion: "certificates.k8s.io/v1", plural: "certificatesigningrequests")
}

extension KubeCalling {
    package func createCertificateSigningRequest(
        _ request: JSONValue, timeout: Duration? = nil
    ) async throws(KubeError) -> JSONValue {
        try await call(
            .post, .signingRequest, at: ObjectKind.signingRequest.path(), name: request["metadata", "name"]?.text,
            body: request, timeout: timeout)
    }

    package func getCertificateSigningRequest(
        _ name: String, timeout: Duration? = nil
    ) async throws(KubeError) -> JSONValue {
        let path = ObjectKind.signingRequest.path(name: name)
        return try await call(.get, .signingRequest, at: path, name: name, timeout: timeout)
    }
}
