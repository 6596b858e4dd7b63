// SPDX-License-Identifier: Apache-2.0

extension IPAddress {
    /// Parses `192.0.2.1` and `2001:db8::1` as Go's net.ParseIP does: no zone, no prefix length, no surrounding space.
    ///
    /// - Parameter sloppyIPv4: leading zeros are allowed and mean nothing, as in Kubernetes' ParseIPSloppy, which reads
    ///   `--node-ip` and host names that are addresses.
    package init?(_ text: String, sloppyIPv4: Bool = false) {
        let parsed =
            text.utf8.contains(UInt8(ascii: ":"))
            ? Self.ipv6(text, sloppyIPv4: sloppyIPv4) : Self.ipv4(text[...], sloppy: sloppyIPv4)
        guard let parsed else { return nil }
        self.init(bytes: parsed)
    }

    private static func ipv4(_ text: Substring, sloppy: Bool) -> [UInt8]? {
        let parts = text.split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count == 4 else { return nil }
        var bytes: [UInt8] = []
        for part in parts {
            guard !part.isEmpty, part.utf8.allSatisfy({ (0x30...0x39).contains($0) }),
                sloppy || part.utf8.count == 1 || part.utf8.first != 0x30, let byte = UInt8(part)
            else { return nil }
            bytes.append(byte)
        }
        return bytes
    }

    private static func ipv6(_ text: String, sloppyIPv4: Bool) -> [UInt8]? {
        guard text.utf8.count <= 64 else { return nil }
        let parts = text.split(separator: ":", omittingEmptySubsequences: false)
        // The empty parts of `::` at either end come in pairs: `::1` is "", "", "1".
        var before: [UInt8] = []
        var after: [UInt8] = []
        var gaps = 0
        for (index, part) in parts.enumerated() {
            var group: [UInt8]
            if part.isEmpty {
                let isEdge = index == 0 || index == parts.count - 1
                if isEdge {
                    // A single colon at an end is no gap.
                    let neighbour = index == 0 ? parts.dropFirst().first : parts.dropLast().last
                    guard let neighbour, neighbour.isEmpty else { return nil }
                } else {
                    gaps += 1
                }
                continue
            } else if part.utf8.contains(UInt8(ascii: ".")) {
                guard index == parts.count - 1, let tail = ipv4(part, sloppy: sloppyIPv4) else { return nil }
                group = tail
            } else {
                guard part.utf8.count <= 4, part.utf8.allSatisfy(isHexDigit), let value = UInt16(part, radix: 16) else {
                    return nil
                }
                group = [UInt8(value >> 8), UInt8(value & 0xff)]
            }
            if gaps == 0 { before += group } else { after += group }
        }
        switch gaps {
        case 0: return before.count == 16 ? before : nil
        case 1:
            let length = before.count + after.count
            guard length <= 14 else { return nil }
            return before + [UInt8](repeating: 0, count: 16 - length) + after
        default: return nil
        }
    }

    private static func isHexDigit(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "a")...UInt8(ascii: "f"),
            UInt8(ascii: "A")...UInt8(ascii: "F"):
            true
        default: false
        }
    }
}

extension IPAddress: CustomStringConvertible {
    /// The canonical text: dotted decimal, or RFC 5952.
    package var description: String {
        guard isIPv6 else { return bytes.map { String($0) }.joined(separator: ".") }
        let groups = stride(from: 0, to: 16, by: 2).map { UInt16(bytes[$0]) << 8 | UInt16(bytes[$0 + 1]) }
        // The longest run of at least two zero groups, the first of equals, becomes `::`.
        var gap = 0..<0
        var start: Int?
        for index in 0...8 {
            if index < 8, groups[index] == 0 {
                start = start ?? index
            } else if let first = start {
                if index - first >= 2, index - first > gap.count { gap = first..<index }
                start = nil
            }
        }
        func text(_ groups: ArraySlice<UInt16>) -> String {
            groups.map { String($0, radix: 16) }.joined(separator: ":")
        }
        guard !gap.isEmpty else { return text(groups[...]) }
        return text(groups[..<gap.lowerBound]) + "::" + text(groups[gap.upperBound...])
    }
}

/// What kind of address it is, with the meanings of Go's net.IP.
extension IPAddress {
    package var isUnspecified: Bool { bytes.allSatisfy { $0 == 0 } }

    /// 127.0.0.0/8 or ::1.
    package var isLoopback: Bool {
        isIPv6 ? bytes.last == 1 && bytes.dropLast().allSatisfy { $0 == 0 } : bytes.first == 127
    }

    /// 224.0.0.0/4 or ff00::/8.
    package var isMulticast: Bool {
        guard let first = bytes.first else { return false }
        return isIPv6 ? first == 0xff : first & 0xf0 == 0xe0
    }

    /// 169.254.0.0/16 or fe80::/10.
    package var isLinkLocalUnicast: Bool {
        guard let first = bytes.first, let second = bytes.dropFirst().first else { return false }
        return isIPv6 ? first == 0xfe && second & 0xc0 == 0x80 : first == 169 && second == 254
    }

    /// Neither broadcast, unspecified, loopback, multicast nor link-local. Private addresses and ULAs count.
    package var isGlobalUnicast: Bool {
        !(isUnspecified || isLoopback || isMulticast || isLinkLocalUnicast || bytes == [255, 255, 255, 255])
    }
}

extension IPAddress: Codable {
    package func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(description)
    }

    package init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        let text = try container.decode(String.self)
        guard let address = IPAddress(text) else {
            throw DecodingError.dataCorruptedError(in: container, debugDescription: "\"\(text)\" is not an IP address")
        }
        self = address
    }
}
