// SPDX-License-Identifier: Apache-2.0
import Glibc
import Testing

@testable import Checkpoint

/// Archives as other programs write them.
@Suite struct TarProgramsTests {
    private let scratch: ArchiveScratch
    private let long = String(repeating: "long-", count: 45) + "name"

    init() throws {
        scratch = try ArchiveScratch()
        try run(
            "/bin/mkdir", "-p", scratch.path + "/in/checkpoint",
            scratch.path + "/in/" + String(repeating: "d", count: 120))
        try scratch.write([UInt8](repeating: 3, count: 70_000), to: "in/checkpoint/pages-1.img")
        try scratch.write([], to: "in/empty")
        try scratch.write([1], to: "in/" + long)
        try scratch.write([2], to: "in/" + String(repeating: "d", count: 120) + "/file")
        try scratch.write([3], to: "in/\u{e9}t\u{e9}")
        symlink("empty", scratch.path + "/in/link")
    }

    private var expected: [String: [UInt8]] {
        [
            "checkpoint/pages-1.img": [UInt8](repeating: 3, count: 70_000), "empty": [], long: [1], "link": [],
            String(repeating: "d", count: 120) + "/file": [2], "\u{e9}t\u{e9}": [3],
        ]
    }

    private func check(_ archive: String) throws {
        let bytes = try scratch.read(archive)
        let entries = try readTar(bytes, pieces: 10_000)
        var found: [String: [UInt8]] = [:]
        for entry in entries where entry.kind != .directory { found[entry.name] = entry.content }
        #expect(found == expected)
        // Without its end it is not whole, wherever it is cut.
        let end = bytes.count - bytes.reversed().prefix { $0 == 0 }.count
        for length in stride(from: 0, to: end, by: 512) {
            #expect(tarProblem(Array(bytes.prefix(length))) != nil, "\(length)")
        }
    }

    @Test(arguments: ["gnu", "oldgnu", "pax", "posix"]) func ofGNUTar(_ format: String) throws {
        let archive = scratch.path + "/\(format).tar"
        #expect(try run("/bin/tar", "-C", scratch.path + "/in", "--format=\(format)", "-cf", archive, ".") == 0)
        try check("\(format).tar")
    }

    @Test(arguments: ["GNU_FORMAT", "PAX_FORMAT"]) func ofPython(_ format: String) throws {
        let program = """
            import sys, tarfile
            with tarfile.open(sys.argv[2], "w", format=tarfile.\(format)) as archive: archive.add(sys.argv[1], ".")
            """
        #expect(try run("python3", "-c", program, scratch.path + "/in", scratch.path + "/python.tar") == 0)
        try check("python.tar")
    }

    private static let hasBSDTar = access("/usr/bin/bsdtar", X_OK) == 0

    @Test(.enabled(if: hasBSDTar, "bsdtar is not installed"), arguments: ["pax", "gnutar"])
    func ofBSDTar(_ format: String) throws {
        let archive = scratch.path + "/bsd.tar"
        #expect(try run("/usr/bin/bsdtar", "-C", scratch.path + "/in", "--format=\(format)", "-cf", archive, ".") == 0)
        try check("bsd.tar")
    }

    @Test func hardLinksAreLinks() throws {
        link(scratch.path + "/in/empty", scratch.path + "/in/again")
        #expect(
            try run("/bin/tar", "-C", scratch.path + "/in", "-cf", scratch.path + "/hard.tar", "empty", "again") == 0)
        #expect(
            try readTar(scratch.read("hard.tar")).map(\.kind) == [.file, .hardLink])
    }

    @Test(arguments: ["gnu", "posix"]) func sparseFilesAreRefused(_ format: String) throws {
        #expect(try run("/usr/bin/truncate", "-s", "10M", scratch.path + "/in/sparse") == 0)
        let archive = scratch.path + "/sparse.tar"
        #expect(
            try run("/bin/tar", "-C", scratch.path + "/in", "-S", "--format=\(format)", "-cf", archive, "sparse") == 0)
        #expect(tarProblem(try scratch.read("sparse.tar"))?.contains("sparse file") == true)
    }

    /// Its header says 9 GB in binary; the content is a hole.
    @Test(arguments: ["gnu", "posix"]) func filesBeyondEightGigabytes(_ format: String) throws {
        #expect(try run("/usr/bin/truncate", "-s", "9G", scratch.path + "/in/big") == 0)
        let archive = scratch.path + "/big.tar"
        // Only the beginning is looked at.
        try run(
            "/bin/sh", "-c",
            "tar -C \(scratch.path)/in --format=\(format) -cf - big 2>/dev/null | head -c 4096 > \(archive)")
        let bytes = try scratch.read("big.tar")
        var reader = TarReader(SizeCollector(), total: 10 << 30)
        try bytes.withUnsafeBytes { try reader.feed($0) }
        #expect(reader.consumer.sizes == [9 << 30])
        #expect(tarProblem(bytes)?.contains("cut short: big should have 9663676416 bytes") == true)
    }
}

private struct SizeCollector: TarConsumer {
    var sizes: [UInt64] = []

    mutating func begin(_ entry: TarEntry) { sizes.append(entry.size) }
    mutating func content(_ bytes: UnsafeRawBufferPointer) {}
    mutating func end() {}
}
