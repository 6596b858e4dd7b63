// SPDX-License-Identifier: Apache-2.0

internal import CMicrohttpd
internal import Gate
internal import Glibc

/// The state of the one thread: listeners, pages, the gate, the requests that wait for the agent.
///
/// Requests are handled in Server+Requests.swift, what goes through the gate in Server+Gate.swift, deadlines in
/// Server+Deadlines.swift; this file is the loop.
final class Server {
    let configuration: WebConfiguration
    var gate: GateLink
    var listeners: [Listener] = []
    var pages: PageStore
    /// Suspended connections, in the order in which they were passed on.
    var waiting: [Connection] = []
    /// Suspended connections whose TLS handshake waits for the client.
    var parked: [Connection] = []
    var counters = WebCounters()
    var refusals: [RefusedCount] = []
    var lastRequest: UInt64 = 0
    var trim = Trim()
    var lastConnection: UInt64 = 0
    /// What new connections of the main listener begin with; nil: none has come yet.
    var identity: TLSIdentity?
    /// The ping that has not been answered because the agent did not read.
    var owedPong: UInt64?
    /// Counts openings and answers, to tell who was used longest ago.
    var turn: UInt64 = 0
    /// The time of this round of the loop.
    var now = monotonicMilliseconds()
    var nextDeadline = Milliseconds.max
    var lastSweep: Milliseconds = 0
    /// Connections that have been answered since this was last looked through.
    var answered: [Connection] = []
    /// When a drain has to be over; nil while there is none.
    var drainDeadline: Milliseconds?
    private var throttle: LogThrottle

    /// Who runs the agent. He and root may read over the socket whatever there is; others are asked about each time.
    let ownUser: UInt32

    /// Before the filter, which has no need to allow the question.
    init(configuration: WebConfiguration, gate: GateLink) {
        ownUser = geteuid()
        self.configuration = configuration
        self.gate = gate
        self.pages = PageStore(lifetime: Milliseconds(configuration.pageLifetime))
        self.throttle = LogThrottle(now: now)
    }

    /// The most descriptors that serving takes.
    var descriptorsNeeded: Int {
        let perListener = Int(configuration.maximumConnections) + Listener.backstop + 4
        return 16 + listeners.count * perListener
    }

    func log(_ level: LogLevel, _ line: String) {
        guard gate.pending < GateLink.busy, let line = throttle.admit(line, now: now) else { return }
        gate.send(.log(level, line))
    }

    /// Serves until the agent ends it.
    func run() throws(GateLink.Ended) {
        var polled: [pollfd] = []
        while true {
            try gate.flush()
            answerPing()
            watch(&polled)
            let ready = poll(&polled, nfds_t(polled.count), pollTimeout())
            now = monotonicMilliseconds()
            if ready > 0 {
                try react(to: polled)
            }
            sweep()
            for listener in listeners where listener.needsRun {
                listener.run()
            }
            closeHalfClosed()
            let uses = pages.takeUses()
            if !uses.isEmpty {
                gate.send(.used(uses))
            }
            if drainDeadline != nil, isDrained {
                finishDrain()
                try? gate.flush()
                return
            }
        }
    }

    /// Rebuilds the poll set: the gate, the listeners, the clients of waiting requests, then those in a handshake.
    private func watch(_ polled: inout [pollfd]) {
        polled.removeAll(keepingCapacity: true)
        polled.append(
            pollfd(fd: gate.descriptor, events: Int16(gate.wantsWrite ? POLLIN | POLLOUT : POLLIN), revents: 0))
        for listener in listeners {
            polled.append(pollfd(fd: listener.epoll, events: Int16(POLLIN), revents: 0))
        }
        for connection in waiting {
            // Half-closed once is enough to know; from then on only the end of both directions is reported.
            polled.append(
                pollfd(fd: connection.descriptor, events: connection.isCancelled ? 0 : pollReadHangup, revents: 0))
        }
        for connection in parked {
            // The end of the client's side alone is told to one that reads: one that writes would only try again.
            let events = connection.tls?.wantsWrite == true ? POLLOUT : POLLIN
            polled.append(pollfd(fd: connection.descriptor, events: Int16(events), revents: 0))
        }
    }

    private func react(to polled: [pollfd]) throws(GateLink.Ended) {
        // The requests in `waiting` change while messages are taken: look at the clients first.
        let clients = zip(waiting, polled.dropFirst(1 + listeners.count)).filter { $1.revents != 0 }
        unpark(zip(parked, polled.dropFirst(1 + listeners.count + waiting.count)).filter { $1.revents != 0 }.map(\.0))
        for (connection, entry) in clients {
            clientLeft(connection, completely: entry.revents & Int16(POLLHUP | POLLERR | POLLNVAL) != 0)
        }
        for (listener, entry) in zip(listeners, polled.dropFirst()) where entry.revents != 0 {
            listener.needsRun = true
        }
        if let entry = polled.first, entry.revents & Int16(POLLIN | POLLHUP | POLLERR | POLLNVAL) != 0 {
            var messages = try gate.receive()
            for index in messages.indices {
                try take(&messages[index])
            }
        }
    }

    /// Closes answered connections whose clients have closed their side and sent nothing more.
    ///
    /// The library is told of both at once when request and end arrive together (its epoll is edge-triggered), reads
    /// the request and never comes to the end: the client would wait for ours until the idle timeout.
    private func closeHalfClosed() {
        guard !answered.isEmpty, !listeners.contains(where: \.needsRun) else { return }
        let candidates = answered.filter { $0.isIdle && !$0.isShut }
        for connection in answered {
            connection.isListed = false
        }
        answered.removeAll(keepingCapacity: true)
        shutEnded(candidates)
    }

    /// Shuts those of the connections whose clients have closed their side and left nothing to be read.
    func shutEnded(_ connections: [Connection]) {
        guard !connections.isEmpty else { return }
        var polled = connections.map { pollfd(fd: $0.descriptor, events: pollReadHangup, revents: 0) }
        guard poll(&polled, nfds_t(polled.count), 0) > 0 else { return }
        for (connection, entry) in zip(connections, polled) where entry.revents != 0 {
            var byte: UInt8 = 0
            // Not while there is another request to be read.
            if recv(connection.descriptor, &byte, 1, Int32(MSG_PEEK | MSG_DONTWAIT)) == 0 {
                connection.shut()
            }
        }
    }

    private func pollTimeout() -> Int32 {
        if listeners.contains(where: \.needsRun) { return 0 }
        var until = max(nextDeadline, lastSweep &+ Self.sweepInterval)
        if nextDeadline == .max { until = .max }
        if let drainDeadline { until = min(until, drainDeadline) }
        guard until != .max else { return -1 }
        return Int32(clamping: until > now ? until - now : 0)
    }
}

/// POLLRDHUP, which the Glibc module hides behind _GNU_SOURCE.
private let pollReadHangup: Int16 = 0x2000
