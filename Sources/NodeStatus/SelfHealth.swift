// SPDX-License-Identifier: Apache-2.0

/// How the agent's own loops fare: what a kubelet's Ready says of its own.
package struct SelfHealth: Equatable, Sendable {
    package struct Loop: Equatable, Sendable {
        /// `collector`, `lease`.
        package var name: String
        /// Nil: it runs as it should. Better without numbers that change: each new text is a new status.
        package var problem: String?

        package init(name: String, problem: String?) {
            self.name = name
            self.problem = problem
        }
    }

    package var loops: [Loop]

    package init(loops: [Loop] = []) {
        self.loops = loops
    }

    package static let good = SelfHealth()
}

/// The words of the Ready condition, by the role in which the agent speaks.
package struct ReadyWording: Equatable, Sendable {
    package var readyReason: String
    package var readyMessage: String
    package var notReadyReason: String

    package init(readyReason: String, readyMessage: String, notReadyReason: String) {
        self.readyReason = readyReason
        self.readyMessage = readyMessage
        self.notReadyReason = notReadyReason
    }

    /// On its own: it must not be mistaken for a kubelet that is ready to run pods.
    package static let nodekeep = ReadyWording(
        readyReason: "NodekeepReady", readyMessage: "nodekeep is posting ready status",
        notReadyReason: "NodekeepNotReady")

    /// As the node's agent (pkg/kubelet/nodestatus/setters.go ReadyCondition).
    package static let kubelet = ReadyWording(
        readyReason: "KubeletReady", readyMessage: "kubelet is posting ready status",
        notReadyReason: "KubeletNotReady")
}

/// What keeps the node from being Ready, in the kubelet's words and order: runtime, network, own loops, shutdown, capacity.
struct ReadinessProblems {
    private var runtime = RuntimeReadiness()
    /// What was missing last time, and what was ever there: what one evaluation remembers for the next.
    private var missingBefore: Set<String> = []
    private var everPresent: Set<String> = []

    mutating func evaluate(
        _ snapshot: NodeSnapshot, _ settings: NodeSettings, _ health: SelfHealth, uptime: Duration, isNew: Bool
    ) -> [String] {
        var problems = settings.runtimeConfigured ? runtime.evaluate(snapshot.runtime, uptime: uptime) : []
        for loop in health.loops {
            if let problem = loop.problem { problems.append("\(loop.name) is not healthy: \(problem)") }
        }
        if snapshot.systemd.value?.isPreparingForShutdown == true { problems.append("node is shutting down") }
        if let problem = capacityProblem(snapshot, settings, isNew: isNew) { problems.append(problem) }
        var seen: Set<String> = []
        return problems.filter { seen.insert($0).inserted }
    }

    /// A resource that was there before has to be missing twice in a row.
    private mutating func capacityProblem(
        _ snapshot: NodeSnapshot, _ settings: NodeSettings, isNew: Bool
    ) -> String? {
        let capacity = NodeResources.compute(snapshot, settings).capacity
        let required =
            ["cpu", "memory", "pods"] + (settings.localStorageCapacityIsolation ? ["ephemeral-storage"] : [])
        everPresent.formUnion(required.filter { capacity[$0] != nil })
        let absent = required.filter { capacity[$0] == nil }
        let missing = absent.filter { missingBefore.contains($0) || !everPresent.contains($0) }
        if isNew { missingBefore = Set(absent) }
        return missing.isEmpty ? nil : "missing node capacity for resources: " + missing.joined(separator: ", ")
    }

    /// One text bare, several as `[a, b]` (apimachinery/pkg/util/errors/errors.go).
    static func aggregate(_ problems: [String]) -> String {
        problems.count == 1 ? problems.joined() : "[" + problems.joined(separator: ", ") + "]"
    }
}
