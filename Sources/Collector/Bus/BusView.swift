// SPDX-License-Identifier: Apache-2.0

import NodeStatus

/// The bus as the collector's thread sees it: what the mailbox holds, and what stands in for it without a bus.
final class BusView {
    private let bus: BusSource?
    private let statuses: [(String, SourceStatus)]
    private let hostStatus: SourceStatus
    private let fallback: HostReader
    private var seen: UInt64 = 0
    private var counted: [String: UInt64] = [:]
    private var nextFallback = Pace(every: 300 * .second)
    private var fallbackHost: HostDescription?
    private(set) var systemd: Reading<SystemdState> = .notYetRead
    private(set) var host: Reading<HostDescription> = .notYetRead
    /// timedate1's last answer.
    private(set) var clock: ClockAnswer?
    private var hostOnBus: Reading<BusState.Host> = .notYetRead
    private var virtualization = ""

    init(_ options: CollectorOptions, _ ledger: SourceLedger, _ bus: BusSource?) {
        self.bus = bus
        statuses = BusState.services.map { ($0, ledger.add($0)) }
        hostStatus = ledger.add("host-sysfs")
        fallback = HostReader(sysRoot: options.sysRoot, procRoot: options.procRoot)
    }

    func update(_ moment: Moment, _ buffer: ReadBuffer) {
        if let bus {
            if let state = bus.mailbox.take(since: &seen) { take(state) }
        } else {
            for (_, status) in statuses { systemd = status.failed(.absent("the bus is turned off"), moment) }
            hostOnBus = .missing("the bus is turned off")
        }
        updateHost(moment, buffer)
    }

    private func take(_ state: BusState) {
        for (service, status) in statuses {
            guard let outcome = state.outcomes[service], counted[service] != outcome.number else { continue }
            counted[service] = outcome.number
            switch outcome.result {
            case .ok: status.succeeded(outcome.moment, took: outcome.took)
            case .failed(let failure):
                let _: Reading<Void> = status.failed(failure, outcome.moment, took: outcome.took)
            case .hung(let reason): let _: Reading<Void> = status.hung(reason, outcome.moment)
            }
        }
        systemd = state.systemd.map { manager in
            SystemdState(
                version: manager.version, systemState: manager.systemState, failedUnits: manager.failedUnits,
                failedUnitCount: manager.failedUnitCount, virtualization: manager.virtualization,
                isPreparingForShutdown: state.isPreparingForShutdown)
        }
        virtualization = state.systemd.value?.virtualization ?? ""
        clock = state.isSynchronized.map {
            ClockAnswer(isSynchronized: $0, number: state.outcomes["timedate1"]?.number ?? 0)
        }
        hostOnBus = state.host
    }

    private func updateHost(_ moment: Moment, _ buffer: ReadBuffer) {
        if case .value(let host, let time) = hostOnBus {
            self.host = .value(
                HostDescription(
                    chassis: host.chassis, vendor: host.vendor, model: host.model, virtualization: virtualization,
                    source: "hostname1"), at: time)
            return
        }
        if nextFallback.isDue(moment) || fallbackHost == nil {
            nextFallback.done(moment)
            host = hostStatus.measure(moment) { () throws(SourceFailure) in
                let description = fallback.read(buffer)
                if description.chassis.isEmpty, description.vendor.isEmpty, description.model.isEmpty,
                    description.virtualization.isEmpty
                {
                    throw .absent("neither DMI nor a device tree describes this machine")
                }
                return description
            }
            fallbackHost =
                host.value
                ?? HostDescription(
                    chassis: "", vendor: "", model: "", virtualization: "", source: "sysfs")
        } else if host.value?.source == "hostname1", let fallbackHost {
            host = .value(fallbackHost, at: moment.wall)
        }
    }
}
