// SPDX-License-Identifier: Apache-2.0
internal import FoundationEssentials
internal import NIOCore
internal import NIOPosix
internal import NIOSSL
internal import NodeStatus
internal import SwiftASN1
internal import Synchronization
internal import X509

/// Finds out what is wrong with a server's certificate. The TLS library verifies and says no more than that it failed;
/// so a connection that failed for that is made once more, only to see the certificate. Nothing is sent on it.
enum ServerCertificate {
    /// In an operator's words; nil: no certificate could be had, or nothing is wrong with it that is looked for here.
    ///
    /// - Parameters:
    ///   - address: An IP address.
    ///   - limit: For the whole connection.
    static func fault(
        at address: String, port: Int, connection: KubeConnection, material: TLSMaterial, date: Timestamp,
        limit: Duration, eventLoops: any EventLoopGroup
    ) async -> String? {
        let name = connection.tlsServerName ?? (connection.server.isIPAddress ? nil : connection.server.host)
        guard let chain = await presented(at: address, port: port, name: name, limit: limit, eventLoops: eventLoops)
        else { return nil }
        return fault(
            ofChain: chain, authorities: material.authorities, authoritiesName: material.authoritiesName,
            name: connection.verifiedName, date: date)
    }

    /// - Parameters:
    ///   - chain: DER, leaf first.
    ///   - authorities: DER; nil: the system's, which are not looked into.
    static func fault(
        ofChain chain: [[UInt8]], authorities: [[UInt8]]?, authoritiesName: String, name: String, date: Timestamp
    ) -> String? {
        guard let first = chain.first, let leaf = try? Certificate(strict: first) else {
            return "what the server showed is no certificate that can be read"
        }
        let subject = shown(leaf.subject)
        let (begin, end) = (timestamp(leaf.notValidBefore), timestamp(leaf.notValidAfter))
        if end < date { return "the server's certificate (\(subject)) expired on \(end.rfc3339)" }
        if begin > date {
            return "the server's certificate (\(subject)) is valid from \(begin.rfc3339) only, and here it is "
                + "\(date.rfc3339): is one of the clocks wrong?"
        }
        if let text = foreignIssuer(leaf, chain.dropFirst(), authorities, authoritiesName, date) { return text }
        let names = names(of: leaf)
        if !names.contains(where: { matches($0, name) }) {
            let list = names.isEmpty ? "no name at all" : ForeignText.line(names.prefix(10).joined(separator: ", "))
            return "the server's certificate is for \(list), not for \(ForeignText.line(name)): "
                + "correct server, or set tls-server-name to a name that it has"
        }
        return nil
    }

    private static func foreignIssuer(
        _ leaf: Certificate, _ rest: ArraySlice<[UInt8]>, _ authorities: [[UInt8]]?, _ authoritiesName: String,
        _ date: Timestamp
    ) -> String? {
        guard let authorities else { return nil }
        let known = authorities.compactMap { try? Certificate(strict: $0) }
        // What the server sends along leads upwards, in order.
        var tip = leaf
        for bytes in rest.prefix(8) {
            guard let next = try? Certificate(strict: bytes), next.subject == tip.issuer, next != tip else { break }
            tip = next
        }
        let namesakes = known.filter { $0.subject == tip.issuer }
        if namesakes.isEmpty {
            return "the server's certificate was issued by \(shown(tip.issuer)), which is not in \(authoritiesName)"
        }
        let issuers = namesakes.filter { $0.publicKey.isValidSignature(tip.signature, for: tip) }
        guard let issuer = issuers.first else {
            return "the server's certificate was issued by another \(shown(tip.issuer)) than the one in "
                + "\(authoritiesName): the cluster's authority was replaced, or this is another cluster"
        }
        let end = timestamp(issuer.notValidAfter)
        guard issuers.allSatisfy({ timestamp($0.notValidAfter) < date }) else { return nil }
        return "the authority \(shown(issuer.subject)) in \(authoritiesName) expired on \(end.rfc3339)"
    }

    private static func timestamp(_ date: Date) -> Timestamp {
        // Certificates know the years 0 to 9999.
        Timestamp(seconds: Int64(exactly: date.timeIntervalSince1970.rounded(.down)) ?? 0)
    }

    private static func shown(_ name: DistinguishedName) -> String {
        let text = ForeignText.line(name.description, limit: 128)
        return text.isEmpty ? "a subject without a name" : text
    }

    private static func names(of certificate: Certificate) -> [String] {
        guard let alternatives = try? certificate.extensions.subjectAlternativeNames else { return [] }
        return alternatives.compactMap { name in
            switch name {
            case .dnsName(let text): text
            case .ipAddress(let address): IPAddress(bytes: Array(address.bytes))?.description
            default: nil
            }
        }
    }

    private static func matches(_ pattern: String, _ name: String) -> Bool {
        if let address = IPAddress(name) { return IPAddress(pattern) == address }
        let (pattern, name) = (pattern.lowercased(), name.lowercased())
        guard pattern.hasPrefix("*.") else { return pattern == name }
        return name.split(separator: ".", maxSplits: 1).last.map { "*." + $0 } == pattern
    }

    /// The chain that the server shows, DER, leaf first.
    private static func presented(
        at address: String, port: Int, name: String?, limit: Duration, eventLoops: any EventLoopGroup
    ) async -> [[UInt8]]? {
        let seen = OneTimeValue<[[UInt8]]?>()
        guard let target = try? SocketAddress(ipAddress: address, port: port),
            let context = try? NIOSSLContext(configuration: .makeClientConfiguration())
        else { return nil }
        let bootstrap = ClientBootstrap(group: eventLoops).connectTimeout(TimeAmount(limit))
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    let handler = try NIOSSLClientHandler(
                        context: context, serverHostname: name,
                        customVerificationCallback: { chain, verdict in
                            seen.complete(chain.prefix(10).compactMap { try? $0.toDERBytes() })
                            // No handshake ever succeeds here.
                            verdict.succeed(.failed)
                        })
                    try channel.pipeline.syncOperations.addHandler(handler)
                }
            }
        let channel: any Channel
        do {
            channel = try await bootstrap.connect(to: target).get()
        } catch {
            return nil
        }
        channel.closeFuture.whenComplete { _ in seen.complete(nil) }
        let chain = await seen.value(within: limit, .system)
        channel.close(mode: .all, promise: nil)
        return chain ?? nil
    }
}
