// SPDX-License-Identifier: Apache-2.0
import NodeStatus
import Testing

@testable import Checkpoint

@Suite struct SpaceLedgerTests {
    private let first = someJob
    private let second = JobID("20261121t061233-00000002")!

    private func disk(_ available: UInt64, reserve: UInt64 = 0, isMemory: Bool = false, device: String = "8:1")
        -> FileSystemSpace
    {
        FileSystemSpace(
            device: device, name: "/ckpt", available: available, capacity: 10_000, reserve: reserve, isMemory: isMemory)
    }

    private func estimate(_ charges: (String, UInt64)...) -> SizeEstimate {
        SizeEstimate(
            memory: 0, swap: 0, writableLayer: 0, log: 0,
            charges: charges.map { .init(directory: $0.0, bytes: $0.1, purpose: "for " + $0.0) })
    }

    @Test func whatFitsToTheByte() throws {
        let ledger = SpaceLedger()
        #expect(try ledger.shortage(for: estimate(("/a", 900)), memory: nil) { _ in disk(1000, reserve: 100) } == nil)
        let shortage = try ledger.shortage(for: estimate(("/a", 901)), memory: nil) { _ in disk(1000, reserve: 100) }
        #expect(shortage?.needed == 901 && shortage?.promised == 0)
        #expect(
            shortage?.description
                == "/ckpt has no room for for /a: 901 are needed, 1000 of 9.7Ki are free, and 100 must remain free")
        #expect(try ledger.shortage(for: estimate(("/a", 0)), memory: nil) { _ in disk(50, reserve: 100) } != nil)
    }

    @Test func twoThatFitAloneButNotTogether() throws {
        var ledger = SpaceLedger()
        let probe = { (_: String) throws(SpaceProblem) in disk(1000) }
        #expect(try ledger.reserve(estimate(("/a", 600)), for: first, memory: nil, probe: probe) == nil)
        let shortage = try ledger.reserve(estimate(("/a", 600)), for: second, memory: nil, probe: probe)
        #expect(shortage?.promised == 600)
        #expect(
            shortage?.description.contains("1000 of 9.7Ki are free, 600 of it are promised to other checkpoints")
                == true)
        #expect(ledger.jobs == [first])
        #expect(try ledger.reserve(estimate(("/a", 400)), for: second, memory: nil, probe: probe) == nil)
        #expect(ledger.promised(on: "8:1") == 1000)
        ledger.release(first)
        #expect(ledger.promised(on: "8:1") == 400)
        ledger.release(first)
        ledger.release(second)
        #expect(ledger == SpaceLedger())
    }

    @Test func whatIsPromisedWithoutAskingCountsForTheOthers() throws {
        var ledger = SpaceLedger()
        let probe = { (_: String) throws(SpaceProblem) in disk(1000) }
        try ledger.promise(estimate(("/a", 1500)), to: first, memory: nil, probe: probe)
        #expect(ledger.promised(on: "8:1") == 1500)
        #expect(try ledger.shortage(for: estimate(("/a", 1)), memory: nil, probe: probe)?.promised == 1500)
        try ledger.promise(estimate(("/a", 10)), to: first, memory: nil, probe: probe)
        #expect(ledger.promised(on: "8:1") == 10)
    }

    @Test func aJobsOwnPromiseIsReplaced() throws {
        var ledger = SpaceLedger()
        let probe = { (_: String) throws(SpaceProblem) in disk(1000) }
        #expect(try ledger.reserve(estimate(("/a", 600)), for: first, memory: nil, probe: probe) == nil)
        #expect(try ledger.reserve(estimate(("/a", 700)), for: first, memory: nil, probe: probe) == nil)
        #expect(ledger.promised(on: "8:1") == 700)
        #expect(try ledger.shortage(for: estimate(("/a", 301)), memory: nil, probe: probe) != nil)
        #expect(try ledger.shortage(for: estimate(("/a", 1000)), of: first, memory: nil, probe: probe) == nil)
    }

    @Test func copiesOnOneFileSystemAdd() throws {
        let ledger = SpaceLedger()
        let charges = estimate(("/a", 400), ("/b", 300), ("/c", 400))
        let shortage = try ledger.shortage(for: charges, memory: nil) {
            $0 == "/b" ? disk(1000, device: "8:2") : disk(799)
        }
        #expect(shortage?.needed == 800)
        #expect(shortage?.purposes == ["for /a", "for /c"])
        #expect(
            try ledger.shortage(for: charges, memory: nil) { $0 == "/b" ? disk(1000, device: "8:2") : disk(800) } == nil
        )
        #expect(
            try ledger.shortage(for: charges, memory: nil) { $0 == "/b" ? disk(299, device: "8:2") : disk(800) } != nil)
    }

    @Test func aTmpfsIsMemory() throws {
        var ledger = SpaceLedger()
        let memory = FileSystemSpace(device: "", name: "memory", available: 500, capacity: 1000, reserve: 100)
        let probe = { (_: String) throws(SpaceProblem) in disk(10_000, isMemory: true) }
        #expect(try ledger.reserve(estimate(("/tmp", 300)), for: first, memory: memory, probe: probe) == nil)
        // Another tmpfs, the same memory.
        let other = { (_: String) throws(SpaceProblem) in disk(10_000, isMemory: true, device: "0:9") }
        let shortage = try ledger.reserve(estimate(("/run", 101)), for: second, memory: memory, probe: other)
        #expect(shortage?.space.name == "memory" && shortage?.promised == 300)
        #expect(try ledger.reserve(estimate(("/run", 100)), for: second, memory: memory, probe: other) == nil)
        #expect(try ledger.shortage(for: estimate(("/run", 5000)), memory: nil, probe: other) == nil)
    }

    @Test func whatCannotBeProbedIsNotPromised() throws {
        var ledger = SpaceLedger()
        let problem = SpaceProblem("statfs /a: Input/output error")
        #expect(throws: problem) {
            _ = try ledger.reserve(estimate(("/a", 1)), for: first, memory: nil) { (_) throws(SpaceProblem) in
                throw problem
            }
        }
        #expect(ledger == SpaceLedger())
    }

    @Test func absurdNumbersDoNotTrap() throws {
        var ledger = SpaceLedger()
        let probe = { (_: String) throws(SpaceProblem) in disk(.max) }
        #expect(try ledger.reserve(estimate(("/a", .max)), for: first, memory: nil, probe: probe) == nil)
        // The sum is beyond what can be counted, and is held for that.
        #expect(try ledger.reserve(estimate(("/a", .max), ("/b", .max)), for: second, memory: nil, probe: probe) == nil)
        #expect(ledger.promised(on: "8:1") == .max)
        #expect(
            try ledger.shortage(for: estimate(("/a", .max)), memory: nil) { _ in disk(.max - 1, reserve: .max) } != nil)
    }

    /// Whatever is reserved and released in whatever order: as long as nothing else is written, all fits.
    @Test func promisesNeverExceedWhatIsFree() throws {
        var generator = SplitMix(state: 42)
        var ledger = SpaceLedger()
        var held: [JobID: UInt64] = [:]
        for step in 0..<5000 {
            let job = JobID(time: Timestamp(seconds: 0), random: UInt32(step % 37))
            if Bool.random(using: &generator) {
                ledger.release(job)
                held[job] = nil
            } else {
                let bytes = UInt64.random(in: 0...400, using: &generator)
                let shortage = try ledger.reserve(estimate(("/a", bytes)), for: job, memory: nil) { _ in
                    disk(1000, reserve: 100)
                }
                let others = held.filter { $0.key != job }.values.reduce(0, +)
                #expect((shortage == nil) == (others + bytes <= 900))
                if shortage == nil { held[job] = bytes }
            }
            #expect(ledger.promised(on: "8:1") == held.values.reduce(0, +))
        }
    }
}

private struct SplitMix: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var mixed = (state ^ (state >> 30)) &* 0xbf58_476d_1ce4_e5b9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94d0_49bb_1331_11eb
        return mixed ^ (mixed >> 31)
    }
}
