// SPDX-License-Identifier: Apache-2.0
package import KubeAPI
package import NodeStatus

/// What is to be done with the Node next: registration, and its status whenever it has changed or its time has come
/// (pkg/kubelet/kubelet_node_status.go). A value without clock and I/O, like `LeaseMachine`.
package struct StatusMachine: Sendable {
    package enum Step: Equatable, Sendable {
        /// Nothing before this time, unless something is offered; nil: nothing at all until then.
        case wait(until: Duration?)
        case get
        case create(JSONValue)
        case patch(JSONValue)
        /// Nothing any more: the Node is somebody else's. Says why and what to do.
        case stop(String)
    }

    package enum Outcome: Sendable {
        /// Nil: there is no Node.
        case node(JSONValue?)
        case failed(HeartbeatFailure)
    }

    enum Task: Equatable {
        case get, create, patch
    }

    static let maximumTries = 5

    let settings: HeartbeatSettings
    let random: RandomSource
    var wanted: NodeDocument?
    /// The Node as the server last gave it; nil: it has to be read first.
    var known: JSONValue?
    /// There was no Node when it was last looked for.
    var isMissing = false
    var task = Task.get
    var sent: StatusPatch?
    /// What was sent and has changed nothing: not sent again until there is something else to be said.
    var ineffective: JSONValue?
    var tries = 0
    /// Nothing is done before this time.
    var holdUntil: Duration
    var pauses = Backoff(first: .seconds(1), limit: .seconds(20))
    var registrationPauses = Backoff(first: .milliseconds(200), limit: .seconds(7))
    var slowPauses: Backoff
    var budget: ChangeBudget
    var refusal: String?
    var verifyAt: Duration?
    var nextPeriodic: Duration?
    var hasNotedReboot = false
    /// Of the patch that is under way.
    var isPurelyPeriodic = false
    /// What was offered is to be written even if that is often.
    var isUrgent = false

    /// The Node has been read, and not yet compared.
    var isUnconfirmed = false

    /// There is nothing to be said that has not been said.
    package private(set) var isSettled = false

    /// How often it was written, or found to be as it should be.
    package internal(set) var confirmations: UInt64 = 0
    /// What is wrong, for an operator; nil: nothing.
    package internal(set) var problem: String?
    package internal(set) var failuresInRow = 0
    /// What happened to the Node since somebody asked.
    package internal(set) var news: [News] = []

    package enum News: Equatable, Sendable {
        case registered
        /// The Node that there was is gone.
        case deleted
        case rebooted(bootID: String)
        case flipped(type: String, from: String?, to: ConditionStatus, message: String)
    }

    /// - Parameter spread: The first step comes within this time: so that nodes that start together do not come together.
    package init(_ settings: HeartbeatSettings, now: Duration, spread: Duration, random: @escaping RandomSource) {
        self.settings = settings
        self.random = random
        holdUntil = now + spread * random()
        slowPauses = Backoff(
            first: settings.statusUpdateFrequency * 2, limit: max(settings.statusUpdateFrequency * 2, .seconds(120)))
        budget = ChangeBudget(settings.statusUpdateFrequency, now: now)
    }

    /// Whether it has ended for good, and `next` says why.
    package var isRefused: Bool { refusal != nil }

    package var nodeUID: String? { known?["metadata", "uid"]?.text }

    /// When it is going to be written if nothing happens.
    package var nextDue: Duration? { nextPeriodic.map { max($0, holdUntil) } }

    /// - Parameter isUrgent: It cannot wait until it is somebody's turn: the machine is about to be switched off.
    package mutating func offer(_ document: NodeDocument, isUrgent: Bool = false, now: Duration) {
        guard document != wanted else { return }
        wanted = document
        guard isUrgent else { return }
        self.isUrgent = true
        holdUntil = now
    }

    /// Others may have written the status without our noticing: a control plane that has not heard of the node for too
    /// long. It is looked at, within one update period.
    package mutating func verify(now: Duration) {
        guard verifyAt == nil else { return }
        verifyAt = now + settings.statusUpdateFrequency * random()
    }

    package mutating func takeNews() -> [News] {
        defer { news = [] }
        return news
    }

    package mutating func next(now: Duration, date: Timestamp) -> Step {
        isSettled = false
        if let refusal { return .stop(refusal) }
        guard let wanted else { return .wait(until: nil) }
        guard now >= holdUntil else { return .wait(until: holdUntil) }
        if let verifyAt, now >= verifyAt { forget() }
        if isMissing {
            task = .create
            return .create(wanted.node(date: date))
        }
        guard let known else {
            task = .get
            return .get
        }
        let isDue = nextPeriodic.map { now >= $0 } ?? true
        let patch = StatusPatch(from: known, to: wanted, withImages: isDue, date: date)
        let isNews = patch.change != nil && patch.change != ineffective
        if isNews, !isDue, !isUrgent, let later = budget.refusal(now: now) {
            return .wait(until: [later, verifyAt, nextPeriodic].compactMap(\.self).min())
        }
        guard isNews || isDue else {
            isUrgent = false
            isSettled = true
            if isUnconfirmed { confirm() }
            return .wait(until: [verifyAt, nextPeriodic].compactMap(\.self).min())
        }
        task = .patch
        sent = patch
        isPurelyPeriodic = !isNews && nextPeriodic != nil
        return .patch(patch.body)
    }

    /// The next step reads the Node.
    package mutating func forget() {
        known = nil
        isMissing = false
        verifyAt = nil
    }
}

/// How often a status that keeps changing is written: a few times at once, then once in each update period, which is as
/// often as a kubelet looks.
struct ChangeBudget: Sendable {
    private static let capacity = 6.0

    private let period: Duration
    private var tokens = capacity
    private var filledAt: Duration

    init(_ period: Duration, now: Duration) {
        self.period = max(period, .milliseconds(100))
        filledAt = now
    }

    /// Nil: now; otherwise when.
    mutating func refusal(now: Duration) -> Duration? {
        tokens = min(Self.capacity, tokens + (now - filledAt) / period)
        filledAt = now
        return tokens >= 1 ? nil : now + period * (1 - tokens)
    }

    mutating func spend() {
        tokens = max(0, tokens - 1)
    }
}
