// SPDX-License-Identifier: Apache-2.0

import Glibc
import NodeStatus
import Synchronization
import Testing

@testable import Collector

@Suite("Calls that hang", .serialized)
struct HangTests {
    /// An engine on the big fixture whose calls hang for the paths in `hanging`.
    private struct Rig {
        let clock = FakeClock()
        let gate = Gate()
        let probes = ProbeTable()
        let engine: Engine

        init(hanging: @escaping @Sendable (String) -> Bool, _ change: (inout CollectorOptions) -> Void = { _ in }) {
            var options = CollectorOptions.fixture(fixture("cgroup2"), clock)
            let gate = gate
            options.systemCalls.statfs = { path in
                if hanging(path) { gate.pass() }
                return .success(.example(path, device: "0:99"))
            }
            options.systemCalls.resolve = { name in
                if hanging(name) { gate.pass() }
                return .success([])
            }
            change(&options)
            engine = Engine(options, probes: probes, listensToKernel: false)
        }

        /// - Parameter grace: of real time; only a tick that starts a call that hangs waits it out.
        func tick(_ count: Int = 1, grace: UInt64 = .second) {
            for _ in 0..<count {
                engine.tick(grace: grace)
                clock.advance(seconds: 1)
            }
        }

        /// Until nothing is under way that can return.
        func settle(threads: Int) {
            let end = CollectorClock().monotonic() + 10 * .second
            while probes.pool.threadCount > threads, CollectorClock().monotonic() < end { sched_yield() }
        }
    }

    @Test(
        "a hung statfs of nodefs is reported after 2 s, delays nobody else, and is not called again until it returns"
    )
    func nodefs() throws {
        let rig = Rig(hanging: { $0 == "/var/lib/kubelet" }) { $0.imageDirectory = "/images" }
        rig.tick(2)
        #expect(rig.engine.snapshot.nodeFileSystem == .notYetRead)
        rig.tick(5)
        let hung = rig.engine.snapshot
        #expect(hung.nodeFileSystem == .missing("statfs /var/lib/kubelet has not returned for 2 s"))
        #expect(hung.source("nodefs")?.state == .hung)
        #expect(hung.source("nodefs")?.failures == 1)
        #expect(hung.failing == ["nodefs"])
        #expect(hung.imageFileSystem.time.map { $0 >= Timestamp(seconds: hung.time.seconds) } == true)
        #expect(rig.gate.entered.load(ordering: .relaxed) == 1)
        rig.gate.open(1_000)
        // It returns on a thread of its own.
        let end = CollectorClock().monotonic() + 10 * .second
        repeat {
            rig.tick()
        } while rig.engine.snapshot.nodeFileSystem.value == nil && CollectorClock().monotonic() < end
        #expect(rig.engine.snapshot.nodeFileSystem.value?.capacity == 1_000)
        #expect(rig.engine.snapshot.source("nodefs")?.state == .ok)
    }

    @Test("more hung calls than cores: every tick has every file's value, and threads stop growing")
    func manyHang() {
        let rig = Rig(hanging: { _ in true }) { $0.imageDirectory = "/images" }
        rig.tick(60, grace: 2 * .millisecond)
        let threads = rig.probes.pool.threadCount
        // nodefs, imagefs, DNS and seven mounts.
        #expect(threads == 10)
        #expect(rig.gate.entered.load(ordering: .relaxed) == 10)
        rig.tick(200, grace: 2 * .millisecond)
        #expect(rig.probes.pool.threadCount == threads)
        let snapshot = rig.engine.snapshot
        #expect(snapshot.memory.time == snapshot.time)
        #expect(snapshot.load.time == snapshot.time)
        #expect(snapshot.resolvedAddresses == .missing("resolve Node-7.example.com has not returned for 2 s"))
        #expect(snapshot.fileSystems.value?.allSatisfy { $0.usage.missingReason?.hasSuffix("for 2 s") == true } == true)
        rig.gate.open(1_000)
        rig.settle(threads: 2)
        rig.tick(12, grace: 5 * .second)
        #expect(rig.engine.snapshot.failing == [])
        #expect(rig.probes.pool.threadCount <= 2)
    }

    @Test("beyond 32 stuck threads further mounts are not measured, and say so; nodefs still is")
    func mountCap() throws {
        let rig = Rig(hanging: { $0.hasPrefix("/m") }) { $0.procRoot = try! manyMounts(60) }
        rig.tick(120, grace: 2 * .millisecond)
        let usages = try #require(rig.engine.snapshot.fileSystems.value).map(\.usage)
        #expect(usages.filter { $0 == .missing("not measured: too many file systems hang") }.count >= 28)
        #expect(rig.probes.pool.threadCount <= 34)
        #expect(rig.engine.snapshot.nodeFileSystem.value != nil)
        rig.gate.open(10_000)
        rig.settle(threads: 2)
        rig.tick(60, grace: 5 * .second)
        #expect(rig.engine.snapshot.fileSystems.value?.allSatisfy { $0.usage.value != nil } == true)
    }

    @Test("setting everything up anew makes no second call beside one that hangs")
    func rebuild() {
        let rig = Rig(hanging: { $0 == "/var/lib/kubelet" })
        rig.tick(3)
        var options = CollectorOptions.fixture(fixture("cgroup2"), rig.clock)
        options.systemCalls.statfs = { .success(.example($0)) }
        for _ in 0..<5 {
            let engine = Engine(options, probes: rig.probes, listensToKernel: false)
            engine.tick(grace: 50 * .millisecond)
            #expect(engine.snapshot.nodeFileSystem == .missing("statfs /var/lib/kubelet has not returned for 2 s"))
        }
        #expect(rig.gate.entered.load(ordering: .relaxed) == 1)
        rig.gate.open(10)
    }

    @Test("a device that is nodefs already is not measured again as a mount")
    func sameDevice() throws {
        let calls = Mutex<[String]>([])
        let clock = FakeClock()
        var options = CollectorOptions.fixture(fixture("cgroup2"), clock)
        options.systemCalls.statfs = { path in
            calls.withLock { $0.append(path) }
            return .success(.example(path, device: "259:2"))
        }
        let engine = Engine(options, probes: ProbeTable(), listensToKernel: false)
        engine.tick(grace: 5 * .second)
        clock.advance(seconds: 11)
        calls.withLock { $0 = [] }
        engine.tick(grace: 5 * .second)
        #expect(!calls.withLock { $0 }.contains("/"))
        #expect(engine.snapshot.fileSystems.value?.first?.usage.value?.path == "/")
    }

    @Test("a failed look-up is tried again after 10 s, a good one after 60 s, and at once under another name")
    func lookups() {
        let calls = Atomic<Int>(0)
        let clock = FakeClock()
        var options = CollectorOptions.fixture(fixture("cgroup2"), clock)
        options.systemCalls.resolve = { name in
            let call = calls.add(1, ordering: .sequentiallyConsistent).newValue
            return call == 1 ? .failure(.failed("resolve \(name): no")) : .success([IPAddress(bytes: [1, 2, 3, 4])!])
        }
        let engine = Engine(options, probes: ProbeTable(), listensToKernel: false)
        func run(_ seconds: Int) -> Int {
            for _ in 0..<seconds {
                engine.tick(grace: 5 * .second)
                clock.advance(seconds: 1)
            }
            return calls.load(ordering: .relaxed)
        }
        #expect(run(9) == 1)
        #expect(engine.snapshot.resolvedAddresses == .missing("resolve Node-7.example.com: no"))
        #expect(run(5) == 2)
        #expect(engine.snapshot.resolvedAddresses.value?.count == 1)
        #expect(run(50) == 2)
        #expect(run(10) == 3)
    }
}

private func manyMounts(_ count: Int) throws -> String {
    let directory = try temporaryDirectory()
    mkdir(directory + "/self", 0o755)
    guard let file = fopen(directory + "/self/mountinfo", "w") else { return directory }
    for index in 0..<count { fputs("\(index) 1 8:\(index) / /m\(index) rw - ext4 /dev/sd\(index) rw\n", file) }
    fclose(file)
    return directory
}
