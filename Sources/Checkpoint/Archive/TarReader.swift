// SPDX-License-Identifier: Apache-2.0

/// An entry, when its header and all that belongs to it have been read.
struct TarEntry: Equatable {
    var kind: TarKind
    /// Normalised: see `TarName`.
    var name: String
    /// Bytes of content; 0 for everything but a file.
    var size: UInt64
}

/// What is done with the entries of an archive.
protocol TarConsumer {
    mutating func begin(_ entry: TarEntry) throws(ArchiveProblem)
    /// A piece of a file's content; never empty.
    mutating func content(_ bytes: UnsafeRawBufferPointer) throws(ArchiveProblem)
    /// The entry is over.
    mutating func end() throws(ArchiveProblem)
}

/// Parses a tar archive that arrives in pieces of any length.
///
/// Takes what Go's archive/tar, GNU tar, bsdtar and Python write: POSIX ustar and GNU headers, pax headers, long names
/// and binary sizes. Refuses what is cut short, has anything but zeros behind its end, is sparse, or could be read in
/// two ways.
struct TarReader<Consumer: TarConsumer> {
    private(set) var consumer: Consumer
    /// Bytes of the whole file: what an entry claims beyond them is told at once.
    private let total: UInt64
    /// Bytes taken so far.
    private(set) var position: UInt64 = 0

    /// How many entries an archive may have. A container of a hundred thousand threads has about as many.
    private let entryLimit: UInt64 = 1 << 20
    private var entries: UInt64 = 0

    private enum State {
        case header
        case content(TarKind)
        case padding
        /// Behind the two zero blocks.
        case end
    }
    private var state = State.header
    private var block: [UInt8] = []
    private var zeroBlocks = 0
    private var remaining: UInt64 = 0
    private var padding: UInt64 = 0
    private var trailing: UInt64 = 0
    private var extensions = TarExtensions()
    private var text: [UInt8] = []
    private var current = ""

    /// Zeros behind the end, beyond which a file is not a padded archive. GNU tar's largest usual record.
    private let trailingLimit: UInt64 = 1 << 20

    init(_ consumer: Consumer, total: UInt64) {
        self.consumer = consumer
        self.total = total
        block.reserveCapacity(TarHeader.size)
    }

    mutating func feed(_ bytes: UnsafeRawBufferPointer) throws(ArchiveProblem) {
        var rest = bytes
        while !rest.isEmpty {
            let taken: Int
            switch state {
            case .header: taken = try feedHeader(rest)
            case .content(let kind): taken = try feedContent(rest, kind)
            case .padding: taken = try feedPadding(rest)
            case .end: taken = try feedTrailing(rest)
            }
            position += UInt64(taken)
            rest = UnsafeRawBufferPointer(rebasing: rest.dropFirst(taken))
        }
    }

    /// No more bytes follow.
    func finish() throws(ArchiveProblem) {
        switch state {
        case .end: return
        case .content, .padding:
            throw ArchiveProblem("it is cut short: it ends at byte \(position), inside \(printable(current))")
        case .header:
            throw ArchiveProblem("it is cut short: it ends at byte \(position) without an end-of-archive mark")
        }
    }

    private mutating func feedHeader(_ bytes: UnsafeRawBufferPointer) throws(ArchiveProblem) -> Int {
        let taken = min(TarHeader.size - block.count, bytes.count)
        block += bytes.prefix(taken)
        guard block.count == TarHeader.size else { return taken }
        defer { block.removeAll(keepingCapacity: true) }
        if block.allSatisfy({ $0 == 0 }) {
            guard extensions.isEmpty else {
                throw ArchiveProblem("it ends with an extended header that belongs to nothing")
            }
            zeroBlocks += 1
            if zeroBlocks == 2 { state = .end }
            return taken
        }
        let end = position + UInt64(taken)
        let start = end - UInt64(TarHeader.size)
        guard zeroBlocks == 0 else {
            throw ArchiveProblem("there is a block of zeros in it, before byte \(start), and more behind it")
        }
        do throws(ArchiveProblem) {
            try begin(try TarHeader(block), endingAt: end)
        } catch {
            throw ArchiveProblem("\(error.description) (in the header at byte \(start))")
        }
        return taken
    }

    private mutating func begin(_ header: TarHeader, endingAt end: UInt64) throws(ArchiveProblem) {
        entries += 1
        guard entries <= entryLimit else { throw ArchiveProblem("it has more than \(entryLimit) entries") }
        if header.kind.isMeta {
            guard header.size <= TarExtensions.limit else {
                throw ArchiveProblem("an extended header is \(header.size) bytes long")
            }
            current = "an extended header"
            try expect(header.size, behind: end)
            state = .content(header.kind)
            text.removeAll(keepingCapacity: true)
            if header.size == 0 { try endContent(header.kind) }
            return
        }
        let name = try TarName.normalized(extensions.path ?? header.name)
        let size = extensions.size ?? header.size
        if header.kind == .hardLink || header.kind == .symbolicLink {
            do { _ = try TarName.normalized(extensions.linkPath ?? header.linkTarget) } catch {
                throw ArchiveProblem("\(printable(name)) is a link that leads out of the archive")
            }
        }
        extensions = TarExtensions()
        if case .other(let flag) = header.kind {
            let type = (0x21...0x7e).contains(flag) ? String(UnicodeScalar(flag)) : "\(flag)"
            throw ArchiveProblem(
                flag == UInt8(ascii: "S")
                    ? "\(printable(name)) is a sparse file, which no runtime writes"
                    : "\(printable(name)) is of type \(type), which no runtime writes")
        }
        guard header.kind == .file || size == 0 else {
            throw ArchiveProblem("\(printable(name)) is no file and has content")
        }
        current = name
        try expect(size, behind: end)
        try consumer.begin(TarEntry(kind: header.kind, name: name, size: size))
        state = .content(header.kind)
        if size == 0 { try endContent(header.kind) }
    }

    /// Content of this size, and the padding to a whole block, must follow the header.
    private mutating func expect(_ size: UInt64, behind end: UInt64) throws(ArchiveProblem) {
        let left = total > end ? total - end : 0
        guard size <= left else {
            throw ArchiveProblem(
                "it is cut short: \(printable(current)) should have \(size) bytes, and the whole file has \(total)")
        }
        remaining = size
        padding = (512 - size % 512) % 512
    }

    private mutating func feedContent(
        _ bytes: UnsafeRawBufferPointer, _ kind: TarKind
    ) throws(ArchiveProblem) -> Int {
        let taken = Int(min(remaining, UInt64(bytes.count)))
        let piece = UnsafeRawBufferPointer(rebasing: bytes.prefix(taken))
        // `expect` bounds texts.
        if kind.isMeta { text += piece } else { try consumer.content(piece) }
        remaining -= UInt64(taken)
        if remaining == 0 { try endContent(kind) }
        return taken
    }

    private mutating func endContent(_ kind: TarKind) throws(ArchiveProblem) {
        switch kind {
        case .paxHeader: try extensions.addPax(text, isGlobal: false)
        case .globalPaxHeader: try extensions.addPax(text, isGlobal: true)
        case .longName, .longLink: try extensions.addLong(kind, text)
        default: try consumer.end()
        }
        state = padding == 0 ? .header : .padding
    }

    private mutating func feedPadding(_ bytes: UnsafeRawBufferPointer) throws(ArchiveProblem) -> Int {
        let taken = Int(min(padding, UInt64(bytes.count)))
        guard bytes.prefix(taken).allSatisfy({ $0 == 0 }) else {
            throw ArchiveProblem("there are bytes behind the end of \(printable(current)) that belong to nothing")
        }
        padding -= UInt64(taken)
        if padding == 0 { state = .header }
        return taken
    }

    private mutating func feedTrailing(_ bytes: UnsafeRawBufferPointer) throws(ArchiveProblem) -> Int {
        trailing += UInt64(bytes.count)
        guard trailing <= trailingLimit, bytes.allSatisfy({ $0 == 0 }) else {
            throw ArchiveProblem("there is more in the file behind the end of the archive")
        }
        return bytes.count
    }
}
