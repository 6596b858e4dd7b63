// SPDX-License-Identifier: Apache-2.0

/// Everything that the collector knows about the node at one moment: immutable, published whole.
///
/// API and Heartbeat see this and never the Collector, so they are tested from literals.
package struct NodeSnapshot: Equatable, Sendable {
    /// When the collector put it together.
    package var time: Timestamp

    // Every second.
    package var memory: Reading<MemoryUsage> = .notYetRead
    package var cpu: Reading<CPUUsage> = .notYetRead
    package var load: Reading<LoadAverage> = .notYetRead
    package var processes: Reading<ProcessUsage> = .notYetRead
    package var cpuPressure: Reading<PressureStall> = .notYetRead
    package var memoryPressure: Reading<PressureStall> = .notYetRead
    package var ioPressure: Reading<PressureStall> = .notYetRead
    /// The file system that holds the root directory (the kubelet's nodefs).
    package var nodeFileSystem: Reading<FileSystemUsage> = .notYetRead
    /// The file system that holds the container runtime's images (imagefs).
    package var imageFileSystem: Reading<FileSystemUsage> = .notYetRead
    /// The directory that the container runtime names for its images, when it is not there; another is measured then.
    package var missingImageDirectory: String?

    // At their own pace or on a change event.
    package var topology: Reading<CPUTopology> = .notYetRead
    package var hugePages: Reading<[HugePagePool]> = .notYetRead
    package var fileSystems: Reading<[MountedFileSystem]> = .notYetRead
    package var interfaces: Reading<[NetworkInterface]> = .notYetRead
    package var defaultRoutes: Reading<[DefaultRoute]> = .notYetRead
    /// What the resolver gives for the node's name.
    package var resolvedAddresses: Reading<[IPAddress]> = .notYetRead
    package var hostname: Reading<String> = .notYetRead
    package var identity: NodeIdentity = NodeIdentity()
    package var bootTime: Reading<Timestamp> = .notYetRead
    package var clock: Reading<ClockState> = .notYetRead
    package var systemd: Reading<SystemdState> = .notYetRead
    package var host: Reading<HostDescription> = .notYetRead

    /// The container runtime, which has an observer of its own: the agent adds what that last said. Nil: none is
    /// configured.
    package var runtime: RuntimeReport?

    /// The capacity as it was last read; the agent fills it in, the collector forgets.
    package var known = KnownCapacity()

    /// How each source fares, sorted by name.
    package var sources: [SourceReport] = []

    package init(time: Timestamp) {
        self.time = time
    }
}

extension Reading {
    package static var notYetRead: Reading { .missing("not read yet") }
}

/// Memory of the node in bytes.
package struct MemoryUsage: Equatable, Sendable {
    /// `MemTotal` of /proc/meminfo.
    package var total: UInt64
    /// `MemAvailable`: the kernel's own estimate; nil on kernels without it.
    package var kernelAvailable: UInt64?
    package var free: UInt64
    /// Of the root cgroup, after the kubelet's rules: v2 `anon`+`file` of memory.stat, v1 `memory.usage_in_bytes`;
    /// from /proc/meminfo where there is no memory controller.
    package var usage: UInt64
    /// `usage` less inactive file pages, not below zero.
    package var workingSet: UInt64
    /// v2 `anon`, v1 `total_rss`; nil without a memory controller.
    package var rss: UInt64?
    package var pageFaults: UInt64?
    package var majorPageFaults: UInt64?
    package var swapTotal: UInt64
    package var swapFree: UInt64
    package var source: MemorySource

    /// The kubelet's `memory.available`: total less working set, not below zero.
    package var available: UInt64 { total > workingSet ? total - workingSet : 0 }
    package var swapUsed: UInt64 { swapTotal > swapFree ? swapTotal - swapFree : 0 }

    package init(
        total: UInt64, kernelAvailable: UInt64?, free: UInt64, usage: UInt64, workingSet: UInt64, rss: UInt64? = nil,
        pageFaults: UInt64? = nil, majorPageFaults: UInt64? = nil, swapTotal: UInt64 = 0, swapFree: UInt64 = 0,
        source: MemorySource
    ) {
        self.total = total
        self.kernelAvailable = kernelAvailable
        self.free = free
        self.usage = usage
        self.workingSet = workingSet
        self.rss = rss
        self.pageFaults = pageFaults
        self.majorPageFaults = majorPageFaults
        self.swapTotal = swapTotal
        self.swapFree = swapFree
        self.source = source
    }
}

package enum MemorySource: String, Sendable {
    case cgroup2 = "cgroup v2"
    case cgroup1 = "cgroup v1"
    case meminfo = "meminfo"
}

/// CPU time since boot.
package struct CPUUsage: Equatable, Sendable {
    /// Nanoseconds of the root cgroup (v2 `usage_usec`, v1 `cpuacct.usage`), else the sum of the busy modes.
    package var totalNanoseconds: UInt64
    /// Of /proc/stat, in nanoseconds: user, nice, system, idle, iowait, irq, softirq, steal.
    package var modes: [CPUMode: UInt64]

    package init(totalNanoseconds: UInt64, modes: [CPUMode: UInt64]) {
        self.totalNanoseconds = totalNanoseconds
        self.modes = modes
    }
}

/// In the order of /proc/stat.
package enum CPUMode: String, Sendable, CaseIterable {
    case user, nice, system, idle, iowait, irq, softirq, steal
}

package struct LoadAverage: Equatable, Sendable {
    package var one: Double
    package var five: Double
    package var fifteen: Double

    package init(one: Double, five: Double, fifteen: Double) {
        self.one = one
        self.five = five
        self.fifteen = fifteen
    }
}

/// Tasks (processes and threads) against the most there may be.
package struct ProcessUsage: Equatable, Sendable {
    package var running: UInt64
    /// The smaller of kernel.pid_max and kernel.threads-max.
    package var maximum: UInt64
    package var available: UInt64 { maximum > running ? maximum - running : 0 }

    package init(running: UInt64, maximum: UInt64) {
        self.running = running
        self.maximum = maximum
    }
}

/// One /proc/pressure file; `full` is nil where the kernel has none.
package struct PressureStall: Equatable, Sendable {
    package var some: Stall
    package var full: Stall?

    package init(some: Stall, full: Stall?) {
        self.some = some
        self.full = full
    }

    package struct Stall: Equatable, Sendable {
        /// Per cent of the last 10, 60 and 300 seconds.
        package var avg10: Double
        package var avg60: Double
        package var avg300: Double
        /// Microseconds since boot.
        package var total: UInt64

        package init(avg10: Double, avg60: Double, avg300: Double, total: UInt64) {
            self.avg10 = avg10
            self.avg60 = avg60
            self.avg300 = avg300
            self.total = total
        }
    }
}

/// What statfs says of a file system, in bytes and inodes.
package struct FileSystemUsage: Equatable, Sendable {
    /// The directory that was measured: the one asked for, or its nearest existing ancestor.
    package var path: String
    package var capacity: UInt64
    /// Free for unprivileged users (`f_bavail`).
    package var available: UInt64
    /// Free at all (`f_bfree`).
    package var free: UInt64
    /// Zero on file systems that make inodes as they need them.
    package var inodes: UInt64
    package var inodesFree: UInt64
    package var used: UInt64 { capacity > free ? capacity - free : 0 }

    package init(
        path: String, capacity: UInt64, available: UInt64, free: UInt64, inodes: UInt64, inodesFree: UInt64
    ) {
        self.path = path
        self.capacity = capacity
        self.available = available
        self.free = free
        self.inodes = inodes
        self.inodesFree = inodesFree
    }
}

/// A mount of the node with what statfs says of it.
package struct MountedFileSystem: Equatable, Sendable {
    package var mountPoint: String
    package var source: String
    package var type: String
    package var readOnly: Bool
    /// `major:minor` of /proc/self/mountinfo.
    package var device: String
    package var usage: Reading<FileSystemUsage>

    package init(
        mountPoint: String, source: String, type: String, readOnly: Bool, device: String,
        usage: Reading<FileSystemUsage>
    ) {
        self.mountPoint = mountPoint
        self.source = source
        self.type = type
        self.readOnly = readOnly
        self.device = device
        self.usage = usage
    }
}

package struct CPUTopology: Equatable, Sendable {
    /// Online logical CPUs, counted as the kubelet does.
    package var logical: UInt64
    package var online: String

    package init(logical: UInt64, online: String) {
        self.logical = logical
        self.online = online
    }
}

package struct HugePagePool: Equatable, Sendable {
    /// Bytes of one page.
    package var pageSize: UInt64
    /// Pages in the pool (`nr_hugepages`).
    package var count: UInt64
    package var free: UInt64

    package init(pageSize: UInt64, count: UInt64, free: UInt64) {
        self.pageSize = pageSize
        self.count = count
        self.free = free
    }
}

package struct NetworkInterface: Equatable, Sendable {
    package var name: String
    package var index: UInt32
    package var isUp: Bool
    package var isRunning: Bool
    package var isLoopback: Bool
    package var isPointToPoint: Bool
    package var mtu: UInt32
    package var hardwareAddress: String?
    /// In the kernel's order.
    package var addresses: [InterfaceAddress]
    package var counters: InterfaceCounters?

    package init(
        name: String, index: UInt32, isUp: Bool, isRunning: Bool = true, isLoopback: Bool = false,
        isPointToPoint: Bool = false, mtu: UInt32 = 1500, hardwareAddress: String? = nil,
        addresses: [InterfaceAddress] = [], counters: InterfaceCounters? = nil
    ) {
        self.name = name
        self.index = index
        self.isUp = isUp
        self.isRunning = isRunning
        self.isLoopback = isLoopback
        self.isPointToPoint = isPointToPoint
        self.mtu = mtu
        self.hardwareAddress = hardwareAddress
        self.addresses = addresses
        self.counters = counters
    }
}

package struct InterfaceAddress: Equatable, Sendable {
    package var address: IPAddress
    package var prefixLength: UInt8

    package init(address: IPAddress, prefixLength: UInt8) {
        self.address = address
        self.prefixLength = prefixLength
    }
}

package struct InterfaceCounters: Equatable, Sendable {
    package var receivedBytes: UInt64
    package var receivedPackets: UInt64
    package var receiveErrors: UInt64
    package var receiveDrops: UInt64
    package var sentBytes: UInt64
    package var sentPackets: UInt64
    package var sendErrors: UInt64
    package var sendDrops: UInt64

    package init(
        receivedBytes: UInt64, receivedPackets: UInt64, receiveErrors: UInt64, receiveDrops: UInt64,
        sentBytes: UInt64, sentPackets: UInt64, sendErrors: UInt64, sendDrops: UInt64
    ) {
        self.receivedBytes = receivedBytes
        self.receivedPackets = receivedPackets
        self.receiveErrors = receiveErrors
        self.receiveDrops = receiveDrops
        self.sentBytes = sentBytes
        self.sentPackets = sentPackets
        self.sendErrors = sendErrors
        self.sendDrops = sendDrops
    }
}

/// A row with destination 0.0.0.0 of /proc/net/route or `::` of /proc/net/ipv6_route, in the file's order.
package struct DefaultRoute: Equatable, Sendable {
    package var interface: String
    package var isIPv6: Bool
    package var gateway: IPAddress?

    package init(interface: String, isIPv6: Bool, gateway: IPAddress?) {
        self.interface = interface
        self.isIPv6 = isIPv6
        self.gateway = gateway
    }
}

/// What names this node and its software. Each has its own reason when it is missing.
package struct NodeIdentity: Equatable, Sendable {
    package var machineID: Reading<String> = .notYetRead
    package var systemUUID: Reading<String> = .notYetRead
    package var bootID: Reading<String> = .notYetRead
    package var kernelVersion: Reading<String> = .notYetRead
    package var osImage: Reading<String> = .notYetRead
    /// The Go name: amd64, arm64, …
    package var architecture: Reading<String> = .notYetRead

    package init() {}
}

package struct ClockState: Equatable, Sendable {
    package var isSynchronized: Bool
    /// `timedate1` or `kernel` (adjtimex).
    package var source: String
    /// The kernel's estimate of the clock's greatest error, microseconds (adjtimex `maxerror`). Grows while the clock
    /// is not disciplined, so it is shown in the metrics alone. Nil where the kernel may not be asked.
    package var maximumError: UInt64?

    package init(isSynchronized: Bool, source: String, maximumError: UInt64?) {
        self.isSynchronized = isSynchronized
        self.source = source
        self.maximumError = maximumError
    }
}

/// What org.freedesktop.systemd1 and login1 say.
package struct SystemdState: Equatable, Sendable {
    package var version: String
    /// `running`, `degraded`, `starting`, `maintenance`, `stopping`.
    package var systemState: String
    /// At most 64 names, sorted; `failedUnitCount` is the true number.
    package var failedUnits: [String]
    package var failedUnitCount: UInt64
    package var virtualization: String
    package var isPreparingForShutdown: Bool

    package init(
        version: String, systemState: String, failedUnits: [String], failedUnitCount: UInt64, virtualization: String,
        isPreparingForShutdown: Bool
    ) {
        self.version = version
        self.systemState = systemState
        self.failedUnits = failedUnits
        self.failedUnitCount = failedUnitCount
        self.virtualization = virtualization
        self.isPreparingForShutdown = isPreparingForShutdown
    }
}

/// What org.freedesktop.hostname1 says of the machine, or what /sys does where there is no bus. Empty: unknown.
package struct HostDescription: Equatable, Sendable {
    package var chassis: String
    package var vendor: String
    package var model: String
    package var virtualization: String
    /// `hostname1` or `sysfs`.
    package var source: String

    package init(chassis: String, vendor: String, model: String, virtualization: String, source: String) {
        self.chassis = chassis
        self.vendor = vendor
        self.model = model
        self.virtualization = virtualization
        self.source = source
    }
}

/// How a source fares.
package struct SourceReport: Equatable, Sendable {
    package enum State: String, Sendable {
        case ok
        /// It answered with an error.
        case failed
        /// A call has not returned within its time; no other is made until it does.
        case hung
        /// This node does not have it (no PSI in the kernel, no bus): not an error.
        case absent
    }

    /// A short fixed name: `meminfo`, `statfs:/`, `systemd1`.
    package var name: String
    package var state: State
    /// Why it is not `ok`.
    package var error: String?
    /// Since when it has been in this state.
    package var since: Timestamp
    /// When it last gave a value, nil: never.
    package var lastSuccess: Timestamp?
    /// How long the last call took, seconds.
    package var lastDuration: Double
    /// The longest call so far, seconds.
    package var longestDuration: Double
    /// Failures and hang-ups so far.
    package var failures: UInt64

    package init(
        name: String, state: State, error: String? = nil, since: Timestamp, lastSuccess: Timestamp? = nil,
        lastDuration: Double = 0, longestDuration: Double = 0, failures: UInt64 = 0
    ) {
        self.name = name
        self.state = state
        self.error = error
        self.since = since
        self.lastSuccess = lastSuccess
        self.lastDuration = lastDuration
        self.longestDuration = longestDuration
        self.failures = failures
    }
}
