// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import NodeStatus

@Suite("Conditions over time")
struct TrackerTests {
    @Test("Before anything was read, every condition is Unknown")
    func start() {
        let watch = Watch()
        #expect(watch.tracker.conditions.map(\.type) == [.memoryPressure, .diskPressure, .pidPressure, .ready])
        #expect(watch.tracker.conditions.allSatisfy { $0.status == .unknown })
    }

    @Test("A snapshot without readings leaves the pressures Unknown and names what is missing")
    func nothingRead() {
        var watch = Watch()
        let time = watch.now
        watch.tracker.evaluate(NodeSnapshot(time: time), health: .good, uptime: .seconds(1), now: time)
        #expect(watch.condition(.memoryPressure).reason == "NodekeepSignalMissing")
        #expect(watch.condition(.memoryPressure).message == "no reading of memory.available: not read yet")
        #expect(
            watch.condition(.diskPressure).message
                == "no reading of nodefs.available, nodefs.inodesFree, imagefs.available, imagefs.inodesFree: not read yet"
        )
        #expect(watch.status(.pidPressure) == .unknown)
        #expect(watch.status(.ready) == .isFalse)
        #expect(
            watch.condition(.ready).message
                == "[container runtime status check may not have completed yet, network state unknown, "
                + "missing node capacity for resources: cpu, memory, ephemeral-storage]")
    }

    @Test("The first good readings make the pressures False in the kubelet's words, and the node Ready")
    func firstReadings() {
        var watch = Watch()
        let flips = watch.next()
        #expect(
            flips.map(\.eventReason) == [
                "NodeHasSufficientMemory", "NodeHasNoDiskPressure", "NodeHasSufficientPID", "NodeReady",
            ])
        #expect(watch.tracker.conditions.map(\.status) == [.isFalse, .isFalse, .isFalse, .isTrue])
        #expect(watch.condition(.diskPressure).message == "kubelet has no disk pressure")
    }

    @Test("Two readings within one dip, as a change event or a reload brings them, confirm nothing")
    func twoReadingsAtOnce() {
        var watch = Watch()
        watch.pass(3)
        watch.next { $0.setMemory(available: 1) }
        for milliseconds in [100, 500, 890] as [Int64] {
            var node = recordedNode(second: watch.second)
            node.time = Timestamp(seconds: node.time.seconds, nanoseconds: Int32(milliseconds) * 1_000_000)
            node.memory = .value(
                MemoryUsage(
                    total: 4 * gibi, kernelAvailable: nil, free: 0, usage: 4 * gibi, workingSet: 4 * gibi - 1,
                    source: .cgroup2), at: node.time)
            watch.tracker.evaluate(
                node, health: .good, uptime: .seconds(watch.second) + .milliseconds(milliseconds), now: watch.now)
            #expect(watch.status(.memoryPressure) == .isFalse)
        }
        watch.next { $0.setMemory(available: 1) }
        #expect(watch.status(.memoryPressure) == .isTrue)
    }

    @Test("A grace period is not lengthened by a reading that comes a little early")
    func earlyTick() {
        var watch = Watch { settings in
            settings.evictionHard = []
            settings.evictionSoft = [
                EvictionThreshold(
                    signal: .memoryAvailable, value: .quantity(Quantity(bytes: 1 << 30)), grace: .seconds(2))
            ]
        }
        watch.pass(3)
        for (offset, expected) in [(0, ConditionStatus.isFalse), (1_000, .isFalse), (1_950, .isTrue)]
            as [(Int64, ConditionStatus)]
        {
            var node = recordedNode(second: 100)
            node.time = Timestamp(seconds: node.time.seconds, nanoseconds: Int32(offset / 10) * 1_000_000)
            node.setMemory(available: 1)
            watch.tracker.evaluate(node, health: .good, uptime: .seconds(100) + .milliseconds(offset), now: watch.now)
            #expect(watch.status(.memoryPressure) == expected)
        }
    }

    @Test("A dip of one reading changes nothing")
    func singleDip() {
        var watch = Watch()
        watch.pass(3)
        let before = watch.tracker.conditions
        watch.next(lowMemory)
        #expect(watch.signal(.memoryAvailable)?.met == true)
        watch.pass(10)
        watch.next(lowMemory)
        watch.pass(10)
        #expect(watch.tracker.conditions == before)
    }

    @Test("One bad reading looked at twice is still one")
    func sameReadingTwice() {
        var watch = Watch()
        watch.pass(1)
        var node = recordedNode(second: 2)
        node.setMemory(available: 1)
        for second in 2..<20 {
            watch.tracker.evaluate(node, health: .good, uptime: .seconds(second), now: watch.now)
        }
        #expect(watch.status(.memoryPressure) == .isFalse)
        // The same reading in newer snapshots, because its source is slow.
        for second in 20..<30 {
            node.time = Timestamp(seconds: Watch.start + Int64(second))
            watch.tracker.evaluate(node, health: .good, uptime: .seconds(second), now: watch.now)
        }
        #expect(watch.status(.memoryPressure) == .isFalse)
    }

    @Test("Two bad readings in a row make the condition True, with the values of that moment")
    func twoReadings() {
        var watch = Watch()
        watch.pass(3)
        watch.next { $0.setNodefs(available: 93 * mebi) }
        let flips = watch.next { $0.setNodefs(available: 93 * mebi) }
        #expect(flips.map(\.eventReason) == ["NodeHasDiskPressure"])
        let condition = watch.condition(.diskPressure)
        #expect(condition.status == .isTrue)
        #expect(condition.reason == "KubeletHasDiskPressure")
        #expect(
            condition.message
                == "kubelet has disk pressure: nodefs.available 93Mi is below its threshold 10% (100Mi)")
        #expect(condition.lastTransitionTime == watch.now)
        // The message stays while the values go on.
        watch.next { $0.setNodefs(available: 5) }
        #expect(watch.condition(.diskPressure) == condition)
    }

    @Test("Bad from the first reading on, the condition goes from Unknown to True without being False")
    func badFromTheStart() {
        var watch = Watch()
        watch.next(lowMemory)
        #expect(watch.status(.memoryPressure) == .unknown)
        watch.next(lowMemory)
        #expect(watch.status(.memoryPressure) == .isTrue)
        #expect(
            watch.condition(.memoryPressure).message
                == "kubelet has insufficient memory available: memory.available 93Mi is below its threshold 100Mi")
    }

    @Test("Exactly at the threshold is not below it")
    func strict() {
        var watch = Watch()
        for _ in 0..<5 { watch.next { $0.setMemory(available: 100 * mebi) } }
        #expect(watch.status(.memoryPressure) == .isFalse)
        for _ in 0..<2 { watch.next { $0.setMemory(available: 100 * mebi - 1) } }
        #expect(
            watch.condition(.memoryPressure).message
                == "kubelet has insufficient memory available: memory.available 99Mi is below its threshold 100Mi")
    }

    @Test("It stays True until the transition period has passed since the last bad reading")
    func transitionPeriod() {
        var watch = Watch { $0.pressureTransitionPeriods = [.memoryPressure: .seconds(60)] }
        watch.pass(1)
        watch.next(lowMemory)
        watch.next(lowMemory)
        watch.pass(50)
        #expect(watch.status(.memoryPressure) == .isTrue)
        // Once True, a single bad reading prolongs it.
        watch.next(lowMemory)
        watch.pass(59)
        #expect(watch.status(.memoryPressure) == .isTrue)
        watch.next()
        #expect(watch.status(.memoryPressure) == .isFalse)
        #expect(watch.condition(.memoryPressure).message == "kubelet has sufficient memory available")
    }

    @Test("The minimum reclaim has to be there before the recovery counts")
    func minimumReclaim() throws {
        var watch = try Watch.withHard(["memory.available": "100Mi"], reclaim: ["memory.available": "50Mi"])
        watch.next(lowMemory)
        watch.next(lowMemory)
        for _ in 0..<100 { watch.next { $0.setMemory(available: 149 * mebi) } }
        #expect(watch.status(.memoryPressure) == .isTrue)
        for _ in 0..<9 { watch.next { $0.setMemory(available: 150 * mebi) } }
        #expect(watch.status(.memoryPressure) == .isTrue)
        watch.next { $0.setMemory(available: 150 * mebi) }
        #expect(watch.status(.memoryPressure) == .isFalse)
        // Below threshold and reclaim without having been below the threshold is nothing.
        for _ in 0..<5 { watch.next { $0.setMemory(available: 120 * mebi) } }
        #expect(watch.status(.memoryPressure) == .isFalse)
    }

    @Test("A soft threshold counts when it was met for its grace period without a break")
    func softThreshold() throws {
        let soft = try EvictionThresholds.parse(
            soft: ["memory.available": "1Gi"], gracePeriods: ["memory.available": "30s"])
        var watch = Watch { $0.evictionSoft = soft }
        let low = { (node: inout NodeSnapshot) in node.setMemory(available: 300 * mebi) }
        watch.pass(1)
        for _ in 0..<30 { watch.next(low) }
        #expect(watch.status(.memoryPressure) == .isFalse)
        #expect(watch.signal(.memoryAvailable)?.met == true)
        watch.next()
        for _ in 0..<30 { watch.next(low) }
        #expect(watch.status(.memoryPressure) == .isFalse)
        watch.next(low)
        #expect(
            watch.condition(.memoryPressure).message
                == "kubelet has insufficient memory available: memory.available 300Mi has been below its soft "
                + "threshold 1Gi for 30s")
        let status = try #require(watch.signal(.memoryAvailable)?.soft)
        #expect(status == .init(text: "1Gi", absolute: gibi, grace: "30s"))
    }

    @Test("One evaluation without a reading changes nothing, the second makes the condition Unknown")
    func missing() {
        var watch = Watch()
        watch.pass(2)
        let failing = { (node: inout NodeSnapshot) in node.nodeFileSystem = .missing("statfs /: Input/output error") }
        watch.next(failing)
        #expect(watch.status(.diskPressure) == .isFalse)
        watch.next(failing)
        let condition = watch.condition(.diskPressure)
        #expect(condition.status == .unknown)
        #expect(condition.reason == "NodekeepSignalMissing")
        #expect(
            condition.message == "no reading of nodefs.available, nodefs.inodesFree: statfs /: Input/output error")
        #expect(watch.signal(.nodefsAvailable)?.missing == "statfs /: Input/output error")
        #expect(watch.signal(.nodefsAvailable)?.available == nil)
        #expect(watch.status(.memoryPressure) == .isFalse)
        // The same is missing for another reason: the object stays as it is.
        watch.next { $0.nodeFileSystem = .missing("statfs / has not returned for 7 s") }
        #expect(watch.condition(.diskPressure) == condition)
        watch.next()
        #expect(watch.status(.diskPressure) == .isFalse)
    }

    @Test("The first reason after the start replaces \"not read yet\"")
    func reasonAfterStart() {
        var watch = Watch()
        watch.next { $0.memory = .notYetRead }
        watch.next { $0.memory = .missing("open /proc/meminfo: Permission denied") }
        #expect(
            watch.condition(.memoryPressure).message
                == "no reading of memory.available: open /proc/meminfo: Permission denied")
    }

    @Test("A single missing reading between two bad ones does not hide them")
    func missingBetweenBad() {
        var watch = Watch()
        watch.pass(1)
        watch.next(lowMemory)
        watch.next { $0.memory = .missing("busy") }
        watch.next(lowMemory)
        #expect(watch.status(.memoryPressure) == .isTrue)
    }

    @Test("True wins over a missing input while another is over its threshold")
    func trueWins() {
        var watch = Watch()
        watch.pass(1)
        let bad = { (node: inout NodeSnapshot) in
            node.imageFileSystem = .missing("gone")
            node.setNodefs(available: mebi)
        }
        for _ in 0..<5 { watch.next(bad) }
        #expect(watch.status(.diskPressure) == .isTrue)
        watch.next { $0.imageFileSystem = .missing("gone") }
        #expect(watch.status(.diskPressure) == .unknown)
        // Back with all its inputs, it remembers that pressure was a moment ago.
        watch.next()
        #expect(watch.status(.diskPressure) == .isTrue)
        watch.pass(299)
        #expect(watch.status(.diskPressure) == .isFalse)
    }

    @Test("When the signal that made it True is gone, nobody knows")
    func trueThenMissing() {
        var watch = Watch()
        for _ in 0..<3 { watch.next(lowMemory) }
        watch.next { $0.memory = .missing("gone") }
        #expect(watch.status(.memoryPressure) == .isTrue)
        watch.next { $0.memory = .missing("gone") }
        #expect(watch.status(.memoryPressure) == .unknown)
    }

    @Test("Inodes of a file system that has no fixed number are not missing")
    func noInodes() {
        var watch = Watch()
        let btrfs = { (node: inout NodeSnapshot) in
            node.setNodefs(available: 500 * mebi, inodes: 0, inodesFree: 0)
            node.imageFileSystem = node.nodeFileSystem
        }
        for _ in 0..<5 { watch.next(btrfs) }
        #expect(watch.status(.diskPressure) == .isFalse)
        #expect(watch.signal(.nodefsInodesFree)?.notApplicable == "the file system has no fixed number of inodes")
        #expect(watch.signal(.nodefsInodesFree)?.missing == nil)
    }

    @Test("Without a runtime nobody misses the images' file system")
    func noRuntime() {
        var watch = Watch { $0.runtimeConfigured = false }
        for _ in 0..<3 {
            watch.next {
                $0.imageFileSystem = .missing("no runtime")
                $0.runtime = nil
            }
        }
        #expect(watch.status(.diskPressure) == .isFalse)
        #expect(watch.status(.ready) == .isTrue)
        #expect(watch.signal(.imagefsAvailable)?.notApplicable == "no container runtime is configured")
    }

    @Test("PID pressure has a threshold by default")
    func pids() {
        var watch = Watch()
        for _ in 0..<2 {
            watch.next { $0.processes = .value(ProcessUsage(running: 30_000, maximum: 32_768), at: $0.time) }
        }
        #expect(
            watch.condition(.pidPressure).message
                == "kubelet has insufficient PID available: pid.available 2768 is below its threshold 10% (3276)")
    }

    @Test("Several signals are all named")
    func severalSignals() {
        var watch = Watch()
        for _ in 0..<2 { watch.next { $0.setNodefs(available: 512, inodesFree: 3) } }
        #expect(
            watch.condition(.diskPressure).message
                == "kubelet has disk pressure: nodefs.available 512 is below its threshold 10% (100Mi); "
                + "nodefs.inodesFree 3 is below its threshold 5% (50)")
    }

    @Test("Amounts that would look alike are shown exactly")
    func readable() {
        #expect(ReadableAmount.bytes(1_023) == "1023")
        #expect(ReadableAmount.bytes(1_536) == "1.5Ki")
        #expect(ReadableAmount.bytes(10_386_530_304) == "9.6Gi")
        #expect(ReadableAmount.bytes(.max) == "15Ei")
        #expect(ReadableAmount.pair(104_857_600, 104_857_601, inBytes: true) == ("104857600", "104857601"))
    }

    @Test("Signals show what containerfs and the pods' cgroup come to")
    func signals() {
        var watch = Watch()
        watch.pass(1)
        #expect(watch.tracker.signals.map(\.signal) == EvictionSignal.allCases)
        // One file system: the nodefs' threshold.
        #expect(watch.signal(.containerfsAvailable)?.hard?.text == "10%")
        watch.next {
            $0.imageFileSystem = .value(
                FileSystemUsage(path: "/images", capacity: gibi, available: gibi, free: gibi, inodes: 5, inodesFree: 5),
                at: $0.time)
        }
        #expect(watch.signal(.containerfsAvailable)?.hard?.text == "15%")
        #expect(watch.signal(.allocatableMemoryAvailable)?.notApplicable != nil)
        #expect(watch.signal(.memoryAvailable)?.hard == .init(text: "100Mi", absolute: 100 * mebi))
        #expect(watch.signal(.memoryAvailable)?.since == Timestamp(seconds: Watch.start + 1))
    }
}
