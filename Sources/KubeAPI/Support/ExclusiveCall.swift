// SPDX-License-Identifier: Apache-2.0
internal import Posix
internal import Synchronization

/// A call that may block on a disk, made on a thread of its own, outside Swift concurrency's pool, and only one at a time:
/// while one has not returned the next ones fail at once, so that no threads pile up behind a disk that hangs.
package final class ExclusiveCall: Sendable {
    package enum Failure: Error, Equatable, Sendable {
        /// This one took too long, or one before it has not returned yet; or the caller's task was cancelled.
        case hangs
        /// The C library's word for why.
        case noThread(String)
    }

    private let name: String
    private let isBusy = Mutex(false)

    /// - Parameter name: Of the thread; 15 bytes count.
    package init(name: String) {
        self.name = name
    }

    /// - Parameter limit: For the caller; the call itself goes on.
    package func run<Value: Sendable>(
        within limit: Duration, _ clock: KubeClock, _ body: @escaping @Sendable () -> Value
    ) async throws(Failure) -> Value {
        let isFree = isBusy.withLock { isBusy in
            defer { isBusy = true }
            return !isBusy
        }
        guard isFree else { throw .hangs }
        let result = OneTimeValue<Value>()
        do {
            try startThread(name: name) {
                let value = body()
                self.isBusy.withLock { $0 = false }
                result.complete(value)
            }
        } catch {
            isBusy.withLock { $0 = false }
            throw .noThread(error.reason)
        }
        guard let value = await result.value(within: limit, clock) else { throw .hangs }
        return value
    }
}
