// SPDX-License-Identifier: Apache-2.0
internal import CRI

/// containerd: its Tasks and Events services say what CRI does not.
struct ContainerdRuntime: CRIRuntime {
    let connection: RuntimeConnection
    let about: RuntimeDescription

    /// While CRIU runs, the shim holds its lock and does not answer.
    private static let taskTimeout = Duration.seconds(2)

    var hasTaskEvents: Bool { true }

    func task(_ id: String) async -> TaskAnswer {
        do throws(RuntimeError) {
            let task = try await connection.client.containerdTask(id, timeout: Self.taskTimeout)
            return switch task.status {
            case .running: .running
            case .paused: .paused
            case .pausing: .pausing
            case .stopped: .stopped
            case .created: .created
            case .unknown: .busy
            }
        } catch {
            return TaskAnswer(error)
        }
    }

    func resume(_ id: String) async throws(RuntimeError) {
        try await connection.client.resumeContainerdTask(id, timeout: RuntimeConnection.timeout)
    }

    func taskEvents(
        ready: @escaping @Sendable () async -> Void, _ body: @escaping @Sendable (ContainerdTaskEvent) async -> Void
    ) async throws(RuntimeError) {
        try await connection.client.containerdTaskEvents(ready: ready, body)
    }

    func workDirectory(_ id: String) -> DumpWorkDirectory? {
        guard let root = about.rootDirectory, root.hasPrefix("/"), isOneName(id) else { return nil }
        return DumpWorkDirectory(parent: "\(root)/containers/\(id)", name: "ctrd-checkpoint")
    }

    func dumpLogs(_ id: String) -> [String] {
        guard let state = about.stateDirectory, state.hasPrefix("/"), isOneName(id) else { return [] }
        return ["\(state)/io.containerd.runtime.v2.task/k8s.io/\(id)/criu-dump.log"]
    }
}

/// Whether a text from elsewhere can be one component of a path and nothing more.
func isOneName(_ text: String) -> Bool {
    !text.isEmpty && text != "." && text != ".." && text.utf8.allSatisfy { $0 != UInt8(ascii: "/") && $0 != 0 }
}
