// SPDX-License-Identifier: Apache-2.0
internal import API
internal import Gate
internal import Glibc
internal import Logging
internal import Synchronization

/// The agent's side of the gate: starts the web process, answers what it passes on, keeps its pages true, and starts
/// it again when it dies, hangs or says something that it must not.
///
/// One thread does all of it. It never waits for anything but its own descriptors: rendering reads published values.
final class GateLoop: Sendable {
    /// Without an answer to a ping for this long, web counts as hung.
    static let webPatience: Duration = .seconds(5)
    private static let pingInterval: Duration = .seconds(2)
    /// Between two starts of web.
    private static let restartInterval: Duration = .milliseconds(500)

    private let api: API
    private let view: @Sendable () -> AgentView
    private let calls: any LongCalls
    private let listeners: Listeners
    private let executable: String
    private let beats: LoopBeats
    private let logger: Logger
    private let wakeup: Wakeup
    private let requests = Mutex(Requests())
    private let facts = Mutex(WebFacts())

    /// What other threads ask of the loop.
    private struct Requests {
        var truthChanged = false
        var drain: Duration?
        var isFinished = false
        /// Answers to long calls, each for one web process.
        var answers: [(web: Int32, response: GateResponse)] = []
    }

    /// - Parameters:
    ///   - calls: takes over what cannot be answered at once.
    ///   - view: what there is to show at this moment; called on the loop's thread.
    init(
        api: API, listeners: Listeners, executable: String, beats: LoopBeats, logger: Logger, calls: any LongCalls,
        view: @escaping @Sendable () -> AgentView
    ) throws {
        self.api = api
        self.view = view
        self.calls = calls
        self.listeners = listeners
        self.executable = executable
        self.beats = beats
        self.logger = logger
        self.wakeup = try Wakeup()
    }

    /// What is known about the web process, from any thread.
    var webFacts: WebFacts { facts.withLock { $0 } }

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

    /// Lets web finish what is under way and ends it. From any thread; `isFinished` tells when.
    func drain(within limit: Duration) {
        requests.withLock { $0.drain = limit }
        wakeup.signal()
    }

    var isFinished: Bool { requests.withLock { $0.isFinished } }

    // MARK: - The thread

    private func run() {
        var session: WebSession?
        var nextStart = Time.monotonic()
        var drainUntil: Duration?
        while true {
            let now = Time.monotonic()
            beats.beat(.gate, at: now)
            let asked = requests.withLock { requests in
                let copy = requests
                requests.truthChanged = false
                requests.drain = nil
                requests.answers = []
                return copy
            }
            if let limit = asked.drain, drainUntil == nil {
                drainUntil = now + limit
                session?.send(.drain(milliseconds: UInt32(clamping: limit.pollMilliseconds)))
            }
            if let drainUntil, session == nil || now >= drainUntil {
                if let child = session?.child {
                    _ = child.end()
                    calls.cancelAll(web: child.processID)
                }
                break
            }
            if session == nil, drainUntil == nil, now >= nextStart {
                session = startWeb(now)
                // One that dies young is not started again at once, lest it be started all the time.
                nextStart = now + Self.restartInterval
            }
            attempt(&session, drained: drainUntil != nil) { session in
                if asked.truthChanged || now >= session.nextRefresh {
                    session.refresh(api: api, view: view, now: now)
                }
                for answer in asked.answers where answer.web == session.child.processID {
                    session.respond(answer.response)
                }
                if now >= session.nextPing {
                    try session.ping(now: now, patience: Self.webPatience, interval: Self.pingInterval)
                }
                try session.flush()
            }
            wait(
                session, until: min(session?.nextDeadline ?? nextStart, drainUntil ?? .seconds(Int64.max / 4)), now: now
            )
            attempt(&session, drained: drainUntil != nil) { session in
                try session.receive(
                    api: api, view: view, calls: calls, reply: { self.answer($0, web: $1) }, logger: logger,
                    facts: facts)
                try session.flush()
            }
        }
        requests.withLock { $0.isFinished = true }
    }

    private func startWeb(_ now: Duration) -> WebSession? {
        do {
            let child = try WebChild.spawn(executable: executable, listeners: listeners.all)
            facts.withLock { facts in
                facts.processID = child.processID
                facts.starts += 1
                facts.carryCounters()
            }
            var session = WebSession(child: child, now: now)
            session.send(.configure(WebConfiguration(listeners: WebChild.inherited(listeners.all))))
            return session
        } catch {
            logger.error("cannot start the web process; trying again: \(error)")
            return nil
        }
    }

    /// Does something with the session, if there is one; an error ends it.
    private func attempt(
        _ session: inout WebSession?, drained: Bool, _ work: (inout WebSession) throws -> Void
    ) {
        guard var current = session else { return }
        // While it is worked on there is one copy of it: two would share its buffers, and each write would copy them.
        session = nil
        do {
            try work(&current)
            session = current
        } catch {
            end(current.child, because: error, drained: drained)
        }
    }

    private func end(_ child: WebChild, because error: any Error, drained: Bool) {
        let outcome = child.end()
        // Whoever asked has lost the connection with it.
        calls.cancelAll(web: child.processID)
        facts.withLock { facts in
            facts.processID = nil
            facts.isReady = false
        }
        if drained {
            logger.debug("the web process \(outcome)")
        } else {
            logger.error(
                "the web process \(outcome): \(error); starting another, the listeners stay open",
                metadata: ["pid": "\(child.processID)"])
        }
    }

    private func wait(_ session: WebSession?, until deadline: Duration, now: Duration) {
        var descriptors = [pollfd(fd: wakeup.descriptor, events: Int16(POLLIN), revents: 0)]
        if let session {
            let events = POLLIN | (session.hasOutput ? POLLOUT : 0)
            descriptors.append(pollfd(fd: session.child.gate, events: Int16(events), revents: 0))
        }
        // At the latest after two seconds, so that the loop's beat shows that it is alive.
        let timeout = min(max(deadline - now, .zero), .seconds(2)).pollMilliseconds
        if poll(&descriptors, nfds_t(descriptors.count), timeout) > 0, descriptors[0].revents != 0 {
            wakeup.clear()
        }
    }
}
