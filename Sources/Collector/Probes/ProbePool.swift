// SPDX-License-Identifier: Apache-2.0

import Glibc

/// The threads in which calls run that may never return.
///
/// A call that hangs keeps its thread for as long as it hangs, and nothing waits behind it: a job starts at once in an
/// idle thread or a new one, or is refused when there are too many.
final class ProbePool: @unchecked Sendable {
    // Safe because everything mutable is touched only while the monitor is held.
    private let monitor = Monitor()
    private let work: Monitor.Condition
    private let progress: Monitor.Condition
    private var jobs: [@Sendable () -> Void] = []
    private var idle = 0
    private var running = 0
    private var threads = 0
    private var isStopped = false
    /// Threads kept for the next tick: one for nodefs and one for imagefs.
    private let keptIdle: Int

    init(keptIdle: Int = 2) {
        self.keptIdle = keptIdle
        work = Monitor.Condition(of: monitor)
        progress = Monitor.Condition(of: monitor)
    }

    var threadCount: Int { monitor.locked { threads } }

    /// Nil: started. Otherwise why not.
    func run(limit: Int, _ job: @escaping @Sendable () -> Void) -> SourceFailure? {
        let mustStart = monitor.locked { () -> Bool? in
            if isStopped { return nil }
            if idle > jobs.count {
                jobs.append(job)
                return false
            }
            guard threads < limit else { return nil }
            threads += 1
            return true
        }
        guard let mustStart else { return .failed("not measured: \(limit) calls hang already") }
        guard mustStart else {
            // After unlocking, lest the thread wake up only to wait for the lock.
            work.signal()
            return nil
        }
        do {
            try startReader(name: "probe") { self.serve(job) }
            return nil
        } catch {
            monitor.locked { threads -= 1 }
            return error
        }
    }

    /// Waits until `condition` holds, asked again whenever a job has ended; false when `deadline` has passed.
    ///
    /// - Parameter deadline: nanoseconds of CLOCK_MONOTONIC.
    @discardableResult
    func wait(until deadline: UInt64, _ condition: () -> Bool) -> Bool {
        monitor.locked {
            while !condition() {
                if !progress.wait(until: deadline) { return condition() }
            }
            return true
        }
    }

    /// Idle threads end now, the others when their calls return.
    func stop() {
        monitor.locked {
            isStopped = true
            work.broadcast()
        }
    }

    private func serve(_ first: @escaping @Sendable () -> Void) {
        var job = first
        while true {
            job()
            let next = monitor.locked { () -> (@Sendable () -> Void)? in
                progress.broadcast()
                if isStopped || idle >= keptIdle {
                    threads -= 1
                    return nil
                }
                idle += 1
                while jobs.isEmpty, !isStopped { work.wait() }
                idle -= 1
                if isStopped {
                    threads -= 1
                    return nil
                }
                return jobs.removeFirst()
            }
            guard let next else { return }
            job = next
        }
    }
}
