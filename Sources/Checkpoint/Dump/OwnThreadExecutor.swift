// SPDX-License-Identifier: Apache-2.0
internal import CLinux
internal import Glibc
internal import Posix
internal import Synchronization

/// One thread that runs the tasks which prefer it, one piece after the other, so that they may block: on fsync, on
/// reading an archive through, on connect(2).
package final class OwnThreadExecutor: TaskExecutor {
    private struct State: ~Copyable {
        var jobs: [UnownedJob] = []
        var isStopped = false
    }

    private let state = Mutex(State())
    /// A semaphore: one write for each job, one read for each.
    private let wakeup: Int32

    /// - Throws: `StorageError` when the system gives no descriptor or no thread.
    package init(name: String) throws(StorageError) {
        wakeup = eventfd(0, Int32(EFD_CLOEXEC) | Int32(EFD_SEMAPHORE))
        guard wakeup >= 0 else { throw StorageError("open", "an eventfd", code: errno) }
        do {
            // The thread keeps the executor until it is stopped.
            try startThread(name: name) { self.serve() }
        } catch {
            throw StorageError("start", "the thread \(name)", code: error.code)
        }
    }

    deinit { close(wakeup) }

    package func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        state.withLock { $0.jobs.append(job) }
        wake()
    }

    /// Ends the thread when what is in the queue is done.
    package func stop() {
        state.withLock { $0.isStopped = true }
        wake()
    }

    private func wake() {
        var one: UInt64 = 1
        while write(wakeup, &one, MemoryLayout<UInt64>.size) < 0, errno == EINTR {}
    }

    private func serve() {
        let executor = asUnownedTaskExecutor()
        while true {
            var count: UInt64 = 0
            while read(wakeup, &count, MemoryLayout<UInt64>.size) < 0, errno == EINTR {}
            let (job, isStopped) = state.withLock { state in
                (state.jobs.isEmpty ? nil : state.jobs.removeFirst(), state.isStopped)
            }
            if let job {
                job.runSynchronously(on: executor)
            } else if isStopped {
                return
            }
        }
    }
}

/// Runs `body` on a thread of its own, where it may block.
package func onOwnThread<Value: Sendable>(
    _ name: String, _ body: @Sendable () async -> Value
) async throws(StorageError) -> Value {
    let executor = try OwnThreadExecutor(name: name)
    defer { executor.stop() }
    return await withTaskExecutorPreference(executor) { await body() }
}
