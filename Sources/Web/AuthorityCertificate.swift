// SPDX-License-Identifier: Apache-2.0

/// A certificate whose subject is this name, for the list of authorities in the request for a client's certificate:
/// GnuTLS takes the names from certificates alone. Nothing is ever verified with it, and it has no key and no signature:
/// both are zeros.
///
/// - Parameter name: An X.501 `Name` in DER, not over 32 KiB.
func certificateOfAuthority(named name: [UInt8]) -> [UInt8] {
    let ed25519 = der(0x30, der(0x06, [0x2B, 0x65, 0x70]))
    let serialNumber = der(0x02, [1])
    let validity = der(0x30, der(0x17, [UInt8]("700101000000Z".utf8)) + der(0x17, [UInt8]("491231235959Z".utf8)))
    let publicKey = der(0x30, ed25519 + bitString(zeros: 32))
    let body = der(0x30, serialNumber + ed25519 + name + validity + name + publicKey)
    return der(0x30, body + ed25519 + bitString(zeros: 64))
}

private func bitString(zeros count: Int) -> [UInt8] {
    der(0x03, [UInt8](repeating: 0, count: 1 + count))
}

/// One element: tag, length in the shortest form, content of less than 16 MiB.
private func der(_ tag: UInt8, _ content: [UInt8]) -> [UInt8] {
    let count = content.count
    let low = UInt8(truncatingIfNeeded: count)
    let middle = UInt8(truncatingIfNeeded: count >> 8)
    let high = UInt8(truncatingIfNeeded: count >> 16)
    let length: [UInt8] =
        switch count {
        case ..<0x80: [low]
        case ..<0x100: [0x81, low]
        case ..<0x1_0000: [0x82, middle, low]
        default: [0x83, high, middle, low]
        }
    return [tag] + length + content
}
