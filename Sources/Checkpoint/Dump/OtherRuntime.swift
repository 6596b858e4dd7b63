// SPDX-License-Identifier: Apache-2.0
internal import CRI

/// A runtime of which only CRI is known.
struct OtherRuntime: CheckpointRuntime {
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

    func resume(_ id: String) async throws(RuntimeError) {
        throw RuntimeError(
            .unimplemented, "nothing is known of how \(about.name) resumes a container; resume it by hand")
    }

    func taskEvents(
        ready: @escaping @Sendable () async -> Void, _ body: @escaping @Sendable (ContainerdTaskEvent) async -> Void
    ) async throws(RuntimeError) {
        throw RuntimeError(.unimplemented, "\(about.name) has no events of pauses")
    }

    func workDirectory(_ id: String) -> DumpWorkDirectory? { nil }
    func dumpLogs(_ id: String) -> [String] { [] }
}
