// SPDX-License-Identifier: Apache-2.0

import NodeStatus

/// Interfaces with their addresses and counters, and the default routes.
final class NetworkReader {
    private let dump: @Sendable () -> Result<NetlinkDump, SourceFailure>
    private let counters: KernelFile
    private let routes4: KernelFile
    private let routes6: KernelFile
    private let interfaceStatus: SourceStatus
    private let counterStatus: SourceStatus
    private let routeStatus: SourceStatus
    /// Changes are announced; once in a while all the same, in case an announcement got lost.
    private var nextInterfaces: Pace
    private var nextRoutes: Pace
    private var nextCounters = Pace(every: 5 * .second - 500 * .millisecond)
    private var positions: [String: Int] = [:]
    /// Which interface the nth line of /proc/net/dev was last time.
    private var order: [Int] = []
    private(set) var interfaces: Reading<[NetworkInterface]> = .notYetRead
    private(set) var routes: Reading<[DefaultRoute]> = .notYetRead
    /// Addresses have been read anew since somebody asked.
    private var addressesChanged = false

    init(_ options: CollectorOptions, _ ledger: SourceLedger, hasEvents: Bool) {
        dump = options.systemCalls.interfaces
        counters = KernelFile(options.procRoot + "/net/dev", isSingleRecord: false)
        routes4 = KernelFile(options.procRoot + "/net/route", isSingleRecord: false)
        routes6 = KernelFile(options.procRoot + "/net/ipv6_route", isSingleRecord: false)
        interfaceStatus = ledger.add("interfaces")
        counterStatus = ledger.add("interface-counters")
        routeStatus = ledger.add("routes")
        nextInterfaces = Pace(every: hasEvents ? 60 * .second : 5 * .second)
        nextRoutes = Pace(every: hasEvents ? 60 * .second : 5 * .second)
    }

    func changed(_ changes: NetlinkChanges, _ moment: Moment) {
        if changes.contains(.interfaces) {
            nextInterfaces.hurry(moment, cost: interfaceStatus.lastCost)
            // An interface that goes takes its routes along without a word about those of IPv4.
            nextRoutes.hurry(moment, cost: routeStatus.lastCost)
        }
        if changes.contains(.routes) { nextRoutes.hurry(moment, cost: routeStatus.lastCost) }
    }

    func takeAddressChange() -> Bool {
        defer { addressesChanged = false }
        return addressesChanged
    }

    func read(_ moment: Moment, _ buffer: ReadBuffer) {
        if nextInterfaces.isDue(moment) { readInterfaces(moment) }
        if nextRoutes.isDue(moment) { readRoutes(moment, buffer) }
        if nextCounters.isDue(moment) { readCounters(moment, buffer) }
    }

    private func readInterfaces(_ moment: Moment) {
        let old = interfaces.value ?? []
        var reading = interfaceStatus.measure(moment) { () throws(SourceFailure) in
            let dump = try dump().get()
            let found = parseInterfaces(links: dump.links, addresses: dump.addresses)
            if found.isEmpty { throw .failed("rtnetlink: no interface in the answer") }
            return found
        }
        nextInterfaces.done(moment, cost: interfaceStatus.lastCost)
        if case .value(var list, let time) = reading {
            positions = [:]
            for (position, interface) in list.enumerated() { positions[interface.name] = position }
            for known in old {
                if let position = positions[known.name], list[position].index == known.index {
                    list[position].counters = known.counters
                }
            }
            // The first reading is no change.
            if !old.isEmpty, old.map(\.addresses) != list.map(\.addresses) { addressesChanged = true }
            reading = .value(list, at: time)
            order = []
            nextCounters = Pace(every: 5 * .second - 500 * .millisecond)
        }
        interfaces = reading
    }

    private func readRoutes(_ moment: Moment, _ buffer: ReadBuffer) {
        routes = routeStatus.measure(moment) { () throws(SourceFailure) in
            let version4: [DefaultRoute]
            do throws(SourceFailure) {
                version4 = try routes4.read(buffer) { text throws(SourceFailure) in parseIPv4DefaultRoutes(text) }
            } catch {
                guard error.isAbsent else { throw error }
                version4 = []
            }
            do throws(SourceFailure) {
                return version4
                    + (try routes6.read(buffer) { text throws(SourceFailure) in parseIPv6DefaultRoutes(text) })
            } catch {
                // A kernel without IPv6 has no such file; one without either has no network to speak of.
                guard error.isAbsent, fileExists(routes4.path) else { throw error }
                return version4
            }
        }
        nextRoutes.done(moment, cost: routeStatus.lastCost)
    }

    private func readCounters(_ moment: Moment, _ buffer: ReadBuffer) {
        guard case .value(var list, _) = interfaces else { return }
        interfaces = .notYetRead  // lets the list be changed in place
        let counted = counterStatus.measure(moment) { () throws(SourceFailure) in
            var line = 0
            try counters.read(buffer) { text throws(SourceFailure) in
                try parseNetDev(text, name: counters.path) { name, counters in
                    defer { line += 1 }
                    var position = line < order.count ? order[line] : -1
                    if !list.indices.contains(position) || !name.equals(list[position].name) {
                        position = positions[name.text] ?? -1
                        if line < order.count { order[line] = position } else { order.append(position) }
                    }
                    guard list.indices.contains(position) else { return }
                    list[position].counters = counters
                }
            }
        }
        if case .missing = counted { for index in list.indices { list[index].counters = nil } }
        interfaces = .value(list, at: moment.wall)
        nextCounters.done(moment, cost: counterStatus.lastCost)
    }
}
