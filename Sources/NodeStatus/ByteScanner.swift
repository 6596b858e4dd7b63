// SPDX-License-Identifier: Apache-2.0

/// Reads a text from left to right, ASCII by ASCII.
struct ByteScanner {
    private let bytes: [UInt8]
    private var position = 0

    init(_ text: String) {
        bytes = Array(text.utf8)
    }

    var isAtEnd: Bool { position >= bytes.count }

    /// The next byte, without going past it.
    var next: UInt8? { position < bytes.count ? bytes[position] : nil }

    /// What has not been read.
    var rest: String { String(decoding: bytes[min(position, bytes.count)...], as: UTF8.self) }

    /// Goes past this ASCII character if it is the next one.
    mutating func skip(_ character: Unicode.Scalar) -> Bool {
        guard let next, UInt32(next) == character.value else { return false }
        position += 1
        return true
    }

    /// Goes past the decimal digits that follow, and says how many there were.
    mutating func digits(_ body: (UInt8) -> Void) -> Int {
        var count = 0
        while let byte = next, byte >= 0x30, byte <= 0x39 {
            body(byte - 0x30)
            position += 1
            count += 1
        }
        return count
    }

    /// Goes past the bytes that satisfy the condition, and gives them as text.
    mutating func text(while condition: (UInt8) -> Bool) -> String {
        let start = position
        while let byte = next, condition(byte) { position += 1 }
        return String(decoding: bytes[start..<position], as: UTF8.self)
    }
}
