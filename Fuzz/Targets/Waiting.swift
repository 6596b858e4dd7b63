// SPDX-License-Identifier: Apache-2.0
import Glibc
import Synchronization

/// What comes of asynchronous work. The fuzzer's own thread waits for it, which is none of Swift concurrency's.
func waiting<Value: Sendable>(_ work: @escaping @Sendable () async -> Value) -> Value {
    let outcome = Outcome<Value>()
    Task { outcome.complete(await work()) }
    return outcome.value()
}

private final class Outcome<Value: Sendable>: Sendable {
    private let result = Mutex<Value?>(nil)
    private let isDone = Semaphore()

    func complete(_ value: Value) {
        result.withLock { $0 = value }
        isDone.signal()
    }

    func value() -> Value {
        isDone.wait()
        guard let value = result.withLock({ $0 }) else { fatalError("signalled without a value") }
        return value
    }
}

private final class Semaphore: Sendable {
    // Safe to share: POSIX makes it for threads.
    nonisolated(unsafe) private let semaphore = UnsafeMutablePointer<sem_t>.allocate(capacity: 1)

    init() {
        sem_init(semaphore, 0, 0)
    }

    deinit {
        sem_destroy(semaphore)
        semaphore.deallocate()
    }

    func signal() {
        sem_post(semaphore)
    }

    func wait() {
        while sem_wait(semaphore) != 0 {}
    }
}
