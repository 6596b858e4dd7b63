// SPDX-License-Identifier: Apache-2.0
internal import GRPCCore

extension RuntimeError {
    /// Longer texts are cut: a runtime may put the output of its programs into a status.
    static let messageLimit = 8_192

    /// What a failed call comes to.
    /// - Parameters:
    ///   - call: the name of the method, for the reader.
    ///   - connectLimit: for as long as a connection was waited for.
    ///   - isCancelled: the caller's task is.
    init(
        _ error: any Error, call: String, socket: String, progress: CallProgress, timeout: Duration?,
        connectLimit: Duration, isCancelled: Bool
    ) {
        if isCancelled {
            self.init(.cancelled, "\(call) was cancelled")
            return
        }
        guard progress.hasBegun else {
            let waited = min(connectLimit, timeout ?? connectLimit)
            let reason =
                error is GRPCCore.RuntimeError
                ? "the client has been shut down"
                : progress.obstacle ?? "it is listened on, but nobody answered within \(waited.inSeconds)"
            self.init(
                .unavailable, "no connection to the container runtime at \(socket) for \(call): \(reason)",
                isConnectionLoss: true)
            return
        }
        let failure = error as? RPCError ?? RPCError(code: .unavailable, message: "it failed", cause: error)
        switch failure.kind {
        case .status:
            self.init(Code(failure.code), failure.message.bounded(to: Self.messageLimit))
        case .deadline:
            self.init(.deadlineExceeded, "no answer to \(call) within \(timeout?.inSeconds ?? "its deadline")")
        case .tooLarge:
            self.init(
                .resourceExhausted,
                "the answer to \(call) is larger than \(RuntimeClient.messageLimit >> 20) MiB, which is as much as is taken"
            )
        case .lost(let detail):
            self.init(
                .unavailable, "the connection to the container runtime at \(socket) was lost during \(call): \(detail)",
                isConnectionLoss: true)
        }
    }
}

extension RuntimeError.Code {
    init(_ code: RPCError.Code) {
        self =
            switch code {
            case .cancelled: .cancelled
            case .invalidArgument: .invalidArgument
            case .deadlineExceeded: .deadlineExceeded
            case .notFound: .notFound
            case .alreadyExists: .alreadyExists
            case .permissionDenied: .permissionDenied
            case .resourceExhausted: .resourceExhausted
            case .failedPrecondition: .failedPrecondition
            case .aborted: .aborted
            case .outOfRange: .outOfRange
            case .unimplemented: .unimplemented
            case .internalError: .internalError
            case .unavailable: .unavailable
            case .dataLoss: .dataLoss
            case .unauthenticated: .unauthenticated
            default: .unknown
            }
    }
}

/// The transport and the library report what happened to the connection in the form of a status, with texts of their
/// own; the runtime's statuses have no cause.
private enum FailureKind {
    case status
    case deadline
    case tooLarge
    case lost(String)
}

extension RPCError {
    private static let unexpectedClose = "Stream unexpectedly closed"

    fileprivate var kind: FailureKind {
        if let cause { return .lost("\(message) (\(cause))".bounded(to: 512)) }
        switch code {
        case .unavailable where message.hasPrefix(Self.unexpectedClose):
            // A reset of the stream has its reason behind a colon.
            let reason = message.dropFirst(Self.unexpectedClose.count).drop { ": ".contains($0) }
            return .lost(reason.count > 1 ? String(reason) : "it was closed")
        case .internalError where message.hasPrefix("Invalid stream."),
            .internalError where message.hasPrefix("The stream from the client transport is invalid"):
            return .lost("it ended in the middle of an answer")
        case .internalError where message.contains("exceeded the configured maximum payload size"): return .tooLarge
        case .deadlineExceeded where message == "RPC timed out before completing": return .deadline
        default: return .status
        }
    }
}

extension Duration {
    /// With as many decimals as it takes, up to three: `0.05 s`.
    fileprivate var inSeconds: String {
        let milliseconds = components.attoseconds / 1_000_000_000_000_000
        guard milliseconds > 0 else { return "\(components.seconds) s" }
        var decimals = String("\(1_000 + milliseconds)".dropFirst())
        while decimals.hasSuffix("0") { decimals.removeLast() }
        return "\(components.seconds).\(decimals) s"
    }
}
