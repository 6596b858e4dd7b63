// SPDX-License-Identifier: Apache-2.0
internal import NodeStatus

/// `/metrics`: everything as Prometheus text. Base units, a family per fact, the source of each value in its help.
enum MetricsPage {
    static let contentType = "text/plain; version=0.0.4; charset=utf-8"

    static func render(_ request: PageRequest, _ view: AgentView) -> RenderedPage {
        var metrics = MetricsText()
        nodeFamilies(&metrics, view)
        resourceFamilies(&metrics, view.snapshot)
        pressureFamilies(&metrics, view.snapshot)
        FileSystemMetrics.write(&metrics, view.snapshot)
        NetworkMetrics.write(&metrics, view.snapshot)
        systemFamilies(&metrics, view.snapshot)
        RuntimeMetrics.write(&metrics, view.snapshot)
        sourceFamilies(&metrics, view.snapshot)
        CheckpointMetrics.write(&metrics, view.checkpoints)
        HeartbeatMetrics.write(&metrics, view.heartbeat)
        AgentMetrics.write(&metrics, view)
        return RenderedPage(
            path: request.page.path, listeners: request.page.listeners, contentType: contentType,
            body: Array(metrics.text.utf8))
    }

    private static func nodeFamilies(_ metrics: inout MetricsText, _ view: AgentView) {
        metrics.family("nodekeep_node_info", .gauge, "What names the node; always 1.") { samples in
            let info = view.node.status.nodeInfo
            samples.add(
                1,
                [
                    "node": view.node.metadata.name, "os_image": info.osImage, "kernel_version": info.kernelVersion,
                    "architecture": info.architecture, "machine_id": info.machineID, "boot_id": info.bootID,
                ])
        }
        metrics.family(
            "nodekeep_node_condition", .gauge, "Conditions of the node: 1 for the status that holds, 0 for the others."
        ) { samples in
            for condition in view.conditions {
                for status in [ConditionStatus.isTrue, .isFalse, .unknown] {
                    samples.add(
                        condition.status == status ? 1 : 0,
                        ["condition": condition.type.rawValue, "status": status.rawValue.lowercased()])
                }
            }
        }
        metrics.family(
            "nodekeep_node_condition_last_transition_timestamp_seconds", .gauge,
            "When the condition last changed its status."
        ) { samples in
            for condition in view.conditions {
                samples.add(
                    Double(condition.lastTransitionTime.seconds), ["condition": condition.type.rawValue])
            }
        }
        metrics.family(
            "nodekeep_signal_available", .gauge, "What is available of an eviction signal: bytes, inodes or tasks."
        ) { samples in
            for signal in view.signals {
                if let available = signal.available { samples.add(available, ["signal": signal.signal.rawValue]) }
            }
        }
        metrics.family(
            "nodekeep_signal_capacity", .gauge, "The capacity of an eviction signal: bytes, inodes or tasks."
        ) { samples in
            for signal in view.signals {
                if let capacity = signal.capacity { samples.add(capacity, ["signal": signal.signal.rawValue]) }
            }
        }
        metrics.family(
            "nodekeep_signal_threshold", .gauge,
            "The threshold of an eviction signal, below which the condition holds: bytes, inodes or tasks."
        ) { samples in
            for signal in view.signals {
                for (kind, threshold) in [("hard", signal.hard), ("soft", signal.soft)] {
                    guard let absolute = threshold?.absolute else { continue }
                    samples.add(absolute, ["signal": signal.signal.rawValue, "kind": kind])
                }
            }
        }
        metrics.family("nodekeep_signal_met", .gauge, "1 while the signal is below a threshold.") { samples in
            for signal in view.signals where signal.available != nil {
                samples.add(signal.met ? 1 : 0, ["signal": signal.signal.rawValue])
            }
        }
    }

    private static func resourceFamilies(_ metrics: inout MetricsText, _ snapshot: NodeSnapshot) {
        let memory = snapshot.memory.value
        let bytes: [(String, String, UInt64?)] = [
            ("nodekeep_memory_capacity_bytes", "Memory of the node (MemTotal).", memory?.total),
            ("nodekeep_memory_available_bytes", "Memory less working set: the kubelet's measure.", memory?.available),
            (
                "nodekeep_memory_kernel_available_bytes", "The kernel's own estimate (MemAvailable).",
                memory?.kernelAvailable
            ),
            ("nodekeep_memory_free_bytes", "Memory that nothing uses (MemFree).", memory?.free),
            ("nodekeep_memory_usage_bytes", "Memory in use, of the root cgroup.", memory?.usage),
            ("nodekeep_memory_working_set_bytes", "Usage less inactive file pages.", memory?.workingSet),
            ("nodekeep_memory_rss_bytes", "Anonymous memory, of the root cgroup.", memory?.rss),
            ("nodekeep_swap_capacity_bytes", "Swap space.", memory?.swapTotal),
            ("nodekeep_swap_used_bytes", "Swap space in use.", memory?.swapUsed),
        ]
        for (name, help, value) in bytes { metrics.single(name, .gauge, help, value.map { Double($0) }) }
        metrics.single(
            "nodekeep_page_faults_total", .counter, "Page faults, of the root cgroup.",
            memory?.pageFaults.map { Double($0) })
        metrics.single(
            "nodekeep_major_page_faults_total", .counter, "Page faults that had to read, of the root cgroup.",
            memory?.majorPageFaults.map { Double($0) })
        metrics.single(
            "nodekeep_cpu_usage_seconds_total", .counter, "CPU time in use, of the root cgroup.",
            snapshot.cpu.value.map { Double($0.totalNanoseconds) / 1e9 })
        metrics.family("nodekeep_cpu_seconds_total", .counter, "CPU time by mode, of /proc/stat.") { samples in
            for mode in CPUMode.allCases {
                guard let nanoseconds = snapshot.cpu.value?.modes[mode] else { continue }
                samples.add(Double(nanoseconds) / 1e9, ["mode": mode.rawValue])
            }
        }
        metrics.single(
            "nodekeep_cpus", .gauge, "Online logical CPUs.", snapshot.topology.value.map { Double($0.logical) })
        metrics.family("nodekeep_load_average", .gauge, "Tasks that run or wait, averaged.") { samples in
            guard let load = snapshot.load.value else { return }
            samples.add(load.one, ["window": "1m"])
            samples.add(load.five, ["window": "5m"])
            samples.add(load.fifteen, ["window": "15m"])
        }
        metrics.single(
            "nodekeep_tasks", .gauge, "Processes and threads.", snapshot.processes.value.map { Double($0.running) })
        metrics.single(
            "nodekeep_tasks_limit", .gauge, "The most processes and threads there may be.",
            snapshot.processes.value.map { Double($0.maximum) })
        metrics.family("nodekeep_hugepages", .gauge, "Pages in the pool of huge pages.") { samples in
            for pool in snapshot.hugePages.value ?? [] { samples.add(pool.count, ["size": "\(pool.pageSize)"]) }
        }
        metrics.family("nodekeep_hugepages_free", .gauge, "Free pages in the pool of huge pages.") { samples in
            for pool in snapshot.hugePages.value ?? [] { samples.add(pool.free, ["size": "\(pool.pageSize)"]) }
        }
    }

    private static func pressureFamilies(_ metrics: inout MetricsText, _ snapshot: NodeSnapshot) {
        let all = [("cpu", snapshot.cpuPressure), ("memory", snapshot.memoryPressure), ("io", snapshot.ioPressure)]
        let stalls = all.flatMap { resource, reading -> [(String, String, PressureStall.Stall)] in
            guard let value = reading.value else { return [] }
            return [(resource, "some", value.some)] + (value.full.map { [(resource, "full", $0)] } ?? [])
        }
        metrics.family(
            "nodekeep_pressure_stall_seconds_total", .counter,
            "Time in which some or all tasks waited for a resource (PSI)."
        ) { samples in
            for (resource, kind, stall) in stalls {
                samples.add(Double(stall.total) / 1e6, ["resource": resource, "kind": kind])
            }
        }
        metrics.family(
            "nodekeep_pressure_stall_ratio", .gauge, "Share of the last seconds spent waiting for a resource (PSI)."
        ) { samples in
            for (resource, kind, stall) in stalls {
                for (window, percent) in [("10s", stall.avg10), ("60s", stall.avg60), ("300s", stall.avg300)] {
                    samples.add(percent / 100, ["resource": resource, "kind": kind, "window": window])
                }
            }
        }
    }

    private static func systemFamilies(_ metrics: inout MetricsText, _ snapshot: NodeSnapshot) {
        metrics.single(
            "nodekeep_boot_time_seconds", .gauge, "When the node booted.",
            snapshot.bootTime.value.map { Double($0.seconds) })
        metrics.single(
            "nodekeep_clock_synchronized", .gauge, "1 while the clock is synchronised.",
            snapshot.clock.value.map { $0.isSynchronized ? 1 : 0 })
        metrics.single(
            "nodekeep_clock_maximum_error_seconds", .gauge, "The kernel's estimate of the clock's greatest error.",
            snapshot.clock.value?.maximumError.map { Double($0) / 1e6 })
        metrics.single(
            "nodekeep_systemd_failed_units", .gauge, "Units that have failed.",
            snapshot.systemd.value.map { Double($0.failedUnitCount) })
        metrics.family("nodekeep_systemd_state", .gauge, "1 for the state that systemd is in.") { samples in
            guard let state = snapshot.systemd.value?.systemState else { return }
            samples.add(1, ["state": state])
        }
    }

    private static func sourceFamilies(_ metrics: inout MetricsText, _ snapshot: NodeSnapshot) {
        metrics.family(
            "nodekeep_source_up", .gauge, "1 while a source gives values, 0 while it fails or hangs."
        ) { samples in
            for source in snapshot.sources where source.state != .absent {
                samples.add(source.state == .ok ? 1 : 0, ["source": source.name])
            }
        }
        metrics.family("nodekeep_source_hung", .gauge, "1 while a call to a source does not return.") { samples in
            for source in snapshot.sources where source.state != .absent {
                samples.add(source.state == .hung ? 1 : 0, ["source": source.name])
            }
        }
        metrics.family(
            "nodekeep_source_last_success_timestamp_seconds", .gauge, "When a source last gave a value."
        ) { samples in
            for source in snapshot.sources {
                guard let time = source.lastSuccess else { continue }
                samples.add(Double(time.seconds) + Double(time.nanoseconds) / 1e9, ["source": source.name])
            }
        }
        metrics.family("nodekeep_source_duration_seconds", .gauge, "How long the last call took.") { samples in
            for source in snapshot.sources where source.state != .absent {
                samples.add(source.lastDuration, ["source": source.name])
            }
        }
        metrics.family("nodekeep_source_failures_total", .counter, "Calls that failed or hung.") { samples in
            for source in snapshot.sources where source.state != .absent {
                samples.add(source.failures, ["source": source.name])
            }
        }
    }
}
