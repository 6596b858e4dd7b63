// SPDX-License-Identifier: Apache-2.0
internal import API
internal import Access
internal import Gate
internal import Glibc
internal import Logbook
internal import Logging
internal import NodeStatus
internal import Synchronization

/// The conversation with one web process, from its start to its end. Owned by the gate loop's thread.
///
/// The web process reads the network, so whatever it says is taken as if an attacker had said it: an error thrown
/// here ends the process, and another is started.
struct WebSession {
    /// Requests answered in one go before the loop looks after everything else again.
    private static let batch = 64
    /// Pages in use are looked at this often even when nothing was published: health depends on time alone.
    private static let refreshInterval: Duration = .seconds(1)

    /// With so much that web has not read yet, nothing more is made for it.
    private static let crowded = 1_048_576
    private static let maximumUndecided = 128
    /// A webhook has half a minute for its answer. Milliseconds.
    private static let decisionPatience: UInt32 = 45_000
    /// How long web may serve published pages to a client of the main listener without asking.
    private static let longestGrant: Duration = .seconds(10)

    /// What a session works with.
    struct Surroundings {
        var api: API
        var view: () -> AgentView
        var calls: any LongCalls
        var gatekeeper: Gatekeeper
        var audit: AuditLog
        /// The answer to a long call, from any thread.
        var reply: @Sendable (GateResponse, _ web: Int32) -> Void
        /// The verdict on a request that waits, from any thread.
        var decided: @Sendable (Verdict, _ request: UInt64, _ web: Int32) -> Void
        var logger: Logger
    }

    let child: WebChild
    /// The listeners that it has: nothing comes in on others.
    let kinds: Set<ListenerKind>
    private var reader = FrameReader(maximum: GateFraming.maximumFrameFromWeb)
    private var output = OutboundQueue()
    private var book = PageBook()
    private var waiting: [[UInt8]] = []
    /// Requests of which it is being found out whether they are answered.
    private var undecided: [UInt64: GateRequest] = [:]
    /// The same with those whose clients have left: what was begun for them goes on.
    private var deciding = 0
    private var lastRequest: UInt64 = 0
    private var lastPong: Duration
    private var pingNumber: UInt64 = 0
    /// What is left of it goes over to the next process.
    private(set) var logAllowance: LogAllowance
    private(set) var nextPing: Duration
    private(set) var nextRefresh: Duration
    /// When somebody was last seen to be connected.
    private(set) var lastBusy: Duration
    private var openConnections: UInt64 = 0
    /// System calls that the filter has refused it, as far as the log has it.
    private var deniedCalls: UInt64 = 0

    init(child: WebChild, kinds: Set<ListenerKind>, logAllowance: LogAllowance, now: Duration) {
        self.child = child
        self.kinds = kinds
        self.logAllowance = logAllowance
        lastBusy = now
        lastPong = now
        nextPing = now
        nextRefresh = .seconds(Int64.max / 4)
    }

    /// Nobody is connected, as far as it said last.
    var isIdle: Bool { openConnections == 0 && undecided.isEmpty }
    var hasOutput: Bool { !output.isEmpty }
    var isCrowded: Bool { output.count > Self.crowded }
    var nextDeadline: Duration { waiting.isEmpty || isCrowded ? min(nextPing, nextRefresh) : .zero }

    /// - Returns: False when the message does not fit into a frame. A page that large stays unpublished, and its
    ///   requests are passed on and refused one by one.
    @discardableResult
    mutating func send(_ message: AgentMessage) -> Bool {
        guard let frame = try? GateEncoder.frame(message) else { return false }
        output.append(frame)
        return true
    }

    mutating func flush() throws {
        guard output.flush(to: child.gate) else { throw AgentError("its end of the gate is closed") }
        guard output.count <= OutboundQueue.limit else { throw AgentError("it has stopped reading") }
    }

    mutating func ping(now: Duration, patience: Duration, interval: Duration) throws {
        guard now - lastPong <= patience else { throw AgentError("it has given no sign of life for \(patience)") }
        pingNumber &+= 1
        send(.ping(pingNumber))
        nextPing = now + interval
    }

    /// Brings the pages that are in use up to date.
    mutating func refresh(api: API, view: () -> AgentView, now: Duration) {
        guard !book.isEmpty else { return }
        let current = view()
        for message in book.refresh({ api.page($0, current) }) { send(message) }
        nextRefresh = book.isEmpty ? .seconds(Int64.max / 4) : now + Self.refreshInterval
    }

    /// Reads what web has said and acts on it.
    ///
    /// - Parameter change: changes what is known about the process.
    mutating func receive(_ around: Surroundings, _ change: ((inout WebFacts) -> Void) -> Void) throws {
        guard !isCrowded else { return }
        if waiting.isEmpty { try read() }
        let now = Time.monotonic()
        var taken = 0
        for frame in waiting.prefix(Self.batch) where !isCrowded {
            taken += 1
            switch try GateDecoder.webMessage(frame) {
            case .ready:
                change { $0.isReady = true }
                around.logger.debug(
                    "the web process serves", metadata: .of(.webStarted, ["pid": "\(child.processID)"]))
            case .request(let request):
                try request.validate()
                guard kinds.contains(request.listener) else {
                    throw AgentError("it passes on a request from a listener that it does not have")
                }
                // What is found out about one must never be taken for what was found out about another.
                guard request.id > lastRequest else { throw AgentError("it uses the number of a request again") }
                lastRequest = request.id
                lastBusy = now
                admit(request, around, now: now)
            case .cancelled(let id):
                undecided[id] = nil
                around.calls.cancel(LongCallID(web: child.processID, request: id))
            case .used(let uses):
                book.used(uses)
            case .pong(let number, let counters):
                guard number <= pingNumber else { throw AgentError("it answered a ping that was never sent") }
                try counters.validate()
                lastPong = now
                noteDeniedCalls(counters, now: now, to: around.logger)
                openConnections = counters.connectionsOpen
                if openConnections > 0 { lastBusy = now }
                change { $0.counters = counters }
            case .log(let level, let text):
                log(level, text, now: now, to: around.logger)
            }
        }
        waiting.removeFirst(taken)
    }

    /// The answer to a long call.
    mutating func respond(_ response: GateResponse) {
        send(.respond(response))
    }

    // MARK: - Requests

    /// Whoever may have what he asks for gets it; where that has to be found out first, the request waits.
    private mutating func admit(_ request: GateRequest, _ around: Surroundings, now: Duration) {
        let attributes = AccessRoute.attributes(request)
        let gatekeeper = around.gatekeeper
        if let verdict = gatekeeper.immediateVerdict(request, attributes, now: now, date: Time.now()) {
            return act(on: verdict, request, attributes, around, now: now)
        }
        guard deciding < Self.maximumUndecided else {
            return act(on: .refused(.busy), request, attributes, around, now: now)
        }
        undecided[request.id] = request
        deciding += 1
        send(.await(id: request.id, milliseconds: Self.decisionPatience))
        let web = child.processID
        let decided = around.decided
        Task {
            let verdict = await gatekeeper.verdict(request, attributes, now: { Time.monotonic() }, date: Time.now())
            decided(verdict, request.id, web)
        }
    }

    /// What has been found out about a request that waits.
    mutating func decide(_ verdict: Verdict, _ id: UInt64, _ around: Surroundings, now: Duration) {
        deciding -= 1
        // The client may have left meanwhile.
        guard let request = undecided.removeValue(forKey: id) else { return }
        act(on: verdict, request, AccessRoute.attributes(request), around, now: now)
    }

    private mutating func act(
        on verdict: Verdict, _ request: GateRequest, _ attributes: AccessAttributes, _ around: Surroundings,
        now: Duration
    ) {
        if request.listener != .local { around.audit.count(verdict) }
        switch verdict {
        case .refused(let refusal):
            around.audit.refused(request, attributes, refusal, now: now)
            send(.respond(refusal.response(to: request, attributes)))
        case .allowed(let identity, let rule, let until):
            switch around.api.route(request, identity, allowedBy: rule, around.view()) {
            case .answer(let given):
                // Whoever was refused leaves a record, and so does who was let in to what is recorded.
                if AccessRoute.isAudited(attributes), request.method != "GET", request.method != "HEAD", let identity {
                    around.audit.answered(request, identity, by: rule, given.response.status)
                }
                answer(request, with: given, until: until, now: now)
            case .checkpoint(let call): begin(call, request, around, now: now)
            }
        }
    }

    private mutating func begin(
        _ call: CheckpointCall, _ request: GateRequest, _ around: Surroundings, now: Duration
    ) {
        let web = child.processID
        let (audit, reply) = (around.audit, around.reply)
        let patience = around.calls.begin(call, LongCallID(web: web, request: request.id)) { answer in
            audit.answered(call, request, answer, after: Time.monotonic() - now)
            reply(answer.response(id: request.id), web)
        }
        // Web waits longer than the answer can take, so that nobody but the agent says that it took too long.
        send(.await(id: request.id, milliseconds: UInt32(clamping: (patience + .seconds(10)).pollMilliseconds)))
    }

    private mutating func answer(_ request: GateRequest, with answer: API.Answer, until: Duration?, now: Duration) {
        var answer = answer
        if let page = answer.page {
            // On the main listener web may answer the same client by itself for a short while.
            if request.listener == .main {
                let limit = min(Self.longestGrant, until.map { $0 - now } ?? Self.longestGrant)
                answer.response.grantMilliseconds = UInt32(clamping: max(limit, .zero).pollMilliseconds)
            }
            let wantsGzip = AcceptEncoding(request.headers.first { $0.name == "accept-encoding" }?.value).prefersGzip
            for message in book.publish(page, gzip: wantsGzip) { send(message) }
            nextRefresh = min(nextRefresh, now + Self.refreshInterval)
        }
        if !send(.respond(answer.response)) { send(.respond(API.tooLarge(request))) }
    }

    private mutating func read() throws {
        var buffer = [UInt8](repeating: 0, count: 65_536)
        let count = recv(child.gate, &buffer, buffer.count, Int32(MSG_DONTWAIT))
        if count > 0 {
            waiting = try buffer.withUnsafeBytes { try reader.feed(UnsafeRawBufferPointer(rebasing: $0.prefix(count))) }
        } else if count == 0 {
            throw AgentError("it closed the gate")
        } else if errno != EAGAIN, errno != EINTR {
            throw AgentError("read from", "the gate", code: errno)
        }
    }

    private mutating func log(_ level: LogLevel, _ text: String, now: Duration, to logger: Logger) {
        guard logAllowance.take(now) else { return }
        let line = String(text.unicodeScalars.prefix(1_024).map(Character.init))
        let target: Logger.Level =
            switch level {
            case .debug: .debug
            case .info: .info
            case .warning: .warning
            case .error: .error
            }
        logger.log(level: target, "web: \(line)", metadata: .of(.webMessage, ["pid": "\(child.processID)"]))
    }

    /// The filter refuses what somebody tries who has broken into web. That too comes from web, and is limited.
    private mutating func noteDeniedCalls(_ counters: WebCounters, now: Duration, to logger: Logger) {
        guard counters.deniedSystemCalls > deniedCalls, logAllowance.take(now) else { return }
        deniedCalls = counters.deniedSystemCalls
        logger.warning(
            "the web process has tried \(deniedCalls) system calls that it may not make, the last with the number \(counters.lastDeniedSystemCall)",
            metadata: .of(
                .webDeniedCall,
                [
                    "denied": "\(deniedCalls)", "syscall": "\(counters.lastDeniedSystemCall)",
                    "pid": "\(child.processID)",
                ]))
    }
}
