// SPDX-License-Identifier: Apache-2.0
internal import API
internal import Checkpoint
internal import Configuration
internal import Gate
internal import Logbook
internal import Logging
internal import NodeStatus
internal import Synchronization

/// The agent's present truth: the latest snapshot and what follows from it.
///
/// The collector's thread writes, the gate's thread reads; nobody waits for anybody longer than it takes to copy a
/// value.
final class AgentCore: Sendable {
    private struct State {
        var configuration: Configuration
        var configurationText: [UInt8]
        var snapshot: NodeSnapshot?
        var runtime: RuntimeReport?
        var known = KnownCapacity()
        var node: NodeObject?
        var tracker: ConditionTracker
        var sources = SourceWatch()
    }

    private let state: Mutex<State>
    private let beats: LoopBeats
    private let logger: Logger
    let startTime: Timestamp

    init(configuration: Configuration, beats: LoopBeats, logger: Logger, now: Timestamp) {
        state = Mutex(
            State(
                configuration: configuration, configurationText: Self.text(of: configuration),
                tracker: ConditionTracker(
                    settings: configuration.node, now: now,
                    wording: configuration.cluster.role == .node ? .kubelet : .nodekeep)))
        self.beats = beats
        self.logger = logger
        startTime = now
    }

    /// Takes a snapshot in and says which node follows from it.
    func take(_ snapshot: NodeSnapshot, uptime: Duration, now: Timestamp) -> NodeObject {
        let health = selfHealth(at: uptime)
        let (node, flips, sources) = state.withLock { state in
            var snapshot = snapshot
            state.known.learn(from: snapshot)
            snapshot.known = state.known
            state.snapshot = snapshot
            snapshot.runtime = state.runtime
            let flips = state.tracker.evaluate(snapshot, health: health, uptime: uptime, now: now)
            let node = NodeObject.build(
                snapshot: snapshot, settings: state.configuration.node, conditions: state.tracker.conditions)
            state.node = node
            // The runtime itself has records of its own.
            let reports = state.runtime?.sourcesBeside(snapshot.sources).filter { $0.name != "runtime" }
            return (node, flips, state.sources.news(reports ?? snapshot.sources, now: uptime))
        }
        for flip in flips { log(flip) }
        for source in sources { source.log(to: logger) }
        return node
    }

    /// Takes in what the container runtime has said: shown at once, the node follows with the next snapshot.
    ///
    /// - Returns: whether its images are somewhere else than before.
    @discardableResult
    func take(_ runtime: RuntimeReport) -> Bool {
        state.withLock { state in
            let before = state.runtime?.imageFileSystems.value?.first
            state.runtime = runtime
            return before != runtime.imageFileSystems.value?.first
        }
    }

    /// Goes on with another configuration.
    func update(_ configuration: Configuration) {
        state.withLock { state in
            if state.configuration.rootDirectory != configuration.rootDirectory { state.known.nodeFileSystem = nil }
            state.configuration = configuration
            state.configurationText = Self.text(of: configuration)
            state.tracker.update(settings: configuration.node)
        }
    }

    var configuration: Configuration { state.withLock { $0.configuration } }
    var hasSnapshot: Bool { state.withLock { $0.snapshot != nil } }

    /// The machine's memory as a place that a tmpfs takes from; nil before it has been read.
    var memorySpace: FileSystemSpace? {
        state.withLock { state in
            guard let memory = state.snapshot?.memory.value else { return nil }
            let thresholds = state.configuration.node.evictionHard + state.configuration.node.evictionSoft
            let reserve = thresholds.filter { $0.signal == .memoryAvailable }
                .map { $0.absolute(capacity: memory.total) }.max()
            return FileSystemSpace(
                device: "memory", name: "memory",
                available: memory.total > memory.workingSet ? memory.total - memory.workingSet : 0,
                capacity: memory.total, reserve: reserve ?? 0)
        }
    }

    /// The line for `systemctl status`.
    var summary: String {
        state.withLock { state in
            guard let node = state.node else { return "reading the node" }
            let conditions = (node.status.conditions ?? [])
                .filter { $0.status == ($0.type == .ready ? .isFalse : .isTrue) || $0.status == .unknown }
                .map { "\($0.type.rawValue) is \($0.status.rawValue)" }
            return conditions.isEmpty
                ? "\(node.metadata.name) is well" : "\(node.metadata.name): " + conditions.joined(separator: ", ")
        }
    }

    /// What there is to show at this moment.
    func view(
        facts: AgentFacts, web: WebFacts, checkpoints: CheckpointsView, heartbeat: HeartbeatView, at uptime: Duration
    ) -> AgentView {
        let liveness = livenessChecks(at: uptime)
        return state.withLock { state in
            var snapshot = state.snapshot ?? NodeSnapshot(time: startTime)
            snapshot.runtime = state.runtime
            let node =
                state.node
                ?? NodeObject.build(
                    snapshot: snapshot, settings: state.configuration.node, conditions: state.tracker.conditions)
            if let runtime = state.runtime { snapshot.sources = runtime.sourcesBeside(snapshot.sources) }
            let snapshotCheck = HealthCheck(
                name: "snapshot", problem: state.snapshot == nil ? "the node has not been read yet" : nil)
            return AgentView(
                snapshot: snapshot, settings: state.configuration.node, node: node, signals: state.tracker.signals,
                liveness: liveness, readiness: liveness + [snapshotCheck], agent: facts, web: web.total,
                checkpoints: checkpoints, heartbeat: heartbeat,
                configuration: state.configurationText)
        }
    }

    /// `ping`, then every loop of the liveness table.
    private func livenessChecks(at uptime: Duration) -> [HealthCheck] {
        let stuck = beats.stuck(at: uptime)
        return [HealthCheck(name: "ping", problem: nil)]
            + AgentLoop.allCases.map { loop in
                HealthCheck(name: loop.rawValue, problem: stuck.contains(loop) ? "it has not gone round" : nil)
            }
    }

    private func selfHealth(at uptime: Duration) -> SelfHealth {
        let stuck = beats.stuck(at: uptime)
        return SelfHealth(
            loops: AgentLoop.allCases.map { loop in
                SelfHealth.Loop(
                    name: loop.rawValue,
                    problem: stuck.contains(loop) ? "it has not gone round for \(GoDuration.format(loop.limit))" : nil)
            })
    }

    private func log(_ flip: ConditionFlip) {
        let condition = flip.condition
        let isBad = condition.status == .unknown || condition.status == (condition.type == .ready ? .isFalse : .isTrue)
        let kind: LogKind =
            condition.type != .ready ? .conditionChanged : condition.status == .isTrue ? .nodeReady : .nodeNotReady
        logger.log(
            level: isBad ? .warning : .info,
            "\(condition.type.rawValue) is \(condition.status.rawValue): \(condition.message)",
            metadata: .of(
                kind,
                [
                    "condition": "\(condition.type.rawValue)", "status": "\(condition.status.rawValue)",
                    "reason": "\(condition.reason)", "previous": "\(flip.previous.rawValue)",
                ]))
    }

    /// As `/configz` shows it: in the envelope that the kubelet's has.
    private static func text(of configuration: Configuration) -> [UInt8] {
        let envelope = ConfigurationValue.object([.init("kubeletconfig", configuration.document())])
        return JSONText.text(envelope)
    }
}

extension RuntimeReport {
    /// How its readings fare among the collector's sources, by name.
    fileprivate func sourcesBeside(_ others: [SourceReport]) -> [SourceReport] {
        (others + sources).sorted { $0.name < $1.name }
    }
}
