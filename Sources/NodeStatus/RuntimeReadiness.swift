// SPDX-License-Identifier: Apache-2.0

/// What the container runtime contributes to Ready: the kubelet's texts and its memory of the last answers
/// (pkg/kubelet/runtime.go, updateRuntimeUp of pkg/kubelet/kubelet.go).
struct RuntimeReadiness {
    /// When the runtime last said that it is ready, monotonic.
    private var lastSuccess: Duration?
    private var runtimeProblem: String?
    private var networkProblem: String? = "network state unknown"
    private var lastAnswer: Timestamp?

    /// pkg/kubelet/kubelet.go maxWaitForContainerRuntime
    static let patience: Duration = .seconds(30)

    /// - Parameter report: nil: there is a runtime, and nothing is known of it yet.
    mutating func evaluate(_ report: RuntimeReport?, uptime: Duration) -> [String] {
        // An answer counts once: if nobody asks any more, patience runs out.
        if case .value(let conditions, let time)? = report?.conditions, time != lastAnswer {
            lastAnswer = time
            take(conditions, uptime: uptime)
        }
        return [syncProblem(report, uptime: uptime), runtimeProblem, networkProblem].compactMap(\.self)
    }

    /// An answer that was never had leaves both problems as they were.
    private mutating func take(_ conditions: [RuntimeReport.Condition], uptime: Duration) {
        networkProblem = Self.problem(RuntimeReport.Condition.networkReady, in: conditions)
            .map { "container runtime network not ready: \($0)" }
        runtimeProblem = Self.problem(RuntimeReport.Condition.runtimeReady, in: conditions)
            .map { "container runtime not ready: \($0)" }
        if runtimeProblem == nil { lastSuccess = uptime }
    }

    /// A runtime that stops answering is given the kubelet's half minute: a restart is not an outage. One that was never
    /// there is down at once.
    private func syncProblem(_ report: RuntimeReport?, uptime: Duration) -> String? {
        if let lastSuccess { return uptime - lastSuccess < Self.patience ? nil : "container runtime is down" }
        if case .fails = report?.contact { return "container runtime is down" }
        return "container runtime status check may not have completed yet"
    }

    private static func problem(_ type: String, in conditions: [RuntimeReport.Condition]) -> String? {
        guard let condition = conditions.first(where: { $0.type == type }) else { return "<nil>" }
        return condition.isTrue ? nil : condition.words
    }
}
