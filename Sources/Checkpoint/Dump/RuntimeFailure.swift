// SPDX-License-Identifier: Apache-2.0
package import CRI

/// What an error of a runtime comes to for the job.
package enum RuntimeFailure: Equatable, Sendable {
    /// The texts that two checkpoints of one container at once lead to.
    case contended
    case noSpace
    case notRunning
    case gone
    case other

    package init(_ error: RuntimeError) {
        let text = error.message
        self =
            if error.code == .notFound {
                .gone
            } else if Self.contention.contains(where: text.contains) {
                .contended
            } else if text.contains("no space left on device") || text.contains("disk quota exceeded") {
                .noSpace
            } else if text.contains("only CONTAINER_RUNNING containers can be checkpointed")
                || text.hasSuffix(" is not running")
            {
                .notRunning
            } else {
                .other
            }
    }

    /// Of containerd's two checkpoints at once: the second finds the first one's pause, or either finds its work
    /// directory gone. CRI-O's second fails to pause. The image of a checkpoint is named by the second it is made in.
    private static let contention = [
        "cannot pause a paused container",
        "ctrd-checkpoint",
        "failed to pause container",
        "containerd.io/checkpoint/",
    ]

    /// Somebody else's pause was in the way, so that none of ours was made.
    package static func meansForeignPause(_ error: RuntimeError) -> Bool {
        error.message.contains("cannot pause a paused container") || error.message.contains("failed to pause container")
    }

    /// Whether the call was cut off, rather than answered: a runtime that is shutting down answers with these as well.
    package static func isCutOff(_ error: RuntimeError) -> Bool {
        switch error.code {
        case .cancelled, .deadlineExceeded, .unavailable: true
        default: error.isConnectionLoss
        }
    }
}
