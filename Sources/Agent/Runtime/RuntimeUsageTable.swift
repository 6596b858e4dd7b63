// SPDX-License-Identifier: Apache-2.0
internal import CRI
internal import NodeStatus

/// Puts together what containers and pods use, after the kubelet's rules (pkg/kubelet/stats/cri_stats_provider.go).
enum RuntimeUsageTable {
    /// - Parameters:
    ///   - sandboxUsages: what the runtime says of the sandboxes.
    ///   - podCgroups: the sandboxes of which it can be believed: see ``isPodCgroup(_:of:)``. Other pods use what their
    ///     containers use together.
    static func make(
        containers: [Container], sandboxes: [Sandbox], usages: [ContainerUsage], sandboxUsages: [SandboxUsage],
        podCgroups: Set<String>
    ) -> RuntimeUsage {
        let sandboxes = current(sandboxes)
        let usageByID = Dictionary(usages.map { ($0.id, $0) }, uniquingKeysWith: { first, _ in first })
        let podUsageByID = Dictionary(sandboxUsages.map { ($0.id, $0) }, uniquingKeysWith: { first, _ in first })
        var rows: [Row] = []
        for container in running(containers) {
            guard let sandbox = sandboxes[container.sandboxID], let usage = usageByID[container.id] else { continue }
            rows.append(
                Row(
                    container: container, sandbox: sandbox, amounts: RuntimeUsage.Amounts(usage),
                    swapLimit: usage.swapLimit))
        }
        let pods = Dictionary(grouping: rows, by: \.sandbox.id).values.compactMap { rows -> RuntimeUsage.Pod? in
            guard let sandbox = rows.first?.sandbox else { return nil }
            var amounts = rows.map(\.amounts).reduce(RuntimeUsage.Amounts(), +)
            if podCgroups.contains(sandbox.id), let usage = podUsageByID[sandbox.id] {
                let whole = RuntimeUsage.Amounts(usage)
                amounts.cpu = whole.cpu ?? amounts.cpu
                amounts.workingSet = whole.workingSet ?? amounts.workingSet
                amounts.swap = whole.swap ?? amounts.swap
            }
            return RuntimeUsage.Pod(name: sandbox.name, namespace: sandbox.namespace, amounts: amounts)
        }
        return RuntimeUsage(
            containers: rows.map(\.usage).sorted {
                ($0.name, $0.namespace, $0.pod) < ($1.name, $1.namespace, $1.pod)
            },
            pods: pods.sorted { ($0.namespace, $0.name) < ($1.namespace, $1.name) })
    }

    /// The sandbox of each pod that is there now: two with one name are an old and a new one, and a page with two samples
    /// of one name is none.
    static func current(_ sandboxes: [Sandbox]) -> [String: Sandbox] {
        let pods = Dictionary(grouping: sandboxes) { [$0.namespace, $0.name] }
        let chosen = pods.values.compactMap { candidates in
            candidates.max { left, right in
                (left.isReady ? 1 : 0, left.createdAt, left.attempt, left.id)
                    < (right.isReady ? 1 : 0, right.createdAt, right.attempt, right.id)
            }
        }
        return Dictionary(chosen.map { ($0.id, $0) }, uniquingKeysWith: { first, _ in first })
    }

    /// Those that run, of each name in a sandbox the newest, without the containers that hold a sandbox.
    static func running(_ containers: [Container]) -> [Container] {
        let running = containers.filter { $0.state == .running && $0.name != "POD" }
        return Dictionary(grouping: running) { [$0.sandboxID, $0.name] }.values.compactMap { candidates in
            candidates.max { ($0.createdAt, $0.attempt, $0.id) < ($1.createdAt, $1.attempt, $1.id) }
        }
    }

    /// Whether a container's cgroup lies in one of its pod alone. What a runtime says of a sandbox is of the cgroup that
    /// the sandbox was put into; where that is not the pod's own, as on nodes without a kubelet, it is of many pods. A
    /// kubelet tells by the name, `pod<uid>`, and so does this.
    ///
    /// - Parameter path: `/kubepods/burstable/pod<uid>/<id>` or `kubepods-burstable-pod<uid>.slice:cri-containerd:<id>`.
    static func isPodCgroup(_ path: String, of uid: String) -> Bool {
        guard !uid.isEmpty else { return false }
        if let colon = path.firstIndex(of: ":") {
            // systemd's names have no dashes but those that part them.
            let slice = path[..<colon]
            let escaped = uid.split(separator: "-", omittingEmptySubsequences: false).joined(separator: "_")
            return slice.hasSuffix("pod\(escaped).slice")
        }
        return path.split(separator: "/").dropLast().last == "pod\(uid)"
    }

    private struct Row {
        var container: Container
        var sandbox: Sandbox
        var amounts: RuntimeUsage.Amounts
        var swapLimit: RuntimeUsage.Sample?

        var usage: RuntimeUsage.Container {
            RuntimeUsage.Container(
                name: container.name, pod: sandbox.name, namespace: sandbox.namespace, createdAt: container.createdAt,
                amounts: amounts, swapLimit: swapLimit)
        }
    }
}

extension ContainerUsage {
    /// As the kubelet has it: what is left and what is used.
    fileprivate var swapLimit: RuntimeUsage.Sample? {
        guard let swapAvailable, let swapUsage else { return nil }
        let (sum, overflow) = swapAvailable.addingReportingOverflow(swapUsage)
        return RuntimeUsage.Sample(overflow ? .max : sum, at: swapTimestamp ?? 0)
    }
}

extension RuntimeUsage.Amounts {
    fileprivate init(_ usage: ContainerUsage) {
        self.init(
            cpu: Self.sample(usage.cpuNanoseconds, usage.cpuTimestamp),
            workingSet: Self.sample(usage.workingSet, usage.memoryTimestamp),
            swap: Self.sample(usage.swapUsage, usage.swapTimestamp))
    }

    fileprivate init(_ usage: SandboxUsage) {
        self.init(
            cpu: Self.sample(usage.cpuNanoseconds, usage.cpuTimestamp),
            workingSet: Self.sample(usage.workingSet, usage.memoryTimestamp),
            swap: Self.sample(usage.swapUsage, usage.swapTimestamp))
    }

    private static func sample(_ value: UInt64?, _ time: Int64?) -> RuntimeUsage.Sample? {
        value.map { RuntimeUsage.Sample($0, at: time ?? 0) }
    }
}
