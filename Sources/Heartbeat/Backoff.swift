// SPDX-License-Identifier: Apache-2.0

/// A number from 0 to 1, below 1.
package typealias RandomSource = @Sendable () -> Double

/// Pauses between tries that fail: each twice the one before, up to a limit, and each cut by up to a half by chance. The
/// kubelet's have no chance in them, and thousands of nodes that failed together come back together.
package struct Backoff: Equatable, Sendable {
    private let first: Duration
    private let limit: Duration
    private var full: Duration?

    package init(first: Duration, limit: Duration) {
        self.first = first
        self.limit = limit
    }

    package mutating func next(_ random: RandomSource) -> Duration {
        let pause = min(full.map { $0 * 2 } ?? first, limit)
        full = pause
        return pause * (0.5 + 0.5 * random())
    }

    package mutating func reset() {
        full = nil
    }
}

extension HeartbeatFailure {
    /// How long to wait before the next try: by the backoff, or as long as the server asks for with `Retry-After` and
    /// something by chance on top, so that those who were sent away together do not come back together.
    func pause(_ backoff: inout Backoff, _ random: RandomSource) -> Duration {
        let own = backoff.next(random)
        guard let retryAfter, retryAfter > .zero else { return own }
        // An API server asks for 32 s at the most; what stands before it may ask for anything.
        let asked = min(retryAfter, .seconds(60))
        return max(own, asked) + asked * random()
    }
}
