// SPDX-License-Identifier: Apache-2.0
internal import KubeAPI
internal import Synchronization

/// Ends a loop's wait. A signal between `ticket` and the wait is not lost: the ticket is over by then.
final class Wake: Sendable {
    private let current = Mutex(OneTimeValue<Bool>())

    func ticket() -> OneTimeValue<Bool> { current.withLock { $0 } }

    func signal() {
        let ticket = current.withLock { current in
            defer { current = OneTimeValue() }
            return current
        }
        ticket.complete(true)
    }
}

extension OneTimeValue<Bool> {
    /// Returns at the time, at the signal, or when the task is cancelled.
    ///
    /// - Parameter until: Monotonic; nil: for ever.
    func wait(until time: Duration?, _ clock: KubeClock) async {
        if let time {
            _ = await value(within: max(time - clock.now(), .zero), clock)
        } else {
            _ = await value()
        }
    }
}
