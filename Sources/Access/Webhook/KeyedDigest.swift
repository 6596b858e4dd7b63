// SPDX-License-Identifier: Apache-2.0
internal import Crypto

/// What a cache keeps in place of what was asked: HMAC-SHA256 with a key that this process made and nobody else knows.
/// A copy of the memory, or a collision made on purpose, tells nothing about tokens.
struct KeyedDigest: Sendable {
    struct Value: Hashable, Sendable {
        private let words: [UInt64]

        fileprivate init(_ code: HMAC<SHA256>.MAC) {
            var words: [UInt64] = []
            var word: UInt64 = 0
            for (index, byte) in code.enumerated() {
                word = word << 8 | UInt64(byte)
                if index % 8 == 7 {
                    words.append(word)
                    word = 0
                }
            }
            self.words = words
        }
    }

    private let key = SymmetricKey(size: .bits256)

    /// Of texts in their order; where one ends and the next begins counts.
    func value(of texts: [String]) -> Value {
        var code = HMAC<SHA256>(key: key)
        for text in texts {
            withUnsafeBytes(of: UInt64(text.utf8.count)) { code.update(data: $0) }
            var text = text
            text.withUTF8 { code.update(data: UnsafeRawBufferPointer($0)) }
        }
        return Value(code.finalize())
    }
}
