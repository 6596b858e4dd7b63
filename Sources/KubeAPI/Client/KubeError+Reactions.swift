// SPDX-License-Identifier: Apache-2.0

/// What a caller has to know of a failure in order to do the right thing next.
extension KubeError {
    /// Kubernetes' reason for the status; nil where there was no answer.
    package var reason: String? { reason(of: method ?? .get) }

    package var isUnauthorized: Bool { httpStatus == 401 }
    package var isForbidden: Bool { httpStatus == 403 }
    package var isNotFound: Bool { httpStatus == 404 }
    /// An object of that name is there: look at it.
    package var isAlreadyExists: Bool { httpStatus == 409 && reason == "AlreadyExists" }
    /// Somebody else wrote it first, or it is another object of the same name: read it again.
    package var isConflict: Bool { httpStatus == 409 && reason != "AlreadyExists" }
    /// The object itself is refused: the same again brings the same.
    package var isInvalid: Bool { httpStatus == 422 }
    /// Not processed, and may be sent again when `retryAfter` is over.
    package var isThrottled: Bool { httpStatus == 429 }

    /// The request may have had its effect all the same: whoever wrote reads before he writes again.
    package var isOutcomeUnknown: Bool {
        switch kind {
        case .timeout, .connectionLost, .answerTooLarge, .malformedAnswer, .cancelled, .other: true
        // 502 is a proxy's word for a connection that broke.
        case .status: [500, 502, 504].contains(httpStatus)
        case .nameResolution, .connect, .tls, .invalidRequest, .busy, .closed: false
        }
    }
}
