// SPDX-License-Identifier: Apache-2.0
internal import NodeStatus

/// `/metrics/resource`: the kubelet's resource metrics by their names, for metrics-server and the like
/// (pkg/kubelet/metrics/collectors/resource_metrics.go). Samples carry the time they were taken.
enum ResourceMetricsPage {
    static let path = "/metrics/resource"

    /// What containers used longer ago is not said: start times carry no time of their own, and would bring the dead
    /// back to life.
    static let oldestUsage: Int64 = 120

    static func render(_ request: PageRequest, _ view: AgentView) -> RenderedPage {
        var metrics = MetricsText()
        let usage = usage(view.snapshot)
        if let usage = usage.value { containers(&metrics, usage.containers) }
        let isComplete = node(&metrics, view.snapshot)
        if let usage = usage.value { pods(&metrics, usage.pods) }
        metrics.single(
            "resource_scrape_error", .gauge,
            "[STABLE] 1 if there was an error while getting container metrics, 0 otherwise",
            isComplete && usage.value != nil ? 0 : 1)
        return RenderedPage(
            path: request.page.path, listeners: request.page.listeners, contentType: MetricsPage.contentType,
            body: Array(metrics.text.utf8))
    }

    /// A node without a runtime has no containers, which is no error.
    private static func usage(_ snapshot: NodeSnapshot) -> Reading<RuntimeUsage> {
        guard let report = snapshot.runtime else { return .value(RuntimeUsage(), at: snapshot.time) }
        if let time = report.usage.time, snapshot.time.seconds.subtractingClamped(time.seconds) > oldestUsage {
            return .missing("not read for \(oldestUsage) s")
        }
        return report.usage
    }

    /// False when something is missing.
    private static func node(_ metrics: inout MetricsText, _ snapshot: NodeSnapshot) -> Bool {
        var isComplete = true
        func sample(_ name: String, _ kind: MetricsText.Kind, _ help: String, _ reading: Reading<Double>) {
            guard case .value(let value, let time) = reading else {
                isComplete = false
                return
            }
            metrics.family(name, kind, help) { samples in
                samples.add(value, milliseconds: time.seconds * 1_000 + Int64(time.nanoseconds) / 1_000_000)
            }
        }
        sample(
            "node_cpu_usage_seconds_total", .counter,
            "[STABLE] Cumulative cpu time consumed by the node in core-seconds",
            snapshot.cpu.map { Double($0.totalNanoseconds) / 1e9 })
        sample(
            "node_memory_working_set_bytes", .gauge, "[STABLE] Current working set of the node in bytes",
            snapshot.memory.map { Double($0.workingSet) })
        sample(
            "node_swap_usage_bytes", .gauge,
            "[ALPHA] Current swap usage of the node in bytes. Reported only on non-windows systems",
            snapshot.memory.map { Double($0.swapUsed) })
        return isComplete
    }

    private static func containers(_ metrics: inout MetricsText, _ containers: [RuntimeUsage.Container]) {
        func family(
            _ name: String, _ kind: MetricsText.Kind, _ help: String, _ sample: (RuntimeUsage.Container) -> Sample?
        ) {
            metrics.family(name, kind, help) { samples in
                for container in containers {
                    samples.add(
                        sample(container),
                        ["container": container.name, "namespace": container.namespace, "pod": container.pod])
                }
            }
        }
        family(
            "container_cpu_usage_seconds_total", .counter,
            "[STABLE] Cumulative cpu time consumed by the container in core-seconds"
        ) { Sample(seconds: $0.amounts.cpu) }
        family(
            "container_memory_working_set_bytes", .gauge,
            "[STABLE] Current working set of the container in bytes"
        ) { Sample(bytes: $0.amounts.workingSet) }
        family(
            "container_start_time_seconds", .gauge,
            "[STABLE] Start time of the container since unix epoch in seconds"
        ) { $0.createdAt >= 1_000_000_000 ? Sample(value: Double($0.createdAt) / 1e9, milliseconds: nil) : nil }
        family(
            "container_swap_limit_bytes", .gauge,
            "[ALPHA] Current amount of the container swap limit in bytes. Reported only on non-windows systems"
        ) { Sample(bytes: $0.swapLimit) }
        family(
            "container_swap_usage_bytes", .gauge,
            "[ALPHA] Current amount of the container swap usage in bytes. Reported only on non-windows systems"
        ) { Sample(bytes: $0.amounts.swap) }
    }

    private static func pods(_ metrics: inout MetricsText, _ pods: [RuntimeUsage.Pod]) {
        func family(
            _ name: String, _ kind: MetricsText.Kind, _ help: String, _ sample: (RuntimeUsage.Pod) -> Sample?
        ) {
            metrics.family(name, kind, help) { samples in
                for pod in pods { samples.add(sample(pod), ["namespace": pod.namespace, "pod": pod.name]) }
            }
        }
        family(
            "pod_cpu_usage_seconds_total", .counter,
            "[STABLE] Cumulative cpu time consumed by the pod in core-seconds"
        ) { Sample(seconds: $0.amounts.cpu) }
        family(
            "pod_memory_working_set_bytes", .gauge, "[STABLE] Current working set of the pod in bytes"
        ) { Sample(bytes: $0.amounts.workingSet) }
        family(
            "pod_swap_usage_bytes", .gauge,
            "[ALPHA] Current amount of the pod swap usage in bytes. Reported only on non-windows systems"
        ) { Sample(bytes: $0.amounts.swap) }
    }

    fileprivate struct Sample {
        var value: Double
        /// Since 1970; nil: without a time.
        var milliseconds: Int64?

        init(value: Double, milliseconds: Int64?) {
            self.value = value
            self.milliseconds = milliseconds
        }

        init?(bytes sample: RuntimeUsage.Sample?) {
            guard let sample else { return nil }
            self.init(value: Double(sample.value), milliseconds: Self.milliseconds(sample))
        }

        init?(seconds sample: RuntimeUsage.Sample?) {
            guard let sample else { return nil }
            self.init(value: Double(sample.value) / 1e9, milliseconds: Self.milliseconds(sample))
        }

        /// A runtime that knows no time gives zero.
        private static func milliseconds(_ sample: RuntimeUsage.Sample) -> Int64? {
            sample.time > 0 ? sample.time / 1_000_000 : nil
        }
    }
}

extension MetricsText.Samples {
    fileprivate mutating func add(_ sample: ResourceMetricsPage.Sample?, _ labels: KeyValuePairs<String, String>) {
        guard let sample else { return }
        add(sample.value, labels, milliseconds: sample.milliseconds)
    }
}

extension Int64 {
    fileprivate func subtractingClamped(_ other: Int64) -> Int64 {
        let (difference, overflow) = subtractingReportingOverflow(other)
        return overflow ? (self < 0 ? .min : .max) : difference
    }
}
