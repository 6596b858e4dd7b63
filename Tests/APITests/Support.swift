// SPDX-License-Identifier: Apache-2.0
import Gate
import NodeStatus
import Synchronization

@testable import API

let noon = Timestamp(seconds: 1_795_000_000)

/// A node on which everything has been read.
func healthySnapshot() -> NodeSnapshot {
    var snapshot = NodeSnapshot(time: noon)
    snapshot.memory = .value(
        MemoryUsage(
            total: 8 << 30, kernelAvailable: 6 << 30, free: 5 << 30, usage: 3 << 30, workingSet: 2 << 30, rss: 1 << 30,
            pageFaults: 10, majorPageFaults: 1, swapTotal: 1 << 30, swapFree: 1 << 29, source: .cgroup2), at: noon)
    snapshot.cpu = .value(CPUUsage(totalNanoseconds: 1_500_000_000, modes: [.user: 1_000_000_000]), at: noon)
    snapshot.load = .value(LoadAverage(one: 0.5, five: 0.25, fifteen: 0.1), at: noon)
    snapshot.processes = .value(ProcessUsage(running: 100, maximum: 32_768), at: noon)
    let stall = PressureStall.Stall(avg10: 1.5, avg60: 0.5, avg300: 0.1, total: 2_000_000)
    snapshot.cpuPressure = .value(PressureStall(some: stall, full: nil), at: noon)
    snapshot.memoryPressure = .value(PressureStall(some: stall, full: stall), at: noon)
    snapshot.ioPressure = .value(PressureStall(some: stall, full: stall), at: noon)
    let disk = FileSystemUsage(
        path: "/", capacity: 100 << 30, available: 50 << 30, free: 55 << 30, inodes: 1_000, inodesFree: 900)
    snapshot.nodeFileSystem = .value(disk, at: noon)
    snapshot.imageFileSystem = .value(disk, at: noon)
    snapshot.fileSystems = .value(
        [
            MountedFileSystem(
                mountPoint: "/", source: "/dev/vda", type: "ext4", readOnly: false, device: "254:0",
                usage: .value(disk, at: noon)),
            MountedFileSystem(
                mountPoint: "/mnt/hung", source: "server:/export", type: "nfs4", readOnly: true, device: "0:50",
                usage: .missing("statfs /mnt/hung has not returned for 2 s")),
        ], at: noon)
    snapshot.topology = .value(CPUTopology(logical: 4, online: "0-3"), at: noon)
    snapshot.hugePages = .value([HugePagePool(pageSize: 2 << 20, count: 0, free: 0)], at: noon)
    snapshot.interfaces = .value(
        [
            NetworkInterface(
                name: "eth0", index: 2, isUp: true,
                addresses: [IPAddress("192.0.2.7"), IPAddress("2001:db8::7")].compactMap(\.self)
                    .map { InterfaceAddress(address: $0, prefixLength: $0.isIPv6 ? 64 : 24) },
                counters: InterfaceCounters(
                    receivedBytes: 1, receivedPackets: 2, receiveErrors: 3, receiveDrops: 4, sentBytes: 5,
                    sentPackets: 6, sendErrors: 7, sendDrops: 8))
        ], at: noon)
    snapshot.defaultRoutes = .value(
        [DefaultRoute(interface: "eth0", isIPv6: false, gateway: IPAddress("192.0.2.1"))], at: noon)
    snapshot.resolvedAddresses = .missing("getaddrinfo node-a: Name or service not known")
    snapshot.hostname = .value("node-a", at: noon)
    snapshot.identity.machineID = .value("0123456789abcdef0123456789abcdef", at: noon)
    snapshot.identity.systemUUID = .value("u", at: noon)
    snapshot.identity.bootID = .value("b", at: noon)
    snapshot.identity.kernelVersion = .value("6.1.0", at: noon)
    snapshot.identity.osImage = .value("Debian GNU/Linux 12 (bookworm)", at: noon)
    snapshot.identity.architecture = .value("amd64", at: noon)
    snapshot.bootTime = .value(Timestamp(seconds: 1_794_000_000), at: noon)
    snapshot.clock = .value(ClockState(isSynchronized: true, source: "kernel", maximumError: 5_000), at: noon)
    snapshot.systemd = .value(
        SystemdState(
            version: "252", systemState: "degraded", failedUnits: ["bad.service"], failedUnitCount: 1,
            virtualization: "kvm", isPreparingForShutdown: false), at: noon)
    snapshot.host = .value(
        HostDescription(chassis: "vm", vendor: "QEMU", model: "pc", virtualization: "kvm", source: "hostname1"),
        at: noon)
    snapshot.runtime = healthyRuntime()
    snapshot.sources = [
        SourceReport(name: "meminfo", state: .ok, since: noon, lastSuccess: noon, lastDuration: 0.000_02),
        SourceReport(name: "statfs:/mnt/hung", state: .hung, error: "has not returned", since: noon, failures: 2),
        SourceReport(name: "hostname1", state: .absent, error: "no bus", since: noon),
    ]
    return snapshot
}

/// A runtime with one container of which everything is known, and one that says little.
func healthyRuntime() -> RuntimeReport {
    var report = RuntimeReport(endpoint: "unix:///run/containerd/containerd.sock")
    report.contact = .answers
    report.contactSince = noon
    report.name = "containerd"
    report.version = .value(.init(version: "v2.1.9", apiVersion: "v1"), at: noon)
    report.conditions = .value(
        [
            .init(type: "RuntimeReady", isTrue: true, reason: "", message: ""),
            .init(type: "NetworkReady", isTrue: false, reason: "NetworkPluginNotReady", message: "no <cni>"),
        ], at: noon)
    report.images = .value([.init(id: "1", names: ["a@sha256:1", "a:1"], size: 7)], at: noon)
    report.imageFileSystems = .value(["/"], at: noon)
    report.cgroupDriver = .value("systemd", at: noon)
    report.checkpoint = .supported
    let time: Int64 = 1_795_222_265_547_999_999
    let amounts = RuntimeUsage.Amounts(
        cpu: .init(142_007_418, at: time), workingSet: .init(749_568, at: time), swap: .init(0, at: time + 1_000_000))
    report.usage = .value(
        RuntimeUsage(
            containers: [
                .init(
                    name: "count", pod: "counter-node1", namespace: "default", createdAt: 1_795_222_237_964_048_100,
                    amounts: amounts, swapLimit: .init(0, at: time + 1_000_000)),
                .init(name: "silent", pod: "counter-node1", namespace: "default", createdAt: 0, amounts: .init()),
            ],
            pods: [.init(name: "counter-node1", namespace: "default", amounts: amounts)]), at: noon)
    var calls = RuntimeReport.Calls(operation: "list_images")
    (calls.count, calls.errors, calls.seconds) = (3, 1, 0.25)
    report.calls = [calls]
    return report
}

func view(_ snapshot: NodeSnapshot = healthySnapshot(), settings: NodeSettings = NodeSettings()) -> AgentView {
    var tracker = ConditionTracker(settings: settings, now: noon)
    tracker.evaluate(snapshot, health: .good, uptime: .seconds(1), now: noon)
    return AgentView(
        snapshot: snapshot, settings: settings,
        node: NodeObject.build(snapshot: snapshot, settings: settings, conditions: tracker.conditions),
        signals: tracker.signals, liveness: [HealthCheck(name: "ping", problem: nil)],
        readiness: [HealthCheck(name: "ping", problem: nil), HealthCheck(name: "snapshot", problem: nil)],
        agent: AgentFacts(
            version: "1.2.3", startTime: noon, listeners: ["http://127.0.0.1:10281"],
            processes: [
                ProcessFacts(role: "agent", processID: 7, resident: 1, anonymous: 1, threads: 3, cpuSeconds: 0.5)
            ], webStarts: 1, notice: nil),
        web: WebCounters(), configuration: Array("{}\n".utf8))
}

func request(
    _ path: String, query: String? = nil, method: String = "GET", listener: ListenerKind = .local,
    headers: [HeaderField] = []
) -> GateRequest {
    GateRequest(
        id: 1, listener: listener, peer: .tcp(address: "127.0.0.1", port: 5), method: method, path: path, query: query,
        headers: headers)
}

extension RenderedPage {
    var text: String { String(decoding: body, as: UTF8.self) }
}

/// Paths in the order in which they came.
final class Seen: Sendable {
    private let paths = Mutex<[String]>([])

    func add(_ path: String) { paths.withLock { $0.append(path) } }
    var all: [String] { paths.withLock { $0 } }
}
