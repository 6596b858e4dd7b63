// SPDX-License-Identifier: Apache-2.0
internal import Synchronization

/// A value that comes once. Any number of tasks may wait for it, and each may leave when it is cancelled: the others,
/// and whoever makes the value, do not notice.
package final class OneTimeValue<Value: Sendable>: Sendable {
    private struct State {
        var value: Value?
        var waiters: [UInt64: CheckedContinuation<Value?, Never>] = [:]
        /// Cancelled before they came to wait.
        var gone: Set<UInt64> = []
        var nextWaiter: UInt64 = 0
    }

    private let state = Mutex(State())

    package init() {}

    /// The first call counts.
    package func complete(_ value: Value) {
        let waiters = state.withLock { state in
            guard state.value == nil else { return [CheckedContinuation<Value?, Never>]() }
            state.value = value
            defer { state.waiters = [:] }
            return Array(state.waiters.values)
        }
        for waiter in waiters { waiter.resume(returning: value) }
    }

    package var isComplete: Bool { state.withLock { $0.value != nil } }

    /// Nil: this task was cancelled first.
    package func value() async -> Value? {
        let waiter = state.withLock { state in
            defer { state.nextWaiter &+= 1 }
            return state.nextWaiter
        }
        return await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let isOver = state.withLock { state -> (Bool, Value?) in
                    if let value = state.value { return (true, value) }
                    if state.gone.remove(waiter) != nil { return (true, nil) }
                    state.waiters[waiter] = continuation
                    return (false, nil)
                }
                if isOver.0 { continuation.resume(returning: isOver.1) }
            }
        } onCancel: {
            let continuation = state.withLock { state -> CheckedContinuation<Value?, Never>? in
                if state.value != nil { return nil }
                if let continuation = state.waiters.removeValue(forKey: waiter) { return continuation }
                state.gone.insert(waiter)
                return nil
            }
            continuation?.resume(returning: nil)
        }
    }

    /// Nil: it did not come in time, or this task was cancelled first.
    package func value(within limit: Duration, _ clock: KubeClock) async -> Value? {
        await withTaskGroup(of: Value?.self) { group in
            group.addTask { await self.value() }
            group.addTask {
                try? await clock.sleep(limit)
                return nil
            }
            let first = await group.next() ?? nil
            group.cancelAll()
            return first
        }
    }
}
