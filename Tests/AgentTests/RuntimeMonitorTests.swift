// SPDX-License-Identifier: Apache-2.0
import CRI
import Logging
import NodeStatus
import Synchronization
import Testing

@testable import Agent

@Suite("What the runtime has said")
struct RuntimeMonitorTests {
    private let runtime = FakeRuntime()
    private let clock = HandClock()
    private let state: RuntimeState
    private let monitor: RuntimeMonitor
    private let refused = RuntimeError(
        .unavailable, "no connection to the container runtime at /x.sock for Status: Connection refused",
        isConnectionLoss: true)

    init() {
        let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        state = RuntimeState(endpoint: "unix:///x.sock", clock: clock.clock, logger: logger)
        monitor = RuntimeMonitor(client: runtime, state: state, clock: clock.clock) { _ in }
    }

    private func answer(_ change: (inout FakeRuntime.Answers) -> Void) { runtime.answers.withLock { change(&$0) } }
    private var now: Timestamp { clock.clock.wall() }
    private func source(_ name: String) -> SourceReport? { state.report.sources.first { $0.name == name } }

    @Test("A runtime that answers")
    func answers() async {
        await monitor.make(.status)
        let report = state.report
        #expect(report.contact == .answers)
        #expect(report.contactSince == now)
        #expect(report.name == "containerd")
        #expect(report.version == .value(.init(version: "v2.1.9", apiVersion: "v1"), at: now))
        #expect(report.conditions.value?.map(\.isTrue) == [true, false])
        #expect(report.handlers.map(\.name) == ["", "runc"])
        #expect(report.supplementalGroupsPolicy == true)
        #expect(report.calls.map(\.operation) == ["status", "version"])
        #expect(source("runtime")?.state == .ok)
        #expect(runtime.asked.withLock { $0 } == ["status 5", "version 5"])
        let since = report.contactSince
        clock.advance(.seconds(5))
        await monitor.make(.status)
        #expect(runtime.asked.withLock { $0 } == ["status 5", "version 5", "status 5"])
        #expect(state.report.version.value?.version == "v2.1.9")
        #expect(state.report.contactSince == since)
        #expect(state.report.conditions.time == now)
    }

    @Test("One that goes away keeps what it has and loses how it is; one that comes back is asked everything anew")
    func goesAway() async {
        answer {
            $0.images = .success([RuntimeImage(id: "1", tags: ["a:1"], digests: ["a@1"], size: 3, isPinned: false)])
        }
        for reading in [.status, .images, .checkpointSupport, .usage] as [RuntimeSchedule.Reading] {
            await monitor.make(reading)
        }
        #expect(state.report.checkpoint == .supported)
        clock.advance(.seconds(5))
        let lost = now
        answer { $0.status = .failure(refused) }
        for _ in 0..<2 {
            await monitor.make(.status)
            clock.advance(.seconds(5))
        }
        let report = state.report
        #expect(report.contact == .fails(refused.message))
        #expect(report.contactSince == lost)
        #expect(report.name == "containerd")
        #expect(report.version == .missing(refused.message))
        #expect(report.conditions == .missing(refused.message))
        #expect(report.usage == .missing(refused.message))
        #expect(report.checkpoint == .unknown("the container runtime does not answer: \(refused.message)"))
        #expect(report.images.value?.first?.names == ["a@1", "a:1"])
        #expect(report.handlers.count == 2)
        #expect(source("runtime")?.state == .failed)
        #expect(source("runtime")?.failures == 2)
        // What was asked before it went away is answered late.
        await monitor.make(.checkpointSupport)
        #expect(state.report.checkpoint != .supported)
        _ = state.start()
        answer { $0.status = .success(.ready()) }
        await monitor.make(.status)
        #expect(state.report.contact == .answers)
        #expect(Set(state.start()).isSuperset(of: [.images, .checkpointSupport, .events]))
    }

    @Test("One that hangs is hung, in words without numbers that change")
    func hangs() async {
        answer { $0.status = .failure(RuntimeError(.deadlineExceeded, "no answer to Status within 4.999 s")) }
        await monitor.make(.status)
        #expect(state.report.contact == .fails("Status has not been answered for 5s"))
        #expect(source("runtime")?.state == .hung)
    }

    @Test("One that is not ready is not asked what it can do, and what it could do before stays")
    func notReady() async {
        answer { $0.status = .success(.ready(runtime: false)) }
        await monitor.make(.status)
        #expect(state.report.handlers.isEmpty)
        #expect(state.report.contact == .answers)
        answer { $0.status = .success(.ready()) }
        await monitor.make(.status)
        answer { $0.status = .success(.ready(runtime: false)) }
        await monitor.make(.status)
        #expect(state.report.handlers.count == 2)
    }

    @Test("Each reading fails alone")
    func alone() async {
        await monitor.make(.status)
        clock.advance(.seconds(30))
        let broken = RuntimeError(.unknown, "disk on fire")
        answer {
            $0.version = .failure(broken)
            $0.images = .failure(broken)
            $0.imageFileSystems = .failure(RuntimeError(.deadlineExceeded, ""))
            $0.cgroupDriver = .failure(RuntimeError(.unimplemented, "method RuntimeConfig not implemented"))
            $0.containers = .failure(broken)
            $0.checkpointSupport = .unsupported(reason: "method CheckpointContainer not implemented")
        }
        for reading in RuntimeSchedule.Reading.allCases { await monitor.make(reading) }
        let report = state.report
        #expect(report.contact == .answers)
        #expect(report.name == "containerd")
        #expect(report.version == .missing("Version: rpc error: code = Unknown desc = disk on fire"))
        await monitor.make(.status)
        #expect(runtime.asked.withLock { $0 }.filter { $0 == "version 5" }.count == 3)
        #expect(report.images == .missing("ListImages: rpc error: code = Unknown desc = disk on fire"))
        #expect(report.imageFileSystems == .missing("ImageFsInfo has not been answered for 10s"))
        #expect(report.usage == .missing("ListContainers: rpc error: code = Unknown desc = disk on fire"))
        #expect(report.checkpoint == .unsupported("method CheckpointContainer not implemented"))
        #expect(
            report.sources.map(\.name) == [
                "runtime", "runtime:config", "runtime:imagefs", "runtime:images", "runtime:usage",
            ])
        #expect(report.sources.map(\.state) == [.ok, .absent, .hung, .failed, .failed])
        let calls = report.calls.first { $0.operation == "list_images" }
        #expect(calls?.count == 1 && calls?.errors == 1)
        answer { $0.images = .success([]) }
        await monitor.make(.images)
        #expect(source("runtime:images")?.state == .ok)
        answer { $0.images = .failure(broken) }
        await monitor.make(.images)
        #expect(state.report.images.value == [])
    }

    @Test("The images are in the kubelet's order, five names each; only absolute places are believed")
    func images() async {
        await monitor.make(.status)
        answer {
            $0.images = .success([
                RuntimeImage(
                    id: "1", tags: ["t1", "t2", "t3"], digests: ["d1", "d2", "d3"], size: 5, isPinned: false),
                RuntimeImage(id: "2", tags: [], digests: [], size: 50, isPinned: true),
            ])
            $0.imageFileSystems = .success(
                ["", "relative", "/var/lib/containerd/x", "/y"].map {
                    RuntimeFileSystem(mountpoint: $0, usedBytes: nil, usedInodes: nil)
                })
        }
        await monitor.make(.images)
        await monitor.make(.imageFileSystems)
        #expect(state.report.images.value?.map(\.id) == ["2", "1"])
        #expect(state.report.images.value?.last?.names == ["d1", "d2", "d3", "t1", "t2"])
        #expect(state.report.imageFileSystems.value == ["/var/lib/containerd/x", "/y"])
    }

    @Test("Whether a pod has a cgroup of its own is asked once; without any nobody asks for the sandboxes' use")
    func podCgroups() async {
        await monitor.make(.status)
        func details(_ id: String, _ path: String?) -> ContainerDetails {
            ContainerDetails(
                id: id, state: .running, image: "", startedAt: 0, logPath: "", processID: 1, cgroupsPath: path,
                labels: [:])
        }
        var usage = ContainerUsage(id: "c1", name: "app", labels: [:])
        (usage.cpuNanoseconds, usage.cpuTimestamp) = (3, 1)
        var whole = SandboxUsage(id: "s1", name: "web", namespace: "default", uid: "u1")
        (whole.cpuNanoseconds, whole.cpuTimestamp) = (8, 2)
        answer {
            $0.sandboxes = .success([
                Sandbox(
                    id: "s1", name: "web", uid: "u1", namespace: "default", attempt: 0, isReady: true, createdAt: 1,
                    labels: [:])
            ])
            $0.containers = .success([
                Container(
                    id: "c1", sandboxID: "s1", name: "app", attempt: 0, image: "", state: .running, createdAt: 1,
                    labels: [:])
            ])
            $0.containerUsages = .success([usage])
            $0.sandboxUsages = .success([whole])
        }
        // The container is gone before it can be looked at: the next one may tell.
        await monitor.make(.usage)
        #expect(state.report.usage.value?.pods.first?.amounts.cpu?.value == 3)
        answer { $0.details["c1"] = details("c1", "/k8s.io/c1") }
        for _ in 0..<2 { await monitor.make(.usage) }
        let asked = runtime.asked.withLock { $0 }
        #expect(asked.filter { $0 == "container c1" }.count == 2)
        #expect(!asked.contains("sandboxUsages 10"))
        answer {
            $0.sandboxes = .success([])
            $0.details["c1"] = details("c1", "/kubepods/podu1/c1")
        }
        await monitor.make(.usage)
        #expect(state.report.usage.value?.pods == [])
        answer {
            $0.sandboxes = .success([
                Sandbox(
                    id: "s1", name: "web", uid: "u1", namespace: "default", attempt: 0, isReady: true, createdAt: 1,
                    labels: [:])
            ])
        }
        await monitor.make(.usage)
        #expect(state.report.usage.value?.pods.first?.amounts.cpu?.value == 8)
        answer { $0.sandboxUsages = .failure(RuntimeError(.unimplemented, "")) }
        await monitor.make(.usage)
        #expect(state.report.usage.value?.pods.first?.amounts.cpu?.value == 3)
        #expect(source("runtime:usage")?.state == .ok)
    }

    @Test("Containers that come bring the images forward; a stream that ends at once is not asked for again")
    func events() async {
        _ = state.start()
        await monitor.make(.status)
        #expect(state.start().contains(.images))
        await monitor.make(.images)
        clock.advance(.seconds(20))
        #expect(!state.start().contains(.images))
        answer { $0.events.events = [ContainerEvent(containerID: "c", kind: .created, createdAt: 0)] }
        await monitor.make(.events)
        #expect(state.start().contains(.images))
        clock.advance(.seconds(1_000))
        #expect(!state.start().contains(.events))
    }

    @Test("A stream that is lost with its connection has everything asked anew, how the runtime is first")
    func lostStream() async {
        _ = state.start()
        await monitor.make(.status)
        for reading in state.start() where reading != .events { await monitor.make(reading) }
        answer { $0.events.end = RuntimeError(.unavailable, "lost", isConnectionLoss: true) }
        await monitor.make(.events)
        #expect(state.start() == [.status])
        await monitor.make(.status)
        #expect(
            Set(state.start()) == [.configuration, .checkpointSupport, .imageFileSystems, .images, .events])
    }

    @Test("Nothing is published of what was cut off because the agent stops")
    func cutOff() async {
        let task = Task {
            withUnsafeCurrentTask { $0?.cancel() }
            await monitor.make(.status)
        }
        await task.value
        #expect(state.report.contact == .notYetAsked)
    }
}
