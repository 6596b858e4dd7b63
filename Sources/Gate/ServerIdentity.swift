// SPDX-License-Identifier: Apache-2.0

/// What the main listener shows of itself in a TLS handshake, and asks of its clients.
///
/// It holds a private key, so it says nothing of its bytes where it is printed.
package struct ServerIdentity: Equatable, Sendable {
    /// The longest certificate chain, in certificates.
    package static let maximumCertificates = 16
    /// The longest certificate chain, in bytes.
    package static let maximumCertificatesSize = 65_536
    /// The largest private key, in bytes: RSA with 16384 bits takes 9.3 KB.
    package static let maximumKeySize = 16_384
    /// The most names of authorities. All names go out with every handshake: without any a client may choose by itself.
    package static let maximumAuthorityNames = 256
    /// The most bytes that all names of authorities may take together.
    package static let maximumAuthorityNamesSize = 32_768

    /// DER, the server's own certificate first.
    package var certificateChain: [[UInt8]]
    /// Of the first certificate: PKCS#8 in DER, not encrypted.
    package var privateKey: [UInt8]
    /// The subjects (X.501 `Name` in DER) of the authorities whose certificates clients are asked for. Empty: any.
    package var clientAuthorityNames: [[UInt8]]
    /// Clients are asked for a certificate. They need not have one.
    package var requestsClientCertificate: Bool

    package init(
        certificateChain: [[UInt8]], privateKey: [UInt8], clientAuthorityNames: [[UInt8]],
        requestsClientCertificate: Bool
    ) {
        self.certificateChain = certificateChain
        self.privateKey = privateKey
        self.clientAuthorityNames = clientAuthorityNames
        self.requestsClientCertificate = requestsClientCertificate
    }

    /// Checks sizes and counts, and that each name is one DER sequence. What is inside only TLS knows.
    ///
    /// - Throws: ``GateError/badIdentity(_:)``.
    package func validate() throws(GateError) {
        guard !certificateChain.isEmpty else { throw .badIdentity("it has no certificate") }
        guard certificateChain.count <= Self.maximumCertificates else {
            throw .badIdentity(
                "its chain has \(certificateChain.count) certificates; \(Self.maximumCertificates) are the limit")
        }
        guard certificateChain.allSatisfy({ !$0.isEmpty }) else { throw .badIdentity("a certificate is empty") }
        let size = certificateChain.reduce(0) { $0 + $1.count }
        guard size <= Self.maximumCertificatesSize else {
            throw .badIdentity("its chain has \(size) bytes; \(Self.maximumCertificatesSize) are the limit")
        }
        guard !privateKey.isEmpty else { throw .badIdentity("it has no private key") }
        guard privateKey.count <= Self.maximumKeySize else {
            throw .badIdentity("its private key has more than \(Self.maximumKeySize) bytes")
        }
        guard clientAuthorityNames.count <= Self.maximumAuthorityNames else {
            throw .badIdentity(
                "\(clientAuthorityNames.count) authorities are named; \(Self.maximumAuthorityNames) are the limit")
        }
        let namesSize = clientAuthorityNames.reduce(0) { $0 + $1.count }
        guard namesSize <= Self.maximumAuthorityNamesSize else {
            throw .badIdentity(
                "the names of its authorities have \(namesSize) bytes; \(Self.maximumAuthorityNamesSize) are the limit")
        }
        guard clientAuthorityNames.allSatisfy(Self.isSequence) else {
            throw .badIdentity("the name of an authority is not a DER sequence")
        }
    }

    /// One DER element with the tag of a sequence, its length in the shortest form, and nothing behind it.
    private static func isSequence(_ name: [UInt8]) -> Bool {
        guard name.count >= 2, name[0] == 0x30 else { return false }
        if name[1] < 0x80 { return name.count == 2 + Int(name[1]) }
        let digits = Int(name[1] & 0x7F)
        // Two digits are enough for the largest name that may pass.
        guard (1...2).contains(digits), name.count >= 2 + digits, name[2] != 0 else { return false }
        let length = name[2..<(2 + digits)].reduce(0) { $0 << 8 | Int($1) }
        return length >= 0x80 && name.count == 2 + digits + length
    }
}

extension ServerIdentity: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    package var description: String {
        "a chain of \(certificateChain.count) certificates with a private key"
    }

    package var debugDescription: String { description }

    package var customMirror: Mirror { Mirror(self, children: ["description": description]) }
}
