// SPDX-License-Identifier: Apache-2.0
internal import NodeStatus

// The parts of `/status`. Bytes are bytes, times are RFC 3339, shares are per cent; names carry the unit where a
// number could be taken for another.

extension Report {
    struct Pressure: Encodable {
        struct Stall: Encodable {
            var avg10: Double
            var avg60: Double
            var avg300: Double
            var totalMicroseconds: UInt64

            init(_ stall: PressureStall.Stall) {
                avg10 = stall.avg10
                avg60 = stall.avg60
                avg300 = stall.avg300
                totalMicroseconds = stall.total
            }
        }

        var some: Stall
        var full: Stall?

        init(_ pressure: PressureStall) {
            some = Stall(pressure.some)
            full = pressure.full.map(Stall.init)
        }
    }

    struct Memory: Encodable {
        var totalBytes: UInt64
        /// The kubelet's measure: total less working set.
        var availableBytes: UInt64
        /// The kernel's own estimate.
        var kernelAvailableBytes: UInt64?
        var workingSetBytes: UInt64
        var usageBytes: UInt64
        var swapTotalBytes: UInt64
        var swapUsedBytes: UInt64
        var source: String

        init(_ memory: MemoryUsage) {
            totalBytes = memory.total
            availableBytes = memory.available
            kernelAvailableBytes = memory.kernelAvailable
            workingSetBytes = memory.workingSet
            usageBytes = memory.usage
            swapTotalBytes = memory.swapTotal
            swapUsedBytes = memory.swapUsed
            source = memory.source.rawValue
        }
    }

    struct CPU: Encodable {
        var logical: UInt64
        var online: String

        init(_ topology: CPUTopology) {
            logical = topology.logical
            online = topology.online
        }
    }

    struct Load: Encodable {
        var one: Double
        var five: Double
        var fifteen: Double

        init(_ load: LoadAverage) {
            one = load.one
            five = load.five
            fifteen = load.fifteen
        }
    }

    struct Tasks: Encodable {
        var running: UInt64
        var maximum: UInt64

        init(_ usage: ProcessUsage) {
            running = usage.running
            maximum = usage.maximum
        }
    }

    struct HugePages: Encodable {
        var pageSizeBytes: UInt64
        var pages: UInt64
        var freePages: UInt64

        init(_ pool: HugePagePool) {
            pageSizeBytes = pool.pageSize
            pages = pool.count
            freePages = pool.free
        }
    }

    struct FileSystem: Encodable {
        struct Usage: Encodable {
            var capacityBytes: UInt64
            var usedBytes: UInt64
            var availableBytes: UInt64
            var inodes: UInt64
            var inodesFree: UInt64

            init(_ usage: FileSystemUsage) {
                capacityBytes = usage.capacity
                usedBytes = usage.used
                availableBytes = usage.available
                inodes = usage.inodes
                inodesFree = usage.inodesFree
            }
        }

        var mountPoint: String
        var source: String
        var type: String
        var readOnly: Bool
        var usage: OrError<Usage>

        init(_ mount: MountedFileSystem) {
            mountPoint = mount.mountPoint
            source = mount.source
            type = mount.type
            readOnly = mount.readOnly
            usage = OrError(mount.usage, Usage.init)
        }
    }

    struct Network: Encodable {
        struct Interface: Encodable {
            var name: String
            var up: Bool
            var running: Bool
            var mtu: UInt32
            var hardwareAddress: String?
            /// With prefix length, in the kernel's order.
            var addresses: [String]

            init(_ interface: NetworkInterface) {
                name = interface.name
                up = interface.isUp
                running = interface.isRunning
                mtu = interface.mtu
                hardwareAddress = interface.hardwareAddress
                addresses = interface.addresses.map { "\($0.address)/\($0.prefixLength)" }
            }
        }

        /// Interfaces shown here; a node with a thousand pods has a thousand more, which are in the metrics.
        static let mostInterfaces = 64

        var defaultRoutes: OrError<[NetworkOverview.Route]>
        var interfaces: OrError<[Interface]>
        var interfaceCount: Int?
        var resolvedAddresses: OrError<[String]>

        init(_ snapshot: NodeSnapshot) {
            defaultRoutes = OrError(NetworkOverview.compute(snapshot), \.defaultRoutes)
            interfaces = OrError(snapshot.interfaces) { $0.prefix(Self.mostInterfaces).map(Interface.init) }
            interfaceCount = snapshot.interfaces.value?.count
            resolvedAddresses = OrError(snapshot.resolvedAddresses) { $0.map(\.description) }
        }
    }

    struct Source: Encodable {
        var name: String
        var state: String
        var since: Timestamp
        var error: String?
        /// Of the last success, for a source that has none just now.
        var lastSuccess: Timestamp?
        /// The longest call so far.
        var longestSeconds: Double
        var failures: UInt64

        init(_ source: SourceReport) {
            name = source.name
            state = source.state.rawValue
            since = source.since
            error = source.error
            // While a source is well this would move with every reading.
            lastSuccess = source.state == .ok ? nil : source.lastSuccess
            // Two digits: the last microsecond of a record changes nothing that anybody would look at.
            longestSeconds = Self.rounded(source.longestDuration)
            failures = source.failures
        }

        private static func rounded(_ seconds: Double) -> Double {
            var perSecond = 10_000.0
            while perSecond > 1, seconds * perSecond >= 100 { perSecond /= 10 }
            return (seconds * perSecond).rounded(.up) / perSecond
        }
    }

    struct Agent: Encodable {
        struct Process: Encodable {
            var role: String
            var pid: Int32
            var residentBytes: UInt64
            var anonymousBytes: UInt64
            var threads: UInt64
        }

        var version: String
        var startTime: Timestamp
        var listeners: [String]
        var processes: [Process]
        var webStarts: UInt64
        var notice: String?

        init(_ facts: AgentFacts) {
            version = facts.version
            startTime = facts.startTime
            listeners = facts.listeners
            processes = facts.processes.map {
                Process(
                    role: $0.role, pid: $0.processID, residentBytes: $0.resident, anonymousBytes: $0.anonymous,
                    threads: $0.threads)
            }
            webStarts = facts.webStarts
            notice = facts.notice
        }
    }
}
