// SPDX-License-Identifier: Apache-2.0

import NodeStatus

/// The file system of one directory, measured every second: nodefs or imagefs.
final class DirectoryReader {
    let path: String
    private let status: SourceStatus
    private let probe: Probe<String, FileSystemMeasurement>
    private(set) var usage: Reading<FileSystemUsage> = .notYetRead
    private(set) var device: String?
    /// Whether it has been measured, or could not be.
    private(set) var wasRead = false
    private var next = Pace(every: 0)

    init(_ name: String, _ path: String, _ options: CollectorOptions, _ ledger: SourceLedger, _ probes: ProbeTable) {
        self.path = path
        status = ledger.add(name)
        probe = probes.fileSystem("\(name):\(path)", options)
    }

    func isRunning(since moment: Moment) -> Bool { probe.isRunning(since: moment) }

    /// - Parameter other: measured every second already; where it is on the same device, this directory is looked at
    ///   every ten seconds, to see whether it still is, and has the other's numbers in between.
    func start(_ moment: Moment, _ pool: ProbePool, sharing other: DirectoryReader? = nil) {
        // A result that came after its tick must not be lost.
        collect(moment)
        let isShared = other != nil && device != nil && other?.device == device
        if !isShared { next = Pace(every: 0) }
        guard next.isDue(moment) else { return }
        next = Pace(every: isShared ? 10 * .second - 500 * .millisecond : 0)
        next.done(moment)
        if let problem = probe.start(path, in: pool) { usage = status.failed(problem, moment) }
    }

    func collect(_ moment: Moment) {
        var device: String?
        let isFresh = probe.collect(moment, into: &usage, status: status, hanging: "statfs \(path)") { measurement in
            device = measurement.device
            return measurement.usage
        }
        wasRead = wasRead || isFresh || status.report.state == .hung
        if let device { self.device = device }
    }

    /// The reading, with the numbers of `other` where that is on the same device and both are well.
    func usage(sharing other: DirectoryReader) -> Reading<FileSystemUsage> {
        guard let device, device == other.device, case .value(let mine, _) = usage,
            case .value(var usage, let time) = other.usage
        else { return usage }
        usage.path = mine.path
        return .value(usage, at: time)
    }
}

/// The mounts of the node, each measured every ten seconds in a call of its own.
final class MountReader {
    /// Calls that hang may keep this many threads; nodefs, imagefs and the rest have theirs besides.
    static let threadLimit = 32
    /// Calls under way that do not hang (yet).
    private static let width = 8

    private let table: KernelFile
    private let tableStatus: SourceStatus
    private let options: CollectorOptions
    private let ledger: SourceLedger
    private let probes: ProbeTable
    private var nextTable = Pace(every: 60 * .second)
    private var problem: String? = "not read yet"
    private var mounts: [Mount] = []

    private final class Mount {
        let entry: MountEntry
        let status: SourceStatus
        let probe: Probe<String, FileSystemMeasurement>
        var usage: Reading<FileSystemUsage> = .notYetRead
        var next = Pace(every: 10 * .second - 500 * .millisecond)

        init(_ entry: MountEntry, _ status: SourceStatus, _ probe: Probe<String, FileSystemMeasurement>) {
            self.entry = entry
            self.status = status
            self.probe = probe
        }
    }

    init(_ options: CollectorOptions, _ ledger: SourceLedger, _ probes: ProbeTable) {
        self.options = options
        self.ledger = ledger
        self.probes = probes
        table = KernelFile(options.procRoot + "/self/mountinfo", isSingleRecord: false)
        tableStatus = ledger.add("mountinfo")
    }

    var pollDescriptor: Int32 { table.pollDescriptor }
    func isRunning(since moment: Moment) -> Bool { mounts.contains { $0.probe.isRunning(since: moment) } }

    func refresh(_ moment: Moment) {
        nextTable.hurry(moment)
        for mount in mounts { mount.next.hurry(moment) }
    }

    /// The mount table has changed.
    func tableChanged(_ moment: Moment) { nextTable.hurry(moment, cost: tableStatus.lastCost) }

    /// Starts calls for the mounts that are due, the longest due first, as many as may be under way at once.
    ///
    /// - Parameter measured: devices that are measured already, which are not asked again.
    /// - Returns: whether there was anything to start.
    @discardableResult
    func start(
        _ moment: Moment, _ buffer: ReadBuffer, _ pool: ProbePool, measured: [String: DirectoryReader]
    ) -> Bool {
        if nextTable.isDue(moment) { readTable(moment, buffer) }
        var young = 0
        for mount in mounts {
            collect(mount, moment)
            if let time = mount.probe.runningTime(moment.monotonic), time < probePatience { young += 1 }
        }
        let before = young
        for mount in mounts.sorted(by: { $0.next.next < $1.next.next }) {
            guard mount.next.isDue(moment) else { break }
            if let reader = measured[mount.entry.device] {
                mount.usage = reader.usage.map { usage in
                    var usage = usage
                    usage.path = mount.entry.mountPoint
                    return usage
                }
                if case .value = mount.usage { mount.status.succeeded(moment, took: 0) }
                continue
            }
            guard young < Self.width, !mount.probe.isRunning else { continue }
            if pool.threadCount >= Self.threadLimit {
                mount.usage = mount.status.failed(.failed("not measured: too many file systems hang"), moment)
                mount.next.done(moment)
                continue
            }
            if let problem = mount.probe.start(mount.entry.mountPoint, in: pool) {
                mount.usage = mount.status.failed(problem, moment)
            }
            mount.next.done(moment)
            young += 1
        }
        return young > before
    }

    func collect(_ moment: Moment) {
        for mount in mounts { collect(mount, moment) }
    }

    var reading: [MountedFileSystem] {
        mounts.map { mount in
            MountedFileSystem(
                mountPoint: mount.entry.mountPoint, source: mount.entry.source, type: mount.entry.type,
                readOnly: mount.entry.isReadOnly, device: mount.entry.device, usage: mount.usage)
        }
    }

    func result(_ moment: Moment) -> Reading<[MountedFileSystem]> {
        if let problem { return .missing(problem) }
        return .value(reading, at: moment.wall)
    }

    private func collect(_ mount: Mount, _ moment: Moment) {
        let path = mount.entry.mountPoint
        var isCovered = false
        mount.probe.collect(moment, into: &mount.usage, status: mount.status, hanging: "statfs \(path)") {
            measurement in
            isCovered = measurement.isMemory
            return measurement.usage
        }
        // No tmpfs is among those measured: systemd has put an empty one in front of it.
        if isCovered {
            mount.usage = .missing("hidden from the agent by its service (ProtectHome=, InaccessiblePaths=)")
        }
    }

    private func mountTable(_ buffer: ReadBuffer) throws(SourceFailure) -> [MountEntry] {
        let own = selectMounts(try table.read(buffer) { text throws(SourceFailure) in parseMountinfo(text) })
        guard own.contains(where: { $0.isReadOnlyMount && !$0.isReadOnlyFileSystem }) else { return own }
        // Not kept open: it is looked at now and then. Where it may not be read, the own one is all there is.
        let nodeTable = KernelFile(options.procRoot + "/1/mountinfo", isSingleRecord: false)
        guard let node = try? nodeTable.read(buffer, parseMountinfo) else { return own }
        return asTheNodeHasThem(own, node: node)
    }

    private func readTable(_ moment: Moment, _ buffer: ReadBuffer) {
        let entries = tableStatus.measure(moment) { () throws(SourceFailure) in
            try mountTable(buffer)
        }
        nextTable.done(moment, cost: tableStatus.lastCost)
        guard case .value(let entries, _) = entries else {
            problem = entries.missingReason
            return
        }
        problem = nil
        var known: [String: Mount] = [:]
        for mount in mounts { known[mount.entry.mountPoint] = mount }
        mounts = entries.map { entry in
            let old = known[entry.mountPoint]
            if let old, old.entry == entry {
                known[entry.mountPoint] = nil
                return old
            }
            known[entry.mountPoint] = nil
            let source = "statfs:\(entry.mountPoint)"
            return Mount(entry, ledger.add(source), probes.fileSystem(source, options))
        }
        for path in known.keys { ledger.remove("statfs:\(path)") }
    }
}
