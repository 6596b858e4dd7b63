// SPDX-License-Identifier: Apache-2.0

/// What an entry of a tar archive is.
enum TarKind: Equatable {
    case file
    case directory
    case hardLink
    case symbolicLink
    /// Type `x`, for the next entry, and `g`, for all that follow.
    case paxHeader
    case globalPaxHeader
    /// GNU's types `L` and `K`.
    case longName
    case longLink
    case other(UInt8)

    init(_ flag: UInt8) {
        switch flag {
        case 0, UInt8(ascii: "0"), UInt8(ascii: "7"): self = .file
        case UInt8(ascii: "1"): self = .hardLink
        case UInt8(ascii: "2"): self = .symbolicLink
        case UInt8(ascii: "5"): self = .directory
        case UInt8(ascii: "x"): self = .paxHeader
        case UInt8(ascii: "g"): self = .globalPaxHeader
        case UInt8(ascii: "L"): self = .longName
        case UInt8(ascii: "K"): self = .longLink
        default: self = .other(flag)
        }
    }

    /// A text about an entry rather than an entry.
    var isMeta: Bool {
        switch self {
        case .paxHeader, .globalPaxHeader, .longName, .longLink: true
        default: false
        }
    }
}

/// One 512-byte header block, POSIX ustar or GNU (tar(5)).
struct TarHeader: Equatable {
    static let size = 512

    var kind: TarKind
    /// As it is written, not yet normalised.
    var name: String
    var linkTarget: String
    /// Bytes that follow the header.
    var size: UInt64

    /// - Parameter block: 512 bytes.
    init(_ block: [UInt8]) throws(ArchiveProblem) {
        guard block.count == Self.size else { throw ArchiveProblem("a header is not 512 bytes long") }
        try Self.verifyChecksum(block)
        let magic = block[257..<265]
        // `ustar`, NUL, `00`; or `ustar`, two spaces, NUL.
        let isPOSIX = magic.elementsEqual([0x75, 0x73, 0x74, 0x61, 0x72, 0, 0x30, 0x30])
        let isGNU = magic.elementsEqual([0x75, 0x73, 0x74, 0x61, 0x72, 0x20, 0x20, 0])
        guard isPOSIX || isGNU else { throw ArchiveProblem("a header is neither POSIX nor GNU tar") }
        kind = TarKind(block[156])
        let short = Self.text(block[0..<100])
        // In GNU's format other fields are in the place of the prefix.
        let prefix = isPOSIX ? Self.text(block[345..<500]) : ""
        name = prefix.isEmpty ? short : prefix + "/" + short
        linkTarget = Self.text(block[157..<257])
        size = try Self.number(block[124..<136], "size of \(printable(name))")
    }

    /// The bytes up to the first zero.
    private static func text(_ field: ArraySlice<UInt8>) -> String {
        String(decoding: field.prefix { $0 != 0 }, as: UTF8.self)
    }

    /// The sum of all bytes, with spaces in the place of the sum itself. Some old programs took bytes as signed.
    private static func verifyChecksum(_ block: [UInt8]) throws(ArchiveProblem) {
        var unsigned: UInt64 = 0
        var signed: Int64 = 0
        for (index, byte) in block.enumerated() {
            let counted = (148..<156).contains(index) ? 0x20 : byte
            unsigned += UInt64(counted)
            signed += Int64(Int8(bitPattern: counted))
        }
        let written = try number(block[148..<156], "checksum")
        guard written == unsigned || Int64(clamping: written) == signed else {
            throw ArchiveProblem("a header's checksum is wrong")
        }
    }

    /// Octal digits with spaces before and NULs or spaces behind; or, with the highest bit set, a binary number.
    static func number(_ field: ArraySlice<UInt8>, _ what: String) throws(ArchiveProblem) -> UInt64 {
        guard let first = field.first else { return 0 }
        if first & 0x80 != 0 {
            guard first & 0x40 == 0 else { throw ArchiveProblem("the \(what) is negative") }
            var value = UInt64(first & 0x3f)
            for byte in field.dropFirst() {
                guard value >> 56 == 0 else { throw ArchiveProblem("the \(what) is beyond 64 bits") }
                value = value << 8 | UInt64(byte)
            }
            return value
        }
        var value: UInt64 = 0
        var rest = field.drop { $0 == 0x20 || $0 == 0 }
        while let digit = rest.first, (0x30...0x37).contains(digit) {
            // Twelve digits of three bits always fit.
            value = value << 3 | UInt64(digit - 0x30)
            rest = rest.dropFirst()
        }
        guard rest.allSatisfy({ $0 == 0x20 || $0 == 0 }) else { throw ArchiveProblem("the \(what) is not a number") }
        return value
    }
}
