// SPDX-License-Identifier: Apache-2.0

/// What the texts before an entry say of it: pax records and GNU's long names.
struct TarExtensions {
    var path: String?
    var linkPath: String?
    var size: UInt64?

    /// Which kinds of text have been seen since the last entry.
    private(set) var hasPax = false

    /// Longer texts than this are written by nobody (Go's archive/tar has the same limit).
    static let limit: UInt64 = 1 << 20

    var isEmpty: Bool { !hasPax && path == nil && linkPath == nil }

    /// GNU's `L` or `K`: a name, and a zero behind it.
    mutating func addLong(_ kind: TarKind, _ bytes: [UInt8]) throws(ArchiveProblem) {
        let text = String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
        if kind == .longLink {
            guard linkPath == nil else { throw ArchiveProblem("an entry has two long link names") }
            linkPath = text
        } else {
            guard path == nil else { throw ArchiveProblem("an entry has two long names") }
            path = text
        }
    }

    /// Records of the form `LENGTH KEY=VALUE\n`, where LENGTH counts all of the record (POSIX pax).
    ///
    /// - Parameter isGlobal: for all entries that follow: such a record may not name or size them.
    mutating func addPax(_ bytes: [UInt8], isGlobal: Bool) throws(ArchiveProblem) {
        if !isGlobal {
            guard !hasPax else { throw ArchiveProblem("an entry has two extended headers") }
            hasPax = true
        }
        var rest = bytes[...]
        while !rest.isEmpty {
            let (key, value, length) = try Self.record(rest)
            rest = rest.dropFirst(length)
            if key.hasPrefix("GNU.sparse.") {
                throw ArchiveProblem("there is a sparse file in it, which no runtime writes")
            }
            guard key == "path" || key == "linkpath" || key == "size" else { continue }
            if isGlobal { throw ArchiveProblem("a global header sets the \(key) of every entry") }
            if key == "size" {
                guard !value.isEmpty, value.allSatisfy({ (0x30...0x39).contains($0) }),
                    let number = UInt64(String(decoding: value, as: UTF8.self))
                else { throw ArchiveProblem("the size in an extended header is not a number of 64 bits") }
                size = number
            } else {
                guard !value.isEmpty, !value.contains(0) else {
                    throw ArchiveProblem("the \(key) in an extended header is not a name")
                }
                let text = String(decoding: value, as: UTF8.self)
                if key == "path" { path = text } else { linkPath = text }
            }
        }
    }

    private static func record(
        _ bytes: ArraySlice<UInt8>
    ) throws(ArchiveProblem) -> (key: String, value: ArraySlice<UInt8>, length: Int) {
        let digits = bytes.prefix(8).prefix { (0x30...0x39).contains($0) }
        guard let length = Int(String(decoding: digits, as: UTF8.self)), length <= bytes.count,
            length > digits.count + 2, bytes.dropFirst(digits.count).first == 0x20,
            bytes.prefix(length).last == 0x0a
        else { throw ArchiveProblem("an extended header is malformed") }
        let field = bytes.prefix(length).dropFirst(digits.count + 1).dropLast()
        guard let equals = field.firstIndex(of: 0x3d), equals > field.startIndex else {
            throw ArchiveProblem("an extended header is malformed")
        }
        return (String(decoding: field[..<equals], as: UTF8.self), field[equals...].dropFirst(), length)
    }
}

/// Names in an archive as they are compared: without `./`, doubled slashes and slashes at the end.
enum TarName {
    static let limit = 4096

    /// `.` for the top directory itself.
    ///
    /// - Throws: for absolute names, `..` and empty or endless ones: unpacking them would write elsewhere.
    static func normalized(_ name: String) throws(ArchiveProblem) -> String {
        guard !name.isEmpty else { throw ArchiveProblem("there is an entry without a name") }
        guard name.utf8.count <= limit else { throw ArchiveProblem("there is a name longer than \(limit) bytes") }
        // By bytes, as the file system has it: to Swift a slash with an accent behind it is another character.
        let slash = UInt8(ascii: "/")
        guard name.utf8.first != slash else {
            throw ArchiveProblem("there is an absolute name in it: \(printable(name))")
        }
        let components = name.utf8.split(separator: slash).filter { !$0.elementsEqual(".".utf8) }
        guard !components.contains(where: { $0.elementsEqual("..".utf8) }) else {
            throw ArchiveProblem("there is a name with .. in it: \(printable(name))")
        }
        return components.isEmpty ? "." : components.map { String(Substring($0)) }.joined(separator: "/")
    }
}
