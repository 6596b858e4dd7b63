// SPDX-License-Identifier: Apache-2.0

import NodeStatus
import Testing

@testable import Collector

@Suite("Ticks")
struct ScheduleTests {
    @Test("ticks stay on the grid however long each one takes")
    func noDrift() {
        var schedule = TickSchedule(start: 5 * .second)
        var now = schedule.deadline
        for tick in 1...1_000 {
            #expect(schedule.deadline == (5 + UInt64(tick)) * .second)
            now = schedule.deadline + UInt64(tick % 7) * 130 * .millisecond
            schedule.advance(now)
        }
    }

    @Test("ticks that were missed altogether are left out, not caught up with")
    func missed() {
        var schedule = TickSchedule(start: 0)
        schedule.advance(7 * .second + 300 * .millisecond)
        #expect(schedule.deadline == 8 * .second)
        schedule.advance(8 * .second)
        #expect(schedule.deadline == 9 * .second)
    }

    @Test(
        "a source that costs more than a hundredth of its interval is read less often, but an event hurries a cheap one"
    )
    func pace() {
        func at(_ milliseconds: UInt64) -> Moment {
            Moment(monotonic: milliseconds * .millisecond, wall: .init(seconds: 0))
        }
        var pace = Pace(every: .second)
        #expect(pace.isDue(at(0)))
        pace.done(at(0), cost: 50 * .millisecond)
        #expect(!pace.isDue(at(4_999)))
        #expect(pace.isDue(at(5_000)))
        pace.done(at(5_000))
        pace.hurry(at(5_010))
        #expect(pace.isDue(at(5_010)))
        pace.done(at(5_010), cost: 50 * .millisecond)
        pace.hurry(at(5_020), cost: 50 * .millisecond)
        #expect(!pace.isDue(at(5_020)))
    }
}
