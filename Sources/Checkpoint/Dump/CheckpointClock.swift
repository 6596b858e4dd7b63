// SPDX-License-Identifier: Apache-2.0
internal import Glibc
package import NodeStatus

/// The two clocks and the waiting: in tests, time passes when somebody waits.
package protocol CheckpointClock: Sendable {
    /// For intervals: never jumps.
    func monotonic() -> Duration
    /// For dates: may jump.
    func now() -> Timestamp
    /// Ends early when the task is cancelled.
    func sleep(for duration: Duration) async
}

package struct SystemClock: CheckpointClock {
    package init() {}

    package func monotonic() -> Duration {
        let time = Self.read(CLOCK_MONOTONIC)
        return .seconds(Int64(time.tv_sec)) + .nanoseconds(Int64(time.tv_nsec))
    }

    package func now() -> Timestamp {
        let time = Self.read(CLOCK_REALTIME)
        return Timestamp(seconds: Int64(time.tv_sec), nanoseconds: Int32(clamping: time.tv_nsec))
    }

    package func sleep(for duration: Duration) async {
        try? await Task.sleep(for: duration)
    }

    static func read(_ clock: clockid_t) -> timespec {
        var time = timespec()
        clock_gettime(clock, &time)
        return time
    }
}

extension Duration {
    /// As the files have it.
    package var milliseconds: Double {
        let (seconds, attoseconds) = components
        return Double(seconds) * 1_000 + Double(attoseconds) / 1e15
    }
}
