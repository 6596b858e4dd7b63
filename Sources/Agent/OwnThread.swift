// SPDX-License-Identifier: Apache-2.0
internal import Posix

/// Threads of our own, outside Swift concurrency's pool: for loops that wait on descriptors.
enum OwnThread {
    /// Starts a detached thread that runs `body` to its end.
    ///
    /// - Throws: `AgentError` when the system gives no thread.
    static func start(name: String, _ body: @escaping @Sendable () -> Void) throws {
        do {
            try startThread(name: name, body)
        } catch {
            throw AgentError("start", "the thread \(name)", code: error.code)
        }
    }
}
