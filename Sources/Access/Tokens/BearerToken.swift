// SPDX-License-Identifier: Apache-2.0

/// The token in an Authorization header, as the kubelet finds it
/// (apiserver/pkg/authentication/request/bearertoken/bearertoken.go): trimmed, split at single spaces, the scheme in
/// either case, the second word.
enum BearerToken: Equatable {
    static let maximumBytes = 8_192

    /// No header, another scheme, or no token behind the scheme: nothing to judge.
    case none
    case token(String)
    /// Nobody's, whatever it says. The reason does not show it.
    case malformed(String)

    init(_ header: String?) {
        guard let header else {
            self = .none
            return
        }
        var bytes = Array(header.utf8)[...]
        while let last = bytes.last, last == 0x20 || last == 0x09 { bytes.removeLast() }
        while let first = bytes.first, first == 0x20 || first == 0x09 { bytes.removeFirst() }
        // Go takes what the HTTP library lets through. A header with a line break or a NUL in it has no honest reading.
        if bytes.contains(where: { $0 < 0x20 || $0 == 0x7f }) {
            self = .malformed("the Authorization header has control characters in it")
            return
        }
        let words = bytes.split(separator: 0x20, maxSplits: 2, omittingEmptySubsequences: false)
        guard words.count >= 2, Self.isBearer(words[0]), !words[1].isEmpty else {
            self = .none
            return
        }
        if words[1].count > Self.maximumBytes {
            self = .malformed("the token is longer than \(Self.maximumBytes) bytes")
        } else {
            self = .token(String(decoding: words[1], as: UTF8.self))
        }
    }

    private static func isBearer(_ word: ArraySlice<UInt8>) -> Bool {
        word.count == 6 && zip(word, "bearer".utf8).allSatisfy { $0 | 0x20 == $1 }
    }
}
