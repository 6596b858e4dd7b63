// SPDX-License-Identifier: Apache-2.0
import NodeStatus

@testable import Collector

extension FuzzTarget {
    /// A file of /proc or /sys: its name in the first line, and its text.
    static let kernelText = FuzzTarget(name: "kernel-text", maximumLength: 4_096) { bytes in
        var pieces = Pieces(bytes)
        let name = pieces.line()
        let text = Array(pieces.rest)
        guard let parse = kernelFiles[name] else {
            for parse in kernelFiles.values { text.withUnsafeBytes { try? parse(TextCursor($0)) } }
            return
        }
        text.withUnsafeBytes { try? parse(TextCursor($0)) }
    }

    private static let kernelFiles: [String: @Sendable (TextCursor) throws(SourceFailure) -> Void] = [
        "loadavg": { text throws(SourceFailure) in
            let load = try ProcLoadavg(text, name: "loadavg").load
            for value in [load.one, load.five, load.fifteen] { check(value.isFinite && value >= 0, "a load") }
        },
        "pressure": { text throws(SourceFailure) in
            let pressure = try parsePressure(text, name: "pressure")
            for stall in [pressure.some, pressure.full].compactMap(\.self) {
                for value in [stall.avg10, stall.avg60, stall.avg300] { check(value.isFinite && value >= 0, "a share") }
            }
        },
        "meminfo": { text throws(SourceFailure) in
            let memory = try Meminfo(text, name: "meminfo")
            check(memory.total > 0 && memory.free != nil, "what was asked for")
            _ = memory.estimatedUsage
        },
        "memory.stat": { text throws(SourceFailure) in _ = try MemoryCgroup(version2Stat: text, name: "memory.stat") },
        "memory.stat.1": { text throws(SourceFailure) in
            let cgroup = try MemoryCgroup(version1Stat: text, usage: 7, name: "memory.stat")
            check(cgroup.usage == 7, "what was given")
        },
        "number": { text throws(SourceFailure) in _ = try parseNumber(text, name: "number") },
        "cpu.stat": { text throws(SourceFailure) in _ = try parseCPUStat(text, name: "cpu.stat") },
        "stat": { text throws(SourceFailure) in
            let stat = try ProcStat(text, name: "stat")
            check(stat.modes.count >= 4, "the modes that are always there")
            _ = stat.busy
        },
        "cpulist": { text in
            guard let ranges = parseCPUList(text.trimmedText) else { return }
            check(ranges.count <= 8_192 && ranges.allSatisfy { $0.upperBound < 1 << 20 }, "processors that can be")
            _ = ranges.reduce(UInt64(0)) { $0.clampedSum(UInt64($1.count)) }
        },
        "mountinfo": { text in
            let mounts = parseMountinfo(text)
            let chosen = selectMounts(mounts)
            check(chosen.count <= 64, "not more than are measured")
            check(Set(chosen.map(\.device)).count == chosen.count, "each device once")
            check(chosen.allSatisfy { mounts.contains($0) }, "only what is there")
        },
        "net/dev": { text throws(SourceFailure) in
            try parseNetDev(text, name: "net/dev") { name, _ in check(name.length > 0, "an interface has a name") }
        },
        "net/route": { text in checkRoutes(parseIPv4DefaultRoutes(text), isIPv6: false) },
        "net/ipv6_route": { text in checkRoutes(parseIPv6DefaultRoutes(text), isIPv6: true) },
        "os-release": { text in check(!parsePrettyName(text.text).isEmpty, "a system has a name") },
    ]

    private static func checkRoutes(_ routes: [DefaultRoute], isIPv6: Bool) {
        check(routes.count <= 256, "not more than anybody has")
        for route in routes {
            check(route.isIPv6 == isIPv6 && !route.interface.isEmpty, "a route")
            check(route.gateway.map { $0.isIPv6 == isIPv6 } ?? true, "its gateway")
        }
    }

    /// Answers of rtnetlink: the interfaces with their length before them, and then the addresses.
    static let netlink = FuzzTarget(name: "netlink", maximumLength: 8_192) { bytes in
        var pieces = Pieces(bytes)
        let links = pieces.blob()
        let addresses = Array(pieces.rest)
        let interfaces = parseInterfaces(links: links, addresses: addresses)
        check(interfaces.count <= links.count / 32, "an interface takes its room")
        check(interfaces.allSatisfy { !$0.name.isEmpty }, "an interface has a name")
        let found = interfaces.reduce(0) { $0 + $1.addresses.count }
        check(found <= addresses.count / 24, "an address takes its room")
        _ = NetlinkChanges(links)
        _ = NetlinkChanges(addresses)
    }
}
