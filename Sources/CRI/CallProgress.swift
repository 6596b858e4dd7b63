// SPDX-License-Identifier: Apache-2.0
internal import Synchronization

/// How far one call has come, shared by the one who makes it and by the transport below: a call either begins, and is
/// then left alone, or is given up before anything of it was sent.
final class CallProgress: Sendable {
    @TaskLocal static var current: CallProgress?

    private enum Stage {
        case waiting
        case begun
        case abandoned
    }

    private struct State {
        var stage = Stage.waiting
        var obstacle: String?
    }

    private let state = Mutex(State())

    /// A stream is open: what has been asked may be done from now on.
    var hasBegun: Bool { state.withLock { $0.stage == .begun } }

    /// Why there was no connection when that was last tried.
    var obstacle: String? { state.withLock { $0.obstacle } }

    func note(obstacle: String) { state.withLock { $0.obstacle = obstacle } }

    /// False: the call has been given up, and must not be sent.
    func begin() -> Bool {
        state.withLock {
            if $0.stage == .waiting { $0.stage = .begun }
            return $0.stage == .begun
        }
    }

    /// False: too late, the call has begun.
    func abandon() -> Bool {
        state.withLock {
            if $0.stage == .waiting { $0.stage = .abandoned }
            return $0.stage == .abandoned
        }
    }
}
