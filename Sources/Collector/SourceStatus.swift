// SPDX-License-Identifier: Apache-2.0

import NodeStatus

/// How one source fares: keeps the report that is published, and turns outcomes into readings.
final class SourceStatus {
    private(set) var report: SourceReport
    private let clock: CollectorClock
    /// Nanoseconds that the last call took.
    private(set) var lastCost: UInt64 = 0

    init(_ name: String, _ clock: CollectorClock) {
        report = SourceReport(name: name, state: .absent, error: "not read yet", since: clock.wall())
        self.clock = clock
    }

    /// Calls `body`, times it, and notes the outcome.
    func measure<Value>(_ moment: Moment, _ body: () throws(SourceFailure) -> Value) -> Reading<Value> {
        let start = clock.monotonic()
        do {
            let value = try body()
            succeeded(moment, took: clock.monotonic().clampedDifference(start))
            return .value(value, at: moment.wall)
        } catch {
            return failed(error, moment, took: clock.monotonic().clampedDifference(start))
        }
    }

    func succeeded(_ moment: Moment, took cost: UInt64) {
        enter(.ok, nil, moment)
        report.lastSuccess = moment.wall
        note(cost)
    }

    func failed<Value>(_ failure: SourceFailure, _ moment: Moment, took cost: UInt64 = 0) -> Reading<Value> {
        enter(failure.isAbsent ? .absent : .failed, failure.reason, moment)
        if !failure.isAbsent { report.failures = report.failures.clampedSum(1) }
        note(cost)
        return .missing(failure.reason)
    }

    func hung<Value>(_ reason: String, _ moment: Moment) -> Reading<Value> {
        if report.state != .hung { report.failures = report.failures.clampedSum(1) }
        enter(.hung, reason, moment)
        return .missing(reason)
    }

    private func enter(_ state: SourceReport.State, _ error: String?, _ moment: Moment) {
        if report.state != state {
            report.state = state
            report.since = moment.wall
        }
        if report.error != error { report.error = error }
    }

    private func note(_ cost: UInt64) {
        lastCost = cost
        report.lastDuration = Double(cost) / 1e9
        report.longestDuration = max(report.longestDuration, report.lastDuration)
    }
}

/// When a source is due: at its pace, but never so often that it would cost more than one per cent of a core.
struct Pace {
    private let interval: UInt64
    /// When, nanoseconds of the monotonic clock.
    private(set) var next: UInt64 = 0

    /// - Parameter interval: nanoseconds; zero: at every tick.
    init(every interval: UInt64) { self.interval = interval }

    func isDue(_ moment: Moment) -> Bool { moment.monotonic >= next }

    mutating func done(_ moment: Moment, cost: UInt64 = 0) {
        next = moment.monotonic.clampedSum(max(interval, cost.clampedProduct(100)))
    }

    /// Due at the next tick, unless it is expensive and was read a moment ago.
    mutating func hurry(_ moment: Moment, cost: UInt64 = 0) {
        next = min(next, moment.monotonic.clampedSum(cost > .millisecond ? cost.clampedProduct(100) : 0))
    }
}
