// SPDX-License-Identifier: Apache-2.0

import Glibc
import NodeStatus
import Synchronization
import Testing

@testable import Collector

/// The snapshot of one fixture machine after one tick.
func snapshot(of machine: String, _ change: (inout CollectorOptions) -> Void = { _ in }) -> NodeSnapshot {
    snapshot(root: fixture(machine), change)
}

func snapshot(root: String, _ change: (inout CollectorOptions) -> Void = { _ in }) -> NodeSnapshot {
    var options = CollectorOptions.fixture(root, FakeClock())
    change(&options)
    let engine = Engine(options, probes: ProbeTable(), listensToKernel: false)
    engine.tick(grace: 5 * .second)
    return engine.snapshot
}

extension NodeSnapshot {
    func source(_ name: String) -> SourceReport? { sources.first { $0.name == name } }
    var failing: [String] { sources.filter { $0.state == .failed || $0.state == .hung }.map(\.name) }
}

@Suite("Whole machines")
struct MachineTests {
    @Test("a server with cgroup v2, swap, huge pages, two NUMA nodes and hundreds of mounts")
    func cgroup2() throws {
        let snapshot = snapshot(of: "cgroup2")
        #expect(snapshot.failing == [])
        let memory = try #require(snapshot.memory.value)
        #expect(memory.source == .cgroup2)
        #expect(memory.total == 65_672_424 * 1_024)
        #expect(memory.usage == 12_275_359_744 + 39_957_921_792)
        #expect(memory.workingSet == memory.usage - 27_648_000_000)
        #expect(memory.rss == 12_275_359_744)
        #expect(memory.swapUsed == (8_388_604 - 8_126_460) * 1_024)
        #expect(memory.majorPageFaults == 4_321)
        #expect(snapshot.cpu.value?.totalNanoseconds == 14_200_000_000)
        #expect(snapshot.cpu.value?.modes[.iowait] == 500_000_000)
        #expect(snapshot.processes.value == ProcessUsage(running: 4_321, maximum: 513_000))
        #expect(snapshot.memoryPressure.value?.some.total == .max)
        #expect(snapshot.cpuPressure.value?.full != nil)
        #expect(snapshot.topology.value == CPUTopology(logical: 4, online: "0-2,4"))
        #expect(
            snapshot.hugePages.value == [
                HugePagePool(pageSize: 2 << 20, count: 512, free: 500),
                HugePagePool(pageSize: 1 << 30, count: 2, free: 2),
            ])
        #expect(snapshot.hostname.value == "Node-7.example.com")
        #expect(snapshot.identity.systemUUID.value == "4C4C4544-0042-3510-8052-B4C04F4A4D32")
        #expect(snapshot.identity.osImage.value == "Ubuntu 24.04.1 LTS")
        #expect(snapshot.identity.architecture.value == "amd64")
        #expect(snapshot.bootTime.value == Timestamp(seconds: 1_700_000_000))
        #expect(snapshot.host.value?.chassis == "server")
        #expect(snapshot.host.value?.model == "PowerEdge R640")
        #expect(snapshot.interfaces.value?.first { $0.name == "eth0" }?.counters?.sendDrops == 4)
        #expect(snapshot.interfaces.value?.first { $0.name == "tun0" }?.counters == nil)
        #expect(snapshot.defaultRoutes.value?.count == 3)
        #expect(snapshot.fileSystems.value?.count == 7)
        #expect(snapshot.clock.value == ClockState(isSynchronized: true, source: "kernel", maximumError: 1_000))
        #expect(snapshot.systemd == .missing("the bus is turned off"))
        #expect(snapshot.sources.map(\.name) == snapshot.sources.map(\.name).sorted())
    }

    @Test("an old server with cgroup v1, without PSI, IPv6, swap; os-release only under /usr/lib")
    func cgroup1() throws {
        let snapshot = snapshot(of: "cgroup1")
        #expect(snapshot.failing == [])
        let memory = try #require(snapshot.memory.value)
        #expect(memory.source == .cgroup1)
        #expect(memory.usage == 6_500_000_000)
        #expect(memory.workingSet == 3_500_000_000)
        #expect(memory.swapTotal == 0)
        #expect(snapshot.cpu.value?.totalNanoseconds == 123_456_789)
        #expect(
            snapshot.cpuPressure == .missing("open \(fixture("cgroup1"))/proc/pressure/cpu: No such file or directory"))
        #expect(snapshot.source("pressure/io")?.state == .absent)
        #expect(snapshot.source("hugepages")?.state == .absent)
        #expect(snapshot.processes.value?.maximum == 32_768)
        #expect(snapshot.identity.machineID.value == "ffffffffffffffffffffffffffffffff")
        #expect(snapshot.identity.osImage.value == "CentOS Linux 7 (Core)")
        #expect(snapshot.host.value?.virtualization == "amazon")
        #expect(snapshot.host.value?.chassis == "vm")
        #expect(snapshot.defaultRoutes.value?.count == 1)
        #expect(snapshot.interfaces.value?.first { $0.name == "eth0" }?.counters?.receivedBytes == 1_001)
    }

    @Test("an arm64 board: device tree, IPv6 only, an offline CPU, no NUMA nodes, no memory controller")
    func arm64() throws {
        let snapshot = snapshot(of: "arm64") { $0.systemCalls.uname = { ("6.6.0", "aarch64") } }
        #expect(snapshot.failing == [])
        let memory = try #require(snapshot.memory.value)
        #expect(memory.source == .meminfo)
        #expect(memory.usage == (300_000 + 900_000 + 50_000) * 1_024)
        #expect(memory.workingSet == memory.usage - 600_000 * 1_024)
        #expect(memory.rss == nil)
        #expect(snapshot.source("memory-cgroup")?.state == .absent)
        #expect(snapshot.cpu.value?.totalNanoseconds == 1_560_000_000)
        #expect(snapshot.cpuPressure.value?.full == nil)
        #expect(snapshot.ioPressure.value?.full != nil)
        #expect(snapshot.topology.value == CPUTopology(logical: 3, online: "0,2-3"))
        #expect(snapshot.identity.systemUUID.value == "abc-123")
        #expect(snapshot.identity.osImage.value == "Debian GNU/Linux 12 (bookworm)")
        #expect(snapshot.identity.architecture.value == "arm64")
        #expect(snapshot.host.value?.model == "Raspberry Pi 4 Model B Rev 1.4")
        #expect(snapshot.defaultRoutes.value?.map(\.isIPv6) == [true])
    }

    @Test("v1 controllers beside a unified hierarchy count as v1")
    func hybrid() throws {
        let snapshot = snapshot(of: "hybrid")
        #expect(snapshot.failing == [])
        let memory = try #require(snapshot.memory.value)
        #expect(memory.source == .cgroup1)
        #expect(memory.total == 24_684_100 * 1_024)
        #expect((snapshot.cpu.value?.totalNanoseconds ?? 0) > 1_000_000_000)
        #expect(snapshot.topology.value?.logical == 2)
        #expect(snapshot.hugePages.value?.map(\.count) == [0, 0])
        #expect(snapshot.host.value?.virtualization == "vm-other")
        #expect(snapshot.fileSystems.value?.map(\.mountPoint) == ["/"])
        #expect(snapshot.defaultRoutes.value?.map(\.isIPv6) == [false, true])
    }

    @Test(
        "on a machine whose every file is broken each reading says what is wrong with its own file, and nothing traps")
    func broken() {
        let root = fixture("broken")
        let snapshot = snapshot(of: "broken") { $0.systemCalls.clockError = { .failure(.failed("adjtimex: no")) } }
        #expect(snapshot.memory == .missing("parse \(root)/proc/meminfo: MemTotal is not a number of kB"))
        #expect(snapshot.load == .missing("parse \(root)/proc/loadavg: not three load averages"))
        #expect(snapshot.cpu == .missing("parse \(root)/proc/stat: no cpu line"))
        #expect(snapshot.cpuPressure.missingReason?.contains("avg10=nan") == true)
        #expect(snapshot.ioPressure.missingReason?.contains("total=1180591620717411303424") == true)
        #expect(snapshot.processes == .missing("parse \(root)/proc/sys/kernel/pid_max: not a number"))
        #expect(snapshot.topology.missingReason?.contains("\"3-1\" is not a list of CPUs") == true)
        #expect(
            snapshot.hugePages.missingReason
                == "parse \(root)/sys/kernel/mm/hugepages/hugepages-2048kB/nr_hugepages: not a number")
        #expect(snapshot.identity.machineID == .missing("read \(root)/etc/machine-id: it is empty"))
        #expect(snapshot.identity.bootID.missingReason?.hasSuffix("No such file or directory") == true)
        #expect(snapshot.clock == .missing("adjtimex: no"))
        #expect(snapshot.hostname.missingReason?.hasSuffix("the machine has no hostname") == true)
        #expect(snapshot.source("interface-counters")?.state == .failed)
        // What does not come from those files is there all the same.
        #expect(snapshot.interfaces.value?.count == 3)
        #expect(snapshot.nodeFileSystem.value != nil)
        #expect(snapshot.identity.kernelVersion.value == "6.1.0-test")
    }

    @Test("a machine without any file is all missing, and most of it merely absent")
    func nothing() {
        let snapshot = snapshot(root: "/nonexistent")
        #expect(snapshot.memory.value == nil)
        #expect(snapshot.source("memory-cgroup")?.state == .absent)
        #expect(snapshot.source("pressure/cpu")?.state == .absent)
        #expect(snapshot.interfaces.value?.count == 3)
    }

    @Test(
        "a source that fails takes nothing else along",
        arguments: [
            ("proc/meminfo", ["meminfo"]), ("proc/loadavg", ["loadavg", "pids"]), ("proc/stat", ["stat"]),
            ("proc/pressure/io", ["pressure/io"]), ("sys/fs/cgroup/memory.stat", ["memory-cgroup"]),
            ("sys/fs/cgroup/cpu.stat", ["cpu-cgroup"]), ("sys/devices/system/cpu/online", ["cpu-topology"]),
            ("proc/net/dev", ["interface-counters"]), ("proc/sys/kernel/threads-max", ["pids"]),
        ])
    func alone(file: String, sources: [String]) throws {
        let root = try copy(of: "cgroup2")
        defer { remove(root) }
        overwrite(root + "/" + file, "garbage\n")
        #expect(snapshot(root: root).failing == sources)
    }

    @Test("a source recovers by itself, with its failures counted and the time since when it is well")
    func recovery() throws {
        let root = try copy(of: "cgroup2")
        defer { remove(root) }
        let clock = FakeClock()
        let engine = Engine(.fixture(root, clock), probes: ProbeTable(), listensToKernel: false)
        overwrite(root + "/proc/loadavg", "garbage\n")
        for _ in 0..<3 {
            engine.tick()
            clock.advance(seconds: 1)
        }
        #expect(engine.snapshot.source("loadavg")?.failures == 3)
        #expect(engine.snapshot.source("loadavg")?.lastSuccess == nil)
        overwrite(root + "/proc/loadavg", "1.00 2.00 3.00 1/5 1\n")
        engine.tick()
        let report = try #require(engine.snapshot.source("loadavg"))
        #expect(report.state == .ok)
        #expect(report.error == nil)
        #expect(report.since == clock.clock.wall())
        #expect(engine.snapshot.load.value?.one == 1)
    }

    @Test("a file that was replaced is read afresh, and one that vanished is absent")
    func replaced() throws {
        let root = try copy(of: "cgroup2")
        defer { remove(root) }
        let clock = FakeClock()
        let engine = Engine(.fixture(root, clock), probes: ProbeTable(), listensToKernel: false)
        engine.tick()
        #expect(engine.snapshot.topology.value?.logical == 4)
        overwrite(root + "/sys/devices/system/cpu/online", "0-1\n")
        clock.advance(seconds: 1)
        engine.tick()
        #expect(engine.snapshot.topology.value?.logical == 4)
        clock.advance(seconds: 10)
        engine.tick()
        #expect(engine.snapshot.topology.value?.logical == 2)
        overwrite(root + "/sys/devices/system/cpu/online", "0-2\n")
        engine.refresh()
        engine.tick()
        #expect(engine.snapshot.topology.value?.logical == 3)
    }

    @Test("timedate1 is believed until the kernel says something else than when it was asked")
    func clockSource() {
        var options = CollectorOptions.fixture("/nonexistent", FakeClock())
        let error = Mutex<UInt64>(1_000)
        options.systemCalls.clockError = { .success(error.withLock { $0 }) }
        let ledger = SourceLedger(options.clock)
        let reader = ClockReader(options, ledger)
        func state(_ answer: ClockAnswer?) -> String {
            guard let state = reader.read(options.clock.now, timedate1: answer).value else { return "missing" }
            return "\(state.isSynchronized) \(state.source)"
        }
        #expect(state(nil) == "true kernel")
        #expect(state(ClockAnswer(isSynchronized: true, number: 1)) == "true timedate1")
        #expect(state(ClockAnswer(isSynchronized: false, number: 2)) == "false timedate1")
        #expect(state(ClockAnswer(isSynchronized: true, number: 3)) == "true timedate1")
        // The kernel loses it: at once, and until both say otherwise.
        error.withLock { $0 = 16_000_000 }
        #expect(state(ClockAnswer(isSynchronized: true, number: 3)) == "false kernel")
        #expect(state(ClockAnswer(isSynchronized: false, number: 4)) == "false timedate1")
        error.withLock { $0 = 1_000 }
        #expect(state(ClockAnswer(isSynchronized: false, number: 4)) == "true kernel")
        #expect(state(nil) == "true kernel")
    }

    @Test("where the kernel may not be asked timedate1 is believed alone, and nothing has failed")
    func clockOfAConfinedService() {
        var options = CollectorOptions.fixture("/nonexistent", FakeClock())
        options.systemCalls.clockError = { .failure(.absent("adjtimex: not permitted here")) }
        let ledger = SourceLedger(options.clock)
        let reader = ClockReader(options, ledger)
        let now = options.clock.now
        #expect(reader.read(now, timedate1: nil) == .missing("adjtimex: not permitted here"))
        #expect(
            reader.read(now, timedate1: ClockAnswer(isSynchronized: true, number: 1)).value
                == ClockState(isSynchronized: true, source: "timedate1", maximumError: nil))
        #expect(ledger.reports.first { $0.name == "clock" }?.state == .absent)
    }
}

private func copy(of machine: String) throws -> String {
    let directory = try temporaryDirectory()
    system("cp -r '\(fixture(machine))/.' '\(directory)'")
    return directory
}

private func remove(_ directory: String) { system("rm -rf '\(directory)'") }

private func overwrite(_ path: String, _ text: String) {
    guard let file = fopen(path, "w") else { return }
    fputs(text, file)
    fclose(file)
}
