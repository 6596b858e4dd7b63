// SPDX-License-Identifier: Apache-2.0
import KubeAPI
import KubeTestServer
import NodeStatus
import Synchronization

/// The runner's clocks: monotonic time passes when the test says so, the wall clock follows and may be set.
final class TestClock: Sendable {
    let manual = ManualClock()
    /// How many sleep when nothing is to be done.
    let sleepers: Int
    private let offset = Mutex(Int64(0))

    init(sleepers: Int = 1) {
        self.sleepers = sleepers
    }

    var kube: KubeClock {
        KubeClock(now: { self.manual.now }, date: { self.date }, sleep: { try await self.manual.sleep($0) })
    }

    var date: Timestamp {
        let (seconds, attoseconds) = manual.now.components
        return Timestamp(
            seconds: start.seconds + seconds + offset.withLock { $0 },
            nanoseconds: Int32(attoseconds / 1_000_000_000))
    }

    func setWallClock(forwardBy seconds: Int64) { offset.withLock { $0 += seconds } }

    /// Lets time pass until something has come about: from one sleeper to the next, and not before those that were woken
    /// sleep again.
    ///
    /// - Returns: Whether it came about within so much time of this clock, and some seconds of the real one.
    func passes(_ limit: Duration, until isDone: () -> Bool) async -> Bool {
        let end = manual.now + limit
        let deadline = ContinuousClock.now + .seconds(20)
        while ContinuousClock.now < deadline {
            await settle(isDone)
            if isDone() { return true }
            step(to: end)
        }
        return false
    }

    /// Lets so much time pass.
    func pass(_ duration: Duration) async {
        let end = manual.now + duration
        while manual.now < end {
            await settle { false }
            step(to: end)
        }
        await settle { false }
    }

    private func step(to end: Duration) {
        let next = min(manual.nextWake ?? end, end)
        if next > manual.now { manual.advance(by: next - manual.now) }
    }

    /// A loop that waits for a call or has ended does not sleep: it is given a moment, and many turns, which are enough
    /// for one that other processes keep from its processor.
    private func settle(_ isDone: () -> Bool) async {
        let deadline = ContinuousClock.now + .milliseconds(250)
        var turns = 0
        repeat {
            await Task.yield()
            turns += 1
        } while manual.sleeping < sleepers && !isDone() && (turns < 10_000 || ContinuousClock.now < deadline)
    }
}
