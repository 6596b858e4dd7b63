// SPDX-License-Identifier: Apache-2.0

/// `metav1.Status`, as far as a client looks at it. Texts are bounded and fit for a log.
package struct KubeStatus: Equatable, Sendable {
    package struct Cause: Equatable, Sendable {
        package var reason: String
        package var message: String
        package var field: String
    }

    package var reason: String
    package var message: String
    package var causes: [Cause] = []
    package var retryAfterSeconds: Int?

    package init(reason: String, message: String) {
        self.reason = reason
        self.message = message
    }
}

extension KubeStatus {
    static let messageLimit = 1_024
    private static let maximumCauses = 8

    /// Nil: the body is something else.
    init?(body: [UInt8]) {
        guard case .success(let wire) = KubeJSON.decode(Wire.self, from: body), wire.kind == "Status" else {
            return nil
        }
        self.init(
            reason: ForeignText.line(wire.reason ?? "", limit: 128),
            message: ForeignText.line(wire.message ?? "", limit: Self.messageLimit))
        retryAfterSeconds = wire.details?.retryAfterSeconds
        causes = (wire.details?.causes ?? []).prefix(Self.maximumCauses).map { cause in
            Cause(
                reason: ForeignText.line(cause.reason ?? "", limit: 128),
                message: ForeignText.line(cause.message ?? "", limit: 256),
                field: ForeignText.line(cause.field ?? "", limit: 256))
        }
    }

    private struct Wire: Decodable {
        struct Details: Decodable {
            var causes: [Cause]?
            var retryAfterSeconds: Int?
        }

        struct Cause: Decodable {
            var reason: String?
            var message: String?
            var field: String?
        }

        var kind: String?
        var reason: String?
        var message: String?
        var details: Details?
    }
}
