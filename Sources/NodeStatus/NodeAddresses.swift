// SPDX-License-Identifier: Apache-2.0

/// One element of a Node's `status.addresses` (core/v1/types.go NodeAddress).
package struct NodeAddress: Codable, Hashable, Sendable {
    package enum Kind: String, Codable, Sendable {
        case internalIP = "InternalIP"
        case externalIP = "ExternalIP"
        case hostname = "Hostname"
    }

    package var type: Kind
    package var address: String

    package init(type: Kind, address: String) {
        self.type = type
        self.address = address
    }
}

/// Which address is the node's (pkg/kubelet/nodestatus/setters.go NodeAddress; its rules in their order).
package struct NodeAddresses: Equatable, Sendable {
    package enum Rule: String, Codable, Sendable {
        case nodeIP = "the configured node address"
        case hostnameIsAddress = "the host name is an address"
        case resolver = "the resolver's answer for the node name"
        case defaultRoute = "the default route's interface"
        case loopbackOfDefaultRoute = "the loopback interface, the default route's having no global address"
        case firstInterface = "the first interface with a global address"
    }

    /// The InternalIPs, or why there is none.
    package var internalIPs: Reading<[IPAddress]>
    /// Which rule gave them.
    package var rule: Rule?

    /// The addresses to publish: InternalIPs, ExternalIPs, Hostname.
    ///
    /// - Returns: Missing, with the reason, when no InternalIP can be given: a kubelet changes nothing then.
    package static func compute(_ snapshot: NodeSnapshot, _ settings: NodeSettings) -> Reading<[NodeAddress]> {
        guard case .value(let name, _) = NodeName.compute(snapshot, settings) else {
            return .missing("no node name: \(NodeName.compute(snapshot, settings).missingReason ?? "")")
        }
        return choose(snapshot, settings).internalIPs.map { internalIPs in
            let addresses =
                internalIPs.map { NodeAddress(type: .internalIP, address: $0.description) }
                + settings.externalIPs.map { NodeAddress(type: .externalIP, address: $0.description) }
                + [NodeAddress(type: .hostname, address: name)]
            // The API server refuses an object with the same pair twice.
            var seen: Set<NodeAddress> = []
            return addresses.filter { seen.insert($0).inserted }
        }
    }

    /// Chooses the InternalIPs.
    package static func choose(_ snapshot: NodeSnapshot, _ settings: NodeSettings) -> NodeAddresses {
        let prefersIPv6 = settings.nodeIPs.first?.isIPv6 ?? false
        let concrete = settings.nodeIPs.filter { !$0.isUnspecified }
        if !concrete.isEmpty { return configured(Array(concrete.prefix(2)), snapshot) }

        guard case .value(let name, let nameTime) = NodeName.compute(snapshot, settings) else {
            return NodeAddresses(internalIPs: .missing("the node has no name yet"), rule: nil)
        }
        if let address = IPAddress(name, sloppyIPv4: true) {
            return NodeAddresses(internalIPs: .value([address], at: nameTime), rule: .hostnameIsAddress)
        }
        guard case .value(let interfaces, _) = snapshot.interfaces else {
            let reason = snapshot.interfaces.missingReason ?? ""
            return NodeAddresses(internalIPs: .missing("network interfaces: \(reason)"), rule: nil)
        }
        if case .value(let answers, let time) = snapshot.resolvedAddresses {
            let usable = answers.filter { problem(of: $0, interfaces) == nil }
            if let address = usable.first(where: { $0.isIPv6 == prefersIPv6 }) ?? usable.first {
                return NodeAddresses(internalIPs: .value([address], at: time), rule: .resolver)
            }
        }
        // A resolver that has not answered, or never does, must not leave the node without an address.
        return DefaultRouteAddress.choose(snapshot, interfaces, prefersIPv6: prefersIPv6)
    }

    private static func configured(_ addresses: [IPAddress], _ snapshot: NodeSnapshot) -> NodeAddresses {
        guard case .value(let interfaces, let time) = snapshot.interfaces else {
            let reason = snapshot.interfaces.missingReason ?? ""
            return NodeAddresses(internalIPs: .missing("network interfaces: \(reason)"), rule: .nodeIP)
        }
        for address in addresses {
            if let problem = problem(of: address, interfaces) {
                return NodeAddresses(internalIPs: .missing("failed to validate nodeIP: \(problem)"), rule: .nodeIP)
            }
        }
        return NodeAddresses(internalIPs: .value(addresses, at: time), rule: .nodeIP)
    }

    /// What keeps an address from being this node's; nil if nothing does (kubelet_node_status.go validateNodeIP).
    package static func problem(of address: IPAddress, _ interfaces: [NetworkInterface]) -> String? {
        if address.isLoopback { return "\(address) is a loopback address" }
        if address.isMulticast { return "\(address) is a multicast address" }
        if address.isLinkLocalUnicast { return "\(address) is a link-local unicast address" }
        if address.isUnspecified { return "\(address) is an unspecified address" }
        let isHere = interfaces.contains { $0.addresses.contains { $0.address == address } }
        return isHere ? nil : "\(address) is not on any of this node's interfaces"
    }
}
