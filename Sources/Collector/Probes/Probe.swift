// SPDX-License-Identifier: Apache-2.0

import NodeStatus

/// A call counts as hung after this long.
let probePatience: UInt64 = 2 * .second

/// One source's call that may never return: at most one is under way, and it is given up after two seconds.
///
/// The collector's thread starts it and comes by for the result; it never waits for it for long.
final class Probe<Input: Sendable, Output: Sendable>: @unchecked Sendable {
    // Safe because everything mutable is touched only while the monitor is held.
    enum State {
        /// Nothing is under way and no result waits.
        case idle
        case running(forNanoseconds: UInt64)
        case finished(Result<Output, SourceFailure>, took: UInt64)
    }

    private let monitor = Monitor()
    private let clock: CollectorClock
    private let call: @Sendable (Input) -> Result<Output, SourceFailure>
    private var startedAt: UInt64?
    private var result: Result<Output, SourceFailure>?
    private var took: UInt64 = 0

    init(_ clock: CollectorClock, _ call: @escaping @Sendable (Input) -> Result<Output, SourceFailure>) {
        self.clock = clock
        self.call = call
    }

    var isRunning: Bool { monitor.locked { startedAt != nil } }

    /// For how long a call has been under way; nil: none is.
    func runningTime(_ now: UInt64) -> UInt64? { monitor.locked { startedAt.map { now.clampedDifference($0) } } }

    /// Whether a call is under way that was started at `moment` or later: it may be worth a short wait.
    func isRunning(since moment: Moment) -> Bool {
        monitor.locked { startedAt.map { $0 >= moment.monotonic } ?? false }
    }

    /// Starts the call unless one is under way.
    func start(_ input: Input, in pool: ProbePool, limit: Int = 48) -> SourceFailure? {
        let mayStart = monitor.locked { () -> Bool in
            guard startedAt == nil else { return false }
            startedAt = clock.monotonic()
            result = nil
            return true
        }
        guard mayStart else { return nil }
        let problem = pool.run(limit: limit) { [self] in
            let result = call(input)
            monitor.locked {
                took = clock.monotonic().clampedDifference(startedAt ?? 0)
                startedAt = nil
                self.result = result
            }
        }
        if problem != nil { monitor.locked { startedAt = nil } }
        return problem
    }

    /// Where the call stands; takes the result with it.
    func poll(_ now: UInt64) -> State {
        monitor.locked {
            if let startedAt { return .running(forNanoseconds: now.clampedDifference(startedAt)) }
            guard let result else { return .idle }
            self.result = nil
            return .finished(result, took: took)
        }
    }
}

extension Probe {
    /// Takes a result that waits into `reading`, or says that the call hangs. True: there is a fresh result.
    @discardableResult
    func collect<Value>(
        _ moment: Moment, into reading: inout Reading<Value>, status: SourceStatus, hanging what: String,
        _ transform: (Output) -> Value
    ) -> Bool {
        switch poll(moment.monotonic) {
        case .idle:
            return false
        case .running(let time):
            if time > probePatience { reading = status.hung("\(what) has not returned for 2 s", moment) }
            return false
        case .finished(.success(let output), let took):
            status.succeeded(moment, took: took)
            reading = .value(transform(output), at: moment.wall)
            return true
        case .finished(.failure(let failure), let took):
            reading = status.failed(failure, moment, took: took)
            return true
        }
    }
}
