// SPDX-License-Identifier: Apache-2.0
internal import Synchronization

/// Passes a signal on to what is only made after the one that gives it.
final class ChangeSignal: Sendable {
    private let target = Mutex<(@Sendable () -> Void)?>(nil)

    func follow(_ body: @escaping @Sendable () -> Void) {
        target.withLock { $0 = body }
    }

    func signal() {
        target.withLock { $0 }?()
    }
}
