// SPDX-License-Identifier: Apache-2.0
package import KubeAPI
package import NodeStatus

/// Why a store did not do what it was asked for.
package struct HeartbeatFailure: Error, Equatable, Sendable, CustomStringConvertible {
    package var cause: HeartbeatResult
    /// One bounded line for an operator, without a secret.
    package var description: String
    /// What the server asked for.
    package var retryAfter: Duration?

    package init(_ cause: HeartbeatResult, _ description: String, retryAfter: Duration? = nil) {
        self.cause = cause
        self.description = description
        self.retryAfter = retryAfter
    }

    package init(_ error: KubeError) {
        self.init(HeartbeatResult(error), error.description, retryAfter: error.retryAfter)
    }

    /// How soon the same may be tried again (kubelet-compatible: five tries at once, but only where that cannot hurt
    /// a server that has too much to do, and where it might succeed).
    enum Reaction {
        /// A connection that broke: another one may hold.
        case atOnce
        /// The server, or the way to it, needs time.
        case afterPause
        /// It fails until somebody has changed something.
        case slowly
    }

    var reaction: Reaction {
        switch cause {
        case .connect, .connectionLost, .timeout: .atOnce
        case .tooManyRequests, .serverError, .serverTimeout, .malformedAnswer, .nameResolution, .tls, .disk, .gone,
            .conflict, .notFound, .ok:
            .afterPause
        case .unauthorized, .forbidden, .invalid, .other: .slowly
        }
    }
}

extension HeartbeatResult {
    package init(_ error: KubeError) {
        switch error.kind {
        case .status: self.init(httpStatus: error.httpStatus ?? 0)
        case .nameResolution: self = .nameResolution
        case .connect: self = .connect
        case .tls: self = .tls
        case .timeout: self = .timeout
        case .connectionLost: self = .connectionLost
        case .malformedAnswer, .answerTooLarge: self = .malformedAnswer
        default: self = .other
        }
    }

    private init(httpStatus: Int) {
        switch httpStatus {
        case 401: self = .unauthorized
        case 403: self = .forbidden
        case 404: self = .notFound
        case 409: self = .conflict
        case 410: self = .gone
        case 429: self = .tooManyRequests
        case 504: self = .serverTimeout
        case 500...599: self = .serverError
        case 400...499: self = .invalid
        // A redirection: whatever answers there is no API server.
        default: self = .malformedAnswer
        }
    }
}
