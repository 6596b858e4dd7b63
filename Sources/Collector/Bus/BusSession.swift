// SPDX-License-Identifier: Apache-2.0

import Glibc
import NodeStatus
import Systemd

/// The two connections from greeting to loss, and what is asked on them when. Belongs to the bus's thread.
final class BusSession {
    private let signals: SystemBus
    private let queries: SystemBus
    private let mailbox: BusMailbox
    private let clock: CollectorClock
    private let started: UInt64
    private var isGreeted = false

    /// systemd1 and login1 live for ever: asked on their signals, at most once a second, and every 30 s.
    private var nextManager: UInt64 = 0
    private var lastManager: UInt64?
    private var isManagerAsked = false
    private var nextLogin: UInt64 = 0
    private var isLoginAsked = false
    /// hostname1 and timedate1 are started for a question and exit when idle: asked rarely.
    private var nextHost: UInt64 = 0
    private var isHostAsked = false
    private var nextTime: UInt64 = 0
    private var isTimeAsked = false
    /// Signals are left to pile up until then, so that a busy machine wakes us a few times a second at most.
    private var quietUntil: UInt64 = 0

    /// While it is open logind waits with a shutdown (Inhibit in mode delay, logind.conf(5) InhibitDelayMaxSec). -1: none.
    private var delay: Int32 = -1
    private var isPreparing = false
    private let delaysShutdown: Bool

    private static let systemd = "org.freedesktop.systemd1"
    private static let manager = "org.freedesktop.systemd1.Manager"

    init(
        _ address: String, _ mailbox: BusMailbox, _ clock: CollectorClock, delaysShutdown: Bool
    ) throws(BusError) {
        self.mailbox = mailbox
        self.delaysShutdown = delaysShutdown
        self.clock = clock
        started = clock.monotonic()
        signals = try SystemBus(address: address)
        queries = try SystemBus(address: address)
    }

    deinit {
        releaseDelay()
    }

    /// What was to be done before the machine goes has been done. Nothing where it does not go any more: what is held then
    /// is for the next time.
    func letShutdownGoOn() {
        if isPreparing { releaseDelay() }
    }

    private func releaseDelay() {
        if delay >= 0 { close(delay) }
        delay = -1
    }

    private func takeDelay() throws(BusError) {
        guard delaysShutdown else { return }
        try signals.call(
            "org.freedesktop.login1", path: "/org/freedesktop/login1", "org.freedesktop.login1.Manager", "Inhibit",
            arguments: ["shutdown", "nodekeep", "the node's status is written first", "delay"]
        ) { [unowned self] reply in
            // Without logind nothing waits for us, and without its leave neither.
            guard case .success(let message) = reply, let taken = message.fileDescriptor() else { return }
            releaseDelay()
            delay = taken
        }
    }

    func refresh() {
        nextManager = 0
        nextLogin = 0
        nextHost = 0
        nextTime = 0
    }

    func pollDescriptors(_ now: Moment) -> [pollfd] {
        // Once greeted, a signal may wait; the greeting itself may not.
        let hears = !isGreeted || now.monotonic >= quietUntil
        return [
            pollfd(fd: queries.descriptor, events: queries.events, revents: 0),
            pollfd(fd: hears ? signals.descriptor : -1, events: signals.events, revents: 0),
        ]
    }

    /// When `step` is due even if nothing comes in.
    func deadline(_ now: Moment) -> UInt64 {
        if !isGreeted { return started.clampedSum(2 * .second) }
        let due = [
            (isManagerAsked, nextManager), (isLoginAsked, nextLogin), (isHostAsked, nextHost), (isTimeAsked, nextTime),
        ]
        var deadline = due.reduce(UInt64.max) { $1.0 ? $0 : min($0, $1.1) }
        if let time = queries.deadline { deadline = min(deadline, time.clampedProduct(1_000)) }
        if now.monotonic < quietUntil {
            deadline = min(deadline, quietUntil)
        } else if let time = signals.deadline {
            deadline = min(deadline, time.clampedProduct(1_000))
        }
        return deadline
    }

    /// Moves everything on as far as it goes without waiting; throws when a connection is lost.
    func step(_ now: Moment) throws(BusError) {
        if !isGreeted || now.monotonic >= quietUntil { try signals.process() }
        try queries.process()
        guard isGreeted else {
            if signals.isReady, queries.isReady {
                isGreeted = true
                try subscribe()
                mailbox.update { $0.note("bus", .ok, now, took: now.monotonic.clampedDifference(started)) }
            } else if now.monotonic.clampedDifference(started) >= 2 * .second {
                throw BusError(name: "", text: "the bus has accepted a connection and not answered for 2 s")
            }
            if !isGreeted { return }
            try ask(now)
            try queries.process()
            return
        }
        try ask(now)
        try queries.process()
        if !isManagerAsked, !isLoginAsked, !isHostAsked, !isTimeAsked { mailbox.settle() }
    }

    private func subscribe() throws(BusError) {
        let properties = "type='signal',interface='org.freedesktop.DBus.Properties',member='PropertiesChanged',"
        let manager = "type='signal',sender='org.freedesktop.systemd1',interface='\(Self.manager)',"
        for member in ["JobRemoved", "UnitRemoved", "StartupFinished", "Reloading"] {
            try hear(manager + "member='\(member)'") { session, _ in session.managerChanged() }
        }
        // A unit that fails by itself has no job; its properties change all the same.
        for interface in ["Unit", "Manager"] {
            try hear(
                properties + "path_namespace='/org/freedesktop/systemd1',arg0='org.freedesktop.systemd1.\(interface)'"
            ) { session, _ in session.managerChanged() }
        }
        // A manager that has executed itself anew has forgotten who subscribed.
        let owner = "type='signal',sender='org.freedesktop.DBus',member='NameOwnerChanged',"
        try hear(owner + "arg0='org.freedesktop.systemd1'") { session, _ in
            try? session.askToBeTold()
            session.managerChanged()
        }
        let login = "type='signal',sender='org.freedesktop.login1',interface='org.freedesktop.login1.Manager',"
        try hear(login + "member='PrepareForShutdown'") { session, message in
            guard let isPreparing = message.basic()?.bool else { return }
            session.isPreparing = isPreparing
            session.mailbox.update { $0.isPreparingForShutdown = isPreparing }
            // It is not coming after all: the next one is to wait for us again.
            if !isPreparing { try? session.takeDelay() }
        }
        try hear(owner + "arg0='org.freedesktop.login1'") { session, _ in
            session.nextLogin = 0
            try? session.takeDelay()
        }
        try hear(properties + "path='/org/freedesktop/login1',arg0='org.freedesktop.login1.Manager'") { session, _ in
            session.nextLogin = 0
        }
        try hear(properties + "path='/org/freedesktop/hostname1'") { session, _ in session.nextHost = 0 }
        try hear(properties + "path='/org/freedesktop/timedate1'") { session, _ in session.nextTime = 0 }
        try takeDelay()
        try askToBeTold()
    }

    /// systemd sends its signals only to those who subscribe, by the connection that is to have them.
    private func askToBeTold() throws(BusError) {
        try signals.call(Self.systemd, path: "/org/freedesktop/systemd1", Self.manager, "Subscribe") {
            [unowned self] _ in
            // What has changed between the first questions, which go by the other connection, and this is asked again.
            managerChanged()
        }
    }

    private func hear(_ rule: String, _ body: @escaping (BusSession, BusMessage) -> Void) throws(BusError) {
        try signals.match(rule) { [unowned self] message in
            quietUntil = clock.monotonic().clampedSum(250 * .millisecond)
            body(self, message)
        }
    }

    private func managerChanged() {
        let earliest = lastManager.map { $0.clampedSum(.second) } ?? 0
        nextManager = min(nextManager, max(earliest, clock.monotonic()))
    }

    private func ask(_ now: Moment) throws(BusError) {
        if now.monotonic >= nextManager, !isManagerAsked {
            isManagerAsked = true
            lastManager = now.monotonic
            nextManager = now.monotonic.clampedSum(30 * .second)
            try askManager(now)
        }
        if now.monotonic >= nextLogin, !isLoginAsked {
            isLoginAsked = true
            nextLogin = now.monotonic.clampedSum(30 * .second)
            try askLogin(now)
        }
        if now.monotonic >= nextHost, !isHostAsked {
            isHostAsked = true
            nextHost = now.monotonic.clampedSum(300 * .second)
            try askHost(now)
        }
        if now.monotonic >= nextTime, !isTimeAsked {
            isTimeAsked = true
            nextTime = now.monotonic.clampedSum(300 * .second)
            try askTime(now)
        }
    }

    private func askManager(_ asked: Moment) throws(BusError) {
        try ManagerQuery(queries).run { [unowned self] result in
            isManagerAsked = false
            finish("systemd1", asked, result) { state, moment in
                state.systemd =
                    switch result {
                    case .success(let manager): .value(manager, at: moment.wall)
                    case .failure(let error): .missing(Self.reason("systemd1", error))
                    }
            }
        }
    }

    private func askLogin(_ asked: Moment) throws(BusError) {
        try queries.property(
            "org.freedesktop.login1", path: "/org/freedesktop/login1", "org.freedesktop.login1.Manager",
            "PreparingForShutdown"
        ) { [unowned self] result in
            isLoginAsked = false
            finish("login1", asked, result) { state, _ in
                guard case .success(let value) = result else { return }
                isPreparing = value.bool ?? false
                state.isPreparingForShutdown = isPreparing
            }
        }
    }

    private func askHost(_ asked: Moment) throws(BusError) {
        try queries.call(
            "org.freedesktop.hostname1", path: "/org/freedesktop/hostname1", "org.freedesktop.DBus.Properties",
            "GetAll", arguments: ["org.freedesktop.hostname1"], startsService: true
        ) { [unowned self] reply in
            isHostAsked = false
            let properties = reply.map { $0.properties() ?? [:] }
            finish("hostname1", asked, properties) { state, moment in
                switch properties {
                case .success(let values):
                    let host = BusState.Host(
                        chassis: values["Chassis"]?.string ?? "", vendor: values["HardwareVendor"]?.string ?? "",
                        model: values["HardwareModel"]?.string ?? "")
                    state.host = .value(host, at: moment.wall)
                case .failure(let error):
                    state.host = .missing(Self.reason("hostname1", error))
                }
            }
        }
    }

    private func askTime(_ asked: Moment) throws(BusError) {
        try queries.property(
            "org.freedesktop.timedate1", path: "/org/freedesktop/timedate1", "org.freedesktop.timedate1",
            "NTPSynchronized", startsService: true
        ) { [unowned self] result in
            isTimeAsked = false
            finish("timedate1", asked, result) { state, _ in state.isSynchronized = (try? result.get())?.bool }
        }
    }

    private static func reason(_ service: String, _ error: BusError) -> String {
        error.isTimeout ? "\(service) has not answered for 2 s" : "\(service): \(error)"
    }

    private func finish<Value>(
        _ service: String, _ asked: Moment, _ result: Result<Value, BusError>,
        _ body: (inout BusState, Moment) -> Void
    ) {
        let moment = clock.now
        let outcome: BusState.Outcome.Result =
            switch result {
            case .success: .ok
            case .failure(let error) where error.isTimeout: .hung(Self.reason(service, error))
            case .failure(let error):
                .failed(SourceFailure(isAbsent: error.isAbsent, reason: Self.reason(service, error)))
            }
        mailbox.update { state in
            state.note(service, outcome, moment, took: moment.monotonic.clampedDifference(asked.monotonic))
            body(&state, moment)
        }
    }
}
