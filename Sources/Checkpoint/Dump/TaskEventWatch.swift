// SPDX-License-Identifier: Apache-2.0
internal import CRI
internal import Synchronization

/// Collects a runtime's events about one container.
final class TaskEventWatch: Sendable {
    private struct State {
        var events: [ContainerdTaskEvent] = []
        var isComplete = true
    }

    /// One dump makes two; who sends more than this does nothing that has to be known exactly.
    private static let limit = 1_000

    private let containerID: String
    private let state = Mutex(State())
    private let task = Mutex<Task<Void, Never>?>(nil)
    /// One value: the watch has begun, or why it has not.
    private let began: AsyncStream<Result<Void, RuntimeError>>

    private init(containerID: String, began: AsyncStream<Result<Void, RuntimeError>>) {
        self.containerID = containerID
        self.began = began
    }

    /// Asks for the events; ``ready()`` says when no later one is missed.
    static func start(_ containerID: String, of runtime: any CheckpointRuntime) -> TaskEventWatch {
        let (began, beginning) = AsyncStream.makeStream(of: Result<Void, RuntimeError>.self)
        let watch = TaskEventWatch(containerID: containerID, began: began)
        let task = Task {
            var failure = RuntimeError(.unavailable, "the runtime ended its stream of events", isConnectionLoss: true)
            do throws(RuntimeError) {
                try await runtime.taskEvents(ready: { beginning.yield(.success(())) }) { watch.add($0) }
            } catch {
                failure = error
            }
            watch.state.withLock { $0.isComplete = false }
            beginning.yield(.failure(failure))
            beginning.finish()
        }
        watch.task.withLock { $0 = task }
        return watch
    }

    /// Once for each watch.
    func ready() async throws(RuntimeError) {
        for await result in began { return try result.get() }
        throw RuntimeError(.cancelled, "waiting for the runtime's events was cancelled")
    }

    /// Has to be called: the stream keeps the watch.
    func stop() { task.withLock { $0?.cancel() } }

    /// Forgets what has come so far; false where something of it may be missing.
    func clear() -> Bool {
        state.withLock { state in
            state.events = []
            return state.isComplete
        }
    }

    var events: (all: [ContainerdTaskEvent], isComplete: Bool) {
        state.withLock { ($0.events, $0.isComplete) }
    }

    private func add(_ event: ContainerdTaskEvent) {
        // The event of an image names the image.
        let isOurs =
            event.topic == ContentionEvidence.captured
            ? event.containerID.hasPrefix(ContentionEvidence.imagePrefix(of: containerID))
            : event.containerID == containerID
        guard isOurs else { return }
        state.withLock { state in
            if state.events.count < Self.limit {
                state.events.append(event)
            } else {
                state.isComplete = false
            }
        }
    }
}
