// SPDX-License-Identifier: Apache-2.0
internal import Posix
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
        do {
            try startThread(name: name) {
                let value = body()
                self.underWay.withLock { $0 = nil }
                result.complete(value)
            }
        } catch {
            underWay.withLock { $0 = nil }
            return nil
        }
        return result
    }
}
