// SPDX-License-Identifier: Apache-2.0
import Testing

@testable import Checkpoint

@Suite struct TarReaderTests {
    private func sample() -> TarBuilder {
        var builder = TarBuilder()
        builder.add("./dir/", type: "5")
        builder.add("./dir//file", [UInt8](repeating: 1, count: 1000))
        builder.add("empty")
        builder.add("file", Array("hello".utf8), prefix: "a/b")
        builder.add("whole", [UInt8](repeating: 2, count: 1024))
        return builder
    }

    @Test(arguments: [1, 7, 511, 512, 513, 100_000]) func inPiecesOfAnyLength(_ pieces: Int) throws {
        var builder = sample()
        builder.end()
        #expect(
            try builder.read(pieces: pieces) == [
                .init(kind: .directory, name: "dir", content: []),
                .init(kind: .file, name: "dir/file", content: [UInt8](repeating: 1, count: 1000)),
                .init(kind: .file, name: "empty", content: []),
                .init(kind: .file, name: "a/b/file", content: Array("hello".utf8)),
                .init(kind: .file, name: "whole", content: [UInt8](repeating: 2, count: 1024)),
            ])
    }

    @Test func cutShortAnywhereItIsNotWhole() {
        var builder = sample()
        builder.end()
        for length in 0..<builder.bytes.count {
            #expect(tarProblem(Array(builder.bytes.prefix(length)))?.contains("cut short") == true, "\(length)")
        }
    }

    @Test func zerosMayFollowAndNothingElse() {
        var builder = sample()
        builder.end()
        #expect(tarProblem(builder.bytes + [UInt8](repeating: 0, count: 9216)) == nil)
        #expect(tarProblem(builder.bytes + [0]) == nil)
        #expect(tarProblem(builder.bytes + [UInt8](repeating: 0, count: (1 << 20) + 1)) != nil)
        let more = "there is more in the file behind the end of the archive"
        #expect(tarProblem(builder.bytes + [1]) == more)
        // The tail of a longer archive that was there before.
        #expect(tarProblem(builder.bytes + builder.bytes) == more)
        builder.bytes.removeLast(512)
        #expect(tarProblem(builder.bytes + sample().bytes)?.contains("block of zeros") == true)
    }

    @Test func everyFlippedBitOfAHeaderIsSeenOrMakesNoDifference() throws {
        var builder = TarBuilder()
        builder.add("checkpoint/core-1.img", [UInt8](repeating: 1, count: 5))
        builder.end()
        let whole = try builder.read()
        for bit in 0..<512 * 8 {
            var bytes = builder.bytes
            bytes[bit / 8] ^= 1 << (bit % 8)
            if tarProblem(bytes) == nil { #expect(try readTar(bytes) == whole, "\(bit)") }
        }
        // Padding belongs to nobody, and neither does what is between headers.
        for bit in (512 + 5) * 8..<1024 * 8 {
            var bytes = builder.bytes
            bytes[bit / 8] ^= 1 << (bit % 8)
            #expect(tarProblem(bytes) != nil)
        }
    }

    @Test func problemsAreTheSameInPiecesOfAnyLength() {
        var builder = TarBuilder()
        builder.bytes = [UInt8](repeating: 0, count: 512)
        builder.add("x")
        builder.end()
        for pieces in [1, 100, 512, 100_000] {
            let error = #expect(throws: ArchiveProblem.self) { try builder.read(pieces: pieces) }
            #expect(error?.description == "there is a block of zeros in it, before byte 512, and more behind it")
        }
        var short = TarBuilder()
        short.add("x", [UInt8](repeating: 1, count: 600))
        short.bytes.removeLast(short.bytes.count - 1_000)
        for pieces in [1, 100, 512, 100_000] {
            let error = #expect(throws: ArchiveProblem.self) { try short.read(pieces: pieces) }
            #expect(error?.description.hasPrefix("it is cut short: x should have 600 bytes, and") == true)
        }
    }

    @Test func sizesThatCannotBe() {
        func problem(_ size: [UInt8], type: Character = "0") -> String? {
            var builder = TarBuilder()
            builder.add("x", type: type, size: size)
            builder.end()
            return tarProblem(builder.bytes)
        }
        let binary = { (head: UInt8, tail: [UInt8]) in [head] + [UInt8](repeating: 0, count: 11 - tail.count) + tail }
        #expect(problem(binary(0x80, [0])) == nil)
        #expect(problem(Array("77777777777\0".utf8))?.contains("should have 8589934591 bytes") == true)
        #expect(problem(Array("777777777777".utf8))?.contains("should have 68719476735 bytes") == true)
        #expect(problem(binary(0x80, [UInt8](repeating: 0xff, count: 8)))?.contains("18446744073709551615") == true)
        #expect(problem(binary(0x80, [0x7f] + [UInt8](repeating: 0xff, count: 7)))?.contains("cut short") == true)
        #expect(problem(binary(0x80, [UInt8](repeating: 0xff, count: 9)))?.contains("beyond 64 bits") == true)
        #expect(problem(binary(0xbf, [0]))?.contains("beyond 64 bits") == true)
        #expect(problem([UInt8](repeating: 0xff, count: 12))?.contains("negative") == true)
        #expect(problem(Array("-1\0\0\0\0\0\0\0\0\0\0".utf8))?.contains("not a number") == true)
        #expect(problem(Array("00000000008\0".utf8))?.contains("not a number") == true)
        #expect(problem(Array("5 5\0\0\0\0\0\0\0\0\0".utf8))?.contains("not a number") == true)
        #expect(problem(octal(512), type: "5")?.contains("no file and has content") == true)
        #expect(problem(octal(512), type: "x")?.contains("cut short") == false)
        #expect(problem(octal((1 << 20) + 1), type: "x")?.contains("is 1048577 bytes long") == true)
    }

    @Test func binarySizesAreRead() throws {
        var builder = TarBuilder()
        let content = [UInt8](repeating: 1, count: 300)
        builder.add("x", content, size: [0x80] + [UInt8](repeating: 0, count: 9) + [1, 44])
        builder.end()
        #expect(try builder.read() == [.init(kind: .file, name: "x", content: content)])
    }

    @Test(arguments: [
        "/etc/passwd", "../x", "a/../../x", "a/..", "", String(repeating: "a/", count: 3000), "/\u{301}etc",
        "a/../\u{301}x",
    ])
    func namesThatLeadElsewhere(_ name: String) {
        var builder = TarBuilder()
        builder.addPax([("path", name)])
        builder.add("x")
        builder.end()
        #expect(tarProblem(builder.bytes) != nil)
        if name.utf8.count <= 100 {
            var plain = TarBuilder()
            plain.add(name)
            plain.end()
            #expect(tarProblem(plain.bytes) != nil)
        }
    }

    @Test func linksMayNotLeadOut() throws {
        for (target, isGood) in [("dir/file", true), ("../file", false), ("/etc/passwd", false), ("", false)] {
            for type: Character in ["1", "2"] {
                var builder = TarBuilder()
                builder.add("x", type: type, link: target)
                builder.end()
                #expect((tarProblem(builder.bytes) == nil) == isGood, "\(target)")
            }
        }
        var builder = TarBuilder()
        builder.addPax([("linkpath", "../x")])
        builder.add("x", type: "2", link: "fine")
        builder.end()
        #expect(tarProblem(builder.bytes) == "x is a link that leads out of the archive (in the header at byte 1024)")
    }

    @Test(arguments: ["3", "4", "6", "S", "V", "M", "D", "\u{1}"] as [Character])
    func typesThatNoRuntimeWrites(_ type: Character) {
        var builder = TarBuilder()
        builder.add("x", type: type)
        builder.end()
        #expect(tarProblem(builder.bytes)?.contains("which no runtime writes") == true)
    }

    @Test func extendedHeadersNameAndSizeTheNextEntry() throws {
        let name = String(repeating: "n", count: 150)
        var builder = TarBuilder()
        builder.addPax([("comment", "nothing"), ("path", "./" + name), ("size", "3"), ("mtime", "1.5")])
        builder.add("short", [1, 2, 3], size: octal(0))
        builder.add("././@LongLink", Array((name + "g").utf8) + [0], type: "L", magic: "ustar  \0")
        builder.add("short", [4], prefix: "prefix", magic: "ustar  \0")
        builder.addPax([("comment", "for all")], type: "g")
        builder.add("last", [5])
        builder.end()
        #expect(
            try builder.read() == [
                .init(kind: .file, name: name, content: [1, 2, 3]), .init(kind: .file, name: name + "g", content: [4]),
                .init(kind: .file, name: "last", content: [5]),
            ])
    }

    @Test(arguments: [
        "", "5 a=\n", "6 a=1", "7 a=1\n", "6 a=1\n\n", "99 a=1\n", "0 a=1\n", "x a=1\n", "6 =12\n", "5 ab\n",
        "-6 a=1\n", "6\ta=1\n", "18446744073709551616 a=1\n", "12 size=abc\n", "10 size=\n", "12 size=-12\n",
        "29 size=99999999999999999999\n",
        "10 path=\n", "13 path=a\0b\n", "22 GNU.sparse.major=1\n", "6 a=1\n6 b",
    ]) func malformedExtendedHeaders(_ text: String) {
        var builder = TarBuilder()
        builder.add("pax", Array(text.utf8), type: "x")
        builder.add("x")
        builder.end()
        // An empty one, and an empty value of something else, are no harm.
        #expect((tarProblem(builder.bytes) == nil) == (text.isEmpty || text == "5 a=\n"))
    }

    @Test func extendedHeadersThatCouldBeReadInTwoWays() {
        func problem(_ fill: (inout TarBuilder) -> Void) -> String? {
            var builder = TarBuilder()
            fill(&builder)
            builder.end()
            return tarProblem(builder.bytes)
        }
        let twice = problem {
            $0.addPax([("path", "a")])
            $0.addPax([("path", "b")])
            $0.add("x")
        }
        #expect(twice?.contains("two extended headers") == true)
        let long = problem {
            $0.add("L", Array("a\0".utf8), type: "L")
            $0.add("L", Array("a\0".utf8), type: "L")
            $0.add("x")
        }
        #expect(long?.contains("two long names") == true)
        let global = problem {
            $0.addPax([("size", "5")], type: "g")
            $0.add("x")
        }
        #expect(global?.contains("sets the size of every entry") == true)
        #expect(problem { $0.addPax([("path", "a")]) }?.contains("belongs to nothing") == true)
    }

    @Test func oldFormatsAreNotTaken() {
        for magic in ["\0\0\0\0\0\0\0\0", "ustar\0\0\0", "ustar \0\0"] {
            var builder = TarBuilder()
            builder.add("x", magic: magic)
            builder.end()
            #expect(tarProblem(builder.bytes)?.contains("neither POSIX nor GNU") == true)
        }
    }

    @Test func nothingTrapsOnGarbage() {
        var generator = SystemRandomNumberGenerator()
        var builder = sample()
        builder.addPax([("path", "a"), ("size", "0")])
        builder.add("x", type: "5")
        builder.end()
        for _ in 0..<2000 {
            var bytes = builder.bytes
            for _ in 0..<Int.random(in: 1...8) {
                // A header with a right checksum, otherwise everything ends there.
                let block = Int.random(in: 0..<bytes.count / 512) * 512
                bytes[block + Int.random(in: 0..<512)] = UInt8.random(in: .min ... .max, using: &generator)
                bytes.replaceSubrange(block + 148..<block + 156, with: checksum(of: Array(bytes[block..<block + 512])))
            }
            _ = tarProblem(bytes)
        }
        for _ in 0..<200 {
            _ = tarProblem((0..<2048).map { _ in UInt8.random(in: .min ... .max, using: &generator) })
        }
    }
}
