// SPDX-License-Identifier: Apache-2.0
internal import FoundationEssentials

enum Base64 {
    /// Standard base64 as the `-data` fields hold it; line breaks and blanks may be anywhere. Nil: it is something else.
    static func decode(_ text: String) -> [UInt8]? {
        let dense = Data(text.utf8.filter { $0 != 0x0a && $0 != 0x0d && $0 != 0x20 && $0 != 0x09 })
        return Data(base64Encoded: dense).map { Array($0) }
    }

    static func encode(_ bytes: [UInt8]) -> String {
        Data(bytes).base64EncodedString()
    }

    /// With `-` and `_`, and nothing at the end: a part of a name.
    static func urlEncode(_ bytes: [UInt8]) -> String {
        let encoded = encode(bytes).utf8.filter { $0 != UInt8(ascii: "=") }.map { byte in
            switch byte {
            case UInt8(ascii: "+"): UInt8(ascii: "-")
            case UInt8(ascii: "/"): UInt8(ascii: "_")
            default: byte
            }
        }
        return String(decoding: encoded, as: UTF8.self)
    }
}
