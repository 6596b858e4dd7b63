// SPDX-License-Identifier: Apache-2.0

/// How many lines may be logged on somebody else's account: so many at once, and so many a second after that.
struct LogAllowance {
    private let burst: Double
    private let perSecond: Double
    private var left: Double
    private var refilledAt: Duration = .zero

    init(burst: Int, perSecond: Int) {
        self.burst = Double(burst)
        self.perSecond = Double(perSecond)
        left = self.burst
    }

    mutating func take(_ now: Duration) -> Bool {
        left = min(burst, left + max(0, (now - refilledAt).inSeconds) * perSecond)
        refilledAt = now
        guard left >= 1 else { return false }
        left -= 1
        return true
    }
}
