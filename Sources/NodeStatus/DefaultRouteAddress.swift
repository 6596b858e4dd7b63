// SPDX-License-Identifier: Apache-2.0

/// The address behind the default route (apimachinery/pkg/util/net/interface.go ChooseHostInterface).
enum DefaultRouteAddress {
    static func choose(
        _ snapshot: NodeSnapshot, _ interfaces: [NetworkInterface], prefersIPv6: Bool
    ) -> NodeAddresses {
        switch snapshot.defaultRoutes {
        case .value(let routes, let time):
            fromRoutes(routes, at: time, interfaces, prefersIPv6: prefersIPv6)
        case .missing where snapshot.defaultRoutes == .notYetRead:
            NodeAddresses(internalIPs: .missing("default routes: not read yet"), rule: nil)
        case .missing(let reason):
            fromInterfaces(interfaces, at: snapshot.interfaces.time ?? snapshot.time, reason, prefersIPv6: prefersIPv6)
        }
    }

    private static func fromRoutes(
        _ routes: [DefaultRoute], at time: Timestamp, _ interfaces: [NetworkInterface], prefersIPv6: Bool
    ) -> NodeAddresses {
        for isIPv6 in [prefersIPv6, !prefersIPv6] {
            // The kernel lists an unreachable `::/0` without a gateway on every node.
            for route in routes where route.isIPv6 == isIPv6 && !(isIPv6 && hasNoGateway(route)) {
                let interface = interfaces.first { $0.name == route.interface && $0.isUp }
                if let address = interface.flatMap({ globalAddress(of: $0, isIPv6: isIPv6) }) {
                    return NodeAddresses(internalIPs: .value([address], at: time), rule: .defaultRoute)
                }
                let loopback = interfaces.lazy.filter { $0.isLoopback && $0.isUp }
                if let address = loopback.compactMap({ globalAddress(of: $0, isIPv6: isIPv6) }).first {
                    return NodeAddresses(internalIPs: .value([address], at: time), rule: .loopbackOfDefaultRoute)
                }
            }
        }
        let reason =
            routes.isEmpty
            ? "there is no default route and the node name does not resolve to an address of this node"
            : "no interface with a default route has a global unicast address"
        return NodeAddresses(internalIPs: .missing(reason), rule: nil)
    }

    /// Where there is no routing table to read.
    private static func fromInterfaces(
        _ interfaces: [NetworkInterface], at time: Timestamp, _ reason: String, prefersIPv6: Bool
    ) -> NodeAddresses {
        let usable = interfaces.filter { $0.isUp && !$0.isLoopback && !$0.isPointToPoint }
        for isIPv6 in [prefersIPv6, !prefersIPv6] {
            if let address = usable.lazy.compactMap({ globalAddress(of: $0, isIPv6: isIPv6) }).first {
                return NodeAddresses(internalIPs: .value([address], at: time), rule: .firstInterface)
            }
        }
        return NodeAddresses(
            internalIPs: .missing("no interface has a global unicast address (default routes: \(reason))"), rule: nil)
    }

    private static func hasNoGateway(_ route: DefaultRoute) -> Bool { route.gateway?.isUnspecified ?? true }

    private static func globalAddress(of interface: NetworkInterface, isIPv6: Bool) -> IPAddress? {
        interface.addresses.lazy.map(\.address).first { $0.isIPv6 == isIPv6 && $0.isGlobalUnicast }
    }
}
