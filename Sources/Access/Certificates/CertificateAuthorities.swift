// SPDX-License-Identifier: Apache-2.0
internal import KubeAPI
internal import NodeStatus
internal import SwiftASN1
internal import X509

/// Who may have issued a client's certificate: the content of `clientCAFile`.
struct CertificateAuthorities: Sendable {
    static let maximumCertificates = 100
    static let maximumBytes = 1 << 20

    let certificates: [Certificate]
    /// The subjects as DER, each once, for the list that a client picks its certificate by.
    let names: [[UInt8]]
    let store: CertificateStore

    init(_ bytes: [UInt8], file: String) throws(AccessProblems) {
        let blocks = try PEM.certificates(bytes, file: file, limit: Self.maximumCertificates)
        var certificates: [Certificate] = []
        var names: [[UInt8]] = []
        var problems: [AccessProblem] = []
        for block in blocks {
            do {
                let certificate = try Certificate(strict: block.der)
                var serializer = DER.Serializer()
                try certificate.subject.serialize(into: &serializer)
                certificates.append(certificate)
                if !names.contains(serializer.serializedBytes) { names.append(serializer.serializedBytes) }
            } catch {
                let explanation = "this certificate cannot be used: \(certificateProblem(error)); remove or replace it"
                problems.append(AccessProblem(file, line: block.line, explanation))
            }
        }
        if certificates.isEmpty, problems.isEmpty {
            problems.append(AccessProblem(file, "there is no certificate in it"))
        }
        guard problems.isEmpty else { throw AccessProblems(problems) }
        self.certificates = certificates
        self.names = names
        store = CertificateStore(certificates)
    }

    /// Authorities that let nobody in at this time, each in words.
    func outdated(at date: Timestamp) -> [String] {
        certificates.compactMap { certificate in
            let name = "the authority \(certificate.shownSubject)"
            if date > certificate.notAfter { return "\(name) has expired, and lets nobody in" }
            return date < certificate.notBefore ? "\(name) is not valid yet, and lets nobody in" : nil
        }
    }
}

/// What swift-certificates or swift-asn1 has to say about bytes that are no certificate, without the place in their
/// sources.
func certificateProblem(_ error: any Error) -> String {
    var words = "\(error)".split(separator: " ", omittingEmptySubsequences: false)
    if let last = words.last, last.contains(".swift:") { words.removeLast() }
    return printable(words.joined(separator: " "))
}

extension Certificate {
    var notBefore: Timestamp { Timestamp(notValidBefore) }
    var notAfter: Timestamp { Timestamp(notValidAfter) }
    var shownSubject: String { quoted("\(subject)") }
}
