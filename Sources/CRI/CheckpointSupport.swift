// SPDX-License-Identifier: Apache-2.0

/// Whether the runtime can take checkpoints at all.
package enum CheckpointSupport: Equatable, Sendable {
    case supported
    /// The runtime's own word why not.
    case unsupported(reason: String)
    /// Could not be found out.
    case unknown(reason: String)
}

extension RuntimeClient {
    /// No container has it; both runtimes would take a shorter text for the beginning of an id.
    static let impossibleID = String(repeating: "0", count: 64)
    private static let supportTimeout = Duration.seconds(10)

    /// Asks for a checkpoint of a container that cannot exist: both runtimes look whether they can before they look for
    /// the container, so that nothing is touched. Asks containerd's criu each time (some 20 ms).
    package func checkpointSupport() async -> CheckpointSupport {
        do throws(RuntimeError) {
            // A location that cannot be written, should a runtime ever get that far.
            try await checkpoint(Self.impossibleID, location: "/dev/null/checkpoint", timeout: Self.supportTimeout)
            return .unknown(reason: "the runtime says that it made a checkpoint of a container that does not exist")
        } catch {
            return CheckpointSupport(error.withoutImpossibleContainer)
        }
    }
}

extension RuntimeError {
    /// Nobody has asked for a checkpoint of that container.
    fileprivate var withoutImpossibleContainer: RuntimeError {
        var error = self
        error.message = message.replacing(" container \"\(RuntimeClient.impossibleID)\"", with: "")
        return error
    }
}

extension CheckpointSupport {
    /// What the answer to the impossible request says.
    init(_ error: RuntimeError) {
        self =
            switch error.code {
            case .notFound: .supported
            // Status answers: not implemented, or gate closed (containerd and CRI-O use Unknown for that).
            case .unimplemented, .unknown, .failedPrecondition: .unsupported(reason: error.message)
            default: .unknown(reason: error.message)
            }
    }
}
