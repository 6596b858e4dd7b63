// SPDX-License-Identifier: Apache-2.0
import Testing

@testable import Agent

@Suite("Liveness of the loops")
struct LoopBeatsTests {
    @Test("A loop is stuck when its limit has passed since its last beat, and well again with the next")
    func stuck() {
        let beats = LoopBeats(startedAt: .seconds(100))
        #expect(beats.stuck(at: .seconds(110)).isEmpty)
        #expect(beats.stuck(at: .seconds(111)) == [.collector, .gate])
        beats.beat(.collector, at: .seconds(111))
        #expect(beats.stuck(at: .seconds(121)) == [.gate])
        beats.beat(.gate, at: .seconds(121))
        #expect(beats.stuck(at: .seconds(131)) == [.collector, .services])
    }

    @Test("A beat from the past moves nothing back")
    func past() {
        let beats = LoopBeats(startedAt: .seconds(100))
        beats.beat(.gate, at: .seconds(50))
        #expect(!beats.stuck(at: .seconds(110)).contains(.gate))
    }
}

@Suite("Poll time-outs")
struct PollTests {
    @Test(
        "They are rounded up, so that nothing spins through the last fraction, and never negative",
        arguments: [
            (Duration.zero, 0), (.nanoseconds(1), 1), (.milliseconds(5), 5), (.microseconds(5_001), 6),
            (.seconds(-3), 0),
            (.seconds(Int64.max / 4), 2_000_000_000),
        ] as [(Duration, Int32)])
    func milliseconds(duration: Duration, expected: Int32) {
        #expect(duration.pollMilliseconds == expected)
    }
}
