// SPDX-License-Identifier: Apache-2.0

@testable import Checkpoint

extension FuzzTarget {
    /// A tar archive behind one byte: the size of the pieces in which it arrives, and with its highest bit, that the
    /// checksums are put right before. What finds no way past a checksum finds nothing behind it.
    static let tar = FuzzTarget(name: "tar", maximumLength: 8_192) { bytes in
        guard let first = bytes.first else { return }
        var archive = Array(bytes.dropFirst())
        if first & 0x80 != 0 { putChecksumsRight(&archive) }
        let whole = read(archive, pieces: archive.count)
        check(read(archive, pieces: Int(first & 0x7f) * 8 + 1) == whole, "pieces are the same entries")
        guard case .success(let entries) = whole else { return }
        check(entries.reduce(0) { $0 + $1.size } <= archive.count, "entries are made of the archive")
        for entry in entries {
            let parts = entry.name.utf8.split(separator: 0x2f, omittingEmptySubsequences: false)
            let leaves = parts.contains { $0.elementsEqual("..".utf8) } || parts.first?.isEmpty != false
            check(!leaves, "\(entry.name.debugDescription) stays inside")
            check(!entry.name.utf8.contains(0), "no NUL in a name")
        }
    }

    private struct Entry: Equatable {
        var kind: TarKind
        var name: String
        var size: Int
    }

    private struct Collector: TarConsumer {
        var entries: [Entry] = []

        mutating func begin(_ entry: TarEntry) { entries.append(Entry(kind: entry.kind, name: entry.name, size: 0)) }
        mutating func content(_ bytes: UnsafeRawBufferPointer) { entries[entries.count - 1].size += bytes.count }
        mutating func end() {}
    }

    private static func read(_ bytes: [UInt8], pieces: Int) -> Result<[Entry], ArchiveProblem> {
        var reader = TarReader(Collector(), total: UInt64(bytes.count))
        do throws(ArchiveProblem) {
            var rest = bytes[...]
            while !rest.isEmpty {
                let piece = Array(rest.prefix(max(pieces, 1)))
                rest = rest.dropFirst(piece.count)
                try feed(piece) { bytes throws(ArchiveProblem) in try reader.feed(bytes) }
            }
            try reader.finish()
            return .success(reader.consumer.entries)
        } catch {
            checkLine(error.description)
            return .failure(error)
        }
    }

    private static func feed(
        _ bytes: [UInt8], _ body: (UnsafeRawBufferPointer) throws(ArchiveProblem) -> Void
    ) throws(ArchiveProblem) {
        let result = bytes.withUnsafeBytes { buffer in
            Result { () throws(ArchiveProblem) in try body(buffer) }
        }
        try result.get()
    }

    /// Of every header that a reader gets to.
    private static func putChecksumsRight(_ bytes: inout [UInt8]) {
        var start = 0
        while start + TarHeader.size <= bytes.count {
            let block = bytes[start..<start + TarHeader.size]
            if !block.allSatisfy({ $0 == 0 }) {
                let sum = block.enumerated().reduce(0) {
                    $0 + ((148..<156).contains($1.offset) ? 0x20 : Int($1.element))
                }
                let digits = String(sum, radix: 8)
                let text = String(repeating: "0", count: 6 - digits.utf8.count) + digits + "\0 "
                bytes.replaceSubrange(start + 148..<start + 156, with: text.utf8)
            }
            let size = (try? TarHeader.number(block[(start + 124)..<(start + 136)], "size")) ?? 0
            guard size <= UInt64(bytes.count) else { return }
            start += TarHeader.size + (Int(size) + 511) / 512 * 512
        }
    }

    /// The files of a checkpoint: of each a line with its name, and its content with the length before it.
    static let criuImages = FuzzTarget(name: "criu-images", maximumLength: 4_096) { bytes in
        let whole = inspect(bytes, pieces: 1 << 16)
        check(inspect(bytes, pieces: 3) == whole, "pieces are the same archive")
        switch whole {
        case .success(let facts):
            check(facts.memoryPages <= UInt64(bytes.count), "pages are made of the archive")
            check(facts.processes.map { $0 > 0 && $0 <= UInt64(bytes.count) } ?? true, "processes that are there")
        case .failure(let problem): checkLine(problem.description)
        }
    }

    private static func inspect(_ bytes: [UInt8], pieces: Int) -> Result<ArchiveFacts, ArchiveProblem> {
        var inspector = ArchiveInspector(containerID: "6f1e9c8b0d2a4f37a1b5c9d3e7f80123456789abcdef")
        var input = Pieces(bytes)
        do throws(ArchiveProblem) {
            while !input.isEmpty {
                let name = try TarName.normalized(input.line())
                let content = input.blob()
                try inspector.begin(TarEntry(kind: .file, name: name, size: UInt64(content.count)))
                var rest = content[...]
                while !rest.isEmpty {
                    let piece = Array(rest.prefix(pieces))
                    rest = rest.dropFirst(piece.count)
                    try feed(piece) { bytes throws(ArchiveProblem) in try inspector.content(bytes) }
                }
                try inspector.end()
            }
            return .success(try inspector.finish(pageSize: 16))
        } catch {
            return .failure(error)
        }
    }

    /// The JSON files of a job, each tried as each.
    static let jobFiles = FuzzTarget(name: "job-files", maximumLength: 4_096) { bytes in
        checkFile(JobRequest.self, bytes)
        checkFile(JobIntent.self, bytes)
        checkFile(JobReturn.self, bytes)
        checkFile(JobClosing.self, bytes)
        checkFile(JobProgress.self, bytes)
        checkFile(JobRecord.self, bytes)
    }

    private static func checkFile<Value: Codable & Equatable>(_ type: Value.Type, _ bytes: [UInt8]) {
        guard let value = try? JobCoding.decode(type, bytes, path: "file.json") else { return }
        guard let written = try? JobCoding.encode(value) else { return check(false, "what was read can be written") }
        check((try? JobCoding.decode(type, written, path: "file.json")) == value, "what is written means the same")
    }
}
