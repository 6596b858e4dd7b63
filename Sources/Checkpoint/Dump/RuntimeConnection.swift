// SPDX-License-Identifier: Apache-2.0
package import CRI

/// A client that is served until it is closed, and what all runtimes have in common.
final class RuntimeConnection: Sendable {
    /// For every call but the dump itself.
    static let timeout = Duration.seconds(10)

    let client: RuntimeClient
    private let socket: String
    private let service: Task<Void, Never>

    /// - Parameter endpoint: `unix:///…` or an absolute path.
    init(endpoint: String) {
        let prefix = "unix://"
        let socket = endpoint.hasPrefix(prefix) ? String(endpoint.dropFirst(prefix.utf8.count)) : endpoint
        let client = RuntimeClient(socket: socket)
        self.socket = socket
        self.client = client
        service = Task { await client.run() }
    }

    deinit { service.cancel() }

    func close() { service.cancel() }

    func process() -> ProcessIdentity? {
        RuntimeClient.listener(socket: socket).flatMap { LinuxMachine().process($0) }
    }

    /// As far as CRI knows it: running, also where it is frozen.
    func containerState(_ id: String) async -> TaskAnswer {
        do throws(RuntimeError) {
            return switch try await client.container(id, timeout: Self.timeout).state {
            case .running: .running
            case .exited: .stopped
            case .created: .created
            case .unknown: .unclear("the runtime says CONTAINER_UNKNOWN")
            }
        } catch {
            return TaskAnswer(error)
        }
    }
}

extension TaskAnswer {
    init(_ error: RuntimeError) {
        self =
            switch error.code {
            case _ where error.isConnectionLoss: .unreachable(error.message)
            case .notFound: .gone
            case .deadlineExceeded: .busy
            // containerd's while it starts.
            case .unavailable: .unreachable(error.message)
            default: .unclear(error.message)
            }
    }
}

/// Connects to what listens on a socket.
package struct SocketConnector: RuntimeConnector {
    package init() {}

    package func connect(endpoint: String) async throws(RuntimeError) -> any CheckpointRuntime {
        let connection = RuntimeConnection(endpoint: endpoint)
        do throws(RuntimeError) {
            async let answer = Self.status(connection)
            let version = try await connection.client.version(timeout: RuntimeConnection.timeout)
            var about = RuntimeDescription(name: version.name, version: version.version)
            if about.kind == .containerd {
                let status = try await answer.get()
                about.rootDirectory = status.containerdConfiguration?.rootDirectory
                about.stateDirectory = Self.containerdState(status.containerdConfiguration?.stateDirectory)
            }
            return Self.runtime(connection, about)
        } catch {
            connection.close()
            throw error
        }
    }

    private static func status(_ connection: RuntimeConnection) async -> Result<RuntimeStatus, RuntimeError> {
        do throws(RuntimeError) {
            return .success(try await connection.client.status(verbose: true, timeout: RuntimeConnection.timeout))
        } catch {
            return .failure(error)
        }
    }

    package func reopen(endpoint: String, about: RuntimeDescription) -> any CheckpointRuntime {
        Self.runtime(RuntimeConnection(endpoint: endpoint), about)
    }

    private static func runtime(_ connection: RuntimeConnection, _ about: RuntimeDescription) -> any CheckpointRuntime {
        switch about.kind {
        case .containerd: ContainerdRuntime(connection: connection, about: about)
        case .crio: CRIORuntime(connection: connection, about: about)
        case .other: OtherRuntime(connection: connection, about: about)
        }
    }

    /// The CRI plugin's `stateDir` is a directory in containerd's own state, in which the tasks' bundles are.
    private static func containerdState(_ directory: String?) -> String? {
        guard let directory, let end = directory.lastIndex(of: "/"), end > directory.startIndex else { return nil }
        return String(directory[..<end])
    }
}
