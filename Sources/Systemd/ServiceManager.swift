// SPDX-License-Identifier: Apache-2.0
internal import CSystemd

/// What a service says to the service manager (sd_notify(3)). Without a manager every call does nothing.
package enum ServiceManager {
    /// Sends assignments such as `READY=1`. Returns whether a manager was there to take them.
    @discardableResult
    package static func notify(_ assignments: [String]) -> Bool {
        sd_notify(0, assignments.joined(separator: "\n")) > 0
    }

    /// Start-up has finished; `status` is the line that `systemctl status` shows.
    package static func ready(status: String) {
        notify(["READY=1", "STATUS=" + singleLine(status)])
    }

    package static func status(_ text: String) {
        notify(["STATUS=" + singleLine(text)])
    }

    /// A reload has begun. `ready(status:)` ends it. The time stamp is what Type=notify-reload asks for.
    package static func reloading(monotonicMicroseconds: UInt64) {
        notify(["RELOADING=1", "MONOTONIC_USEC=\(monotonicMicroseconds)", "STATUS=re-reading the configuration"])
    }

    package static func stopping() {
        notify(["STOPPING=1", "STATUS=stopping"])
    }

    /// A sign of life for `WatchdogSec=`.
    package static func watchdog() {
        notify(["WATCHDOG=1"])
    }

    /// The time within which the manager expects a sign of life, nil when it expects none (sd_watchdog_enabled(3)).
    package static var watchdogTimeout: Duration? {
        var microseconds: UInt64 = 0
        guard sd_watchdog_enabled(0, &microseconds) > 0, microseconds > 0 else { return nil }
        return .microseconds(Int64(clamping: microseconds))
    }

    /// A newline would begin another assignment.
    private static func singleLine(_ text: String) -> String {
        String(text.map { $0.isNewline ? " " : $0 })
    }
}
