// SPDX-License-Identifier: Apache-2.0

/// Why a call to the API server brought nothing. The description is one bounded line for an operator: which call, what
/// failed, why, and where there is something to be done, what. It holds no secret.
package struct KubeError: Error, Equatable, Sendable, CustomStringConvertible {
    /// Raw values are for metrics and logs.
    package enum Kind: String, Sendable, CaseIterable {
        /// The server answered with another status than 2xx.
        case status
        /// No address for the server's name.
        case nameResolution = "name_resolution"
        /// No TCP connection, or none through the proxy. Nothing was sent.
        case connect
        /// No TLS connection: the server's certificate, ours, or what the two ends can speak.
        case tls
        /// The request's time was over. Whether it had an effect is unknown.
        case timeout
        /// The connection broke before the answer was complete. Whether it had an effect is unknown.
        case connectionLost = "connection_lost"
        /// More than the limit.
        case answerTooLarge = "answer_too_large"
        /// No HTTP, or not what the content type or the object's kind should be.
        case malformedAnswer = "malformed_answer"
        /// The request itself cannot be sent: a fault of the caller.
        case invalidRequest = "invalid_request"
        /// Too many requests of this client are under way.
        case busy
        /// The client has been shut down.
        case closed
        /// The calling task was cancelled.
        case cancelled
        /// None of the above.
        case other
    }

    package var kind: Kind
    package var description: String
    /// Of `status` alone.
    package var httpStatus: Int?
    /// Of the request that was answered so; nil: nobody answered.
    package var method: KubeRequest.Method?
    /// The object in the body, where there was one.
    package var status: KubeStatus?
    /// What the server asked for with `Retry-After`, or in the status object: whole seconds, at most an hour.
    package var retryAfter: Duration?

    package init(
        _ kind: Kind, _ description: String, httpStatus: Int? = nil, method: KubeRequest.Method? = nil,
        status: KubeStatus? = nil, retryAfter: Duration? = nil
    ) {
        self.kind = kind
        self.description = description
        self.httpStatus = httpStatus
        self.method = method
        self.status = status
        self.retryAfter = retryAfter
    }

    /// Kubernetes' reason for the status: the object's, or what its client derives from the number alone
    /// (apimachinery/pkg/api/errors/errors.go NewGenericServerResponse). Nil where there was no answer.
    package func reason(of method: KubeRequest.Method) -> String? {
        guard let httpStatus else { return nil }
        if let reason = status?.reason, !reason.isEmpty { return reason }
        switch httpStatus {
        case 400: return "BadRequest"
        case 401: return "Unauthorized"
        case 403: return "Forbidden"
        case 404: return "NotFound"
        case 405: return "MethodNotAllowed"
        case 406: return "NotAcceptable"
        case 409: return method == .post ? "AlreadyExists" : "Conflict"
        case 410: return "Gone"
        case 413: return "RequestEntityTooLarge"
        case 415: return "UnsupportedMediaType"
        case 422: return "Invalid"
        case 429: return "TooManyRequests"
        case 500: return "InternalError"
        case 503: return "ServiceUnavailable"
        case 504: return "Timeout"
        default: return "Unknown"
        }
    }

    /// What Kubernetes' webhook clients try again (apiserver/pkg/util/webhook/webhook.go DefaultShouldRetry): a
    /// connection that broke, 429, 500 InternalError, 504 Timeout, and whatever came with a `Retry-After`.
    package var isRetriedByWebhooks: Bool {
        if retryAfter != nil { return true }
        switch kind {
        case .connectionLost: return true
        case .status:
            switch httpStatus {
            case 429, 504: return true
            case 500: return reason(of: .post) == "InternalError"
            default: return false
            }
        default: return false
        }
    }
}
