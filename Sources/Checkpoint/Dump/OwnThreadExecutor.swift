// SPDX-License-Identifier: Apache-2.0
internal import CLinux
internal import Glibc
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
        var attributes = pthread_attr_t()
        pthread_attr_init(&attributes)
        defer { pthread_attr_destroy(&attributes) }
        pthread_attr_setdetachstate(&attributes, Int32(PTHREAD_CREATE_DETACHED))
        // Coding JSON and calling into the runtime's client: deeper than a reader of files, far from the default 8 MB.
        pthread_attr_setstacksize(&attributes, 1 << 20)
        var thread = pthread_t()
        // The thread keeps the executor until it is stopped.
        let argument = Unmanaged.passRetained(ThreadArgument(executor: self, name: name))
        let code = pthread_create(&thread, &attributes, runExecutorThread, argument.toOpaque())
        guard code == 0 else {
            argument.release()
            throw StorageError("start", "the thread \(name)", code: code)
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

    fileprivate func serve() {
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

private final class ThreadArgument: Sendable {
    let executor: OwnThreadExecutor
    let name: String

    init(executor: OwnThreadExecutor, name: String) {
        self.executor = executor
        self.name = name
    }
}

// A free function: a closure written inside something isolated would trap on this thread.
private func runExecutorThread(_ argument: UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? {
    guard let argument else { return nil }
    let start = Unmanaged<ThreadArgument>.fromOpaque(argument).takeRetainedValue()
    nodekeep_set_thread_name(start.name)
    start.executor.serve()
    return nil
}
