// SPDX-License-Identifier: Apache-2.0

import NodeStatus
import Testing

@testable import Collector

@Suite("The images' file system")
struct ImageFileSystemTests {
    /// Three disks; `/gone` and what is below it does not exist here.
    private func engine(_ clock: FakeClock, hung: Gate? = nil) -> Engine {
        var options = CollectorOptions.fixture(fixture("cgroup2"), clock)
        options.imageDirectory = "/usual"
        options.systemCalls.statfs = { path in
            if path == "/hung" { hung?.pass() }
            return .success(
                path.hasPrefix("/gone") ? .example("/", device: "1:1") : .example(path, device: "1:\(path.count)"))
        }
        return Engine(options, probes: ProbeTable(), listensToKernel: false)
    }

    private func path(_ engine: Engine, _ clock: FakeClock) -> String? {
        clock.advance(seconds: 1)
        engine.tick(grace: 5 * .second)
        return engine.snapshot.imageFileSystem.value?.path
    }

    @Test("is the usual one until the runtime says where its images are, and again when it says so no more")
    func follow() {
        let clock = FakeClock()
        let engine = engine(clock)
        #expect(path(engine, clock) == "/usual")
        engine.imagesAre(in: "/said")
        #expect(path(engine, clock) == "/said")
        engine.imagesAre(in: "/said")
        #expect(path(engine, clock) == "/said")
        engine.imagesAre(in: "/elsewhere")
        #expect(path(engine, clock) == "/elsewhere")
        engine.imagesAre(in: nil)
        #expect(path(engine, clock) == "/usual")
        #expect(engine.snapshot.source("imagefs")?.state == .ok)
    }

    @Test("is the usual one where what the runtime says is not in our mount namespace")
    func elsewhere() {
        let clock = FakeClock()
        let engine = engine(clock)
        engine.imagesAre(in: "/gone/with/the/namespace")
        for _ in 0..<3 { #expect(path(engine, clock) == "/usual") }
        #expect(engine.snapshot.missingImageDirectory == "/gone/with/the/namespace")
        engine.imagesAre(in: "/said")
        #expect(path(engine, clock) == "/said")
        #expect(engine.snapshot.missingImageDirectory == nil)
    }

    @Test("that hangs is missing, not replaced by one that does not")
    func hangs() {
        let clock = FakeClock()
        let gate = Gate()
        let engine = engine(clock, hung: gate)
        engine.imagesAre(in: "/hung")
        for _ in 0..<4 {
            clock.advance(seconds: 1)
            engine.tick(grace: 10 * .millisecond)
        }
        #expect(engine.snapshot.imageFileSystem == .missing("statfs /hung has not returned for 2 s"))
        gate.open(100)
    }
}
