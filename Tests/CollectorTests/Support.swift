// SPDX-License-Identifier: Apache-2.0

import Glibc
import NodeStatus
import Synchronization

@testable import Collector

/// The tree of one machine under Fixtures.
func fixture(_ machine: String) -> String {
    let here = #filePath
    return here[..<(here.lastIndex(of: "/") ?? here.endIndex)] + "/Fixtures/" + machine
}

/// A clock that stands still until told.
final class FakeClock: Sendable {
    private let time = Mutex<UInt64>(1_000 * .second)

    func advance(seconds: Double) { time.withLock { $0 += UInt64(seconds * 1e9) } }

    var clock: CollectorClock {
        var clock = CollectorClock()
        clock.monotonic = { self.time.withLock { $0 } }
        clock.wall = {
            let now = self.time.withLock { $0 }
            return Timestamp(seconds: 1_700_000_000 + Int64(now / .second), nanoseconds: Int32(now % .second))
        }
        return clock
    }
}

extension CollectorOptions {
    /// Everything below `root`, the clock in hand, and calls that answer at once.
    static func fixture(_ root: String, _ clock: FakeClock) -> CollectorOptions {
        var options = CollectorOptions()
        options.procRoot = root + "/proc"
        options.sysRoot = root + "/sys"
        options.etcRoot = root + "/etc"
        options.usrLibRoot = root + "/usrlib"
        options.varLibRoot = root + "/lib"
        options.rootDirectory = "/var/lib/kubelet"
        options.busAddress = "none"
        options.clock = clock.clock
        options.systemCalls.statfs = { .success(.example($0)) }
        options.systemCalls.resolve = { _ in .success([IPAddress(bytes: [10, 0, 0, 7])!]) }
        options.systemCalls.interfaces = { .success(exampleDump) }
        options.systemCalls.uname = { ("6.1.0-test", "x86_64") }
        options.systemCalls.clockError = { .success(1_000) }
        return options
    }
}

extension FileSystemMeasurement {
    static func example(_ path: String, device: String = "259:2") -> FileSystemMeasurement {
        .init(
            usage: FileSystemUsage(path: path, capacity: 1000, available: 400, free: 500, inodes: 100, inodesFree: 90),
            device: device)
    }
}

/// lo, eth0 with two addresses, tun0 point-to-point and down.
let exampleDump = NetlinkDump(
    links: netlinkMessage(
        16, linkBody(index: 2, flags: 0x11043, name: "eth0", mtu: 1450, hardware: [2, 0, 0, 0, 0, 0x1f]))
        + netlinkMessage(16, linkBody(index: 1, flags: 0x10049, name: "lo", mtu: 65536, hardware: [0, 0, 0, 0, 0, 0]))
        + netlinkMessage(16, linkBody(index: 9, flags: 0x1090, name: "tun0", mtu: 1400, hardware: []))
        + netlinkMessage(3, [0, 0, 0, 0]),
    addresses: netlinkMessage(20, [2, 8, 0x80, 254] + native(UInt32(1)) + attribute(1, [127, 0, 0, 1]))
        + netlinkMessage(20, [2, 24, 0x80, 0] + native(UInt32(2)) + attribute(1, [10, 0, 2, 15]))
        + netlinkMessage(
            20, [2, 32, 0x80, 0] + native(UInt32(9)) + attribute(1, [10, 9, 9, 2]) + attribute(2, [10, 9, 9, 1]))
        + netlinkMessage(
            20,
            [10, 64, 0x80, 0] + native(UInt32(2))
                + attribute(1, [0x20, 1, 0x0d, 0xb8] + [UInt8](repeating: 0, count: 11) + [5])))

func native<Number: FixedWidthInteger>(_ number: Number) -> [UInt8] { withUnsafeBytes(of: number) { Array($0) } }

func netlinkMessage(_ type: UInt16, _ body: [UInt8]) -> [UInt8] {
    padded(
        native(UInt32(16 + body.count)) + native(type) + native(UInt16(2)) + native(UInt32(1)) + native(UInt32(0))
            + body)
}

func attribute(_ type: UInt16, _ value: [UInt8]) -> [UInt8] {
    padded(native(UInt16(4 + value.count)) + native(type) + value)
}

private func linkBody(index: UInt32, flags: UInt32, name: String, mtu: UInt32, hardware: [UInt8]) -> [UInt8] {
    [0, 0, 1, 0] + native(index) + native(flags) + native(UInt32(0)) + attribute(3, Array(name.utf8) + [0])
        + attribute(4, native(mtu)) + attribute(1, hardware)
}

private func padded(_ bytes: [UInt8]) -> [UInt8] {
    bytes + [UInt8](repeating: 0, count: (4 - bytes.count % 4) % 4)
}

/// Parses `text` as a parser is given it.
func parsing<Value>(_ text: String, _ body: (TextCursor) throws -> Value) rethrows -> Value {
    try parsing(Array(text.utf8), body)
}

func parsing<Value>(_ bytes: [UInt8], _ body: (TextCursor) throws -> Value) rethrows -> Value {
    try bytes.withUnsafeBytes { try body(TextCursor($0)) }
}

/// Bytes that no parser may trap on.
let absurdTexts: [[UInt8]] =
    [
        "", "\n", "\r\n", " ", ":", "-", "\0", "cpu", "cpu ", "some ", "some avg10=", "MemTotal:", "MemTotal: -1 kB",
        "0/",
        "1 2 3 4/", "1 2 3 18446744073709551616/1 1", "total_rss", "anon 1180591620717411303424", "usage_usec",
        "btime 99999999999999999999", "Inter-", "Inter-\n\n", "Inter-\n\n:\n:::", "1 2 0:0 / / rw -",
        "1 2 0:0 / / rw - a",
        "1 2 0:0 / \\40 rw - nfs \\", "1 2 0:0 / \\777 rw - nfs \\08", "00000000000000000000000000000000 00 ", "a\tb",
        "eth0\t00000000", "x\ny\t00000000\t0102000A\t0003\t0\t0\t0\t", "\"", "'", "PRETTY_NAME=", "PRETTY_NAME=\"",
        "PRETTY_NAME=\\", "0-", "5-1", "0-99999999999", ",", "1,,2",
    ].map { Array($0.utf8) } + [Array(0...255), [UInt8](repeating: 0xff, count: 5000), [0xc3], [0x30, 0xff]]

/// A count that calls in other threads share, and can be waited for.
final class Gate: @unchecked Sendable {
    // Safe because the pointer is constant and semaphores synchronise.
    private let semaphore = UnsafeMutablePointer<sem_t>.allocate(capacity: 1)
    let entered = Atomic<Int>(0)

    init() { sem_init(semaphore, 0, 0) }

    /// Blocks the calling thread until opened.
    func pass() {
        entered.add(1, ordering: .sequentiallyConsistent)
        while sem_wait(semaphore) != 0 {}
    }

    func open(_ times: Int = 1) { for _ in 0..<times { sem_post(semaphore) } }
}

/// A new directory under /tmp.
func temporaryDirectory() throws -> String {
    var template = Array("/tmp/collector-test-XXXXXX".utf8CString)
    let made = template.withUnsafeMutableBufferPointer { buffer in
        buffer.baseAddress.flatMap { mkdtemp($0) }.map { String(cString: $0) }
    }
    guard let made else { throw SourceFailure.failed("mkdtemp: \(errorText(errno))") }
    return made
}
