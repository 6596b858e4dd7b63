// SPDX-License-Identifier: Apache-2.0
import CRI
import NodeStatus
import Posix
import Synchronization

@testable import Checkpoint

/// A machine with one container and a runtime that behaves as containerd does, in a time that passes when somebody
/// waits. What the runtime does when it is called is a script.
final class FakeNode: Sendable {
    typealias Script = @Sendable (FakeNode, _ location: String) async -> RuntimeError?

    struct State {
        var now = Duration.seconds(1_000)
        var bootID = "boot-1"
        var processes: [Int32: UInt64] = [FakeNode.task: 5, FakeNode.runtime: 7, FakeNode.own: 9]
        var exists = true
        var state = ContainerState.running
        var labels: [String: String] = [:]
        var isPaused = false
        /// What the freezer says where that is not what the runtime says.
        var freezer: FreezerState?
        /// What the runtime says of the task, once each.
        var answers: [TaskAnswer] = []
        var unreachable: String?
        /// The inode of the work directory, and when it was made.
        var workDirectory: (inode: Int, at: Duration)?
        /// Somebody works in it; otherwise it was left behind.
        var workDirectoryIsUsed = true
        var directoriesMade = 0
        var runtimeStart = Duration.zero
        var criu = false
        var connectError: RuntimeError?
        var script: Script = { node, location in await node.dump(to: location) }
        var calls = 0
        var resumeErrors = 0
        var resumes = 0
        /// What happens later by itself.
        var later: [(at: Duration, action: @Sendable (FakeNode) async -> Void)] = []
        var listeners: [Int: Listener] = [:]
        var made = 0
        /// Whether the runtime is forgotten as `about` says.
        var about = RuntimeDescription(
            name: "containerd", version: "v2.1.9", rootDirectory: "/root", stateDirectory: "/state")
        var seesWorkDirectory = true
    }

    struct Listener {
        var body: @Sendable (ContainerdTaskEvent) async -> Void
        var end: AsyncStream<Void>.Continuation
    }

    static let task: Int32 = 4711
    static let runtime: Int32 = 99
    static let own: Int32 = 4242
    static let container = SampleCheckpoint.containerID
    static let endpoint = "unix:///run/fake.sock"

    let state = Mutex(State())

    func set(_ change: (inout State) -> Void) { state.withLock { change(&$0) } }
    func get<Value: Sendable>(_ value: (State) -> Value) -> Value { state.withLock { value($0) } }

    var isFrozen: Bool { self.get { $0.isPaused } }

    // MARK: What happens to the container

    func pause() async -> RuntimeError? {
        let error = state.withLock { state -> RuntimeError? in
            if state.isPaused { return RuntimeError(.unknown, "cannot pause a paused container") }
            state.isPaused = true
            return nil
        }
        if error == nil { await send(ContentionEvidence.paused) }
        return error
    }

    func unpause() async {
        let was = state.withLock { state in
            let was = state.isPaused
            state.isPaused = false
            return was
        }
        if was { await send(ContentionEvidence.resumed) }
    }

    func makeWorkDirectory() {
        state.withLock { state in
            state.made += 1
            state.directoriesMade += 1
            state.workDirectory = (state.made, state.now)
        }
    }

    func send(_ topic: String, containerID: String = FakeNode.container) async {
        let (listeners, time) = state.withLock { ($0.listeners, $0.now) }
        let nanoseconds = time.components.seconds * 1_000_000_000 + time.components.attoseconds / 1_000_000_000
        for listener in listeners.sorted(by: { $0.key < $1.key }) {
            await listener.value.body(
                ContainerdTaskEvent(topic: topic, containerID: containerID, timestamp: nanoseconds))
        }
    }

    func capture() async {
        await send(
            ContentionEvidence.captured,
            containerID: ContentionEvidence.imagePrefix(of: Self.container) + "11-21-2026-06:48:35")
    }

    /// The first half of a dump: work directory, pause.
    func beginDump() async {
        makeWorkDirectory()
        await pass(.milliseconds(10))
        // One that is paused already is dumped as it is.
        _ = await pause()
        await pass(.milliseconds(300))
    }

    /// The other half, after which the container runs.
    func endDump() async {
        await capture()
        await pass(.milliseconds(10))
        await unpause()
        await pass(.milliseconds(50))
        set { $0.workDirectory = nil }
    }

    func dump(to location: String) async -> RuntimeError? {
        await beginDump()
        await endDump()
        write(SampleCheckpoint().tar(), to: location)
        return nil
    }

    /// As a runtime writes: in place, and not where the directory is gone.
    @discardableResult
    func write(_ bytes: [UInt8], to location: String) -> Bool {
        guard let file = try? Descriptor.open(in: -100, location, 0o101, mode: 0o600) else { return false }
        return (try? file.write(bytes)) != nil
    }

    /// The runtime is killed and another one started: its streams end, its work directory stays.
    func restartRuntime() {
        let listeners = state.withLock { state in
            let listeners = state.listeners
            state.listeners = [:]
            state.processes[Self.runtime, default: 0] += 100
            state.runtimeStart = state.now
            return listeners
        }
        for listener in listeners.values { listener.end.finish() }
    }

    func after(_ duration: Duration, _ action: @escaping @Sendable (FakeNode) async -> Void) {
        set { $0.later.append(($0.now + duration, action)) }
    }

    /// Lets time pass, and what is due happen.
    func pass(_ duration: Duration) async {
        let end = get { $0.now } + duration
        precondition(end < .seconds(100_000), "waits for ever")
        while true {
            let due = state.withLock { state -> (@Sendable (FakeNode) async -> Void)? in
                guard let next = state.later.indices.min(by: { state.later[$0].at < state.later[$1].at }),
                    state.later[next].at <= end
                else {
                    state.now = end
                    return nil
                }
                state.now = max(state.now, state.later[next].at)
                return state.later.remove(at: next).action
            }
            guard let due else { return }
            await due(self)
        }
    }
}

extension FakeNode: CheckpointClock {
    func monotonic() -> Duration { self.get { $0.now } }

    func now() -> Timestamp {
        let (seconds, attoseconds) = get { $0.now }.components
        return Timestamp(seconds: 1_795_200_000 + seconds, nanoseconds: Int32(attoseconds / 1_000_000_000))
    }

    func sleep(for duration: Duration) async {
        await pass(duration)
        await Task.yield()
    }
}

extension FakeNode: CheckpointMachine {
    var ownProcess: Int32 { Self.own }
    func bootID() -> String { self.get { $0.bootID } }
    func process(_ id: Int32) -> ProcessIdentity? {
        get { $0.processes[id] }.map { ProcessIdentity(id: id, startTime: $0) }
    }
    func freezer(_ processID: Int32) -> FreezerState {
        get { $0.freezer ?? ($0.processes[processID] == nil ? .gone : $0.isPaused ? .frozen : .thawed) }
    }

    func workDirectorySign(_ directory: DumpWorkDirectory?, runtime: ProcessIdentity?) -> DumpSign {
        get { state in
            guard directory != nil, state.seesWorkDirectory else { return .invisible }
            guard let directory = state.workDirectory, directory.at >= state.runtimeStart else { return .none }
            guard state.workDirectoryIsUsed else {
                return .workDirectory(state: "work directory \(directory.inode)", age: state.now - directory.at)
            }
            return .workDirectory(state: "work directory \(directory.inode) at \(state.now)", age: .zero)
        }
    }

    func workSign(task: Int32?) -> DumpSign { self.get { $0.criu } ? .seen("criu") : .none }

    func watch(_ directory: DumpWorkDirectory) -> (any WorkDirectoryCount)? {
        get { $0.seesWorkDirectory } ? Count(node: self) : nil
    }

    func watchFreezer(_ processID: Int32) -> (any FreezerTime)? { nil }

    private struct Count: WorkDirectoryCount {
        let node: FakeNode
        func made() -> Int? { node.get { $0.directoriesMade } }
    }
}

extension FakeNode: RuntimeConnector {
    func connect(endpoint: String) async throws(RuntimeError) -> any CheckpointRuntime {
        if let error = get({ $0.connectError }) { throw error }
        return self
    }

    func reopen(endpoint: String, about: RuntimeDescription) -> any CheckpointRuntime { self }
}

extension FakeNode: CheckpointRuntime {
    var about: RuntimeDescription { self.get { $0.about } }
    var hasTaskEvents: Bool { self.get { $0.about.kind == .containerd } }

    func process() -> ProcessIdentity? {
        get { $0.unreachable } == nil ? process(Self.runtime) : nil
    }

    func container(_ id: String) async throws(RuntimeError) -> ContainerDetails {
        let (reason, exists, containerState, labels) = get { ($0.unreachable, $0.exists, $0.state, $0.labels) }
        if let reason { throw RuntimeError(.unavailable, reason, isConnectionLoss: true) }
        guard exists else { throw RuntimeError(.notFound, "an error occurred when trying to find container") }
        return ContainerDetails(
            id: id, state: containerState, image: "image", startedAt: 0, logPath: "", processID: Self.task,
            cgroupsPath: nil, labels: labels)
    }

    func task(_ id: String) async -> TaskAnswer {
        state.withLock { state in
            if let reason = state.unreachable { return .unreachable(reason) }
            if !state.answers.isEmpty { return state.answers.removeFirst() }
            guard state.exists else { return .gone }
            guard state.state == .running else { return .stopped }
            return state.isPaused && state.about.kind == .containerd ? .paused : .running
        }
    }

    func checkpoint(_ id: String, location: String) async throws(RuntimeError) {
        let script = state.withLock { state in
            state.calls += 1
            return state.script
        }
        if let error = await script(self, location) { throw error }
    }

    func resume(_ id: String) async throws(RuntimeError) {
        let fails = state.withLock { state in
            state.resumes += 1
            if state.resumeErrors > 0 { state.resumeErrors -= 1; return true }
            return false
        }
        if fails { throw RuntimeError(.unknown, "runc did not resume") }
        await unpause()
    }

    func taskEvents(
        ready: @escaping @Sendable () async -> Void, _ body: @escaping @Sendable (ContainerdTaskEvent) async -> Void
    ) async throws(RuntimeError) {
        let (stream, end) = AsyncStream.makeStream(of: Void.self)
        let key = state.withLock { state in
            state.made += 1
            state.listeners[state.made] = Listener(body: body, end: end)
            return state.made
        }
        await ready()
        for await _ in stream {}
        set { $0.listeners[key] = nil }
        throw RuntimeError(.unavailable, "the connection was lost", isConnectionLoss: true)
    }

    func workDirectory(_ id: String) -> DumpWorkDirectory? {
        about.kind == .containerd ? DumpWorkDirectory(parent: "/root/containers/\(id)", name: "ctrd-checkpoint") : nil
    }

    func dumpLogs(_ id: String) -> [String] { [] }
    func close() {}
}

let lostConnection = RuntimeError(.unavailable, "connection reset by peer", isConnectionLoss: true)
