// SPDX-License-Identifier: Apache-2.0

/// A token that nodekeep has made: `nkt_<id>_<secret>`.
///
/// The id is twelve consonants, so that it is never a word, a number or a date to anybody; the secret is 256 random
/// bits in hexadecimal. Only the SHA-256 of the whole text is stored: of 256 random bits that is as good as any slower
/// hash. Whatever begins with `nkt_` is ours, and is never shown to a webhook.
enum NodekeepToken {
    static let prefix = "nkt_"
    private static let alphabet = Array("bcdfghjklmnpqrstvwxz".utf8)
    private static let idLength = 12
    private static let secretLength = 64

    /// A new one.
    static func make(
        with generator: inout some RandomNumberGenerator, isTaken: (String) -> Bool
    ) -> (id: String, token: String) {
        var id: String
        repeat {
            id = String(
                decoding: (0..<idLength).map { _ in alphabet[Int.random(in: alphabet.indices, using: &generator)] },
                as: UTF8.self)
        } while isTaken(id)
        var secret = ""
        for _ in 0..<secretLength { secret += String(UInt8.random(in: 0..<16, using: &generator), radix: 16) }
        return (id, prefix + id + "_" + secret)
    }

    static func isOurs(_ token: String) -> Bool { token.hasPrefix(prefix) }

    static func isID(_ text: some StringProtocol) -> Bool {
        text.utf8.count == idLength && text.utf8.allSatisfy { alphabet.contains($0) }
    }

    /// The id in a token; nil: it is none of ours.
    static func id(in token: String) -> String? {
        let parts = token.utf8.split(separator: UInt8(ascii: "_"), maxSplits: 2, omittingEmptySubsequences: false)
        guard isOurs(token), parts.count == 3, parts[2].count == secretLength, isID(Substring(parts[1])) else {
            return nil
        }
        return String(Substring(parts[1]))
    }
}
