// SPDX-License-Identifier: Apache-2.0
internal import NodeStatus

/// The body of `/status`: the whole truth about the node and how the agent came by it.
///
/// Nothing in it moves just because time passes: there are times, not ages, so the page changes when the truth does.
/// Counters that always move are in `/metrics`.
struct Report: Encodable {
    struct Node: Encodable {
        var name: String
        var labels: [String: String]
        /// Each label that nodekeep sets by itself, and where its value comes from.
        var presetLabels: [PresetLabel]
        var addressRule: String?
        var problems: [String]
    }

    struct Resources: Encodable {
        var memory: OrError<Memory>
        var cpu: OrError<CPU>
        var load: OrError<Load>
        var tasks: OrError<Tasks>
        var hugePages: OrError<[HugePages]>
    }

    var node: Node
    var status: NodeStatusObject
    var signals: [SignalStatus]
    var pressure: [String: OrError<Pressure>]
    var resources: Resources
    var fileSystems: OrError<[FileSystem]>
    var network: Network
    var system: System
    var runtime: Runtime
    var taints: [Taint]
    var checkpoints: CheckpointsReport
    var lease: Lease
    var collectors: [Source]
    var agent: Agent

    init(_ view: AgentView) {
        let snapshot = view.snapshot
        let preset = PresetLabels.compute(snapshot, view.settings)
        let resources = NodeResources.compute(snapshot, view.settings)
        node = Node(
            name: view.node.metadata.name, labels: view.node.metadata.labels ?? [:], presetLabels: preset.labels,
            addressRule: NodeAddresses.choose(snapshot, view.settings).rule?.rawValue,
            problems: preset.problems + resources.problems)
        status = view.node.status
        signals = view.signals
        pressure = [
            "cpu": OrError(snapshot.cpuPressure, Pressure.init),
            "memory": OrError(snapshot.memoryPressure, Pressure.init),
            "io": OrError(snapshot.ioPressure, Pressure.init),
        ]
        self.resources = Resources(
            memory: OrError(snapshot.memory, Memory.init), cpu: OrError(snapshot.topology, CPU.init),
            load: OrError(snapshot.load, Load.init), tasks: OrError(snapshot.processes, Tasks.init),
            hugePages: OrError(snapshot.hugePages) { $0.map(HugePages.init) })
        fileSystems = OrError(snapshot.fileSystems) { $0.map(FileSystem.init) }
        network = Network(snapshot)
        system = System(snapshot)
        runtime = Runtime(snapshot)
        taints = DerivedTaint.compute(view.conditions)
        checkpoints = CheckpointsReport(view.checkpoints)
        lease = Lease(view.heartbeat)
        collectors = snapshot.sources.map(Source.init)
        agent = Agent(view.agent)
    }
}

/// A value, or `{"error": "why there is none"}`.
enum OrError<Value: Encodable>: Encodable {
    case value(Value)
    case error(String)

    init<Measured: Sendable>(_ reading: Reading<Measured>, _ transform: (Measured) -> Value) {
        switch reading {
        case .value(let value, _): self = .value(transform(value))
        case .missing(let reason): self = .error(reason)
        }
    }

    private enum Key: String, CodingKey { case error }

    func encode(to encoder: any Encoder) throws {
        switch self {
        case .value(let value):
            try value.encode(to: encoder)
        case .error(let reason):
            var container = encoder.container(keyedBy: Key.self)
            try container.encode(reason, forKey: .error)
        }
    }
}
