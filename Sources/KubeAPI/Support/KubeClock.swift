// SPDX-License-Identifier: Apache-2.0
internal import Glibc
package import NodeStatus

/// The clocks, as values: tests bring their own.
package struct KubeClock: Sendable {
    /// Monotonic time, which never jumps.
    package var now: @Sendable () -> Duration
    /// The wall clock, which may: for what certificates say.
    package var date: @Sendable () -> Timestamp
    /// Returns early, by throwing, when the task is cancelled.
    package var sleep: @Sendable (Duration) async throws -> Void

    package init(
        now: @escaping @Sendable () -> Duration, date: @escaping @Sendable () -> Timestamp,
        sleep: @escaping @Sendable (Duration) async throws -> Void
    ) {
        self.now = now
        self.date = date
        self.sleep = sleep
    }

    package static let system = KubeClock(
        now: {
            let time = read(CLOCK_MONOTONIC)
            return .seconds(Int64(time.tv_sec)) + .nanoseconds(Int64(time.tv_nsec))
        },
        date: {
            let time = read(CLOCK_REALTIME)
            return Timestamp(seconds: Int64(time.tv_sec), nanoseconds: Int32(clamping: time.tv_nsec))
        },
        sleep: { try await Task.sleep(for: $0) })

    private static func read(_ clock: clockid_t) -> timespec {
        var time = timespec()
        clock_gettime(clock, &time)
        return time
    }
}
