// SPDX-License-Identifier: Apache-2.0

import Glibc

/// Reads kernel text byte by byte without making Strings. Nothing here traps, whatever the bytes are.
///
/// Valid only while the buffer that it looks at is.
struct TextCursor {
    private let start: UnsafePointer<UInt8>?
    private let count: Int
    private var position = 0

    init(_ bytes: UnsafeRawBufferPointer) {
        start = bytes.baseAddress?.assumingMemoryBound(to: UInt8.self)
        count = bytes.baseAddress == nil ? 0 : bytes.count
    }

    private init(_ start: UnsafePointer<UInt8>?, _ count: Int) {
        self.start = start
        self.count = count
    }

    var isAtEnd: Bool { position >= count }
    var length: Int { count - position }

    /// The next byte, not taken.
    var peek: UInt8? {
        guard position < count, let start else { return nil }
        return start[position]
    }

    /// The next line without its `\n` or `\r\n`; nil at the end.
    mutating func line() -> TextCursor? {
        guard position < count, let start else { return nil }
        let from = start + position
        let left = count - position
        var length = left
        if let end = memchr(from, 0x0a, left) {
            length = UnsafeRawPointer(end) - UnsafeRawPointer(from)
            position += length + 1
        } else {
            position = count
        }
        if length > 0, from[length - 1] == 0x0d { length -= 1 }
        return TextCursor(from, length)
    }

    mutating func skipBlanks() {
        while let byte = peek, byte == 0x20 || byte == 0x09 { position += 1 }
    }

    /// The next run of bytes that are neither space nor tab, after skipping those; nil at the end.
    mutating func word() -> TextCursor? {
        skipBlanks()
        guard position < count, let start else { return nil }
        let from = position
        while let byte = peek, byte != 0x20, byte != 0x09 { position += 1 }
        return TextCursor(start + from, position - from)
    }

    /// Takes `text` if it comes next.
    mutating func take(_ text: StaticString) -> Bool {
        guard hasPrefix(text) else { return false }
        position += text.utf8CodeUnitCount
        return true
    }

    func hasPrefix(_ text: StaticString) -> Bool {
        let length = text.utf8CodeUnitCount
        guard length <= count - position, let start else { return false }
        return memcmp(start + position, text.utf8Start, length) == 0
    }

    func equals(_ text: StaticString) -> Bool { count - position == text.utf8CodeUnitCount && hasPrefix(text) }

    func equals(_ text: String) -> Bool {
        var text = text
        return text.withUTF8 { bytes in
            guard bytes.count == count - position else { return false }
            guard let start, let other = bytes.baseAddress else { return bytes.isEmpty }
            return memcmp(start + position, other, bytes.count) == 0
        }
    }

    /// Takes everything up to `byte` and the byte itself; nil, and nothing taken, when it does not come.
    mutating func prefix(upTo byte: UInt8) -> TextCursor? {
        guard position < count, let start, let end = memchr(start + position, Int32(byte), count - position) else {
            return nil
        }
        let length = UnsafeRawPointer(end) - UnsafeRawPointer(start + position)
        defer { position += length + 1 }
        return TextCursor(start + position, length)
    }

    /// Decimal digits; nil when there are none or the number does not fit.
    mutating func number() -> UInt64? {
        var value: UInt64 = 0
        var any = false
        while let byte = peek, byte >= 0x30, byte <= 0x39 {
            let (product, overflow) = value.multipliedReportingOverflow(by: 10)
            let (sum, carry) = product.addingReportingOverflow(UInt64(byte &- 0x30))
            if overflow || carry { return nil }
            value = sum
            any = true
            position += 1
        }
        return any ? value : nil
    }

    /// A number that is the whole of what is left, blanks aside.
    mutating func wholeNumber() -> UInt64? {
        skipBlanks()
        guard let value = number() else { return nil }
        skipBlanks()
        return isAtEnd ? value : nil
    }

    /// Hexadecimal digits up to the end of a word of at most eight.
    mutating func hexWord() -> UInt32? {
        guard let word = word(), word.count > 0, word.count <= 8 else { return nil }
        var cursor = word
        var value: UInt32 = 0
        while let digit = cursor.hexDigit() { value = value << 4 | UInt32(digit) }
        return cursor.isAtEnd ? value : nil
    }

    mutating func hexDigit() -> UInt8? {
        guard let byte = peek else { return nil }
        let digit: UInt8
        switch byte {
        case 0x30...0x39: digit = byte - 0x30
        case 0x41...0x46: digit = byte - 0x37
        case 0x61...0x66: digit = byte - 0x57
        default: return nil
        }
        position += 1
        return digit
    }

    /// `12.34`: the kernel's fixed-point numbers, never negative, no exponent; nil for anything else.
    mutating func decimal() -> Double? {
        guard let whole = number() else { return nil }
        guard peek == 0x2e else { return Double(whole) }
        position += 1
        var fraction = 0.0
        var scale = 1.0
        var any = false
        while let byte = peek, byte >= 0x30, byte <= 0x39 {
            if scale < 1e15 {
                fraction = fraction * 10 + Double(byte - 0x30)
                scale *= 10
            }
            any = true
            position += 1
        }
        // One rounding only, so that 1.84 is the 1.84 that prints as such.
        return any ? (Double(whole) * scale + fraction) / scale : nil
    }

    mutating func advance() { if position < count { position += 1 } }

    /// What is left, as text; bytes that are not UTF-8 are replaced.
    var text: String {
        guard let start, position < count else { return "" }
        return String(decoding: UnsafeBufferPointer(start: start + position, count: count - position), as: UTF8.self)
    }

    /// What is left as text without white space and NULs around it.
    var trimmedText: String {
        var from = position
        var to = count
        guard let start else { return "" }
        func isBlank(_ byte: UInt8) -> Bool { byte <= 0x20 }
        while from < to, isBlank(start[from]) { from += 1 }
        while to > from, isBlank(start[to - 1]) { to -= 1 }
        return String(decoding: UnsafeBufferPointer(start: start + from, count: to - from), as: UTF8.self)
    }
}
