// SPDX-License-Identifier: Apache-2.0

import NodeStatus

/// What we need of /proc/stat.
struct ProcStat: Equatable {
    /// Nanoseconds per mode, in the order of CPUMode.
    var modes: [CPUMode: UInt64]
    /// Seconds since the epoch.
    var bootTime: UInt64?

    /// - Parameter ticksPerSecond: USER_HZ, 100 on every architecture of today.
    init(_ text: TextCursor, name: String, ticksPerSecond: UInt64 = 100) throws(SourceFailure) {
        var text = text
        var modes: [CPUMode: UInt64]?
        while var line = text.line() {
            if line.take("cpu ") {
                var parsed = [CPUMode: UInt64](minimumCapacity: 8)
                for mode in CPUMode.allCases {
                    guard var word = line.word() else {
                        // Kernels before 2.6.11 have fewer columns; the first four are always there.
                        if parsed.count >= 4 { break }
                        throw .failed("parse \(name): the cpu line has \(parsed.count) numbers")
                    }
                    guard let ticks = word.wholeNumber() else {
                        throw .failed("parse \(name): \(mode.rawValue) is not a number")
                    }
                    parsed[mode] = ticks.clampedProduct(1_000_000_000 / max(ticksPerSecond, 1))
                }
                modes = parsed
            } else if line.take("btime") {
                bootTime = line.wholeNumber()
                if modes != nil { break }
            }
        }
        guard let modes else { throw .failed("parse \(name): no cpu line") }
        self.modes = modes
    }

    /// Everything but idle and iowait; guest time is part of user already.
    var busy: UInt64 {
        let busyModes: [CPUMode] = [.user, .nice, .system, .irq, .softirq, .steal]
        return busyModes.reduce(0) { $0.clampedSum(modes[$1] ?? 0) }
    }
}
