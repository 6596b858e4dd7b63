// SPDX-License-Identifier: Apache-2.0
package import CRI

/// A container runtime as a dump and the thaw guard need it.
///
/// containerd, CRI-O and the others differ in what can be known and done besides the CRI call; see ``RuntimeKind``.
package protocol CheckpointRuntime: Sendable {
    /// Which one this is, as it goes into the intent.
    var about: RuntimeDescription { get }

    /// The process behind the socket; nil where it cannot be told. Blocks for as long as connect(2) does.
    func process() -> ProcessIdentity?

    /// ContainerStatus.
    func container(_ id: String) async throws(RuntimeError) -> ContainerDetails

    /// What the runtime says of the container's task, within a few seconds. Never throws: not to know is an answer.
    func task(_ id: String) async -> TaskAnswer

    /// CheckpointContainer, without a deadline: one that ends in the middle can leave the container frozen.
    ///
    /// - Parameter location: absolute path of the archive, as the runtime sees it.
    func checkpoint(_ id: String, location: String) async throws(RuntimeError)

    /// Thaws the container.
    func resume(_ id: String) async throws(RuntimeError)

    /// Whether the runtime tells of pauses and resumes; see ``taskEvents(ready:_:)``.
    var hasTaskEvents: Bool { get }

    /// Events about every container's task, until the task is cancelled or the connection lost.
    ///
    /// - Parameter ready: called once, when no later event is missed any more.
    func taskEvents(
        ready: @escaping @Sendable () async -> Void, _ body: @escaping @Sendable (ContainerdTaskEvent) async -> Void
    ) async throws(RuntimeError)

    /// The directory in which the runtime makes and removes the work directory of each dump of this container, and
    /// that one's name; nil where it has none.
    func workDirectory(_ id: String) -> DumpWorkDirectory?

    /// Where the runtime may have put `criu-dump.log` of a failed dump, besides what its error says.
    func dumpLogs(_ id: String) -> [String]

    /// Ends the connection.
    func close()
}

/// What all runtimes have in common: CRI over one connection.
protocol CRIRuntime: CheckpointRuntime {
    var connection: RuntimeConnection { get }
}

extension CRIRuntime {
    func process() -> ProcessIdentity? { connection.process() }
    func close() { connection.close() }

    func container(_ id: String) async throws(RuntimeError) -> ContainerDetails {
        try await connection.client.container(id, timeout: RuntimeConnection.timeout)
    }

    func checkpoint(_ id: String, location: String) async throws(RuntimeError) {
        try await connection.client.checkpoint(id, location: location, timeout: nil)
    }

    // Where CRI is all there is to ask.

    var hasTaskEvents: Bool { false }
    func task(_ id: String) async -> TaskAnswer { await connection.containerState(id) }
    func workDirectory(_ id: String) -> DumpWorkDirectory? { nil }
    func dumpLogs(_ id: String) -> [String] { [] }
}

/// A runtime's work directory of a dump: it exists as long as a dump of that container is under way.
package struct DumpWorkDirectory: Hashable, Sendable {
    /// The container's own directory, absolute.
    package var parent: String
    package var name: String

    package init(parent: String, name: String) {
        self.parent = parent
        self.name = name
    }
}

/// What a runtime says of a task, or why it does not.
package enum TaskAnswer: Equatable, Sendable {
    case running
    case paused
    case pausing
    case stopped
    case created
    /// The runtime answered with something else, or with an error: its words.
    case unclear(String)
    /// No answer in time: containerd's shim holds its lock while CRIU runs.
    case busy
    /// The runtime knows no such container.
    case gone
    /// The runtime is not there: the reason.
    case unreachable(String)

    /// As containerd has it, for people.
    package var word: String {
        switch self {
        case .running: "RUNNING"
        case .paused: "PAUSED"
        case .pausing: "PAUSING"
        case .stopped: "STOPPED"
        case .created: "CREATED"
        case .unclear: "UNKNOWN"
        case .busy: "busy"
        case .gone: "gone"
        case .unreachable: "unreachable"
        }
    }
}

/// Connects to runtimes; in tests, to none.
package protocol RuntimeConnector: Sendable {
    /// Connects and asks who is there.
    ///
    /// - Parameter endpoint: `unix:///…`
    func connect(endpoint: String) async throws(RuntimeError) -> any CheckpointRuntime

    /// The runtime of an intent: asks nothing, so that it can be had while the runtime is not there. It connects when
    /// it is used.
    func reopen(endpoint: String, about: RuntimeDescription) -> any CheckpointRuntime
}
