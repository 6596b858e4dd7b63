// SPDX-License-Identifier: Apache-2.0

import NodeStatus
import Testing

@Suite("The node's addresses")
struct AddressesTests {
    private func node(
        _ interfaces: [NetworkInterface], routes: [DefaultRoute] = [], resolved: [String] = [], name: String = "node1"
    ) -> NodeSnapshot {
        var node = recordedNode()
        node.interfaces = .value(interfaces, at: node.time)
        node.defaultRoutes = .value(routes, at: node.time)
        node.resolvedAddresses = .value(resolved.map(ip), at: node.time)
        node.hostname = .value(name, at: node.time)
        return node
    }

    private func published(_ snapshot: NodeSnapshot, _ settings: NodeSettings = NodeSettings()) -> [String]? {
        NodeAddresses.compute(snapshot, settings).value?.map { "\($0.type.rawValue)=\($0.address)" }
    }

    private let dualStack = [
        interface("lo", ["127.0.0.1", "::1"]),
        interface("eth0", ["fe80::1", "192.0.2.2", "2001:db8::2"]),
        interface("eth1", ["198.51.100.7"]),
    ]
    private let routes = [
        DefaultRoute(interface: "lo", isIPv6: true, gateway: nil),
        DefaultRoute(interface: "eth0", isIPv6: false, gateway: ip("192.0.2.1")),
        DefaultRoute(interface: "eth0", isIPv6: true, gateway: ip("fe80::ff")),
    ]

    @Test("The recorded node has the recorded addresses")
    func recorded() {
        #expect(published(recordedNode()) == ["InternalIP=192.0.2.2", "Hostname=node1"])
        #expect(NodeAddresses.choose(recordedNode(), NodeSettings()).rule == .defaultRoute)
    }

    @Test("IPv4 is preferred, unless the configured address is an unspecified IPv6 one")
    func preference() {
        var settings = NodeSettings()
        #expect(published(node(dualStack, routes: routes)) == ["InternalIP=192.0.2.2", "Hostname=node1"])
        settings.nodeIPs = [ip("::")]
        #expect(published(node(dualStack, routes: routes), settings) == ["InternalIP=2001:db8::2", "Hostname=node1"])
        settings.nodeIPs = [ip("0.0.0.0")]
        #expect(published(node(dualStack, routes: routes), settings) == ["InternalIP=192.0.2.2", "Hostname=node1"])
    }

    @Test("A node without IPv4 has its IPv6 address")
    func ipv6Only() {
        let interfaces = [interface("lo", ["::1"]), interface("eth0", ["fe80::1", "2001:db8::2"])]
        #expect(published(node(interfaces, routes: routes)) == ["InternalIP=2001:db8::2", "Hostname=node1"])
    }

    @Test("Two configured addresses are published in their order")
    func twoConfigured() {
        var settings = NodeSettings()
        settings.nodeIPs = [ip("2001:db8::2"), ip("192.0.2.2")]
        settings.externalIPs = [ip("203.0.113.9")]
        #expect(
            published(node(dualStack), settings) == [
                "InternalIP=2001:db8::2", "InternalIP=192.0.2.2", "ExternalIP=203.0.113.9", "Hostname=node1",
            ])
        #expect(NodeAddresses.choose(node(dualStack), settings).rule == .nodeIP)
    }

    @Test(
        "A configured address that is not this node's is refused with the reason",
        arguments: [
            ("203.0.113.1", "not on any of this node's interfaces"), ("127.0.0.1", "loopback"),
            ("fe80::1", "link-local"), ("224.0.0.1", "multicast"),
        ])
    func foreignConfigured(text: String, reason: String) throws {
        var settings = NodeSettings()
        settings.nodeIPs = [ip(text)]
        let missing = try #require(NodeAddresses.compute(node(dualStack, routes: routes), settings).missingReason)
        #expect(missing.hasPrefix("failed to validate nodeIP: ") && missing.contains(reason))
    }

    @Test("A host name that is an address is the address, before the resolver is asked")
    func hostnameIsAddress() {
        let snapshot = node(dualStack, routes: routes, resolved: ["198.51.100.7"], name: "198.51.100.9")
        #expect(published(snapshot) == ["InternalIP=198.51.100.9", "Hostname=198.51.100.9"])
        #expect(NodeAddresses.choose(snapshot, NodeSettings()).rule == .hostnameIsAddress)
    }

    @Test("The resolver's answer goes before the default route")
    func resolver() {
        let snapshot = node(dualStack, routes: routes, resolved: ["2001:db8::2", "198.51.100.7"])
        #expect(published(snapshot) == ["InternalIP=198.51.100.7", "Hostname=node1"])
        #expect(NodeAddresses.choose(snapshot, NodeSettings()).rule == .resolver)
        #expect(
            published(node(dualStack, routes: routes, resolved: ["2001:db8::2"])) == [
                "InternalIP=2001:db8::2", "Hostname=node1",
            ])
    }

    @Test("What the resolver says does not count if it is loopback or another machine's")
    func uselessResolver() {
        let snapshot = node(dualStack, routes: routes, resolved: ["127.0.1.1", "203.0.113.50", "::1"])
        #expect(published(snapshot) == ["InternalIP=192.0.2.2", "Hostname=node1"])
        #expect(NodeAddresses.choose(snapshot, NodeSettings()).rule == .defaultRoute)
    }

    @Test("An interface that is down, or has link-local addresses alone, gives none; loopback may")
    func loopbackAddress() {
        let down = [interface("eth0", ["192.0.2.2"], isUp: false)]
        #expect(published(node(down, routes: routes)) == nil)
        let routed = [interface("lo", ["127.0.0.1", "10.9.9.9"]), interface("eth0", ["169.254.3.4"])]
        let snapshot = node(routed, routes: routes)
        #expect(published(snapshot) == ["InternalIP=10.9.9.9", "Hostname=node1"])
        #expect(NodeAddresses.choose(snapshot, NodeSettings()).rule == .loopbackOfDefaultRoute)
    }

    @Test("Without a routing table the first usable interface counts, without a route none")
    func noRoutes() {
        var snapshot = node(dualStack)
        #expect(published(snapshot) == nil)
        snapshot.defaultRoutes = .missing("open /proc/net/route: No such file or directory")
        #expect(published(snapshot) == ["InternalIP=192.0.2.2", "Hostname=node1"])
        #expect(NodeAddresses.choose(snapshot, NodeSettings()).rule == .firstInterface)
    }

    @Test("What has not been read yet gives no address, and says so")
    func notRead() {
        let empty = NodeSnapshot(time: Timestamp(seconds: 0))
        #expect(NodeAddresses.compute(empty, NodeSettings()).missingReason == "no node name: not read yet")
        var settings = NodeSettings()
        settings.hostnameOverride = "node2"
        #expect(
            NodeAddresses.compute(empty, settings).missingReason == "network interfaces: not read yet")
        settings.nodeIPs = [ip("192.0.2.2")]
        #expect(
            NodeAddresses.compute(empty, settings).missingReason == "network interfaces: not read yet")
    }

    @Test("No pair is published twice")
    func duplicates() {
        var settings = NodeSettings()
        settings.externalIPs = [ip("203.0.113.9"), ip("203.0.113.9")]
        #expect(published(recordedNode(), settings)?.count == 3)
    }

    @Test("The default routes are shown with their interfaces")
    func overview() {
        let overview = NetworkOverview.compute(node(dualStack, routes: routes)).value
        #expect(overview?.defaultRoutes.map(\.isUp) == [true, true, true])
        #expect(overview?.defaultRoutes.map(\.family) == ["IPv6", "IPv4", "IPv6"])
        var snapshot = node([], routes: routes)
        #expect(NetworkOverview.compute(snapshot).value?.defaultRoutes.map(\.isUp) == [nil, nil, nil])
        snapshot.defaultRoutes = .missing("no such file")
        #expect(NetworkOverview.compute(snapshot).missingReason == "no such file")
    }
}
