// SPDX-License-Identifier: Apache-2.0

extension GateRequest {
    /// The longest method name.
    package static let maximumMethodSize = 32
    /// The longest path, query and header value, each: what fits in a frame anyway, said for the reader of errors.
    package static let maximumFieldSize = 32_768
    /// The longest numeric address: IPv6 with an embedded IPv4 address and a zone.
    package static let maximumAddressSize = 64
    /// The longest `authorization`.
    package static let maximumAuthorizationSize = 8_192
    /// The longest chain that a client may show, in certificates.
    package static let maximumCertificates = 8
    /// The longest chain that a client may show, in bytes.
    package static let maximumCertificatesSize = 32_768

    /// Checks what the decoder cannot: that this is a request as an honest web process sends it.
    ///
    /// The web process may be in a stranger's hands, so the agent calls this before it looks at a request. It makes no
    /// statement about who is asking: see ``peer``, which is only as true as the web process is.
    ///
    /// - Throws: ``GateError/badRequest(_:)``.
    package func validate() throws(GateError) {
        guard !method.isEmpty, method.utf8.count <= Self.maximumMethodSize, method.utf8.allSatisfy(isTokenByte) else {
            throw .badRequest("the method is not a token")
        }
        guard path.utf8.first == UInt8(ascii: "/") else { throw .badRequest("the path does not begin with a slash") }
        try Self.check(path, "path", isVisibleByte)
        guard !path.utf8.contains(UInt8(ascii: "?")) else { throw .badRequest("the path has a query") }
        if let query {
            try Self.check(query, "query", isVisibleByte)
        }
        var seen: [String] = []
        for header in headers {
            guard Self.passedHeaders.contains(header.name) else { throw .badRequest("a header that is not passed") }
            guard !seen.contains(header.name) else { throw .badRequest("\(header.name) is repeated") }
            seen.append(header.name)
            try Self.check(header.value, header.name, isFieldByte)
            guard header.name != "authorization" || header.value.utf8.count <= Self.maximumAuthorizationSize else {
                throw .badRequest("authorization is too long")
            }
        }
        switch (listener, peer) {
        case (.socket, .unix), (.local, .tcp), (.main, .tcp): break
        default: throw .badRequest("the peer does not fit the listener")
        }
        if case .tcp(let address, _) = peer {
            guard !address.isEmpty, address.utf8.count <= Self.maximumAddressSize,
                address.utf8.allSatisfy(isVisibleByte)
            else { throw .badRequest("the peer's address") }
        }
        try checkCertificates()
    }

    private func checkCertificates() throws(GateError) {
        guard listener == .main || clientCertificates.isEmpty else {
            throw .badRequest("a certificate where there is no TLS")
        }
        guard Self.isAcceptable(certificateSizes: clientCertificates.lazy.map(\.count)) else {
            throw .badRequest("the certificate chain is too long or has an empty certificate")
        }
    }

    /// Whether a chain of certificates of these sizes may pass the gate.
    package static func isAcceptable(certificateSizes sizes: some Collection<Int>) -> Bool {
        sizes.count <= maximumCertificates && sizes.allSatisfy { $0 > 0 && $0 <= maximumCertificatesSize }
            && sizes.reduce(0, +) <= maximumCertificatesSize
    }

    private static func check(_ text: String, _ field: String, _ allowed: (UInt8) -> Bool) throws(GateError) {
        guard text.utf8.count <= maximumFieldSize else { throw .badRequest("\(field) is too long") }
        guard text.utf8.allSatisfy(allowed) else { throw .badRequest("\(field) has a byte that it cannot have") }
    }
}

extension WebCounters {
    /// Web knows a dozen pages and two dozen reasons; a hostile one may make up more, but not without end.
    package static let maximumRows = 128
    private static let maximumNameSize = 64

    /// Checks what the decoder cannot. They are summed up with those of other processes, kept, and shown to everybody who
    /// asks for the metrics.
    ///
    /// - Throws: ``GateError/badCounters(_:)``.
    package func validate() throws(GateError) {
        guard served.count <= Self.maximumRows, refused.count <= Self.maximumRows else {
            throw .badCounters("too many rows")
        }
        for name in served.lazy.map(\.path) {
            guard name.utf8.count <= Self.maximumNameSize, name.utf8.allSatisfy(isVisibleByte) else {
                throw .badCounters("the name of a page")
            }
        }
        for name in refused.lazy.map(\.reason) {
            guard name.utf8.count <= Self.maximumNameSize, name.utf8.allSatisfy(isVisibleByte) else {
                throw .badCounters("the name of a reason")
            }
        }
    }
}

/// A byte of an RFC 9110 token: a method or a field name.
@inlinable
package func isTokenByte(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
        UInt8(ascii: "0")...UInt8(ascii: "9"):
        true
    case UInt8(ascii: "!"), UInt8(ascii: "#"), UInt8(ascii: "$"), UInt8(ascii: "%"), UInt8(ascii: "&"),
        UInt8(ascii: "'"), UInt8(ascii: "*"), UInt8(ascii: "+"), UInt8(ascii: "-"), UInt8(ascii: "."),
        UInt8(ascii: "^"), UInt8(ascii: "_"), UInt8(ascii: "`"), UInt8(ascii: "|"), UInt8(ascii: "~"):
        true
    default: false
    }
}

/// A byte of a path or a query as sent: ASCII without blanks and control bytes.
@inlinable
package func isVisibleByte(_ byte: UInt8) -> Bool {
    (0x21...0x7E).contains(byte)
}

/// A byte of a field's value: no control byte but the tab. Bytes above ASCII are RFC 9110's obs-text.
@inlinable
package func isFieldByte(_ byte: UInt8) -> Bool {
    byte == 0x09 || (byte >= 0x20 && byte != 0x7F)
}
