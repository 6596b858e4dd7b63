// SPDX-License-Identifier: Apache-2.0
internal import Crypto

/// A SHA-256.
struct Fingerprint: Hashable, Sendable {
    private let words: SIMD4<UInt64>

    init(of bytes: [UInt8]) {
        self.init(ofAll: [bytes])
    }

    /// Of several pieces one behind the other. Where it matters where one ends, the caller says it in the bytes.
    init(ofAll pieces: [[UInt8]]) {
        var hash = SHA256()
        for piece in pieces {
            piece.withUnsafeBytes { hash.update(bufferPointer: $0) }
        }
        self.init(bytes: hash.finalize())
    }

    /// 64 lower-case hexadecimal digits; nil for anything else.
    init?(hexadecimal text: Substring) {
        guard text.utf8.count == 64 else { return nil }
        var words = SIMD4<UInt64>()
        for (index, byte) in text.utf8.enumerated() {
            let digit: UInt8
            switch byte {
            case UInt8(ascii: "0")...UInt8(ascii: "9"): digit = byte - UInt8(ascii: "0")
            case UInt8(ascii: "a")...UInt8(ascii: "f"): digit = byte - UInt8(ascii: "a") + 10
            default: return nil
            }
            words[index / 16] = words[index / 16] << 4 | UInt64(digit)
        }
        self.words = words
    }

    private init(bytes: some Sequence<UInt8>) {
        var words = SIMD4<UInt64>()
        for (index, byte) in bytes.prefix(32).enumerated() {
            words[index / 8] = words[index / 8] << 8 | UInt64(byte)
        }
        self.words = words
    }

    /// Whether they are the same, in a time that does not tell where they differ.
    func matches(_ other: Fingerprint) -> Bool {
        let difference = words ^ other.words
        return difference[0] | difference[1] | difference[2] | difference[3] == 0
    }

    var hexadecimal: String {
        var text = ""
        for index in 0..<4 {
            for shift in stride(from: 60, through: 0, by: -4) {
                text += String(words[index] >> UInt64(shift) & 0xf, radix: 16)
            }
        }
        return text
    }
}
