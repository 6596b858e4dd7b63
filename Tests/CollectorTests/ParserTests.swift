// SPDX-License-Identifier: Apache-2.0

import NodeStatus
import Testing

@testable import Collector

@Suite("Parsers of kernel text")
struct ParserTests {
    @Test("meminfo gives bytes, and MemAvailable only where the kernel has it")
    func meminfo() throws {
        let text =
            "MemTotal:  100 kB\nMemFree: 7 kB\nCached: 30 kB\nSwapCached: 1 kB\nInactive(file): 20 kB\n"
            + "SwapTotal: 5 kB\nSwapFree: 4 kB\nAnonPages: 9 kB\n"
        let memory = try parsing(text) { try Meminfo($0, name: "m") }
        #expect(memory.total == 102_400)
        #expect(memory.available == nil)
        #expect(memory.estimatedUsage == 40 * 1_024)
        #expect(memory.inactiveFile == 20 * 1_024)
        #expect(memory.swapFree == 4 * 1_024)
    }

    @Test(
        "meminfo that makes no sense is refused with the key's name",
        arguments: [
            ("MemTotal: -5 kB\n", "parse m: MemTotal is not a number of kB"),
            ("MemTotal: 1180591620717411303424 kB\n", "parse m: MemTotal is not a number of kB"),
            ("MemTotal: 18446744073709551615 kB\n", "parse m: MemTotal is not a number of kB"),
            ("MemTotal: 5\n", "parse m: MemTotal is not a number of kB"),
            ("MemFree: 5 kB\n", "parse m: no MemTotal"),
            ("MemTotal: 5 kB", "parse m: no MemFree"),
        ])
    func badMeminfo(text: String, reason: String) {
        #expect(throws: SourceFailure.failed(reason)) { try parsing(text) { try Meminfo($0, name: "m") } }
    }

    @Test("lines may end with CRLF and the last one without anything")
    func lineEnds() throws {
        let memory = try parsing("MemTotal: 5 kB\r\nMemFree: 1 kB") { try Meminfo($0, name: "m") }
        #expect(memory.free == 1_024)
        #expect(try parsing("123\r\n") { try parseNumber($0, name: "n") } == 123)
    }

    @Test("cgroup v2 usage is anon and file, v1 usage the file's own number with total_ rows")
    func cgroups() throws {
        let second = try parsing("file 20\nanon 10\ninactive_file 5\npgmajfault 1\npgfault 2\n") {
            try MemoryCgroup(version2Stat: $0, name: "s")
        }
        #expect(second.usage == 30)
        #expect(second.rss == 10)
        #expect(second.majorPageFaults == 1)
        let first = try parsing(
            "rss 1\ntotal_rss 7\ninactive_file 1\ntotal_inactive_file 6\ntotal_pgfault 3\ntotal_pgmajfault 4\n"
        ) {
            try MemoryCgroup(version1Stat: $0, usage: 99, name: "s")
        }
        #expect(first.usage == 99)
        #expect(first.rss == 7)
        #expect(first.inactiveFile == 6)
        #expect(first.pageFaults == 3)
    }

    @Test("a missing row of memory.stat is an error that names it, not a zero")
    func cgroupRow() {
        #expect(throws: SourceFailure.failed("parse s: no inactive_file")) {
            try parsing("anon 1\nfile 2\npgfault 0\npgmajfault 0\n") { try MemoryCgroup(version2Stat: $0, name: "s") }
        }
    }

    @Test(
        "/proc/stat gives nanoseconds per mode and the boot time; counters that do not fit stop at the greatest number")
    func stat() throws {
        let stat = try parsing("cpu  1 2 3 4 5 6 7 8 9 10\ncpu0 9 9 9 9\nbtime 1700000000\n") {
            try ProcStat($0, name: "stat")
        }
        #expect(stat.modes[.user] == 10_000_000)
        #expect(stat.modes[.steal] == 80_000_000)
        #expect(stat.bootTime == 1_700_000_000)
        #expect(stat.busy == 270_000_000)
        let huge = try parsing("cpu 18446744073709551615 0 0 18446744073709551615\n") { try ProcStat($0, name: "stat") }
        #expect(huge.modes[.user] == .max)
        #expect(huge.modes[.iowait] == nil)
    }

    @Test("loadavg's fourth field gives all tasks, threads too")
    func loadavg() throws {
        let loadavg = try parsing("1.05 1.30 0.67 2/84 10314\n") { try ProcLoadavg($0, name: "l") }
        #expect(loadavg.load == LoadAverage(one: 1.05, five: 1.3, fifteen: 0.67))
        #expect(loadavg.tasks == 84)
        // Rounded once: what prints as 1.84 is that and not 1.8399999999999999.
        let again = try parsing("1.84 0.07 12.29 2/84 10314\n") { try ProcLoadavg($0, name: "l") }
        #expect(again.load == LoadAverage(one: 1.84, five: 0.07, fifteen: 12.29))
        #expect(throws: SourceFailure.self) { try parsing("1.05 1.30 -0.67 2/84 1") { try ProcLoadavg($0, name: "l") } }
        #expect(throws: SourceFailure.self) { try parsing("1.05 1.30 0.67 84 1") { try ProcLoadavg($0, name: "l") } }
    }

    @Test("a pressure file without a full line is whole, one with a strange value is not")
    func pressure() throws {
        let text = "some avg10=0.12 avg60=7.50 avg300=10.18 total=62833243\n"
        let pressure = try parsing(text) { try parsePressure($0, name: "p") }
        #expect(pressure.some == .init(avg10: 0.12, avg60: 7.5, avg300: 10.18, total: 62_833_243))
        #expect(pressure.full == nil)
        #expect(throws: SourceFailure.failed("parse p: \"some\" has \"avg10=nan\"")) {
            try parsing("some avg10=nan avg60=0.00 avg300=0.00 total=1\n") { try parsePressure($0, name: "p") }
        }
        #expect(throws: SourceFailure.failed("parse p: \"some\" has 2 values")) {
            try parsing("some avg10=0.00 avg60=0.00\n") { try parsePressure($0, name: "p") }
        }
    }

    @Test("CPU lists", arguments: [("0", [0...0]), ("0-3,8,10-11", [0...3, 8...8, 10...11]), ("", [])])
    func cpuList(text: String, ranges: [ClosedRange<Int>]) { #expect(parseCPUList(text) == ranges) }

    @Test("CPU lists that are none", arguments: ["3-1", "a", "0,", "0-", "-1", "0-99999999999", "1 2"])
    func badCPUList(text: String) { #expect(parseCPUList(text) == nil) }

    @Test(
        "PRETTY_NAME is unquoted as a shell does, and equals the kubelet's for ordinary files",
        arguments: [
            ("PRETTY_NAME=\"Debian GNU/Linux 12 (bookworm)\"\nID=debian\n", "Debian GNU/Linux 12 (bookworm)"),
            ("ID=x\nPRETTY_NAME='Single \"quoted\"'\n", "Single \"quoted\""),
            ("PRETTY_NAME=\"a \\\"b\\\" \\$c \\d\"\n", "a \"b\" $c \\d"),
            ("PRETTY_NAME=Plain\r\n", "Plain"), ("#PRETTY_NAME=no\nNOT_PRETTY_NAME=no\n", "Linux"),
            ("PRETTY_NAME=one\nPRETTY_NAME=two", "two"), ("", "Linux"), ("PRETTY_NAME=\"\"\n", "Linux"),
        ])
    func prettyName(text: String, name: String) { #expect(parsePrettyName(text) == name) }

    @Test("a route counts as default only with mask zero, up and not rejecting; gateways are read in network order")
    func routes() {
        let text = try? KernelFile(fixture("cgroup2") + "/proc/net/route").read(ReadBuffer()) {
            cursor throws(SourceFailure) in
            parseIPv4DefaultRoutes(cursor)
        }
        #expect(text?.map(\.interface) == ["eth0", "ppp0"])
        #expect(text?.first?.gateway == IPAddress(bytes: [10, 0, 2, 1]))
        #expect(text?.last?.gateway == nil)
        let six = try? KernelFile(fixture("cgroup2") + "/proc/net/ipv6_route").read(ReadBuffer()) {
            cursor throws(SourceFailure) in parseIPv6DefaultRoutes(cursor)
        }
        #expect(six?.map(\.interface) == ["eth0"])
        #expect(six?.first?.gateway?.bytes.prefix(2) == [0xfe, 0x80])
    }

    @Test("of hundreds of mounts those remain that hold data, one per device, with the shortest mount point")
    func mounts() throws {
        let all = try KernelFile(fixture("cgroup2") + "/proc/self/mountinfo", isSingleRecord: false).read(ReadBuffer())
        {
            cursor throws(SourceFailure) in parseMountinfo(cursor)
        }
        let mounts = selectMounts(all)
        #expect(
            mounts.map(\.mountPoint) == [
                "/", "/mnt/s3", "/boot/efi", "/mnt/ceph", "/mnt/with space\\x", "/var/lib/containerd",
                "/var/lib/kubelet/plugins/kubernetes.io/csi/driver/abc/globalmount",
            ])
        #expect(mounts[4].source == "filer:/export/a b")
        #expect(mounts[3].isReadOnly)
        #expect(!mounts[0].isReadOnly)
        #expect(mounts[0].device == "259:2")
    }

    @Test("at most 64 mounts are kept, and the later of two on one mount point")
    func mountLimit() {
        let many = (0..<500).map {
            MountEntry(
                device: "8:\($0)", mountPoint: "/m\($0)", type: "ext4", source: "/dev/x", isReadOnlyFileSystem: false,
                isReadOnlyMount: false)
        }
        #expect(selectMounts(many).count == 64)
        let hidden = MountEntry(
            device: "8:1", mountPoint: "/m", type: "ext4", source: "/dev/a", isReadOnlyFileSystem: false,
            isReadOnlyMount: false)
        let visible = MountEntry(
            device: "8:2", mountPoint: "/m", type: "ext4", source: "/dev/b", isReadOnlyFileSystem: false,
            isReadOnlyMount: false)
        #expect(selectMounts([hidden, visible]) == [visible])
    }

    @Test("a netlink dump gives interfaces by index with flags, addresses in order, the local end of a tunnel")
    func netlink() throws {
        let interfaces = parseInterfaces(links: exampleDump.links, addresses: exampleDump.addresses)
        #expect(interfaces.map(\.name) == ["lo", "eth0", "tun0"])
        let eth0 = try #require(interfaces.dropFirst().first)
        #expect(eth0.isUp && eth0.isRunning && !eth0.isLoopback)
        #expect(eth0.hardwareAddress == "02:00:00:00:00:1f")
        #expect(eth0.mtu == 1450)
        #expect(eth0.addresses.map(\.prefixLength) == [24, 64])
        #expect(interfaces[0].isLoopback)
        #expect(interfaces[2].isPointToPoint && !interfaces[2].isUp)
        #expect(interfaces[2].addresses.map(\.address) == [IPAddress(bytes: [10, 9, 9, 1])])
        #expect(NetlinkChanges(netlinkMessage(24, [0])) == .routes)
        #expect(NetlinkChanges(netlinkMessage(21, [0])) == .interfaces)
    }

    @Test("a netlink dump cut off anywhere gives what is whole and does not trap")
    func truncatedNetlink() {
        for length in 0..<exampleDump.links.count {
            let interfaces = parseInterfaces(
                links: Array(exampleDump.links.prefix(length)),
                addresses: Array(exampleDump.addresses.prefix(length)))
            #expect(interfaces.count <= 3)
        }
    }

    @Test("no parser traps on absurd text", arguments: absurdTexts)
    func absurd(bytes: [UInt8]) {
        parsing(bytes) { text in
            _ = try? Meminfo(text, name: "x")
            _ = try? MemoryCgroup(version2Stat: text, name: "x")
            _ = try? MemoryCgroup(version1Stat: text, usage: 1, name: "x")
            _ = try? ProcStat(text, name: "x")
            _ = try? ProcLoadavg(text, name: "x")
            _ = try? parsePressure(text, name: "x")
            _ = try? parseNumber(text, name: "x")
            _ = try? parseCPUStat(text, name: "x")
            _ = parseIPv4DefaultRoutes(text)
            _ = parseIPv6DefaultRoutes(text)
            _ = parseMountinfo(text)
            try? parseNetDev(text, name: "x") { _, _ in }
            _ = parsePrettyName(text.text)
            _ = parseCPUList(text.text)
            _ = text.trimmedText
        }
        _ = parseInterfaces(links: bytes, addresses: bytes)
        _ = NetlinkChanges(bytes)
    }

    @Test("every prefix of every fixture file is digested")
    func prefixes() throws {
        for file in ["meminfo", "stat", "loadavg", "pressure/memory", "net/dev", "net/route", "net/ipv6_route"] {
            let text = try readSmallFile(fixture("cgroup2") + "/proc/" + file, ReadBuffer())
            for length in 0...min(text.utf8.count, 1_500) { absurd(bytes: Array(text.utf8.prefix(length))) }
        }
    }
}
