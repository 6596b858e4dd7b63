// SPDX-License-Identifier: Apache-2.0

import Glibc

/// A mutex and a condition variable that counts in CLOCK_MONOTONIC: what the collector's threads share goes through one.
final class Monitor: @unchecked Sendable {
    // Safe because the pointers are constant and pthreads synchronise what is behind them.
    private let mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)

    init() {
        mutex.initialize(to: pthread_mutex_t())
        pthread_mutex_init(mutex, nil)
    }

    deinit {
        pthread_mutex_destroy(mutex)
        mutex.deallocate()
    }

    func locked<Value, Failure: Error>(_ body: () throws(Failure) -> Value) throws(Failure) -> Value {
        pthread_mutex_lock(mutex)
        defer { pthread_mutex_unlock(mutex) }
        return try body()
    }

    /// Something to wait for while holding the monitor.
    final class Condition: @unchecked Sendable {
        // Safe for the same reason as the monitor.
        private let condition = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)
        private let monitor: Monitor

        init(of monitor: Monitor) {
            self.monitor = monitor
            condition.initialize(to: pthread_cond_t())
            var attributes = pthread_condattr_t()
            pthread_condattr_init(&attributes)
            pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC)
            pthread_cond_init(condition, &attributes)
            pthread_condattr_destroy(&attributes)
        }

        deinit {
            pthread_cond_destroy(condition)
            condition.deallocate()
        }

        /// Only while the monitor is held.
        func wait() { pthread_cond_wait(condition, monitor.mutex) }

        /// Only while the monitor is held. False when `deadline` (nanoseconds of CLOCK_MONOTONIC) has passed.
        func wait(until deadline: UInt64) -> Bool {
            var time = timespec(tv_sec: Int(deadline / 1_000_000_000), tv_nsec: Int(deadline % 1_000_000_000))
            return pthread_cond_timedwait(condition, monitor.mutex, &time) == 0
        }

        func signal() { pthread_cond_signal(condition) }
        func broadcast() { pthread_cond_broadcast(condition) }
    }
}
