// SPDX-License-Identifier: Apache-2.0

import Glibc
import NodeStatus

/// Every source in one place, read in turn by one thread. Has no thread and no timer itself: tests call `tick`.
final class Engine {
    private(set) var snapshot: NodeSnapshot
    let probes: ProbeTable
    let bus: BusSource?
    private let clock: CollectorClock
    private let ledger: SourceLedger
    private let buffer = ReadBuffer()
    private let netlink: NetlinkMonitor?

    private let memory: MemoryReader
    private let processor: ProcessorReader
    private let processes: ProcessReader
    private let pressure: PressureReader
    private let nodeDirectory: DirectoryReader
    private let images: ImageFileSystemReader
    private let mounts: MountReader
    private let hardware: HardwareReader
    private let network: NetworkReader
    private let names: NameReader
    private let identity: IdentityReader
    private let timekeeping: ClockReader
    private let busView: BusView

    /// - Parameter listensToKernel: opens an rtnetlink socket for changes; fixtures have none.
    init(_ options: CollectorOptions, probes: ProbeTable, bus: BusSource? = nil, listensToKernel: Bool = true) {
        clock = options.clock
        self.probes = probes
        self.bus = bus
        ledger = SourceLedger(options.clock)
        snapshot = NodeSnapshot(time: options.clock.wall())
        let monitor = listensToKernel ? NetlinkMonitor() : nil
        netlink = monitor
        memory = MemoryReader(options, ledger)
        processor = ProcessorReader(options, ledger)
        processes = ProcessReader(options, ledger)
        pressure = PressureReader(options, ledger)
        nodeDirectory = DirectoryReader("nodefs", options.rootDirectory, options, ledger, probes)
        images = ImageFileSystemReader(options, ledger, probes)
        mounts = MountReader(options, ledger, probes)
        hardware = HardwareReader(options, ledger)
        network = NetworkReader(options, ledger, hasEvents: (monitor?.descriptor ?? -1) >= 0)
        names = NameReader(options, ledger, probes)
        identity = IdentityReader(options, ledger)
        timekeeping = ClockReader(options, ledger)
        busView = BusView(options, ledger, bus)
    }

    var netlinkDescriptor: Int32 { netlink?.descriptor ?? -1 }
    var mountDescriptor: Int32 { mounts.pollDescriptor }
    var hostnameDescriptor: Int32 { names.pollDescriptor }

    /// Reads whatever is due.
    ///
    /// - Parameter grace: how long to wait for calls that have just been started, nanoseconds. Those that hang from
    ///   before are not waited for.
    func tick(grace: UInt64 = 20 * .millisecond) {
        let moment = clock.now
        startSlow(moment)
        readFiles(moment)
        waitForProbes(moment, grace)
        collectSlow(clock.now)
        finish(moment)
    }

    /// The mount table has changed.
    func mountsChanged() { mounts.tableChanged(clock.now) }
    func hostnameChanged() {
        names.hostnameChanged(clock.now)
    }

    /// The container runtime has said where its images are.
    func imagesAre(in directory: String?) { images.follow(directory) }

    func drainNetlink() {
        guard let netlink else { return }
        network.changed(netlink.drain(), clock.now)
    }

    /// Everything is due at the next tick, whatever its pace.
    func refresh() {
        let moment = clock.now
        hardware.refresh()
        network.changed([.interfaces, .routes], moment)
        names.hostnameChanged(moment)
        names.addressesChanged(moment)
        identity.refresh(moment)
        mounts.refresh(moment)
        bus?.refresh()
    }

    /// Only what an event has made due, and what the bus has said since: costs little.
    func followEvents() {
        let moment = clock.now
        names.read(moment, buffer)
        network.read(moment, buffer)
        finish(moment)
    }

    private func startSlow(_ moment: Moment) {
        nodeDirectory.start(moment, probes.pool)
        images.start(moment, probes.pool, sharing: nodeDirectory)
        names.read(moment, buffer)
        names.start(moment, probes.pool)
        startMounts(moment)
    }

    @discardableResult
    private func startMounts(_ moment: Moment) -> Bool {
        var measured: [String: DirectoryReader] = [:]
        for reader in [images.current, nodeDirectory] {
            if let reader, let device = reader.device { measured[device] = reader }
        }
        return mounts.start(moment, buffer, probes.pool, measured: measured)
    }

    private func readFiles(_ moment: Moment) {
        snapshot.memory = memory.read(moment, buffer)
        snapshot.cpu = processor.read(moment, buffer)
        snapshot.bootTime = processor.bootTime
        (snapshot.load, snapshot.processes) = processes.read(moment, buffer)
        pressure.read(moment, buffer) { index, reading in
            switch index {
            case 0: snapshot.cpuPressure = reading
            case 1: snapshot.memoryPressure = reading
            default: snapshot.ioPressure = reading
            }
        }
        hardware.read(moment, buffer)
        network.read(moment, buffer)
        identity.read(moment, buffer)
    }

    /// Waits for the calls that this tick has started, and for no others.
    private func waitForProbes(_ moment: Moment, _ grace: UInt64) {
        func isWaiting() -> Bool {
            nodeDirectory.isRunning(since: moment) || images.isRunning(since: moment)
                || names.isRunning(since: moment) || mounts.isRunning(since: moment)
        }
        guard grace > 0, isWaiting() else { return }
        let deadline = CollectorClock().monotonic().clampedSum(grace)
        // Mounts come in batches; as long as there is time, the next one follows.
        while probes.pool.wait(until: deadline, { !isWaiting() }) {
            guard startMounts(moment) else { return }
        }
    }

    private func collectSlow(_ moment: Moment) {
        nodeDirectory.collect(moment)
        images.collect(moment)
        mounts.collect(moment)
        names.collect(moment)
        snapshot.nodeFileSystem = nodeDirectory.usage
        snapshot.imageFileSystem = images.usage(sharing: nodeDirectory)
        snapshot.missingImageDirectory = images.missing
        snapshot.fileSystems = mounts.result(moment)
    }

    private func finish(_ moment: Moment) {
        if network.takeAddressChange() { names.addressesChanged(moment) }
        snapshot.topology = hardware.topology
        snapshot.hugePages = hardware.hugePages
        snapshot.interfaces = network.interfaces
        snapshot.defaultRoutes = network.routes
        snapshot.hostname = names.hostname
        snapshot.resolvedAddresses = names.addresses
        snapshot.identity = identity.identity
        busView.update(moment, buffer)
        snapshot.systemd = busView.systemd
        snapshot.host = busView.host
        snapshot.clock = timekeeping.read(moment, timedate1: busView.clock)
        snapshot.sources = ledger.reports
        snapshot.time = moment.wall
    }
}
