// SPDX-License-Identifier: Apache-2.0
import Testing

@testable import Agent

@Suite("When the runtime is asked what")
struct RuntimeScheduleTests {
    private static let slow: Set<RuntimeSchedule.Reading> = [
        .configuration, .checkpointSupport, .imageFileSystems, .images, .events,
    ]

    /// What is started in each second, as if every reading were made at once; events go on.
    private func starts(
        _ schedule: inout RuntimeSchedule, _ seconds: ClosedRange<Int>
    ) -> [Int: Set<RuntimeSchedule.Reading>] {
        var starts: [Int: Set<RuntimeSchedule.Reading>] = [:]
        for second in seconds {
            let due = schedule.start(at: .seconds(second))
            if !due.isEmpty { starts[second] = Set(due) }
            for reading in due where reading != .events {
                if reading == .status { schedule.answered(at: .seconds(second), isAnother: false) }
                schedule.ended(reading, at: .seconds(second))
            }
        }
        return starts
    }

    @Test("Status every ten seconds beside a stream of events; all else once it is answered, then each minute")
    func paces() {
        var schedule = RuntimeSchedule()
        let starts = starts(&schedule, 0...601)
        #expect(starts[0] == [.status])
        #expect(starts[1] == Self.slow)
        #expect(starts[2] == nil)
        #expect(starts[5] == [.status])
        #expect(
            starts.filter { $0.value.contains(.status) }.keys.sorted() == [0] + stride(from: 5, through: 595, by: 10))
        #expect(starts[61] == [.configuration, .imageFileSystems, .images])
        #expect(starts[601]?.contains(.checkpointSupport) == true)
        #expect(starts.values.filter { $0.contains(.checkpointSupport) }.count == 2)
        #expect(starts.values.filter { $0.contains(.events) }.count == 1)
        #expect(!starts.values.contains { $0.contains(.usage) })
    }

    @Test("Status every five seconds where nothing would tell that the runtime has ended")
    func paceWithoutEvents() {
        var schedule = RuntimeSchedule()
        _ = starts(&schedule, 0...1)
        schedule.eventsEnded(at: .seconds(2), again: false)
        let starts = starts(&schedule, 2...60)
        #expect(
            starts.filter { $0.value.contains(.status) }.keys.sorted() == Array(stride(from: 5, through: 60, by: 5)))
    }

    @Test("A reading that hangs is made once, and holds up no other")
    func hanging() {
        var schedule = RuntimeSchedule()
        #expect(schedule.start(at: .zero) == [.status])
        schedule.answered(at: .zero, isAnother: false)
        schedule.ended(.status, at: .zero)
        #expect(Set(schedule.start(at: .seconds(1))) == Self.slow)
        schedule.ended(.configuration, at: .seconds(1))
        #expect(schedule.start(at: .seconds(300)) == [.status, .configuration])
        // What took longer than its pace is due again at once, not twice.
        schedule.ended(.images, at: .seconds(300))
        #expect(schedule.start(at: .seconds(300)) == [.images])
    }

    @Test("While the runtime does not answer only Status is asked; all is asked anew when it is back")
    func back() {
        var schedule = RuntimeSchedule()
        _ = starts(&schedule, 0...1)
        #expect(schedule.start(at: .seconds(5)) == [.status])
        schedule.failed()
        schedule.ended(.status, at: .seconds(10))
        #expect(schedule.start(at: .seconds(100)) == [.status])
        schedule.answered(at: .seconds(100), isAnother: false)
        schedule.ended(.status, at: .seconds(100))
        // The events are still under way: nobody has said that they ended.
        #expect(Set(schedule.start(at: .seconds(101))) == Self.slow.subtracting([.events]))
    }

    @Test("Another version is another runtime, though it was never away")
    func another() {
        var schedule = RuntimeSchedule()
        _ = starts(&schedule, 0...1)
        schedule.answered(at: .seconds(5), isAnother: true)
        #expect(Set(schedule.start(at: .seconds(5))) == Self.slow.subtracting([.events]).union([.status]))
    }

    @Test("Usage is read every ten seconds for a minute after somebody has asked, the first time at once")
    func usage() {
        var schedule = RuntimeSchedule()
        _ = starts(&schedule, 0...3)
        #expect(schedule.usageWanted(at: .seconds(3)) == true)
        #expect(schedule.usageWanted(at: .seconds(3)) == false)
        let first = starts(&schedule, 4...200)
        #expect(first.filter { $0.value.contains(.usage) }.keys.sorted() == [4, 14, 24, 34, 44, 54])
        #expect(schedule.usageWanted(at: .seconds(200)) == true)
        let again = starts(&schedule, 201...220)
        #expect(again.filter { $0.value.contains(.usage) }.keys.sorted() == [201, 211])
    }

    @Test("New containers bring the images forward, but no two lists closer than ten seconds")
    func containers() {
        var schedule = RuntimeSchedule()
        schedule.containersChanged(at: .zero)
        _ = starts(&schedule, 0...3)
        for second in 3...6 { schedule.containersChanged(at: .seconds(second)) }
        #expect(starts(&schedule, 4...40).filter { $0.value.contains(.images) }.keys.sorted() == [11])
        schedule.containersChanged(at: .seconds(40))
        #expect(starts(&schedule, 40...60).filter { $0.value.contains(.images) }.keys.sorted() == [40])
    }

    @Test("Events that ended are asked for again after a while, or not before the runtime was away")
    func events() {
        var schedule = RuntimeSchedule()
        _ = starts(&schedule, 0...3)
        schedule.eventsEnded(at: .seconds(3), again: true)
        #expect(starts(&schedule, 4...40).filter { $0.value.contains(.events) }.keys.sorted() == [13])
        schedule.eventsEnded(at: .seconds(40), again: false)
        #expect(!starts(&schedule, 41...400).values.contains { $0.contains(.events) })
        schedule.failed()
        schedule.answered(at: .seconds(401), isAnother: false)
        #expect(schedule.start(at: .seconds(401)).contains(.events))
    }

    @Test("Version goes with the first Status, with one after half a minute, and with the first after an absence")
    func version() {
        var schedule = RuntimeSchedule()
        #expect(schedule.startVersion(at: .zero) == true)
        schedule.answered(at: .zero, isAnother: false)
        #expect(schedule.startVersion(at: .seconds(29)) == false)
        #expect(schedule.startVersion(at: .seconds(30)) == true)
        #expect(schedule.startVersion(at: .seconds(35)) == false)
        schedule.connectionLost(at: .seconds(36))
        #expect(schedule.startVersion(at: .seconds(36)) == true)
    }

    @Test("Between two readings there is rest, however many are under way")
    func rest() {
        var schedule = RuntimeSchedule()
        #expect(schedule.rest(at: .zero) == .zero)
        _ = schedule.start(at: .zero)
        #expect(schedule.rest(at: .zero) == .seconds(5))
        // It hangs: there is nothing to do but to look again.
        #expect(schedule.rest(at: .seconds(20)) == .seconds(5))
        schedule.answered(at: .seconds(20), isAnother: false)
        schedule.ended(.status, at: .seconds(20))
        #expect(schedule.rest(at: .seconds(20)) == .zero)
        for reading in schedule.start(at: .seconds(20)) where reading != .events {
            schedule.ended(reading, at: .seconds(20))
        }
        #expect(schedule.rest(at: .seconds(21)) == .seconds(9))
        _ = schedule.usageWanted(at: .seconds(21))
        #expect(schedule.rest(at: .seconds(21)) == .zero)
        _ = schedule.start(at: .seconds(21))
        schedule.failed()
        schedule.ended(.usage, at: .seconds(22))
        #expect(schedule.rest(at: .seconds(22)) == .seconds(8))
    }
}
