// SPDX-License-Identifier: Apache-2.0
internal import API
internal import Gate
internal import Glibc
internal import Logbook
internal import Logging
internal import Synchronization

/// The agent's side of the gates: starts the web processes, answers what they pass on, keeps their pages true, and starts
/// another when one dies, hangs or says something that it must not.
///
/// There are two: one for the network, always there, and one for the local socket, there while somebody uses it. What
/// comes from the first can never be taken for what the kernel says of a peer at the socket, whoever may have broken
/// into it: it does not have that listener.
///
/// One thread does all of it. It never waits for anything but its own descriptors: rendering reads published values.
final class GateLoop: Sendable {
    /// Without an answer to a ping for this long, web counts as hung.
    static let webPatience: Duration = .seconds(5)
    private static let pingInterval: Duration = .seconds(2)
    private let api: API
    private let gatekeeper: Gatekeeper
    private let audit: AuditLog
    private let tls: TLSListener?
    private let view: @Sendable () -> AgentView
    private let calls: any LongCalls
    private let network: [Listeners.Listener]
    private let socket: [Listeners.Listener]
    private let executable: WebExecutable
    private let beats: LoopBeats
    private let logger: Logger
    private let wakeup: Wakeup
    private let requests = Mutex(Requests())
    /// Of the process for the network, and of the one for the socket.
    private let facts = Mutex((network: WebFacts(), socket: WebFacts()))

    /// What other threads ask of the loop.
    private struct Requests {
        var truthChanged = false
        var drain: Duration?
        var isFinished = false
        /// Answers to long calls, each for one web process.
        var answers: [(web: Int32, response: GateResponse)] = []
        var verdicts: [(web: Int32, request: UInt64, verdict: Verdict)] = []
        /// What was granted before must be asked for again.
        var revokesGrants = false
        var hasNewIdentity = false
    }

    /// - Parameters:
    ///   - calls: takes over what cannot be answered at once.
    ///   - gatekeeper: decides who is answered.
    ///   - tls: how the main listener speaks TLS; nil: there is none.
    ///   - view: what there is to show at this moment; called on the loop's thread.
    init(
        api: API, listeners: Listeners, executable: WebExecutable, beats: LoopBeats, logger: Logger,
        calls: any LongCalls,
        gatekeeper: Gatekeeper, audit: AuditLog, tls: TLSListener?, view: @escaping @Sendable () -> AgentView
    ) throws {
        self.api = api
        self.gatekeeper = gatekeeper
        self.audit = audit
        self.tls = tls
        self.view = view
        self.calls = calls
        network = listeners.all.filter { $0.kind != .socket }
        socket = listeners.all.filter { $0.kind == .socket }
        self.executable = executable
        self.beats = beats
        self.logger = logger
        self.wakeup = try Wakeup()
    }

    /// What is known about the web process for the network, with what both have counted; from any thread.
    var webFacts: WebFacts {
        facts.withLock { facts in
            var both = facts.network
            both.alsoCounts(facts.socket)
            return both
        }
    }

    func start() throws {
        try OwnThread.start(name: "gate") { self.run() }
    }

    /// The collector has published: pages that are in use are rendered again. From any thread.
    func truthChanged() {
        requests.withLock { $0.truthChanged = true }
        wakeup.signal()
    }

    /// The answer to a long call. From any thread. Dropped when the web process that passed the call on is gone.
    func answer(_ response: GateResponse, web: Int32) {
        requests.withLock { $0.answers.append((web, response)) }
        wakeup.signal()
    }

    /// Who may do what has changed: nobody is served any longer by what was found out before. From any thread.
    func revokeGrants() {
        requests.withLock { $0.revokesGrants = true }
        wakeup.signal()
    }

    /// The certificate, its key or the authorities of clients are other ones. From any thread.
    func identityChanged() {
        requests.withLock { $0.hasNewIdentity = true }
        wakeup.signal()
    }

    private func decided(_ verdict: Verdict, _ request: UInt64, web: Int32) {
        requests.withLock { $0.verdicts.append((web, request, verdict)) }
        wakeup.signal()
    }

    /// Lets web finish what is under way and ends it. From any thread; `isFinished` tells when.
    func drain(within limit: Duration) {
        requests.withLock { $0.drain = limit }
        wakeup.signal()
    }

    var isFinished: Bool { requests.withLock { $0.isFinished } }

    // MARK: - The thread

    private func run() {
        let around = WebSession.Surroundings(
            api: api, view: view, calls: calls, gatekeeper: gatekeeper, audit: audit,
            reply: { self.answer($0, web: $1) }, decided: { self.decided($0, $1, web: $2) }, logger: logger)
        var slots = [
            WebSlot(listeners: network, isOnDemand: false) { change in self.facts.withLock { change(&$0.network) } },
            WebSlot(listeners: socket, isOnDemand: true) { change in self.facts.withLock { change(&$0.socket) } },
        ].filter { !$0.listeners.isEmpty }
        var drainUntil: Duration?
        while true {
            let now = Time.monotonic()
            beats.beat(.gate, at: now)
            let asked = requests.withLock { requests in
                let copy = requests
                requests = Requests(isFinished: copy.isFinished)
                return copy
            }
            if let limit = asked.drain, drainUntil == nil {
                drainUntil = now + limit
                for index in slots.indices { slots[index].drain(within: limit, now: now) }
            }
            if let drainUntil, slots.allSatisfy({ $0.session == nil }) || now >= drainUntil {
                for index in slots.indices { end(&slots[index], because: nil) }
                break
            }
            for index in slots.indices {
                if drainUntil == nil, slots[index].wantsStart(now) { start(&slots[index], now) }
                attempt(&slots[index]) { session in
                    try attend(&session, to: asked, around, now: now)
                }
                slots[index].drainWhenIdle(now)
            }
            wait(slots, until: drainUntil ?? .seconds(Int64.max / 4), now: now)
            for index in slots.indices {
                let change = slots[index].change
                attempt(&slots[index]) { session in
                    try session.receive(around, change)
                    try session.flush()
                }
            }
        }
        requests.withLock { $0.isFinished = true }
    }

    /// What others have asked for since the last round, and what is due.
    private func attend(
        _ session: inout WebSession, to asked: Requests, _ around: WebSession.Surroundings, now: Duration
    ) throws {
        if asked.truthChanged || now >= session.nextRefresh {
            session.refresh(api: api, view: view, now: now)
        }
        if asked.hasNewIdentity, session.kinds.contains(.main), let identity = tls?.identity {
            session.send(.serverIdentity(identity))
        }
        if asked.revokesGrants { session.send(.revokeGrants) }
        for decided in asked.verdicts where decided.web == session.child.processID {
            session.decide(decided.verdict, decided.request, around, now: now)
        }
        for answer in asked.answers where answer.web == session.child.processID {
            session.respond(answer.response)
        }
        if now >= session.nextPing {
            try session.ping(now: now, patience: Self.webPatience, interval: Self.pingInterval)
        }
        try session.flush()
    }

    private func start(_ slot: inout WebSlot, _ now: Duration) {
        slot.willStart(now)
        do {
            for listener in slot.listeners { try listener.reopen() }
            let child = try WebChild.spawn(executable: executable, listeners: slot.listeners)
            slot.change { facts in
                facts.processID = child.processID
                facts.starts += 1
                facts.carryCounters()
            }
            var session = WebSession(
                child: child, kinds: Set(slot.listeners.map(\.kind)), logAllowance: slot.logAllowance, now: now)
            var configuration = WebConfiguration(listeners: WebChild.inherited(slot.listeners))
            if session.kinds.contains(.main) { configuration.tlsPriorities = tls?.priorities ?? "" }
            session.send(.configure(configuration))
            if session.kinds.contains(.main), let identity = tls?.identity { session.send(.serverIdentity(identity)) }
            slot.session = session
        } catch {
            logger.error("cannot start a web process; trying again: \(error)", metadata: .of(.webNotStarted))
        }
    }

    /// Does something with the slot's session, if there is one; an error ends it.
    private func attempt(_ slot: inout WebSlot, _ work: (inout WebSession) throws -> Void) {
        guard var current = slot.session else { return }
        // While it is worked on there is one copy of it: two would share its buffers, and each write would copy them.
        slot.session = nil
        do {
            try work(&current)
            slot.session = current
        } catch {
            slot.session = current
            end(&slot, because: error)
        }
    }

    private func end(_ slot: inout WebSlot, because error: (any Error)?) {
        guard let session = slot.session else { return }
        let child = session.child
        slot.logAllowance = session.logAllowance
        slot.session = nil
        let outcome = child.end()
        // Whoever asked has lost the connection with it.
        calls.cancelAll(web: child.processID)
        slot.change { facts in
            facts.processID = nil
            facts.isReady = false
        }
        if slot.isDraining {
            logger.debug("the web process \(outcome)")
        } else if let error {
            logger.error(
                "the web process \(outcome): \(error); starting another, the listeners stay open",
                metadata: .of(.webEnded, ["pid": "\(child.processID)"]))
        }
    }

    private func wait(_ slots: [WebSlot], until deadline: Duration, now: Duration) {
        var descriptors = [pollfd(fd: wakeup.descriptor, events: Int16(POLLIN), revents: 0)]
        descriptors += slots.flatMap { $0.polled(now) }
        let next = slots.map { $0.nextDeadline(now) }.min() ?? deadline
        // At the latest after two seconds, so that the loop's beat shows that it is alive.
        let timeout = min(max(min(next, deadline) - now, .zero), .seconds(2)).pollMilliseconds
        if poll(&descriptors, nfds_t(descriptors.count), timeout) > 0, descriptors[0].revents != 0 {
            wakeup.clear()
        }
    }
}
