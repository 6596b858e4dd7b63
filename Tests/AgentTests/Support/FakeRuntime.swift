// SPDX-License-Identifier: Apache-2.0
import CRI
import NodeStatus
import Synchronization

@testable import Agent

/// A runtime of which the tests say what it answers.
final class FakeRuntime: RuntimeQueries {
    struct Answers: Sendable {
        var version: Result<RuntimeVersion, RuntimeError> = .success(
            RuntimeVersion(name: "containerd", version: "v2.1.9", apiVersion: "v1"))
        var status: Result<RuntimeStatus, RuntimeError> = .success(.ready())
        var sandboxes: Result<[Sandbox], RuntimeError> = .success([])
        var containers: Result<[Container], RuntimeError> = .success([])
        var details: [String: ContainerDetails] = [:]
        var containerUsages: Result<[ContainerUsage], RuntimeError> = .success([])
        var sandboxUsages: Result<[SandboxUsage], RuntimeError> = .success([])
        var imageFileSystems: Result<[RuntimeFileSystem], RuntimeError> = .success([])
        var images: Result<[RuntimeImage], RuntimeError> = .success([])
        var cgroupDriver: Result<CgroupDriver, RuntimeError> = .success(.systemd)
        var events: (events: [ContainerEvent], end: RuntimeError?) = ([], nil)
        var checkpointSupport: CheckpointSupport = .supported
    }

    let answers = Mutex(Answers())
    /// Every call, with its timeout in seconds.
    let asked = Mutex<[String]>([])

    private func answer<Value: Sendable>(
        _ name: String, _ timeout: Duration?, _ pick: (Answers) -> Result<Value, RuntimeError>
    ) throws(RuntimeError) -> Value {
        asked.withLock { $0.append("\(name) \(timeout.map { "\($0.components.seconds)" } ?? "-")") }
        return try answers.withLock { pick($0) }.get()
    }

    func run() async {}
    func shutDown() {}
    func version(timeout: Duration?) async throws(RuntimeError) -> RuntimeVersion {
        try answer("version", timeout, \.version)
    }
    func status(verbose: Bool, timeout: Duration?) async throws(RuntimeError) -> RuntimeStatus {
        try answer("status", timeout, \.status)
    }
    func sandboxes(labels: [String: String], timeout: Duration?) async throws(RuntimeError) -> [Sandbox] {
        try answer("sandboxes", timeout, \.sandboxes)
    }
    func containers(labels: [String: String], timeout: Duration?) async throws(RuntimeError) -> [Container] {
        try answer("containers", timeout, \.containers)
    }
    func container(_ id: String, timeout: Duration?) async throws(RuntimeError) -> ContainerDetails {
        asked.withLock { $0.append("container \(id)") }
        guard let details = answers.withLock({ $0.details[id] }) else { throw RuntimeError(.notFound, "no \(id)") }
        return details
    }
    func containerUsages(timeout: Duration?) async throws(RuntimeError) -> [ContainerUsage] {
        try answer("containerUsages", timeout, \.containerUsages)
    }
    func sandboxUsages(timeout: Duration?) async throws(RuntimeError) -> [SandboxUsage] {
        try answer("sandboxUsages", timeout, \.sandboxUsages)
    }
    func imageFileSystems(
        timeout: Duration?
    ) async throws(RuntimeError) -> (images: [RuntimeFileSystem], containers: [RuntimeFileSystem]) {
        (try answer("imageFileSystems", timeout, \.imageFileSystems), [])
    }
    func images(timeout: Duration?) async throws(RuntimeError) -> [RuntimeImage] {
        try answer("images", timeout, \.images)
    }
    func cgroupDriver(timeout: Duration?) async throws(RuntimeError) -> CgroupDriver {
        try answer("cgroupDriver", timeout, \.cgroupDriver)
    }
    func containerEvents(_ body: @escaping @Sendable (ContainerEvent) async -> Void) async throws(RuntimeError) {
        let (events, end) = answers.withLock { $0.events }
        for event in events { await body(event) }
        if let end { throw end }
    }
    func checkpointSupport() async -> CheckpointSupport { answers.withLock { $0.checkpointSupport } }
}

extension RuntimeStatus {
    static func ready(runtime: Bool = true) -> RuntimeStatus {
        var status = RuntimeStatus()
        status.conditions = [
            Condition(type: "RuntimeReady", isTrue: runtime, reason: "", message: ""),
            Condition(type: "NetworkReady", isTrue: false, reason: "NoCNI", message: "none"),
        ]
        status.handlers = ["runc", ""].map { Handler(name: $0, recursiveReadOnlyMounts: true, userNamespaces: false) }
        status.supplementalGroupsPolicy = true
        return status
    }
}

/// Both clocks, moved by hand.
final class HandClock: Sendable {
    private let time = Mutex<Duration>(.seconds(1_000))

    func advance(_ duration: Duration) { time.withLock { $0 += duration } }

    var clock: RuntimeClock {
        RuntimeClock(
            monotonic: { self.time.withLock { $0 } },
            wall: { Timestamp(seconds: 1_795_000_000 + self.time.withLock { $0.components.seconds }) })
    }
}
