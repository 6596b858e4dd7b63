// SPDX-License-Identifier: Apache-2.0
internal import CRI

/// CRI-O: the freezer is the truth, since CRI calls a frozen container running and CRI-O's own state of it does not know
/// of a checkpoint's pause. It thaws over HTTP.
struct CRIORuntime: CheckpointRuntime {
    let connection: RuntimeConnection
    let about: RuntimeDescription

    var hasTaskEvents: Bool { false }

    func process() -> ProcessIdentity? { connection.process() }
    func close() { connection.close() }

    func container(_ id: String) async throws(RuntimeError) -> ContainerDetails {
        try await connection.client.container(id, timeout: RuntimeConnection.timeout)
    }

    func checkpoint(_ id: String, location: String) async throws(RuntimeError) {
        try await connection.client.checkpoint(id, location: location, timeout: nil)
    }

    func task(_ id: String) async -> TaskAnswer { await connection.containerState(id) }

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

    func workDirectory(_ id: String) -> DumpWorkDirectory? { nil }
    func dumpLogs(_ id: String) -> [String] { [] }
}
