// SPDX-License-Identifier: Apache-2.0

import Testing

import NodeStatus

@Suite("Heartbeats and clocks")
struct HeartbeatTests {
    @Test("A node at rest has the same conditions until the report period has passed")
    func atRest() {
        var watch = Watch()
        watch.next()
        let first = watch.tracker.conditions
        watch.pass(299)
        #expect(watch.tracker.conditions == first)
        watch.next()
        #expect(watch.tracker.conditions.allSatisfy { $0.lastHeartbeatTime == watch.now })
        #expect(watch.tracker.conditions.map(\.lastTransitionTime) == first.map(\.lastTransitionTime))
    }

    @Test("A flip moves every heartbeat, and only its own transition time")
    func flipMovesAll() {
        var watch = Watch()
        watch.pass(5)
        let before = watch.tracker.conditions
        for _ in 0..<2 { watch.next(lowMemory) }
        #expect(watch.tracker.conditions.allSatisfy { $0.lastHeartbeatTime == watch.now })
        #expect(watch.condition(.memoryPressure).lastTransitionTime == watch.now)
        #expect(watch.condition(.ready).lastTransitionTime == before.last?.lastTransitionTime)
    }

    @Test(
        "A clock that jumps changes neither status nor order of times",
        arguments: [-100_000_000, -30, 30, 100_000_000])
    func clockJump(by seconds: Int64) {
        var watch = Watch()
        watch.pass(10)
        for _ in 0..<2 { watch.next(lowMemory) }
        watch.clockOffset = seconds
        watch.pass(299)
        #expect(watch.status(.memoryPressure) == .isTrue)
        watch.next()
        #expect(watch.status(.memoryPressure) == .isFalse)
        for condition in watch.tracker.conditions {
            #expect(condition.lastTransitionTime <= condition.lastHeartbeatTime)
            #expect(condition.lastHeartbeatTime == watch.now)
        }
        #expect(watch.condition(.memoryPressure).lastTransitionTime == watch.now)
        if seconds < -300 {
            // Ready since second 1 of 312, on the clock as it is now.
            #expect(watch.condition(.ready).lastTransitionTime == Timestamp(seconds: watch.now.seconds - 311))
        }
    }

    @Test("Clocks and uptimes out of this world do no harm")
    func absurdClocks() {
        var watch = Watch { $0.pressureTransitionPeriod = .seconds(Int64.max) }
        let uptimes: [Duration] = [.seconds(5), .seconds(Int64.max), .seconds(Int64.min), .zero, .nanoseconds(1)]
        for (index, uptime) in uptimes.enumerated() {
            for seconds in [Int64.min, -1, 0, .max] {
                var node = recordedNode(second: Int64(index))
                node.setMemory(available: 0)
                watch.tracker.evaluate(node, health: .good, uptime: uptime, now: Timestamp(seconds: seconds))
                for condition in watch.tracker.conditions { _ = condition.lastTransitionTime.rfc3339 }
            }
        }
        #expect(watch.tracker.conditions.count == 4)
    }
}
