// SPDX-License-Identifier: Apache-2.0
import Testing

@testable import Checkpoint

/// Sets of images that a dump which did not get to its end could have left.
@Suite struct CriuImagesTests {
    private func problem(_ change: (inout SampleCheckpoint) -> Void) throws -> String? {
        var sample = SampleCheckpoint()
        change(&sample)
        return try sample.problem().map { text in
            text.split(separator: "archive: ", maxSplits: 1).last.map(String.init) ?? text
        }
    }

    @Test func theSampleIsWhole() throws {
        #expect(try problem { _ in } == nil)
        #expect(try problem { $0.files.reverse() } == nil)
    }

    @Test func everyProcessHasItsCore() throws {
        #expect(try problem { $0["checkpoint/pstree.img"] = nil } == "it has no checkpoint/pstree.img")
        #expect(
            try problem { $0["checkpoint/core-7.img"] = nil }
                == "it has no checkpoint/core-7.img, of a process that checkpoint/pstree.img lists")
        let none = try problem {
            $0["checkpoint/core-7.img"] = nil
            $0["checkpoint/core-1.img"] = nil
        }
        #expect(none == "it has no checkpoint/core-*.img")
        #expect(
            try problem { $0["checkpoint/pstree.img"] = image(0x5027_3030, []) }
                == "checkpoint/pstree.img lists no process")
    }

    @Test func theFirstProcessWithoutItsCoreIsNamed() throws {
        let many = image(0x5027_3030, (1...60).map { [0x08, $0, 0x10, 0] })
        #expect(
            try problem { $0["checkpoint/pstree.img"] = many }
                == "it has no checkpoint/core-2.img, of a process that checkpoint/pstree.img lists")
    }

    @Test func everyPagemapHasItsPages() throws {
        #expect(
            try problem { $0["checkpoint/pages-2.img"] = nil }
                == "it has no checkpoint/pages-2.img, which checkpoint/pagemap-7.img lists")
        #expect(
            try problem { $0["checkpoint/pages-1.img"] = [UInt8](repeating: 1, count: 3 * pageSize - 1) }
                == "checkpoint/pages-1.img is cut short: it has \(3 * pageSize - 1) bytes, and checkpoint/pagemap-1.img "
                + "lists 3 pages of \(pageSize)")
        #expect(try problem { $0["checkpoint/pages-1.img"] = [UInt8](repeating: 1, count: 4 * pageSize) } == nil)
        #expect(try problem { $0["checkpoint/pagemap-shmem-12.img"] = pagemap(id: 9, entries: []) } != nil)
    }

    @Test func everyPagesFileHasItsPagemap() throws {
        #expect(
            try problem { $0["checkpoint/pagemap-1.img"] = nil } == "checkpoint/pages-1.img is in no pagemap")
    }

    @Test func pagesThatAreElsewhereAreNotAskedFor() throws {
        // In a parent's images (1), or fetched later (2).
        #expect(try problem { $0["checkpoint/pagemap-7.img"] = pagemap(id: 2, entries: [(100, 1), (100, 2)]) } == nil)
        #expect(try problem { $0["checkpoint/pagemap-7.img"] = pagemap(id: 2, entries: [(1, 6)]) } != nil)
        // Old images: no flags, a field for the parent.
        let parent = image(0x5608_4025, [[0x08, 2], [0x08, 1, 0x10, 9, 0x18, 1]])
        #expect(try problem { $0["checkpoint/pagemap-7.img"] = parent } == nil)
        let own = image(0x5608_4025, [[0x08, 2], [0x08, 1, 0x10, 9]])
        #expect(try problem { $0["checkpoint/pagemap-7.img"] = own } != nil)
    }

    @Test(arguments: ["inventory", "pstree", "core-1", "mm-1", "pagemap-1"]) func imagesBeginWithTheirMagic(
        _ name: String
    ) throws {
        let file = "checkpoint/\(name).img"
        let wrong = "\(file) does not begin as CRIU's images do"
        #expect(try problem { $0[file]?[0] ^= 1 } == wrong)
        #expect(try problem { $0[file] = Array($0[file]?.prefix(3) ?? []) } == wrong)
    }

    @Test(arguments: ["inventory", "pstree", "pagemap-1"]) func imagesCutShort(_ name: String) throws {
        let file = "checkpoint/\(name).img"
        for count in 1..<4 {
            #expect(try problem { $0[file]?.removeLast(count) }?.contains("\(file) is cut short") == true)
        }
    }

    @Test func versionsToCome() throws {
        func sample(_ version: UInt8, _ sample: inout SampleCheckpoint) {
            sample["checkpoint/inventory.img"] = image(0x5831_3116, [[0x08, version]], isCommon: false)
            sample["checkpoint/pages-1.img"] = [1, 2, 3]
        }
        #expect(try problem { sample(2, &$0) } != nil)
        // Pages may be packed.
        #expect(try problem { sample(3, &$0) } == nil)
        let missing = try problem {
            sample(3, &$0)
            $0["checkpoint/pages-1.img"] = nil
        }
        #expect(missing != nil)
        // Nothing is known of it but that it is there.
        let unknown = try problem {
            sample(9, &$0)
            $0["checkpoint/pages-1.img"] = nil
        }
        #expect(unknown == nil)
    }

    @Test func hostileNumbers() throws {
        let huge = [UInt8](repeating: 0xff, count: 9) + [1]
        let map = image(0x5608_4025, [[0x08, 2], [0x08, 1, 0x20, 4, 0x28] + huge, [0x08, 1, 0x20, 4, 0x28] + huge])
        #expect(try problem { $0["checkpoint/pagemap-7.img"] = map } == nil)
        let once = image(0x5608_4025, [[0x08, 2], [0x08, 1, 0x20, 4, 0x28] + huge])
        #expect(try problem { $0["checkpoint/pagemap-7.img"] = once }?.contains("pages-2.img is cut short") == true)
        for message in [[0x08], [0x0f], [0x12, 0x7f], [0x08] + [UInt8](repeating: 0xff, count: 11)] as [[UInt8]] {
            #expect(try problem { $0["checkpoint/pagemap-7.img"] = image(0x5608_4025, [message]) } != nil)
            #expect(try problem { $0["checkpoint/pstree.img"] = image(0x5027_3030, [message]) } != nil)
        }
        let endless = image(0x5608_4025, [[0x08, 2]]) + word(.max)
        #expect(
            try problem { $0["checkpoint/pagemap-7.img"] = endless }?.contains("has a message of 4294967295 bytes")
                == true)
    }

    @Test func piecesOfAnyLength() throws {
        let bytes = pagemap(id: 3, entries: [(2, 4), (5, 4)])
        for size in 1...bytes.count {
            var map = CriuPagemap()
            for start in stride(from: 0, to: bytes.count, by: size) {
                try bytes[start..<min(start + size, bytes.count)].withUnsafeBytes { try map.add($0) }
            }
            try map.finish()
            #expect(map.pagesID == 3 && map.pages == 7)
        }
    }
}
