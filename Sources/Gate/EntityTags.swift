// SPDX-License-Identifier: Apache-2.0

/// Entity tags (RFC 9110 section 8.8.3).
package enum EntityTags {
    /// Whether an `If-None-Match` value names one of `tags` (quoted) by weak comparison, or is `*`. A malformed list
    /// matches as far as it can be read.
    package static func match(_ value: UnsafeBufferPointer<UInt8>, _ tags: [[UInt8]]) -> Bool {
        let quote = UInt8(ascii: "\"")
        var rest = [UInt8](value)[...]
        if rest.withoutOuterBlanks.elementsEqual([UInt8(ascii: "*")]) { return true }
        while true {
            rest = rest.drop { isBlank($0) || $0 == UInt8(ascii: ",") }
            if rest.first == UInt8(ascii: "W"), rest.dropFirst().first == UInt8(ascii: "/") {
                rest = rest.dropFirst(2)
            }
            guard rest.first == quote, let end = rest.dropFirst().firstIndex(of: quote) else { return false }
            let tag = rest[rest.startIndex...end]
            if tags.contains(where: { $0.elementsEqual(tag) }) { return true }
            rest = rest[(end + 1)...]
        }
    }

    /// The gzip body's tag: the same with `-gzip` before the closing quote.
    package static func gzip(of tag: String) -> String {
        tag.hasSuffix("\"") ? tag.dropLast() + "-gzip\"" : tag + "-gzip"
    }
}
