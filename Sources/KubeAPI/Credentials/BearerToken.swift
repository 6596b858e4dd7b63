// SPDX-License-Identifier: Apache-2.0

enum BearerToken {
    static let limit = 16_384
    static let explanation = "one token of at most 16384 visible ASCII characters belongs here"

    /// Without the white space around it; nil: that is no token, and would be more than one header line.
    static func trimmed(_ bytes: [UInt8]) -> [UInt8]? {
        func isSpace(_ byte: UInt8) -> Bool { byte == 0x20 || (0x09...0x0d).contains(byte) }
        let token = bytes.drop(while: isSpace).reversed().drop(while: isSpace).reversed()
        guard !token.isEmpty, token.count <= limit, token.allSatisfy({ $0 > 0x20 && $0 < 0x7f }) else { return nil }
        return Array(token)
    }
}
