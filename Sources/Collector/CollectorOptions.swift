// SPDX-License-Identifier: Apache-2.0

import Glibc
package import NodeStatus

/// Where the collector looks. Everything has the value of an ordinary node; tests move the roots.
package struct CollectorOptions: Sendable {
    package var procRoot = "/proc"
    package var sysRoot = "/sys"
    package var etcRoot = "/etc"
    package var usrLibRoot = "/usr/lib"
    package var varLibRoot = "/var/lib"
    /// Its file system is nodefs.
    package var rootDirectory = "/var/lib/kubelet"
    /// Its file system is imagefs as long as the runtime does not say better; nil: the same as nodefs.
    package var imageDirectory: String?
    /// Where the container runtime says that its images are; nil: it has not said. The loop's own: what
    /// `Collector.imagesAre(in:)` was told outlives new options.
    var runtimeImageDirectory: String?
    /// The name to resolve instead of the hostname.
    package var hostnameOverride: String?
    package var resolveNames = true
    /// Nil: the system bus; `none`: no bus; else a D-Bus address.
    package var busAddress: String?
    /// Whether logind waits with a shutdown until ``Collector/letShutdownGoOn()`` has been called, or its limit is over.
    package var delaysShutdown = false
    package var clock = CollectorClock()
    package var systemCalls = SystemCalls()

    package init() {}
}

/// The two clocks, to be replaced in tests.
package struct CollectorClock: Sendable {
    /// Nanoseconds of CLOCK_MONOTONIC.
    package var monotonic: @Sendable () -> UInt64 = { nanoseconds(CLOCK_MONOTONIC).total }
    package var wall: @Sendable () -> Timestamp = {
        let time = nanoseconds(CLOCK_REALTIME)
        return Timestamp(seconds: time.seconds, nanoseconds: time.rest)
    }

    package init() {}

    var now: Moment { Moment(monotonic: monotonic(), wall: wall()) }
}

/// One moment on both clocks.
struct Moment: Sendable {
    var monotonic: UInt64
    var wall: Timestamp
}

private func nanoseconds(_ clock: clockid_t) -> (seconds: Int64, rest: Int32, total: UInt64) {
    var time = timespec()
    clock_gettime(clock, &time)
    let total = UInt64(clamping: time.tv_sec).clampedProduct(1_000_000_000).clampedSum(UInt64(clamping: time.tv_nsec))
    return (Int64(time.tv_sec), Int32(clamping: time.tv_nsec), total)
}

extension UInt64 {
    static let second: UInt64 = 1_000_000_000
    static let millisecond: UInt64 = 1_000_000
}
