// SPDX-License-Identifier: Apache-2.0
internal import NodeStatus

/// The container runtime on `/metrics`: how it answers us. What its containers use is on `/metrics/resource`.
enum RuntimeMetrics {
    static func write(_ metrics: inout MetricsText, _ snapshot: NodeSnapshot) {
        guard let report = snapshot.runtime else { return }
        metrics.family("nodekeep_runtime_up", .gauge, "1 while the container runtime answers.") { samples in
            samples.add(report.contact == .answers ? 1 : 0, ["endpoint": report.endpoint])
        }
        metrics.family("nodekeep_runtime_info", .gauge, "Which container runtime it is; always 1.") { samples in
            guard let name = report.name, let version = report.version.value else { return }
            samples.add(1, ["name": name, "version": version.version, "api_version": version.apiVersion])
        }
        metrics.family(
            "nodekeep_runtime_ready", .gauge, "Conditions of the container runtime: 1 for one that is true."
        ) { samples in
            var seen: Set<String> = []
            for condition in report.conditions.value ?? [] where seen.insert(condition.type).inserted {
                samples.add(condition.isTrue ? 1 : 0, ["condition": condition.type])
            }
        }
        metrics.single(
            "nodekeep_runtime_checkpoint_supported", .gauge,
            "1 if the container runtime can take checkpoints, 0 if it cannot; absent while nobody knows.",
            checkpoint(report.checkpoint))
        metrics.single(
            "nodekeep_runtime_images", .gauge, "Images of the container runtime.",
            report.images.value.map { Double($0.count) })
        metrics.family(
            "nodekeep_runtime_operations_total", .counter, "Calls to the container runtime, by operation."
        ) { samples in
            for calls in report.calls { samples.add(calls.count, ["operation": calls.operation]) }
        }
        metrics.family(
            "nodekeep_runtime_operation_errors_total", .counter,
            "Calls to the container runtime that failed or were not answered in time, by operation."
        ) { samples in
            for calls in report.calls { samples.add(calls.errors, ["operation": calls.operation]) }
        }
        metrics.family(
            "nodekeep_runtime_operation_seconds_total", .counter,
            "Time that calls to the container runtime took, by operation."
        ) { samples in
            for calls in report.calls { samples.add(calls.seconds, ["operation": calls.operation]) }
        }
    }

    private static func checkpoint(_ support: RuntimeReport.CheckpointSupport) -> Double? {
        switch support {
        case .supported: 1
        case .unsupported: 0
        case .unknown: nil
        }
    }
}
