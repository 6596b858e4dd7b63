// SPDX-License-Identifier: Apache-2.0
import CRI
import NodeStatus
import Testing

@testable import Agent

@Suite("What containers and pods use")
struct RuntimeUsageTests {
    private func sandbox(
        _ id: String, _ name: String = "web", namespace: String = "default", isReady: Bool = true, attempt: UInt32 = 0,
        createdAt: Int64 = 1
    ) -> Sandbox {
        Sandbox(
            id: id, name: name, uid: "u-" + id, namespace: namespace, attempt: attempt, isReady: isReady,
            createdAt: createdAt, labels: [:])
    }

    private func container(
        _ id: String, in sandbox: String, _ name: String = "app", state: ContainerState = .running, createdAt: Int64 = 5
    ) -> Container {
        Container(
            id: id, sandboxID: sandbox, name: name, attempt: 0, image: "i", state: state, createdAt: createdAt,
            labels: [:])
    }

    private func usage(
        _ id: String, cpu: UInt64?, memory: UInt64? = nil, swap: UInt64? = nil,
        swapAvailable: UInt64? = nil, at time: Int64 = 9
    ) -> ContainerUsage {
        var usage = ContainerUsage(id: id, name: "ignored", labels: [:])
        (usage.cpuNanoseconds, usage.cpuTimestamp) = (cpu, time)
        (usage.workingSet, usage.memoryTimestamp) = (memory, time)
        (usage.swapUsage, usage.swapAvailable, usage.swapTimestamp) = (swap, swapAvailable, time)
        return usage
    }

    private func whole(_ id: String, cpu: UInt64?, memory: UInt64?) -> SandboxUsage {
        var usage = SandboxUsage(id: id, name: "web", namespace: "default", uid: "u-" + id)
        (usage.cpuNanoseconds, usage.cpuTimestamp) = (cpu, 11)
        (usage.workingSet, usage.memoryTimestamp) = (memory, 12)
        return usage
    }

    @Test("Running containers of the pods that are there, and each pod's sum")
    func table() {
        let made = RuntimeUsageTable.make(
            containers: [
                container("1", in: "s1"), container("2", in: "s1", "sidecar"),
                container("3", in: "s1", "job", state: .exited),
                container("4", in: "s2", "POD"), container("5", in: "s2"), container("6", in: "gone"),
                container("7", in: "s2", "unmeasured"),
            ],
            sandboxes: [sandbox("s1"), sandbox("s2", "db", namespace: "apps"), sandbox("s3", "empty")],
            usages: [
                usage("1", cpu: 10, memory: 100, swap: 1, swapAvailable: 1_000, at: 20),
                usage("2", cpu: 5, memory: 50, at: 21),
                usage("3", cpu: 1), usage("4", cpu: 1), usage("5", cpu: 7), usage("6", cpu: 1),
            ], sandboxUsages: [], podCgroups: [])
        #expect(
            made.containers.map { [$0.name, $0.namespace, $0.pod] } == [
                ["app", "apps", "db"], ["app", "default", "web"], ["sidecar", "default", "web"],
            ])
        #expect(made.containers[0].amounts == RuntimeUsage.Amounts(cpu: .init(7, at: 9)))
        #expect(made.containers[1].createdAt == 5)
        #expect(made.containers.map(\.swapLimit) == [nil, .init(1_001, at: 20), nil])
        #expect(made.pods.map(\.name) == ["db", "web"])
        #expect(
            made.pods[1].amounts
                == RuntimeUsage.Amounts(cpu: .init(15, at: 21), workingSet: .init(150, at: 21), swap: .init(1, at: 20)))
    }

    @Test("Of two containers or pods of one name the one that is there now, so that no sample comes twice")
    func doubles() {
        let made = RuntimeUsageTable.make(
            containers: [
                container("old", in: "old"), container("new", in: "new", createdAt: 5),
                container("newer", in: "new", createdAt: 6), container("older", in: "new", createdAt: 4),
            ],
            sandboxes: [
                sandbox("new", createdAt: 1), sandbox("old", isReady: false, createdAt: 9),
                sandbox("a", "dead", isReady: false, createdAt: 1), sandbox("b", "dead", isReady: false, createdAt: 2),
            ],
            usages: ["old", "new", "newer", "older"].map { usage($0, cpu: 3) }, sandboxUsages: [], podCgroups: [])
        #expect(made.containers.map(\.createdAt) == [6])
        #expect(made.pods.count == 1)
        #expect(
            RuntimeUsageTable.current([sandbox("a", isReady: false), sandbox("b", isReady: false, createdAt: 2)]).keys
                .sorted() == ["b"])
        #expect(RuntimeUsageTable.current([sandbox("a", attempt: 2), sandbox("b", attempt: 1)]).keys.sorted() == ["a"])
    }

    @Test("A pod with a cgroup of its own uses what the runtime says of it, as far as it says anything")
    func podCgroups() {
        func pod(_ whole: SandboxUsage?, own: Bool = true) -> RuntimeUsage.Amounts? {
            RuntimeUsageTable.make(
                containers: [container("1", in: "s")], sandboxes: [sandbox("s")],
                usages: [usage("1", cpu: 10, memory: 100, swap: 4)], sandboxUsages: whole.map { [$0] } ?? [],
                podCgroups: own ? ["s"] : []
            ).pods.first?.amounts
        }
        let sum = RuntimeUsage.Amounts(cpu: .init(10, at: 9), workingSet: .init(100, at: 9), swap: .init(4, at: 9))
        #expect(
            pod(whole("s", cpu: 12, memory: 130))
                == RuntimeUsage.Amounts(cpu: .init(12, at: 11), workingSet: .init(130, at: 12), swap: .init(4, at: 9)))
        #expect(
            pod(whole("s", cpu: nil, memory: 130))
                == RuntimeUsage.Amounts(cpu: .init(10, at: 9), workingSet: .init(130, at: 12), swap: .init(4, at: 9)))
        #expect(pod(whole("other", cpu: 1, memory: 1)) == sum)
        #expect(pod(nil) == sum)
        // All pods in one cgroup: the runtime would say the same of each.
        #expect(pod(whole("s", cpu: 900, memory: 900), own: false) == sum)
    }

    @Test(
        "A pod's own cgroup is told by its name, as a kubelet gives it",
        arguments: [
            ("/kubepods/burstable/pod0a-1b/abc", true), ("/kubepods/pod0a-1b/abc", true),
            ("kubepods-burstable-pod0a_1b.slice:cri-containerd:abc", true), ("kubepods-pod0a_1b.slice:crio:abc", true),
            ("/kubepods/burstable/pod0a-1b", false), ("/run-1/pods/abc", false), ("/k8s.io/abc", false), ("", false),
            ("system.slice:cri-containerd:abc", false), ("/pod0a-1bc/abc", false), (":", false), ("/", false),
        ])
    func cgroupNames(path: String, isOwn: Bool) {
        #expect(RuntimeUsageTable.isPodCgroup(path, of: "0a-1b") == isOwn)
        #expect(!RuntimeUsageTable.isPodCgroup(path, of: ""))
    }

    @Test("Absurd numbers are passed on, not computed with")
    func absurd() {
        let made = RuntimeUsageTable.make(
            containers: [container("1", in: "s", createdAt: .min), container("2", in: "s", "b", createdAt: .max)],
            sandboxes: [sandbox("s", createdAt: .min)],
            usages: [
                usage("1", cpu: .max, memory: .max, swap: 1, swapAvailable: .max, at: .min),
                usage("2", cpu: .max, memory: 1, at: .max),
            ],
            sandboxUsages: [], podCgroups: ["s"])
        #expect(made.pods.first?.amounts.cpu == .init(.max, at: .max))
        #expect(made.containers.first?.swapLimit == .init(.max, at: .min))
        #expect(made.pods.first?.amounts.workingSet == .init(.max, at: .max))
    }
}
