// SPDX-License-Identifier: Apache-2.0
internal import CLinux
internal import Glibc
internal import Synchronization

/// A call that may block – a file on a hung disk, the system's resolver – made on a thread of its own, outside Swift
/// concurrency's pool, and only one at a time: who comes while one is under way waits for that one's result, for as long
/// as he likes.
final class SharedCall<Value: Sendable>: Sendable {
    private let name: String
    private let underWay = Mutex<OneTimeValue<Value>?>(nil)

    /// - Parameter name: Of the thread; 15 bytes count.
    init(name: String) {
        self.name = name
    }

    /// Nil: it took longer than that, or this task was cancelled – the call goes on all the same –, or the system gave no
    /// thread.
    ///
    /// - Parameter body: Not run when a call is under way already.
    @discardableResult
    func run(within limit: Duration, _ clock: KubeClock, _ body: @escaping @Sendable () -> Value) async -> Value? {
        await start(body)?.value(within: limit, clock)
    }

    var isUnderWay: Bool { underWay.withLock { $0 != nil } }

    private func start(_ body: @escaping @Sendable () -> Value) -> OneTimeValue<Value>? {
        let (result, isNew) = underWay.withLock { current in
            if let current { return (current, false) }
            let new = OneTimeValue<Value>()
            current = new
            return (new, true)
        }
        guard isNew else { return result }
        let isStarted = BriefThread.start(name: name) {
            let value = body()
            self.underWay.withLock { $0 = nil }
            result.complete(value)
        }
        guard isStarted else {
            underWay.withLock { $0 = nil }
            return nil
        }
        return result
    }
}

/// A thread for one call.
private enum BriefThread {
    final class Job: Sendable {
        let name: String
        let body: @Sendable () -> Void

        init(name: String, body: @escaping @Sendable () -> Void) {
            self.name = name
            self.body = body
        }
    }

    /// False: the system gives none.
    static func start(name: String, _ body: @escaping @Sendable () -> Void) -> Bool {
        var attributes = pthread_attr_t()
        pthread_attr_init(&attributes)
        defer { pthread_attr_destroy(&attributes) }
        pthread_attr_setdetachstate(&attributes, Int32(PTHREAD_CREATE_DETACHED))
        // The resolver loads modules of the system's and parses with them.
        pthread_attr_setstacksize(&attributes, 1 << 20)
        var thread = pthread_t()
        let job = Unmanaged.passRetained(Job(name: name, body: body))
        guard pthread_create(&thread, &attributes, runBriefThread, job.toOpaque()) == 0 else {
            job.release()
            return false
        }
        return true
    }
}

// A free function: a closure written inside something isolated to the main actor would trap on this thread.
private func runBriefThread(_ argument: UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? {
    guard let argument else { return nil }
    let job = Unmanaged<BriefThread.Job>.fromOpaque(argument).takeRetainedValue()
    nodekeep_set_thread_name(job.name)
    job.body()
    return nil
}
