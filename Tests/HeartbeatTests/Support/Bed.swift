// SPDX-License-Identifier: Apache-2.0
import KubeAPI
import KubeTestServer
import Logging
import NodeStatus
import Synchronization

@testable import Heartbeat

/// A heartbeat that runs against a cluster of its own.
final class Bed: Sendable {
    let clock: TestClock
    let cluster = FakeCluster()
    let files = FileRecorder()
    let stuck = Box<String?>(nil)
    let heartbeat: Heartbeat
    private let task = Box<Task<Void, Never>?>(nil)

    init(_ role: HeartbeatRole = .node) {
        // The lease's loop and, unless it writes a file, the status'.
        clock = TestClock(sleepers: role == .none ? 1 : 2)
        let stores: HeartbeatStores =
            role == .none ? .files(lease: files, node: files) : cluster.stores()
        heartbeat = Heartbeat(
            settings(role), stores, target: "test", logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() },
            clock: clock.kube, random: half, stuckLoop: { [stuck] in stuck.value })
    }

    func run() {
        heartbeat.statusChanged(nodeObject())
        task.set(Task { await heartbeat.run() })
    }

    func stop() async {
        heartbeat.stop()
        await task.value?.value
    }

    var view: HeartbeatView { heartbeat.view }
}

/// A value that two tasks see.
final class Box<Value: Sendable>: Sendable {
    private let state: Mutex<Value>

    init(_ value: Value) { state = Mutex(value) }

    var value: Value { state.withLock { $0 } }
    func set(_ value: Value) { state.withLock { $0 = value } }
}

/// Files that are none.
final class FileRecorder: LeaseStore, NodeWriter {
    struct State {
        var lease: JSONValue?
        var renewals = 0
        var nodes: [JSONValue] = []
        var failure: HeartbeatFailure?
    }

    let state = Mutex(State())

    func get() async -> Result<JSONValue?, HeartbeatFailure> { .success(state.withLock { $0.lease }) }

    func create(_ lease: JSONValue) async -> Result<JSONValue, HeartbeatFailure> { await update(lease) }

    func update(_ lease: JSONValue) async -> Result<JSONValue, HeartbeatFailure> {
        state.withLock { state in
            if let failure = state.failure { return .failure(failure) }
            state.lease = lease
            state.renewals += 1
            return .success(lease)
        }
    }

    func write(_ node: JSONValue) async -> Result<Void, HeartbeatFailure> {
        state.withLock { state in
            if let failure = state.failure { return .failure(failure) }
            state.nodes.append(node)
            return .success(())
        }
    }
}
