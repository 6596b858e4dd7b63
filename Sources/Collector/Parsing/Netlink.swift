// SPDX-License-Identifier: Apache-2.0

import CLinux
import NodeStatus

/// The interfaces of an RTM_GETLINK dump, by index, with the addresses of an RTM_GETADDR dump in its order.
func parseInterfaces(links: [UInt8], addresses: [UInt8]) -> [NetworkInterface] {
    var interfaces: [NetworkInterface] = []
    forEachNetlinkMessage(links) { type, message in
        if type == 16, let interface = link(message) { interfaces.append(interface) }
    }
    interfaces.sort { $0.index < $1.index }
    var positions: [UInt32: Int] = [:]
    for (position, interface) in interfaces.enumerated() { positions[interface.index] = position }
    forEachNetlinkMessage(addresses) { type, message in
        guard type == 20, let (index, address) = interfaceAddress(message), let position = positions[index] else {
            return
        }
        interfaces[position].addresses.append(address)
    }
    return interfaces
}

/// What a netlink notification is about.
struct NetlinkChanges: OptionSet {
    let rawValue: Int
    static let interfaces = NetlinkChanges(rawValue: 1)
    static let routes = NetlinkChanges(rawValue: 2)

    init(rawValue: Int) { self.rawValue = rawValue }

    init(_ messages: [UInt8]) {
        var changes: NetlinkChanges = []
        forEachNetlinkMessage(messages) { type, _ in
            switch type {
            case 16, 17, 20, 21: changes.insert(.interfaces)
            case 24, 25: changes.insert(.routes)
            default: break
            }
        }
        self = changes
    }
}

/// `struct nlmsghdr`: length (4), type (2), flags (2), sequence (4), port (4), then the message, padded to 4 bytes.
func forEachNetlinkMessage(_ bytes: [UInt8], _ body: (UInt16, ArraySlice<UInt8>) -> Void) {
    var offset = 0
    while let length = bytes[offset...].native32(offset), let type = bytes[offset...].native16(offset + 4) {
        let length = Int(length)
        guard length >= 16, length <= bytes.count - offset else { return }
        body(type, bytes[(offset + 16)..<(offset + length)])
        offset += (length + 3) & ~3
        if offset >= bytes.count { return }
    }
}

/// `struct rtattr`: length (2), type (2), then the value, padded to 4 bytes.
private func forEachAttribute(_ bytes: ArraySlice<UInt8>, _ body: (UInt16, ArraySlice<UInt8>) -> Void) {
    var offset = bytes.startIndex
    while let length = bytes.native16(offset), let type = bytes.native16(offset + 2) {
        let length = Int(length)
        guard length >= 4, length <= bytes.endIndex - offset else { return }
        body(type & 0x3fff, bytes[(offset + 4)..<(offset + length)])
        offset += (length + 3) & ~3
        if offset >= bytes.endIndex { return }
    }
}

/// `struct ifinfomsg`: family (1), padding (1), type (2), index (4), flags (4), change (4), then attributes.
private func link(_ message: ArraySlice<UInt8>) -> NetworkInterface? {
    let start = message.startIndex
    guard message.count >= 16, let index = message.native32(start + 4), let flags = message.native32(start + 8)
    else { return nil }
    var name: String?
    var mtu: UInt32 = 0
    var hardwareAddress: String?
    forEachAttribute(message[(start + 16)...]) { type, value in
        switch type {
        case 1 where (1...32).contains(value.count) && value.contains { $0 != 0 }:
            hardwareAddress = value.map(hexByte).joined(separator: ":")
        case 3: name = String(decoding: value.prefix { $0 != 0 }, as: UTF8.self)
        case 4: mtu = value.native32(value.startIndex) ?? 0
        default: break
        }
    }
    guard let name, !name.isEmpty else { return nil }
    return NetworkInterface(
        name: name, index: index, isUp: flags & 0x1 != 0, isRunning: flags & 0x40 != 0, isLoopback: flags & 0x8 != 0,
        isPointToPoint: flags & 0x10 != 0, mtu: mtu, hardwareAddress: hardwareAddress)
}

/// `struct ifaddrmsg`: family, prefix length, flags, scope (1 each), index (4), then attributes.
private func interfaceAddress(_ message: ArraySlice<UInt8>) -> (UInt32, InterfaceAddress)? {
    let start = message.startIndex
    guard message.count >= 8, let index = message.native32(start + 4) else { return nil }
    var address: IPAddress?
    var local: IPAddress?
    forEachAttribute(message[(start + 8)...]) { type, value in
        // On a point-to-point link IFA_ADDRESS is the peer's, IFA_LOCAL ours.
        if type == 1 { address = IPAddress(bytes: Array(value)) }
        if type == 2 { local = IPAddress(bytes: Array(value)) }
    }
    guard let address = local ?? address else { return nil }
    return (index, InterfaceAddress(address: address, prefixLength: message[start + 1]))
}

private func hexByte(_ byte: UInt8) -> String {
    (byte < 16 ? "0" : "") + String(byte, radix: 16)
}

extension ArraySlice<UInt8> {
    /// Two bytes in the machine's order; nil where there are none.
    fileprivate func native16(_ offset: Int) -> UInt16? {
        guard offset >= startIndex, offset <= endIndex - 2 else { return nil }
        let low = UInt16(self[offset])
        let high = UInt16(self[offset + 1])
        return UInt16(littleEndian: 1) == 1 ? high << 8 | low : low << 8 | high
    }

    fileprivate func native32(_ offset: Int) -> UInt32? {
        guard let first = native16(offset), let second = native16(offset + 2) else { return nil }
        return UInt16(littleEndian: 1) == 1
            ? UInt32(second) << 16 | UInt32(first) : UInt32(first) << 16 | UInt32(second)
    }
}
