// SPDX-License-Identifier: Apache-2.0

/// How many lines may be logged on somebody else's account: so many at once, and so many a second after that.
package struct LogAllowance: Sendable {
    private let burst: Double
    private let perSecond: Double
    private var left: Double
    private var refilledAt: Duration = .zero
    private var unrecorded: UInt64 = 0

    package init(burst: Int, perSecond: Double) {
        self.burst = Double(burst)
        self.perSecond = perSecond
        left = self.burst
    }

    package mutating func take(_ now: Duration) -> Bool {
        let (seconds, attoseconds) = (now - refilledAt).components
        left = min(burst, left + max(0, Double(seconds) + Double(attoseconds) / 1e18) * perSecond)
        refilledAt = now
        guard left >= 1 else { return false }
        left -= 1
        return true
    }

    /// Like ``take(_:)`` for records of which the next one says how many there would have been.
    ///
    /// - Returns: how many went without a record since the last one; nil: this one does too.
    package mutating func record(_ now: Duration) -> UInt64? {
        guard take(now) else {
            unrecorded &+= 1
            return nil
        }
        defer { unrecorded = 0 }
        return unrecorded
    }
}
