// SPDX-License-Identifier: Apache-2.0
internal import KubeAPI
internal import Logbook
internal import Logging
internal import NodeStatus

/// What one loop has to show for itself, and to say to the log: a problem once, not each time it is met.
struct LoopRecord {
    private(set) var view = LoopView()
    private let name: String
    private let clock: KubeClock
    private let logger: Logger
    /// Since all was well.
    private var logged: Set<String> = []
    /// The log has a problem that is not over, as far as it knows.
    private var isTold = false
    /// An API server that fails at every other call could fill the log.
    private var allowance = LogAllowance(burst: 20, perSecond: 0.1)

    init(_ name: String, clock: KubeClock, logger: Logger) {
        self.name = name
        self.clock = clock
        self.logger = logger
    }

    mutating func called(_ result: HeartbeatResult, took duration: Duration) {
        view.results[result, default: 0] &+= 1
        view.latency.add(duration)
        view.lastAttempt = clock.date()
    }

    mutating func succeeded() {
        view.lastSuccess = clock.date()
    }

    mutating func plan(_ due: Duration?) {
        guard let due else {
            view.nextDue = nil
            return
        }
        let date = clock.date()
        let (seconds, overflow) = date.seconds.addingReportingOverflow((due - clock.now()).components.seconds)
        view.nextDue = overflow ? nil : Timestamp(seconds: seconds)
    }

    /// - Parameter isSaid: The log has it already.
    mutating func set(problem: String?, isSaid: Bool = false) {
        defer { view.problem = problem }
        guard let problem else {
            guard view.problem != nil else { return }
            logged = []
            guard isTold else { return }
            isTold = false
            logger.notice("heartbeat: \(name) works again", metadata: .of(.heartbeatRecovered, ["loop": "\(name)"]))
            return
        }
        if isSaid { isTold = true }
        // An outage has a handful of messages, and each is said once.
        guard !isSaid, problem != view.problem, logged.count < 16, !logged.contains(problem),
            allowance.take(clock.now())
        else { return }
        logged.insert(problem)
        isTold = true
        logger.warning("heartbeat: \(name): \(problem)", metadata: .of(.heartbeatProblem, ["loop": "\(name)"]))
    }
}

extension Result where Failure == HeartbeatFailure {
    var word: HeartbeatResult {
        switch self {
        case .success: .ok
        case .failure(let failure): failure.cause
        }
    }

    var failureValue: HeartbeatFailure? {
        if case .failure(let failure) = self { failure } else { nil }
    }
}
