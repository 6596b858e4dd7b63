// SPDX-License-Identifier: Apache-2.0

/// What the runtime, or the way to it, answered instead of a result.
package struct RuntimeError: Error, Equatable, Sendable, CustomStringConvertible {
    /// The codes of gRPC (grpc/grpc doc/statuscodes.md).
    package enum Code: String, Sendable, CaseIterable {
        case cancelled = "Canceled"
        case unknown = "Unknown"
        case invalidArgument = "InvalidArgument"
        case deadlineExceeded = "DeadlineExceeded"
        case notFound = "NotFound"
        case alreadyExists = "AlreadyExists"
        case permissionDenied = "PermissionDenied"
        case resourceExhausted = "ResourceExhausted"
        case failedPrecondition = "FailedPrecondition"
        case aborted = "Aborted"
        case outOfRange = "OutOfRange"
        case unimplemented = "Unimplemented"
        case internalError = "Internal"
        case unavailable = "Unavailable"
        case dataLoss = "DataLoss"
        case unauthenticated = "Unauthenticated"
    }

    package var code: Code
    package var message: String
    /// The connection was lost, or there was none: the runtime did not say this, and what was asked of it may have
    /// been done all the same.
    package var isConnectionLoss: Bool

    package init(_ code: Code, _ message: String, isConnectionLoss: Bool = false) {
        self.code = code
        self.message = message
        self.isConnectionLoss = isConnectionLoss
    }

    /// As grpc-go prints it and as the kubelet's clients match on it.
    package var description: String { "rpc error: code = \(code.rawValue) desc = \(message)" }
}
