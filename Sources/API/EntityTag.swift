// SPDX-License-Identifier: Apache-2.0

/// Makes entity tags: they tell one state of a page from another, they protect nothing.
enum EntityTag {
    /// Quoted, 64-bit FNV-1a of the bytes: the same page has the same tag after a restart too.
    static func of(_ body: [UInt8]) -> String {
        var hash: UInt64 = 0xcbf2_9ce4_8422_2325
        for byte in body {
            hash = (hash ^ UInt64(byte)) &* 0x0000_0100_0000_01b3
        }
        let digits = String(hash, radix: 16)
        return "\"" + String(repeating: "0", count: 16 - digits.count) + digits + "\""
    }
}
