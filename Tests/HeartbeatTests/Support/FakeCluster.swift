// SPDX-License-Identifier: Apache-2.0
import KubeAPI
import NodeStatus
import Synchronization

@testable import Heartbeat

/// Leases, one Node and events as an API server keeps them: resource versions, uids, conflicts, and strategic merge of
/// conditions and addresses. It fails as it is told to.
final class FakeCluster: NodeStore, EventStore {
    struct State {
        var lease: JSONValue?
        var node: JSONValue?
        var events: [String: JSONValue] = [:]
        var version = 100
        var uids = 0
        /// The next calls of that name fail so, one after the other: `lease.update`, `node.patch`, ….
        var failures: [String: [HeartbeatFailure]] = [:]
        /// Every call fails so.
        var outage: HeartbeatFailure?
        var calls: [String] = []
        var patches: [JSONValue] = []
        var connections = 0
        /// The call of that name waits for it.
        var holds: [String: OneTimeValue<Bool>] = [:]
    }

    let state = Mutex(State())

    var calls: [String] { state.withLock { $0.calls } }
    var lease: JSONValue? { state.withLock { $0.lease } }
    var node: JSONValue? { state.withLock { $0.node } }
    var patches: [JSONValue] { state.withLock { $0.patches } }
    var events: [JSONValue] {
        state.withLock { $0.events.values.sorted { $0["reason"]?.text ?? "" < $1["reason"]?.text ?? "" } }
    }

    func stores() -> HeartbeatStores {
        .cluster(
            lease: LeasePart(cluster: self), node: self, events: self,
            renewConnections: { self.state.withLock { $0.connections += 1 } })
    }

    func change(_ body: @Sendable (inout State) -> Void) { state.withLock { body(&$0) } }

    fileprivate func call<Value: Sendable>(
        _ name: String, _ body: (inout State) -> Result<Value, HeartbeatFailure>
    ) async -> Result<Value, HeartbeatFailure> {
        let hold = state.withLock { state in
            state.calls.append(name)
            return state.holds[name]
        }
        if let hold { _ = await hold.value() }
        return state.withLock { state in
            if let outage = state.outage { return .failure(outage) }
            if let failure = state.failures[name]?.first {
                state.failures[name]?.removeFirst()
                return .failure(failure)
            }
            return body(&state)
        }
    }

    func get() async -> Result<JSONValue?, HeartbeatFailure> { await call("node.get") { .success($0.node) } }

    func create(_ node: JSONValue) async -> Result<JSONValue, HeartbeatFailure> {
        await call("node.create") { state in
            guard state.node == nil else { return .failure(failure(.conflict)) }
            let made = state.made(node)
            state.node = made
            return .success(made)
        }
    }

    func patchStatus(_ patch: JSONValue) async -> Result<JSONValue, HeartbeatFailure> {
        await call("node.patch") { state in
            guard let node = state.node else { return .failure(failure(.notFound)) }
            state.patches.append(patch)
            var merged = StrategicMerge.apply(patch, to: node)
            merged["spec"] = node["spec"]
            let stored = state.stored(merged)
            state.node = stored
            return .success(stored)
        }
    }

    func create(_ event: JSONValue, namespace: String) async -> Result<JSONValue, HeartbeatFailure> {
        await call("event.create") { state in
            let name = "\(namespace)/\(event["metadata", "name"]?.text ?? "")"
            guard state.events[name] == nil else { return .failure(failure(.conflict)) }
            let made = state.made(event)
            state.events[name] = made
            return .success(made)
        }
    }

    func patch(_ patch: JSONValue, namespace: String, name: String) async -> Result<JSONValue, HeartbeatFailure> {
        await call("event.patch") { state in
            guard let event = state.events["\(namespace)/\(name)"] else { return .failure(failure(.notFound)) }
            let stored = state.stored(StrategicMerge.apply(patch, to: event))
            state.events["\(namespace)/\(name)"] = stored
            return .success(stored)
        }
    }

    fileprivate func getLease() async -> Result<JSONValue?, HeartbeatFailure> {
        await call("lease.get") { .success($0.lease) }
    }

    fileprivate func createLease(_ lease: JSONValue) async -> Result<JSONValue, HeartbeatFailure> {
        await call("lease.create") { state in
            guard state.lease == nil else { return .failure(failure(.conflict)) }
            let made = state.made(lease)
            state.lease = made
            return .success(made)
        }
    }

    fileprivate func updateLease(_ lease: JSONValue) async -> Result<JSONValue, HeartbeatFailure> {
        await call("lease.update") { state in
            // A PUT makes a Lease that is not there, and one with a uid can be no new one.
            guard let old = state.lease else { return .failure(failure(.conflict)) }
            guard let version = lease["metadata", "resourceVersion"] else { return .failure(failure(.invalid)) }
            guard version == old["metadata", "resourceVersion"], lease["metadata", "uid"] == old["metadata", "uid"]
            else { return .failure(failure(.conflict)) }
            let stored = state.stored(lease)
            state.lease = stored
            return .success(stored)
        }
    }
}

extension FakeCluster.State {
    mutating func made(_ object: JSONValue) -> JSONValue {
        uids += 1
        var object = object
        object["metadata", "uid"] = .string("uid-\(uids)")
        object["metadata", "creationTimestamp"] = "2026-11-21T00:48:52Z"
        return stored(object)
    }

    mutating func stored(_ object: JSONValue) -> JSONValue {
        version += 1
        var object = object
        object["metadata", "resourceVersion"] = .string(String(version))
        object["metadata", "managedFields"] = [["manager": "nodekeep"]]
        return object
    }
}

/// The lease calls, whose names are the Node's.
private struct LeasePart: LeaseStore {
    let cluster: FakeCluster

    func get() async -> Result<JSONValue?, HeartbeatFailure> { await cluster.getLease() }
    func create(_ lease: JSONValue) async -> Result<JSONValue, HeartbeatFailure> { await cluster.createLease(lease) }
    func update(_ lease: JSONValue) async -> Result<JSONValue, HeartbeatFailure> { await cluster.updateLease(lease) }
}

/// As an API server merges a patch of a Node's status.
enum StrategicMerge {
    private static let keys = ["conditions": "type", "addresses": "type"]

    static func apply(_ patch: JSONValue, to old: JSONValue) -> JSONValue {
        guard let changes = patch.fields else { return patch }
        var fields = old.fields ?? [:]
        for (name, change) in changes {
            if change.isNull {
                fields[name] = nil
            } else if let elements = change.elements, let key = keys[name] {
                fields[name] = .array(merge(elements, into: fields[name]?.elements ?? [], by: key))
            } else {
                fields[name] = apply(change, to: fields[name] ?? .object([:]))
            }
        }
        return .object(fields)
    }

    private static func merge(_ changes: [JSONValue], into old: [JSONValue], by key: String) -> [JSONValue] {
        let isReplaced = changes.contains { $0["$patch"]?.text == "replace" }
        var result = isReplaced ? [] : old
        for change in changes where change["$patch"] == nil {
            if !isReplaced, let index = result.firstIndex(where: { $0[key] == change[key] }) {
                result[index] = apply(change, to: result[index])
            } else {
                result.append(change)
            }
        }
        return result
    }
}
