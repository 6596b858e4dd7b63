// SPDX-License-Identifier: Apache-2.0
internal import SwiftASN1
package import X509

extension Certificate {
    /// A certificate whose times are ones that a clock can show.
    ///
    /// swift-asn1 takes 60 and 61 for seconds, of which swift-certificates then asserts that they do not occur (1.21.1,
    /// TimeCalculations.swift). Go, and so the kubelet, refuses both too (encoding/asn1, parseUTCTime).
    /// - Throws: Whatever swift-certificates or swift-asn1 have against it.
    package init(strict der: [UInt8]) throws {
        let root = try DER.parse(der)
        self = try Certificate(derEncoded: root)
        for time in Self.validity(root) {
            let seconds =
                time.identifier == .utcTime
                ? try UTCTime(derEncoded: time).seconds : try GeneralizedTime(derEncoded: time).seconds
            guard seconds < 60 else {
                throw ASN1Error.invalidASN1Object(reason: "a time of its validity has \(seconds) seconds")
            }
        }
    }

    /// RFC 5280 §4.1: behind an optional version and a number come the sequences of the algorithm, the issuer and the
    /// validity.
    private static func validity(_ root: ASN1Node) -> [ASN1Node] {
        func children(_ node: ASN1Node?) -> [ASN1Node] {
            guard case .constructed(let nodes)? = node?.content else { return [] }
            return Array(nodes)
        }
        let fields = children(children(root).first)
        return children(fields.filter { $0.identifier == .sequence }.dropFirst(2).first)
    }
}
