// SPDX-License-Identifier: Apache-2.0
internal import CLinux
internal import Glibc

/// An eventfd(2): any thread may `signal`, one thread polls `descriptor` and calls `clear`.
///
/// Safe to share because the descriptor never changes and the kernel serialises reads and writes on it.
final class Wakeup: Sendable {
    let descriptor: Int32

    init() throws {
        descriptor = eventfd(0, Int32(EFD_CLOEXEC) | Int32(EFD_NONBLOCK))
        guard descriptor >= 0 else { throw AgentError("create", "an eventfd", code: errno) }
    }

    deinit {
        close(descriptor)
    }

    func signal() {
        var one: UInt64 = 1
        // EAGAIN means the counter is full: the reader is going to wake up anyway.
        _ = write(descriptor, &one, MemoryLayout<UInt64>.size)
    }

    /// Returns when it was signalled, or after this time at the latest.
    func wait(atMost limit: Duration) {
        var descriptors = [pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)]
        poll(&descriptors, 1, limit.pollMilliseconds)
    }

    func clear() {
        var count: UInt64 = 0
        _ = read(descriptor, &count, MemoryLayout<UInt64>.size)
    }
}
