// SPDX-License-Identifier: Apache-2.0

/// An IPv4 or IPv6 address as a value: no resolver, no socket structure.
package struct IPAddress: Hashable, Sendable {
    /// Network order: 4 bytes or 16.
    package let bytes: [UInt8]
    package var isIPv6: Bool { bytes.count == 16 }

    /// Nil unless there are 4 or 16 bytes. An IPv4-mapped IPv6 address becomes IPv4, as Go's net.IP does.
    package init?(bytes: [UInt8]) {
        let mapped: [UInt8] = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff]
        switch bytes.count {
        case 4: self.bytes = bytes
        case 16: self.bytes = Array(bytes.prefix(12)) == mapped ? Array(bytes.suffix(4)) : bytes
        default: return nil
        }
    }
}
