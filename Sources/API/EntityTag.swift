// SPDX-License-Identifier: Apache-2.0

/// Entity tags (RFC 9110 section 8.8.3): they tell one state of a page from another, they protect nothing.
enum EntityTag {
    /// Quoted, 64-bit FNV-1a of the bytes: the same page has the same tag after a restart too.
    static func of(_ body: [UInt8]) -> String {
        var hash: UInt64 = 0xcbf2_9ce4_8422_2325
        for byte in body {
            hash = (hash ^ UInt64(byte)) &* 0x0000_0100_0000_01b3
        }
        let digits = String(hash, radix: 16)
        return "\"" + String(repeating: "0", count: 16 - digits.count) + digits + "\""
    }

    /// The tag of the gzip form of the same page.
    static func gzip(_ tag: String) -> String {
        tag.hasSuffix("\"") ? String(tag.dropLast()) + "-gzip\"" : tag
    }

    /// Whether an `If-None-Match` value names `tag` or its gzip form; the comparison is the weak one.
    static func matches(_ ifNoneMatch: String, _ tag: String) -> Bool {
        ifNoneMatch.split(separator: ",").contains { candidate in
            var text = candidate.drop { $0 == " " || $0 == "\t" }
            while text.last == " " || text.last == "\t" { text.removeLast() }
            if text == "*" { return true }
            if text.hasPrefix("W/") { text.removeFirst(2) }
            return text == tag || text == gzip(tag)
        }
    }
}
