// SPDX-License-Identifier: Apache-2.0
package import Gate
package import NodeStatus

/// Everything there is to show at one moment, as plain values: pages are rendered from this and from nothing else.
package struct AgentView: Sendable {
    package var snapshot: NodeSnapshot
    package var settings: NodeSettings
    package var node: NodeObject
    package var signals: [SignalStatus]
    package var liveness: [HealthCheck]
    package var readiness: [HealthCheck]
    package var agent: AgentFacts
    package var web: WebCounters
    package var checkpoints: CheckpointsView
    package var heartbeat: HeartbeatView
    /// The effective configuration as JSON, without secrets.
    package var configuration: [UInt8]

    package init(
        snapshot: NodeSnapshot, settings: NodeSettings, node: NodeObject, signals: [SignalStatus],
        liveness: [HealthCheck], readiness: [HealthCheck], agent: AgentFacts, web: WebCounters,
        checkpoints: CheckpointsView = CheckpointsView(),
        heartbeat: HeartbeatView = HeartbeatView(role: .none, target: ""), configuration: [UInt8]
    ) {
        self.snapshot = snapshot
        self.settings = settings
        self.node = node
        self.signals = signals
        self.liveness = liveness
        self.readiness = readiness
        self.agent = agent
        self.web = web
        self.checkpoints = checkpoints
        self.heartbeat = heartbeat
        self.configuration = configuration
    }
}

extension AgentView {
    var conditions: [NodeCondition] { node.status.conditions ?? [] }
}

/// The agent about itself.
package struct AgentFacts: Equatable, Sendable {
    package var version: String
    package var startTime: Timestamp
    /// What it listens on, for people.
    package var listeners: [String]
    package var processes: [ProcessFacts]
    /// Web processes started so far.
    package var webStarts: UInt64
    /// Why nothing is offered beyond this machine, or nil.
    package var notice: String?
    /// Requests by what was decided about them: `allowed`, `unauthenticated`, `forbidden`, `undecided`, `busy`.
    package var decisions: [String: UInt64]

    package init(
        version: String, startTime: Timestamp, listeners: [String], processes: [ProcessFacts], webStarts: UInt64,
        notice: String?, decisions: [String: UInt64] = [:]
    ) {
        self.version = version
        self.startTime = startTime
        self.listeners = listeners
        self.processes = processes
        self.webStarts = webStarts
        self.notice = notice
        self.decisions = decisions
    }
}

/// One of our processes, from /proc/N/status and /proc/N/stat.
package struct ProcessFacts: Equatable, Sendable {
    /// `agent` or `web`.
    package var role: String
    package var processID: Int32
    /// Bytes.
    package var resident: UInt64
    /// Bytes that are no file's: what the process itself has allocated.
    package var anonymous: UInt64
    package var threads: UInt64
    package var cpuSeconds: Double

    package init(
        role: String, processID: Int32, resident: UInt64, anonymous: UInt64, threads: UInt64, cpuSeconds: Double
    ) {
        self.role = role
        self.processID = processID
        self.resident = resident
        self.anonymous = anonymous
        self.threads = threads
        self.cpuSeconds = cpuSeconds
    }
}
