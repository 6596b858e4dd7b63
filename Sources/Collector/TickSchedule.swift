// SPDX-License-Identifier: Apache-2.0

/// Absolute deadlines on a grid, so that ticks do not drift however long each takes.
struct TickSchedule {
    private let period: UInt64
    private(set) var deadline: UInt64

    init(start: UInt64, period: UInt64 = .second) {
        self.period = max(period, 1)
        deadline = start.clampedSum(period)
    }

    /// The tick at `deadline` has been done at `now`: the next one, leaving out those that have been missed altogether.
    mutating func advance(_ now: UInt64) {
        deadline = deadline.clampedSum(period)
        if deadline <= now {
            let missed = (now - deadline) / period
            deadline = deadline.clampedSum(missed.clampedSum(1).clampedProduct(period))
        }
    }
}
