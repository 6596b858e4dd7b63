// SPDX-License-Identifier: Apache-2.0

internal import Gate

/// Lets a burst of log lines through, then one a second, and says how many it kept back.
struct LogThrottle {
    static let burst: UInt64 = 20
    private static let interval: Milliseconds = 1000
    static let maximumLine = 1024

    private var tokens = burst
    private var refilled: Milliseconds
    private(set) var suppressed: UInt64 = 0

    init(now: Milliseconds) {
        refilled = now
    }

    /// - Returns: The line to log now, or nil.
    mutating func admit(_ line: String, now: Milliseconds) -> String? {
        let gained = (now &- refilled) / Self.interval
        if gained > 0 {
            tokens = min(Self.burst, tokens + min(gained, Self.burst))
            refilled &+= gained &* Self.interval
        }
        guard tokens > 0 else {
            suppressed += 1
            return nil
        }
        tokens -= 1
        var line = String(line.prefix(Self.maximumLine))
        if suppressed > 0 {
            line += " (\(suppressed) lines before it were suppressed)"
            suppressed = 0
        }
        return line
    }
}
