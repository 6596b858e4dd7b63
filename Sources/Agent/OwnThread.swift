// SPDX-License-Identifier: Apache-2.0
internal import CLinux
internal import Glibc

/// Threads of our own, outside Swift concurrency's pool: for loops that wait on descriptors.
enum OwnThread {
    /// Starts a detached thread that runs `body` to its end.
    ///
    /// - Throws: `AgentError` when the system gives no thread.
    static func start(name: String, _ body: @escaping @Sendable () -> Void) throws {
        var attributes = pthread_attr_t()
        pthread_attr_init(&attributes)
        defer { pthread_attr_destroy(&attributes) }
        pthread_attr_setdetachstate(&attributes, Int32(PTHREAD_CREATE_DETACHED))
        // JSON encoding and gzip run on it: deeper than the collector's threads, far from the 8 MB default.
        pthread_attr_setstacksize(&attributes, 1_048_576)
        var thread = pthread_t()
        let job = Unmanaged.passRetained(ThreadJob(name: name, body: body))
        let code = pthread_create(&thread, &attributes, runThreadJob, job.toOpaque())
        guard code == 0 else {
            job.release()
            throw AgentError("start", "the thread \(name)", code: code)
        }
    }
}

private final class ThreadJob: Sendable {
    let name: String
    let body: @Sendable () -> Void

    init(name: String, body: @escaping @Sendable () -> Void) {
        self.name = name
        self.body = body
    }
}

// A free function: a closure written inside something isolated to the main actor would trap on this thread.
private func runThreadJob(_ argument: UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? {
    guard let argument else { return nil }
    let job = Unmanaged<ThreadJob>.fromOpaque(argument).takeRetainedValue()
    nodekeep_set_thread_name(job.name)
    job.body()
    return nil
}
