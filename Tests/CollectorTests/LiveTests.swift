// SPDX-License-Identifier: Apache-2.0

import Glibc
import NodeStatus
import Synchronization
import Testing

@testable import Collector

@Suite("This very machine", .serialized)
struct LiveTests {
    final class Received: Sendable {
        let snapshots = Mutex<[NodeSnapshot]>([])
        let gate = Gate()

        func take(_ snapshot: NodeSnapshot) {
            snapshots.withLock { $0.append(snapshot) }
            gate.open()
        }
    }

    @Test("the first snapshot comes within a second and has everything local; more follow; stop ends it")
    func start() throws {
        let received = Received()
        let collector = Collector(options: CollectorOptions()) { received.take($0) }
        let before = CollectorClock().monotonic()
        try collector.start()
        received.gate.pass()
        #expect(CollectorClock().monotonic() - before < 1_000 * .millisecond)
        let first = try #require(received.snapshots.withLock { $0.first })
        #expect((first.memory.value?.total ?? 0) > 0)
        #expect((first.topology.value?.logical ?? 0) > 0)
        #expect(first.nodeFileSystem.value != nil)
        #expect(first.interfaces.value?.contains { $0.name == "lo" && $0.isLoopback } == true)
        #expect(first.hostname.value != nil)
        #expect(first.identity.kernelVersion.value != nil)
        #expect(first.bootTime.value != nil)
        let tick = collector.lastTick
        received.gate.pass()
        #expect(collector.lastTick >= tick)
        collector.refresh()
        received.gate.pass()
        collector.stop()
        let count = received.snapshots.withLock { $0.count }
        #expect(count >= 3)
        collector.stop()
        #expect(throws: SourceFailure.failed("the collector has been started before")) { try collector.start() }
    }

    @Test("statfs of a directory that does not exist measures its nearest ancestor")
    func ancestor() throws {
        let measured = try SystemCalls().statfs("/proc/self/no/such/dir").get()
        #expect(measured.usage.path == "/proc/self")
        #expect(try SystemCalls().statfs("/no-such-directory/x/").get().usage.path == "/")
        #expect(parentDirectory("/a//") == "/")
        #expect(parentDirectory("relative") == nil)
    }

    @Test("new options take effect without a restart")
    func update() throws {
        let received = Received()
        var options = CollectorOptions()
        options.busAddress = "none"
        let collector = Collector(options: options) { received.take($0) }
        try collector.start()
        defer { collector.stop() }
        received.gate.pass()
        options.rootDirectory = "/proc"
        collector.update(options: options)
        for _ in 0..<4 where received.snapshots.withLock({ $0.last?.nodeFileSystem.value?.path }) != "/proc" {
            received.gate.pass()
        }
        #expect(received.snapshots.withLock { $0.last?.nodeFileSystem.value?.path } == "/proc")
    }
}
