// SPDX-License-Identifier: Apache-2.0
internal import CLinux
internal import Gate
internal import Glibc
internal import Logbook

/// Some listeners and the web process that serves them, if there is one now. Owned by the gate loop's thread.
struct WebSlot {
    /// Between two starts.
    private static let restartInterval: Duration = .milliseconds(500)
    /// One that is started on demand ends when nobody has been connected for this long.
    private static let idleLimit: Duration = .seconds(60)
    private static let drainLimit: Duration = .seconds(5)

    let listeners: [Listeners.Listener]
    /// There only while somebody is connected; otherwise always.
    let isOnDemand: Bool
    /// Changes what is known about the process.
    let change: ((inout WebFacts) -> Void) -> Void
    var session: WebSession?
    /// The one after it goes on with what it has left.
    /// What web says is limited here too.
    var logAllowance = LogAllowance(burst: 50, perSecond: 5)
    private(set) var isDraining = false
    private var nextStart: Duration = .zero
    private var startedAt: Duration = .zero

    init(
        listeners: [Listeners.Listener], isOnDemand: Bool, change: @escaping ((inout WebFacts) -> Void) -> Void
    ) {
        self.listeners = listeners
        self.isOnDemand = isOnDemand
        self.change = change
    }

    /// Whether there is to be a process, and there is none.
    func wantsStart(_ now: Duration) -> Bool {
        session == nil && now >= nextStart && (!isOnDemand || hasWaitingClient)
    }

    mutating func willStart(_ now: Duration) {
        // One that dies young is not started again at once, lest it be started all the time.
        nextStart = now + Self.restartInterval
        startedAt = now
        isDraining = false
    }

    mutating func drain(within limit: Duration, now: Duration) {
        isDraining = true
        nextStart = max(nextStart, now)
        session?.send(.drain(milliseconds: UInt32(clamping: limit.pollMilliseconds)))
    }

    mutating func drainWhenIdle(_ now: Duration) {
        guard isOnDemand, !isDraining, let session, session.isIdle,
            now - max(session.lastBusy, startedAt) > Self.idleLimit
        else { return }
        drain(within: Self.drainLimit, now: now)
    }

    /// A client is connected that nobody has accepted.
    private var hasWaitingClient: Bool {
        var descriptors = listeners.map { pollfd(fd: $0.descriptor, events: Int16(POLLIN), revents: 0) }
        return poll(&descriptors, nfds_t(descriptors.count), 0) > 0
    }

    /// What wakes the loop up for this slot.
    func polled(_ now: Duration) -> [pollfd] {
        guard let session else {
            // A client that waits for one that has just died would wake the loop up again and again.
            return isOnDemand && now >= nextStart
                ? listeners.map { pollfd(fd: $0.descriptor, events: Int16(POLLIN), revents: 0) } : []
        }
        let events = (session.isCrowded ? 0 : POLLIN) | (session.hasOutput ? POLLOUT : 0)
        return [pollfd(fd: session.child.gate, events: Int16(events), revents: 0)]
    }

    func nextDeadline(_ now: Duration) -> Duration {
        if let session { return session.nextDeadline }
        return isOnDemand && now >= nextStart ? .seconds(Int64.max / 4) : nextStart
    }
}
