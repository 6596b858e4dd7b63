// SPDX-License-Identifier: Apache-2.0
package import KubeAPI
internal import NodeStatus

/// The lease of role none: an object as the API server has it, in a file.
package struct FileLeaseStore: LeaseStore {
    private let file: FileAccess
    private let clock: KubeClock

    /// - Parameter directory: The run directory: it is empty after a start of the machine, and writing costs no disk.
    package init(directory: String, clock: KubeClock = .system) {
        file = FileAccess(path: directory + "/lease.json", clock: clock)
        self.clock = clock
    }

    package func get() async -> Result<JSONValue?, HeartbeatFailure> {
        await file.run("read") { Self.read($0) }
    }

    package func create(_ lease: JSONValue) async -> Result<JSONValue, HeartbeatFailure> {
        let date = clock.date()
        return await file.run("write") { file in
            switch Self.read(file) {
            case .failure(let failure): return .failure(failure)
            case .success(.some): return .failure(HeartbeatFailure(.conflict, "\(file.path) is there already"))
            case .success(.none): break
            }
            var lease = lease
            lease["metadata", "creationTimestamp"] = .string(date.rfc3339)
            lease["metadata", "resourceVersion"] = "1"
            return Self.write(lease, file)
        }
    }

    package func update(_ lease: JSONValue) async -> Result<JSONValue, HeartbeatFailure> {
        await file.run("write") { file in
            let current: JSONValue
            switch Self.read(file) {
            case .failure(let failure): return .failure(failure)
            case .success(.none): return .failure(HeartbeatFailure(.notFound, "\(file.path) is gone"))
            case .success(.some(let found)): current = found
            }
            let version = current["metadata", "resourceVersion"]?.text
            guard version == lease["metadata", "resourceVersion"]?.text else {
                return .failure(HeartbeatFailure(.conflict, "\(file.path) was changed by somebody else"))
            }
            var lease = lease
            let number = version.flatMap { UInt64($0) } ?? 0
            lease["metadata", "resourceVersion"] = .string(String(number &+ 1))
            return Self.write(lease, file)
        }
    }

    /// What is no lease was not written here, as a file is replaced whole: it counts as none and is replaced.
    private static func read(_ file: FileAccess) -> Result<JSONValue?, HeartbeatFailure> {
        file.read().map { bytes -> JSONValue? in
            guard let bytes, let lease = try? JSONValue.parse(bytes), NodeLease.view(lease) != nil else { return nil }
            return lease
        }
    }

    private static func write(_ lease: JSONValue, _ file: FileAccess) -> Result<JSONValue, HeartbeatFailure> {
        file.replace(with: lease.encoded(pretty: true)).map { lease }
    }
}

/// The node's last status in a file: what the node was is there to read after the agent, or the machine, has stopped.
package struct NodeStatusFile: NodeWriter {
    private let file: FileAccess

    /// - Parameter directory: The state directory.
    package init(directory: String, clock: KubeClock = .system) {
        file = FileAccess(path: directory + "/node-status.json", clock: clock)
    }

    package func write(_ node: JSONValue) async -> Result<Void, HeartbeatFailure> {
        await file.run("write") { $0.replace(with: node.encoded(pretty: true)) }
    }
}
