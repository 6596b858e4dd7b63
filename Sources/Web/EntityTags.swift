// SPDX-License-Identifier: Apache-2.0

/// Whether an `If-None-Match` value names one of `tags` (quoted) by weak comparison, or is `*`. A malformed list
/// matches as far as it can be read.
func entityTags(_ value: some RandomAccessCollection<UInt8>, match tags: [[UInt8]]) -> Bool {
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
func gzipEntityTag(_ tag: String) -> String {
    tag.hasSuffix("\"") ? tag.dropLast() + "-gzip\"" : tag + "-gzip"
}
