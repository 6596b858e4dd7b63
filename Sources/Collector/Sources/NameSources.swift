// SPDX-License-Identifier: Apache-2.0

import NodeStatus

/// The hostname, and what the resolver gives for the node's name.
final class NameReader {
    private let file: KernelFile
    private let hostnameStatus: SourceStatus
    private let dnsStatus: SourceStatus
    private let override: String?
    private let resolveNames: Bool
    private let probe: Probe<String, [IPAddress]>
    private var nextHostname = Pace(every: 10 * .second)
    private var nextLookup = Pace(every: 0)
    private var lookedUp = ""
    private(set) var hostname: Reading<String> = .notYetRead
    private(set) var addresses: Reading<[IPAddress]> = .notYetRead

    init(_ options: CollectorOptions, _ ledger: SourceLedger, _ probes: ProbeTable) {
        file = KernelFile(options.procRoot + "/sys/kernel/hostname")
        hostnameStatus = ledger.add("hostname")
        dnsStatus = ledger.add("dns")
        override = options.hostnameOverride
        resolveNames = options.resolveNames
        probe = probes.lookup(options)
    }

    var pollDescriptor: Int32 { file.pollDescriptor }
    func isRunning(since moment: Moment) -> Bool { probe.isRunning(since: moment) }

    func hostnameChanged(_ moment: Moment) { nextHostname.hurry(moment) }
    func addressesChanged(_ moment: Moment) { nextLookup.hurry(moment) }

    func read(_ moment: Moment, _ buffer: ReadBuffer) {
        guard nextHostname.isDue(moment) else { return }
        hostname = hostnameStatus.measure(moment) { () throws(SourceFailure) in
            let name = try file.read(buffer) { text throws(SourceFailure) in text.trimmedText }
            if name.isEmpty || name == "(none)" { throw .failed("read \(file.path): the machine has no hostname") }
            return name
        }
        nextHostname.done(moment)
    }

    /// Starts a look-up when one is due: each minute, ten seconds after a failure, at once for another name.
    func start(_ moment: Moment, _ pool: ProbePool) {
        guard resolveNames else {
            addresses = dnsStatus.failed(.absent("name resolution is off"), moment)
            return
        }
        guard let name = override ?? hostname.value else {
            addresses = dnsStatus.failed(.failed("resolve: \(hostname.missingReason ?? "no hostname")"), moment)
            return
        }
        collect(moment)
        if name != lookedUp { nextLookup = Pace(every: 0) }
        guard nextLookup.isDue(moment), !probe.isRunning else { return }
        lookedUp = name
        if let problem = probe.start(name, in: pool) { addresses = dnsStatus.failed(problem, moment) }
        nextLookup = Pace(every: 60 * .second)
        nextLookup.done(moment)
    }

    func collect(_ moment: Moment) {
        guard resolveNames else { return }
        let isFresh = probe.collect(
            moment, into: &addresses, status: dnsStatus, hanging: "resolve \(lookedUp)", { $0 })
        if isFresh, case .missing = addresses {
            nextLookup = Pace(every: 10 * .second)
            nextLookup.done(moment)
        }
    }
}
