// SPDX-License-Identifier: Apache-2.0
internal import NodeStatus

/// Lease, node status and events on `/metrics`.
enum HeartbeatMetrics {
    static func write(_ metrics: inout MetricsText, _ view: HeartbeatView) {
        let loops =
            [("lease", view.lease), ("status", view.status)]
            + (view.role == .none ? [] : [("events", view.events.loop)])
        metrics.family(
            "nodekeep_heartbeat_info", .gauge, "In which role the node's heartbeat is sent, and where to; always 1."
        ) { samples in
            samples.add(1, ["role": view.role.rawValue, "target": view.target])
        }
        metrics.family(
            "nodekeep_lease_renewals_total", .counter, "Writes of the node's lease, by whether they succeeded."
        ) { samples in
            samples.add(view.renewals, ["result": "ok"])
            samples.add(view.failedRenewals, ["result": "failed"])
        }
        metrics.single(
            "nodekeep_lease_last_success_timestamp_seconds", .gauge, "When the lease was last renewed.",
            view.lease.lastSuccess.map(seconds))
        metrics.single(
            "nodekeep_lease_duration_seconds", .gauge, "How long the lease lasts.",
            view.written.map { Double($0.leaseDurationSeconds) })
        metrics.single(
            "nodekeep_node_status_last_success_timestamp_seconds", .gauge,
            "When the node's status was last written, or found to be as it should be.",
            view.status.lastSuccess.map(seconds))
        metrics.family(
            "nodekeep_heartbeat_requests_total", .counter,
            "Calls of the heartbeat's loops to an API server, or to files, by how they ended."
        ) { samples in
            for (name, loop) in loops {
                for (result, count) in loop.results.sorted(by: { $0.key.rawValue < $1.key.rawValue }) {
                    samples.add(count, ["loop": name, "result": result.rawValue])
                }
            }
        }
        metrics.histogram("nodekeep_heartbeat_request_seconds", "How long those calls took.") { samples in
            for (name, loop) in loops where loop.latency.count > 0 {
                samples.add(
                    ["loop": name], bounds: LatencyHistogram.bounds, counts: loop.latency.counts,
                    sum: loop.latency.sum)
            }
        }
        metrics.single(
            "nodekeep_heartbeat_stopped", .gauge,
            "1 while neither lease nor status is written: they are somebody else's, or a loop of the agent is stuck.",
            view.refusal != nil || view.heldBack != nil ? 1 : 0)
        if let certificate = view.certificate {
            metrics.single(
                "nodekeep_client_certificate_expiration_timestamp_seconds", .gauge,
                "When the certificate ends that the agent shows the API server.", certificate.expires.map(seconds))
            metrics.family(
                "nodekeep_client_certificate_requests_total", .counter,
                "Requests for such a certificate, by whether one was issued."
            ) { samples in
                samples.add(certificate.issued, ["result": "issued"])
                samples.add(certificate.failures, ["result": "failed"])
            }
        }
        guard view.role != .none else { return }
        metrics.family("nodekeep_events_total", .counter, "Events about the node, by what became of them.") { samples in
            samples.add(view.events.loop.results[.ok] ?? 0, ["result": "sent"])
            samples.add(view.events.dropped, ["result": "dropped"])
            samples.add(view.events.suppressed, ["result": "suppressed"])
        }
    }

    private static func seconds(_ time: Timestamp) -> Double { Double(time.seconds) + Double(time.nanoseconds) / 1e9 }
}
