// SPDX-License-Identifier: Apache-2.0

/// Lines from web are rate-limited here too: five a second, fifty at once.
struct LogAllowance {
    private var left = 50.0
    private var refilledAt: Duration = .zero

    mutating func take(_ now: Duration) -> Bool {
        left = min(50, left + (now - refilledAt).inSeconds * 5)
        refilledAt = now
        guard left >= 1 else { return false }
        left -= 1
        return true
    }
}
