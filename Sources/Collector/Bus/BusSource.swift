// SPDX-License-Identifier: Apache-2.0

import Glibc
import NodeStatus
import Systemd

/// The thread that talks to the message bus. It never blocks: calls are answered by handlers or time out.
///
/// Two connections: signals come on one, answers on the other, so that a flood of signals delays no answer.
final class BusSource: @unchecked Sendable {
    // Safe because other threads touch only `mailbox`, `wake` and `stopping`, which synchronise themselves.
    let mailbox: BusMailbox
    private let wake = EventSignal()
    private let stopping = Monitor()
    private var isStopping = false
    private var isAskedToRefresh = false
    private var isAskedToRelease = false

    // The rest belongs to the thread.
    private let address: String
    private let clock: CollectorClock
    private let delaysShutdown: Bool
    private var session: BusSession?
    private var nextAttempt: UInt64 = 0

    /// Nil when `busAddress` is `none`.
    init?(_ options: CollectorOptions, wake: EventSignal) {
        if options.busAddress == "none" { return nil }
        address = options.busAddress ?? "unix:path=/run/dbus/system_bus_socket"
        clock = options.clock
        delaysShutdown = options.delaysShutdown
        mailbox = BusMailbox(wake: wake)
    }

    func start() throws(SourceFailure) {
        try startReader(name: "bus") { self.run() }
    }

    /// Returns at once; the thread ends at its next turn.
    func stop() {
        stopping.locked { isStopping = true }
        wake.signal()
    }

    func refresh() {
        stopping.locked { isAskedToRefresh = true }
        wake.signal()
    }

    func releaseDelay() {
        stopping.locked { isAskedToRelease = true }
        wake.signal()
    }

    private func run() {
        while true {
            let (stop, refresh, release) = stopping.locked { () -> (Bool, Bool, Bool) in
                defer { (isAskedToRefresh, isAskedToRelease) = (false, false) }
                return (isStopping, isAskedToRefresh, isAskedToRelease)
            }
            if release { session?.letShutdownGoOn() }
            if stop { break }
            let now = clock.now
            if refresh {
                nextAttempt = 0
                session?.refresh()
            }
            if session == nil, now.monotonic >= nextAttempt { connect(now) }
            if let session {
                do {
                    try session.step(now)
                } catch {
                    self.session = nil
                    nextAttempt = now.monotonic.clampedSum(.second)
                    lost(error.description, isAbsent: false, now)
                }
            }
            wait(now)
        }
        session = nil
    }

    private func connect(_ now: Moment) {
        nextAttempt = now.monotonic.clampedSum(10 * .second)
        if address.hasPrefix("unix:path="), !address.contains(";") {
            let path = String(address.dropFirst("unix:path=".count).prefix { $0 != "," })
            guard fileExists(path) else {
                lost("no message bus: \(path) does not exist", isAbsent: true, now)
                return
            }
        }
        do {
            session = try BusSession(address, mailbox, clock, delaysShutdown: delaysShutdown)
        } catch {
            lost(error.description, isAbsent: false, now)
        }
    }

    private func lost(_ reason: String, isAbsent: Bool, _ now: Moment) {
        mailbox.update { state in
            state.note("bus", .failed(SourceFailure(isAbsent: isAbsent, reason: reason)), now, took: 0)
            for service in BusState.services where service != "bus" {
                state.note(service, .failed(.absent(reason)), now, took: 0)
            }
            state.systemd = .missing(reason)
            state.host = .missing(reason)
            state.isSynchronized = nil
            state.isPreparingForShutdown = false
        }
        mailbox.settle()
    }

    private func wait(_ now: Moment) {
        var descriptors = [pollfd(fd: wake.descriptor, events: Int16(POLLIN), revents: 0)]
        var deadline = session == nil ? nextAttempt : now.monotonic.clampedSum(10 * .second)
        if let session {
            descriptors += session.pollDescriptors(now)
            deadline = min(deadline, session.deadline(now))
        }
        // Rounded up, lest it spin through the last millisecond.
        let milliseconds = deadline.clampedDifference(clock.monotonic()) / .millisecond + 1
        _ = poll(&descriptors, nfds_t(descriptors.count), Int32(clamping: min(milliseconds, 60_000)))
        if descriptors[0].revents != 0 { wake.drain() }
    }
}
