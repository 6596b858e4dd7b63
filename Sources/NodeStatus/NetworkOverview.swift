// SPDX-License-Identifier: Apache-2.0

/// The way out of the node, for people. Nothing is concluded from it: the condition NetworkUnavailable belongs to the
/// cloud's route controller or the network plugin, and neither a kubelet nor nodekeep ever sets it.
package struct NetworkOverview: Codable, Equatable, Sendable {
    package struct Route: Codable, Equatable, Sendable {
        package var interface: String
        /// `IPv4` or `IPv6`.
        package var family: String
        package var gateway: IPAddress?
        /// Whether the interface is up; nil if that is not known.
        package var isUp: Bool?

        package init(interface: String, family: String, gateway: IPAddress?, isUp: Bool?) {
            self.interface = interface
            self.family = family
            self.gateway = gateway
            self.isUp = isUp
        }
    }

    /// In the kernel's order.
    package var defaultRoutes: [Route]

    package init(defaultRoutes: [Route]) {
        self.defaultRoutes = defaultRoutes
    }

    package static func compute(_ snapshot: NodeSnapshot) -> Reading<NetworkOverview> {
        snapshot.defaultRoutes.map { routes in
            NetworkOverview(
                defaultRoutes: routes.map { route in
                    let interface = snapshot.interfaces.value?.first { $0.name == route.interface }
                    return Route(
                        interface: route.interface, family: route.isIPv6 ? "IPv6" : "IPv4", gateway: route.gateway,
                        isUp: interface?.isUp)
                })
        }
    }
}
