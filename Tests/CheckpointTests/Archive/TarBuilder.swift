// SPDX-License-Identifier: Apache-2.0

@testable import Checkpoint

/// Writes tar archives by hand, also such as no program writes.
struct TarBuilder {
    var bytes: [UInt8] = []

    mutating func add(
        _ name: String, _ content: [UInt8] = [], type: Character = "0", link: String = "", prefix: String = "",
        magic: String = "ustar\0" + "00", size: [UInt8]? = nil
    ) {
        var block = [UInt8](repeating: 0, count: 512)
        func put(_ text: [UInt8], _ offset: Int) { block.replaceSubrange(offset..<offset + text.count, with: text) }
        put(Array(name.utf8.prefix(100)), 0)
        put(Array("0000600\0".utf8), 100)
        put(size ?? octal(content.count), 124)
        put(Array("00000000000\0".utf8), 136)
        put(Array(String(type).utf8), 156)
        put(Array(link.utf8.prefix(100)), 157)
        put(Array(magic.utf8), 257)
        put(Array(prefix.utf8), 345)
        put(checksum(of: block), 148)
        bytes += block + content
        pad()
    }

    mutating func pad() { bytes += [UInt8](repeating: 0, count: (512 - bytes.count % 512) % 512) }

    mutating func addPax(_ records: [(String, String)], type: Character = "x") {
        add("pax", records.flatMap { paxRecord($0.0, $0.1) }, type: type)
    }

    mutating func end() { bytes += [UInt8](repeating: 0, count: 1024) }

    /// What `reader` makes of it.
    func read(pieces: Int = 1 << 20) throws -> [ReadEntry] { try readTar(bytes, pieces: pieces) }
}

func octal(_ number: Int, digits: Int = 11) -> [UInt8] {
    let text = String(number, radix: 8)
    return [UInt8](repeating: 0x30, count: digits - text.utf8.count) + Array(text.utf8) + [0]
}

func checksum(of block: [UInt8]) -> [UInt8] {
    let sum = block.enumerated().reduce(0) { $0 + ((148..<156).contains($1.offset) ? 0x20 : Int($1.element)) }
    return octal(sum, digits: 6) + [0x20]
}

func paxRecord(_ key: String, _ value: String) -> [UInt8] {
    let rest = " \(key)=\(value)\n".utf8.count
    var length = rest + 1
    while "\(length)".utf8.count + rest != length { length += 1 }
    return Array("\(length) \(key)=\(value)\n".utf8)
}

struct ReadEntry: Equatable {
    var kind: TarKind
    var name: String
    var content: [UInt8]
}

struct EntryCollector: TarConsumer {
    var entries: [ReadEntry] = []

    mutating func begin(_ entry: TarEntry) { entries.append(.init(kind: entry.kind, name: entry.name, content: [])) }
    mutating func content(_ bytes: UnsafeRawBufferPointer) { entries[entries.count - 1].content += bytes }
    mutating func end() {}
}

func readTar(_ bytes: [UInt8], pieces: Int = 1 << 20) throws -> [ReadEntry] {
    var reader = TarReader(EntryCollector(), total: UInt64(bytes.count))
    try bytes.withUnsafeBytes { all in
        var start = 0
        while start < all.count {
            let piece = all[start..<min(start + pieces, all.count)]
            try reader.feed(UnsafeRawBufferPointer(rebasing: piece))
            start += piece.count
        }
    }
    try reader.finish()
    return reader.consumer.entries
}

/// The words of the problem; nil when there is none.
func tarProblem(_ bytes: [UInt8]) -> String? {
    do { _ = try readTar(bytes) } catch { return "\(error)" }
    return nil
}
