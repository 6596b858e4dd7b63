// SPDX-License-Identifier: Apache-2.0
internal import NodeStatus

/// `/metrics/resource`: the kubelet's resource metrics by their names, for metrics-server and the like
/// (pkg/kubelet/metrics/collectors/resource_metrics.go). Samples carry the time they were taken.
enum ResourceMetricsPage {
    static func render(_ request: PageRequest, _ view: AgentView) -> RenderedPage {
        let snapshot = view.snapshot
        var metrics = MetricsText()
        var failed = false
        func sample(_ name: String, _ kind: MetricsText.Kind, _ help: String, _ reading: Reading<Double>) {
            guard case .value(let value, let time) = reading else {
                failed = true
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
        metrics.single(
            "resource_scrape_error", .gauge,
            "[STABLE] 1 if there was an error while getting container metrics, 0 otherwise", failed ? 1 : 0)
        return RenderedPage(
            path: request.page.path, listeners: request.page.listeners, contentType: MetricsPage.contentType,
            body: Array(metrics.text.utf8))
    }
}
