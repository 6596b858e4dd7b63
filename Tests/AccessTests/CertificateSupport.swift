// SPDX-License-Identifier: Apache-2.0

import Crypto
import CryptoExtras
import FoundationEssentials
import Glibc
import NodeStatus
import Posix
import SwiftASN1
import X509

@testable import Access

/// A certificate that a test has made, with its key.
struct Issued {
    var certificate: Certificate
    var key: Certificate.PrivateKey

    var der: [UInt8] {
        var serializer = DER.Serializer()
        try? serializer.serialize(certificate)
        return serializer.serializedBytes
    }

    var pem: String { (try? certificate.serializeAsPEM().pemString + "\n") ?? "" }
}

/// How a certificate is to be made.
struct Blueprint {
    var subject: DistinguishedName
    var notBefore = today.later(-86_400)
    var notAfter = today.later(86_400)
    var isAuthority = false
    var maximumPathLength: Int?
    var extendedUsage: [ExtendedKeyUsage.Usage]? = [.clientAuth]
    var keyUsage: KeyUsage?
    var extra: [Certificate.Extension] = []

    /// An authority of the given common name.
    static func authority(_ name: String) throws -> Blueprint {
        Blueprint(
            subject: try DistinguishedName { CommonName(name) }, isAuthority: true, extendedUsage: nil,
            keyUsage: KeyUsage(keyCertSign: true))
    }

    static func client(_ name: String, groups: [String] = []) throws -> Blueprint {
        Blueprint(
            subject: try DistinguishedName {
                CommonName(name)
                for group in groups { OrganizationName(group) }
            })
    }

    /// - Parameters:
    ///   - issuer: nil: itself.
    ///   - key: nil: a new P-256 key.
    func issue(by issuer: Issued?, key: Certificate.PrivateKey? = nil) throws -> Issued {
        let key = key ?? Certificate.PrivateKey(P256.Signing.PrivateKey())
        var extensions = try Certificate.Extensions(extra)
        if isAuthority {
            try extensions.append(
                Certificate.Extension(
                    BasicConstraints.isCertificateAuthority(maxPathLength: maximumPathLength), critical: true))
        }
        if let extendedUsage {
            try extensions.append(Certificate.Extension(ExtendedKeyUsage(extendedUsage), critical: true))
        }
        if let keyUsage { try extensions.append(Certificate.Extension(keyUsage, critical: true)) }
        let certificate = try Certificate(
            version: .v3, serialNumber: Certificate.SerialNumber(), publicKey: key.publicKey,
            notValidBefore: notBefore.date, notValidAfter: notAfter.date,
            issuer: issuer?.certificate.subject ?? subject, subject: subject, extensions: extensions,
            issuerPrivateKey: issuer?.key ?? key)
        return Issued(certificate: certificate, key: key)
    }
}

/// One RSA key for all tests: making one takes its time.
let rsaKey = Result { Certificate.PrivateKey(try _RSA.Signing.PrivateKey(keySize: .bits2048)) }

func authorities(_ issued: Issued...) throws -> CertificateAuthorities {
    try CertificateAuthorities(Array(issued.map(\.pem).joined().utf8), file: "ca.pem")
}

/// A file of the directory Fixtures.
func fixture(_ name: String) throws -> [UInt8] {
    let directory = #filePath.split(separator: "/").dropLast().reduce("") { $0 + "/" + $1 } + "/Fixtures/"
    return try Descriptor.open(directory + name, O_RDONLY).read(limit: 1 << 20)
}

/// The one certificate of a fixture.
func fixtureDER(_ name: String) throws -> [UInt8] {
    let blocks = try PEM.certificates(try fixture(name + ".pem"), file: name, limit: 1)
    guard let block = blocks.first else { throw TestFailure("\(name) is empty") }
    return block.der
}

func fixtureAuthorities(_ names: String...) throws -> CertificateAuthorities {
    try CertificateAuthorities(try names.flatMap { try fixture($0 + ".pem") }, file: "ca.pem")
}

extension ClientCertificates {
    /// What comes of a chain at the usual time.
    func verify(_ chain: [[UInt8]]) async -> Outcome { await verify(chain, now: now, date: today) }
}

extension ClientCertificates.Outcome {
    var identity: Identity? {
        if case .identity(let identity, _) = self { identity } else { nil }
    }

    var refusal: String? {
        if case .refused(let reason) = self { reason } else { nil }
    }
}
