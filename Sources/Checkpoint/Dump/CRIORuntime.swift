// SPDX-License-Identifier: Apache-2.0
internal import CRI

/// CRI-O: the freezer is the truth, since CRI calls a frozen container running and CRI-O's own state of it does not know
/// of a checkpoint's pause. It thaws over HTTP.
struct CRIORuntime: CRIRuntime {
    let connection: RuntimeConnection
    let about: RuntimeDescription

    /// - Throws: also where CRI-O says that it is not paused: the caller has seen its freezer.
    func resume(_ id: String) async throws(RuntimeError) {
        guard try await connection.client.unpauseWithCRIO(id, timeout: RuntimeConnection.timeout) else {
            throw RuntimeError(.failedPrecondition, "CRI-O says that the container is not paused")
        }
    }

    func taskEvents(
        ready: @escaping @Sendable () async -> Void, _ body: @escaping @Sendable (ContainerdTaskEvent) async -> Void
    ) async throws(RuntimeError) {
        throw RuntimeError(.unimplemented, "CRI-O has no events of pauses")
    }
}
