// SPDX-License-Identifier: Apache-2.0

import NodeStatus

/// The default routes of /proc/net/route, in its order: destination and mask zero, up, not a reject route.
func parseIPv4DefaultRoutes(_ text: TextCursor) -> [DefaultRoute] {
    var text = text
    var routes: [DefaultRoute] = []
    _ = text.line()  // the header
    while var line = text.line(), routes.count < 256 {
        guard let interface = line.word(), let destination = line.hexWord(), destination == 0,
            let gateway = line.hexWord(), let flags = line.hexWord(), isUsable(flags),
            line.word() != nil, line.word() != nil, line.word() != nil, let mask = line.hexWord(), mask == 0
        else { continue }
        // The kernel prints the address as one number, so its bytes in memory are in network order on any machine.
        let bytes = withUnsafeBytes(of: gateway) { Array($0) }
        routes.append(
            DefaultRoute(
                interface: interface.text, isIPv6: false, gateway: gateway == 0 ? nil : IPAddress(bytes: bytes)))
    }
    return routes
}

/// The default routes of /proc/net/ipv6_route, in its order. The gateway is nil where the route has none.
func parseIPv6DefaultRoutes(_ text: TextCursor) -> [DefaultRoute] {
    var text = text
    var routes: [DefaultRoute] = []
    while var line = text.line(), routes.count < 256 {
        guard line.hasPrefix("00000000000000000000000000000000 00 "), line.word() != nil, line.word() != nil,
            line.word() != nil, line.word() != nil, let gateway = line.word().flatMap(parseIPv6Hex),
            line.word() != nil, line.word() != nil, line.word() != nil, let flags = line.hexWord(), isUsable(flags),
            let interface = line.word()
        else { continue }
        routes.append(
            DefaultRoute(
                interface: interface.text, isIPv6: true,
                gateway: gateway.allSatisfy { $0 == 0 } ? nil : IPAddress(bytes: gateway)))
    }
    return routes
}

private func parseIPv6Hex(_ word: TextCursor) -> [UInt8]? {
    guard word.length == 32 else { return nil }
    var word = word
    var bytes: [UInt8] = []
    while let high = word.hexDigit(), let low = word.hexDigit() { bytes.append(high << 4 | low) }
    return bytes.count == 16 ? bytes : nil
}

/// RTF_UP, not RTF_REJECT.
private func isUsable(_ flags: UInt32) -> Bool { flags & 0x1 != 0 && flags & 0x200 == 0 }
