// SPDX-License-Identifier: Apache-2.0

import CLinux
import Glibc

/// An eventfd: wakes a thread that waits in `poll`.
final class EventSignal: Sendable {
    /// -1 when the kernel gave none: then nothing wakes early, and everything happens at the next tick.
    let descriptor: Int32

    init() {
        descriptor = eventfd(0, Int32(EFD_CLOEXEC | EFD_NONBLOCK))
    }

    deinit {
        if descriptor >= 0 { close(descriptor) }
    }

    func signal() {
        var one: UInt64 = 1
        _ = write(descriptor, &one, 8)
    }

    func drain() {
        var count: UInt64 = 0
        _ = read(descriptor, &count, 8)
    }
}
