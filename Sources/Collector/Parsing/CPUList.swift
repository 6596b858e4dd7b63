// SPDX-License-Identifier: Apache-2.0

/// The kernel's CPU list, `0-3,8,10-11`, as ranges; nil when it is something else or absurdly long.
func parseCPUList(_ text: String) -> [ClosedRange<Int>]? {
    let bytes = Array(text.utf8)
    var ranges: [ClosedRange<Int>] = []
    let result: Bool = bytes.withUnsafeBytes { raw in
        var cursor = TextCursor(raw)
        cursor.skipBlanks()
        if cursor.isAtEnd { return true }
        while ranges.count < 8_192 {
            guard let first = cursor.number(), first < 1 << 20 else { return false }
            var last = first
            if cursor.take("-") {
                guard let end = cursor.number(), end < 1 << 20, end >= first else { return false }
                last = end
            }
            ranges.append(Int(first)...Int(last))
            if cursor.isAtEnd { return true }
            guard cursor.take(",") else { return false }
        }
        return false
    }
    return result ? ranges : nil
}
