// SPDX-License-Identifier: Apache-2.0
internal import API
internal import Gate
internal import Glibc
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

    let child: WebChild
    private var reader = FrameReader(maximum: GateFraming.maximumFrameFromWeb)
    private var output = OutboundQueue()
    private var book = PageBook()
    private var waiting: [[UInt8]] = []
    private var lastPong: Duration
    private var pingNumber: UInt64 = 0
    private var logAllowance: Double = 50
    private var logRefilled: Duration
    private(set) var nextPing: Duration
    private(set) var nextRefresh: Duration

    init(child: WebChild, now: Duration) {
        self.child = child
        lastPong = now
        nextPing = now
        logRefilled = now
        nextRefresh = .seconds(Int64.max / 4)
    }

    var hasOutput: Bool { !output.isEmpty }
    var nextDeadline: Duration { waiting.isEmpty ? min(nextPing, nextRefresh) : .zero }

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
    mutating func receive(
        api: API, view: () -> AgentView, calls: any LongCalls,
        reply: @escaping @Sendable (GateResponse, Int32) -> Void, logger: Logger, facts: borrowing Mutex<WebFacts>
    ) throws {
        if waiting.isEmpty { try read() }
        let now = Time.monotonic()
        for frame in waiting.prefix(Self.batch) {
            switch try GateDecoder.webMessage(frame) {
            case .ready:
                facts.withLock { $0.isReady = true }
                logger.debug("the web process serves", metadata: ["pid": "\(child.processID)"])
            case .request(let request):
                try request.validate()
                let view = view()
                switch api.route(request, view) {
                case .answer(let given): answer(request, with: given, now: now)
                case .checkpoint(let call): begin(call, request.id, calls, reply)
                }
            case .cancelled(let id):
                calls.cancel(LongCallID(web: child.processID, request: id))
            case .used(let uses):
                book.used(uses)
            case .pong(let number, let counters):
                guard number <= pingNumber else { throw AgentError("it answered a ping that was never sent") }
                lastPong = now
                facts.withLock { $0.counters = counters }
            case .log(let level, let text):
                log(level, text, now: now, to: logger)
            }
        }
        waiting.removeFirst(min(Self.batch, waiting.count))
    }

    /// The answer to a long call.
    mutating func respond(_ response: GateResponse) {
        send(.respond(response))
    }

    private mutating func begin(
        _ call: CheckpointCall, _ request: UInt64, _ calls: any LongCalls,
        _ reply: @escaping @Sendable (GateResponse, Int32) -> Void
    ) {
        let web = child.processID
        let patience = calls.begin(call, LongCallID(web: web, request: request)) { answer in
            reply(answer.response(id: request), web)
        }
        // Web waits longer than the answer can take, so that nobody but the agent says that it took too long.
        send(.await(id: request, milliseconds: UInt32(clamping: (patience + .seconds(10)).pollMilliseconds)))
    }

    private mutating func answer(_ request: GateRequest, with answer: API.Answer, now: Duration) {
        if let page = answer.page {
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

    /// Lines from web are rate-limited here too: five a second, fifty at once.
    private mutating func log(_ level: LogLevel, _ text: String, now: Duration, to logger: Logger) {
        logAllowance = min(50, logAllowance + (now - logRefilled).inSeconds * 5)
        logRefilled = now
        guard logAllowance >= 1 else { return }
        logAllowance -= 1
        let line = String(text.unicodeScalars.prefix(1_024).map(Character.init))
        let target: Logger.Level =
            switch level {
            case .debug: .debug
            case .info: .info
            case .warning: .warning
            case .error: .error
            }
        logger.log(level: target, "web: \(line)", metadata: ["pid": "\(child.processID)"])
    }
}

/// What the agent knows about the web process and those before it.
struct WebFacts: Sendable {
    /// Nil while there is none.
    var processID: Int32?
    var isReady = false
    /// Web processes started so far.
    var starts: UInt64 = 0
    /// Of the present process.
    var counters = WebCounters()
    /// Of all that came before it, so that the metrics never go back.
    private(set) var before = WebCounters()

    /// A new process counts from nothing: what the last one counted is kept.
    mutating func carryCounters() {
        before = total
        counters = WebCounters()
    }

    /// Of all web processes together.
    var total: WebCounters { before.adding(counters) }
}
