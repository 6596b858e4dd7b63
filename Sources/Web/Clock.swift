// SPDX-License-Identifier: Apache-2.0

internal import Glibc

/// Milliseconds of CLOCK_MONOTONIC: the only time that deadlines know.
typealias Milliseconds = UInt64

func monotonicMilliseconds() -> Milliseconds {
    var time = timespec()
    clock_gettime(CLOCK_MONOTONIC, &time)
    return UInt64(clamping: time.tv_sec) &* 1000 &+ UInt64(clamping: time.tv_nsec) / 1_000_000
}
