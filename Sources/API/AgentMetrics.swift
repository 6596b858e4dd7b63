// SPDX-License-Identifier: Apache-2.0
internal import Gate
internal import NodeStatus

/// The agent about itself: its processes, and what its web process has done.
enum AgentMetrics {
    static func write(_ metrics: inout MetricsText, _ view: AgentView) {
        metrics.family("nodekeep_build_info", .gauge, "The version that runs; always 1.") { samples in
            samples.add(1, ["version": view.agent.version])
        }
        metrics.single(
            "nodekeep_start_time_seconds", .gauge, "When the agent started.", Double(view.agent.startTime.seconds))
        let processes: [(String, MetricsText.Kind, String, (ProcessFacts) -> Double)] = [
            ("nodekeep_process_resident_bytes", .gauge, "Resident memory.", { Double($0.resident) }),
            (
                "nodekeep_process_anonymous_bytes", .gauge, "Resident memory that is no file's.",
                { Double($0.anonymous) }
            ),
            ("nodekeep_process_threads", .gauge, "Threads.", { Double($0.threads) }),
            ("nodekeep_process_cpu_seconds_total", .counter, "CPU time used.", { $0.cpuSeconds }),
        ]
        for (name, kind, help, value) in processes {
            metrics.family(name, kind, help) { samples in
                for process in view.agent.processes { samples.add(value(process), ["process": process.role]) }
            }
        }
        metrics.single(
            "nodekeep_web_starts_total", .counter,
            "Web processes started; every one beyond the first replaced another.",
            Double(view.agent.webStarts))
        let counters: [(String, MetricsText.Kind, String, UInt64)] = [
            ("nodekeep_web_connections", .gauge, "Open connections.", view.web.connectionsOpen),
            (
                "nodekeep_web_connections_accepted_total", .counter, "Connections accepted.",
                view.web.connectionsAccepted
            ),
            (
                "nodekeep_web_connections_evicted_total", .counter, "Idle connections closed to make room.",
                view.web.connectionsEvicted
            ),
            (
                "nodekeep_web_connections_timed_out_total", .counter,
                "Connections closed because something took too long.",
                view.web.connectionsTimedOut
            ),
            ("nodekeep_web_requests_passed_total", .counter, "Requests passed to the agent.", view.web.requestsPassed),
            (
                "nodekeep_web_denied_system_calls_total", .counter,
                "System calls that the web process's filter denied; anything but 0 deserves a look.",
                view.web.deniedSystemCalls
            ),
        ]
        for (name, kind, help, value) in counters { metrics.single(name, kind, help, Double(value)) }
        metrics.family(
            "nodekeep_access_decisions_total", .counter,
            "Requests on the main listener and the socket that the agent was asked about, by what it decided."
        ) { samples in
            for (decision, count) in view.agent.decisions.sorted(by: { $0.key < $1.key }) {
                samples.add(count, ["decision": decision])
            }
        }
        metrics.family("nodekeep_web_served_total", .counter, "Answers from web's memory.") { samples in
            for count in view.web.served {
                samples.add(
                    count.count,
                    ["path": count.path, "listener": name(of: count.listener), "code": "\(count.status)"])
            }
        }
        metrics.family("nodekeep_web_refused_total", .counter, "Requests that web refused by itself.") { samples in
            for count in view.web.refused {
                samples.add(count.count, ["reason": count.reason, "code": "\(count.status)"])
            }
        }
    }

    private static func name(of listener: ListenerKind) -> String {
        switch listener {
        case .local: "local"
        case .socket: "socket"
        case .main: "main"
        }
    }
}
