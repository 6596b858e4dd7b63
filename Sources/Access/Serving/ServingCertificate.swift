// SPDX-License-Identifier: Apache-2.0
internal import Glibc
package import NodeStatus
internal import Posix

/// What the main listener shows of itself over TLS: the operator's files, or a pair of our own. Followed while the agent
/// runs.
package struct ServingCertificate: Sendable {
    package enum Source: Equatable, Sendable {
        /// PEM files of the operator's (`tlsCertFile`, `tlsPrivateKeyFile`).
        case files(certificate: String, key: String)
        /// One file that we keep ourselves, with the certificate and its key.
        case own(path: String, name: String, addresses: [IPAddress])
    }

    private let source: Source
    /// The last good one.
    package private(set) var pair: ServingPair?
    private var seen: [FileSignature?] = []
    private var isFresh = true
    private var reported: String?
    private var hasReportedExpiry = false
    private var nextTry = Timestamp(seconds: .min)

    package init(_ source: Source) {
        self.source = source
    }

    /// Looks whether there is another pair, or one has to be made. Waits for the disk: from a thread that may.
    ///
    /// - Parameter date: the clock that certificates must hold by.
    package mutating func refresh(date: Timestamp) -> AccessRefresh {
        var result = AccessRefresh()
        switch source {
        case .files(let certificate, let key):
            follow(certificate, key, date, &result)
        case .own(let path, let name, let addresses):
            keepOwn(path, name, addresses, date, &result)
        }
        warnOfExpiry(date, &result)
        return result
    }

    // MARK: - The operator's

    private mutating func follow(
        _ certificate: String, _ key: String, _ date: Timestamp, _ result: inout AccessRefresh
    ) {
        let signatures = [certificate, key].map(GuardedFile.signature)
        guard isFresh || signatures != seen else { return }
        seen = signatures
        // Two writes that the clock cannot tell apart: what was just written is read once more.
        isFresh = signatures.contains { signature in
            guard let signature else { return false }
            let age = signature.modified.duration(until: date)
            return age >= .zero && age < .seconds(2)
        }
        do throws(AccessProblems) {
            let new = try ServingPair(
                certificate: try Self.read(certificate, .trusted), certificateFile: certificate,
                key: try Self.read(key, .key), keyFile: key)
            take(new, certificate, &result)
        } catch {
            report(error, &result)
        }
    }

    private static func read(_ path: String, _ protection: FileProtection) throws(AccessProblems) -> [UInt8] {
        do {
            return try GuardedFile.read(path, limit: ServingPair.maximumBytes, protection).bytes
        } catch {
            throw AccessProblems([AccessProblem(path, error.reason)])
        }
    }

    // MARK: - Our own

    private mutating func keepOwn(
        _ path: String, _ name: String, _ addresses: [IPAddress], _ date: Timestamp, _ result: inout AccessRefresh
    ) {
        // One that was made when the node had another name is of no use. Its addresses may come and go.
        if pair == nil, let found = try? Self.readOwn(path), found.names.contains(name), !Self.isDue(found, date) {
            return take(found, path, &result)
        }
        guard pair.map({ Self.isDue($0, date) }) ?? true, date >= nextTry else { return }
        // One that cannot be written is not tried again every second.
        nextTry = Timestamp(seconds: date.seconds + 60)
        do {
            let (certificate, key) = try SelfSignedPair.make(name: name, addresses: addresses, date: date)
            let new = try ServingPair(
                certificate: Array(certificate.utf8), certificateFile: path, key: Array(key.utf8), keyFile: path)
            // Whether it can be kept or not: it is good for as long as the agent runs.
            take(new, path, &result)
            try Descriptor.replace(path, with: Array((certificate + key).utf8))
        } catch let error as AccessProblems {
            report(error, &result)
        } catch {
            report(AccessProblems([AccessProblem(path, "a new pair cannot be kept: \(error)")]), &result)
        }
    }

    /// In its last third it is replaced, or when the clock is before its time.
    private static func isDue(_ pair: ServingPair, _ date: Timestamp) -> Bool {
        let rest = pair.notAfter.seconds.subtractingReportingOverflow(date.seconds)
        return date < pair.notBefore || rest.overflow || rest.partialValue < SelfSignedPair.lifetime / 3
    }

    private static func readOwn(_ path: String) throws(AccessProblems) -> ServingPair {
        let bytes = try read(path, .secret(owner: geteuid()))
        // The certificate comes first and the key ends the file.
        let text = String(decoding: bytes, as: UTF8.self)
        let certificate = text.components(upTo: "-----BEGIN PRIVATE KEY-----")
        return try ServingPair(
            certificate: Array(certificate.utf8), certificateFile: path, key: bytes, keyFile: path)
    }

    // MARK: - Both

    private mutating func take(_ new: ServingPair, _ path: String, _ result: inout AccessRefresh) {
        reported = nil
        guard new != pair else { return }
        pair = new
        hasReportedExpiry = false
        result.isChanged = true
        result.notices.append(
            AccessNotice(
                isProblem: false,
                description: "\(path): TLS uses the certificate of \(new.subject), good until \(new.notAfter.rfc3339)",
                topic: .servingCertificate))
    }

    private mutating func report(_ problems: AccessProblems, _ result: inout AccessRefresh) {
        guard problems.description != reported else { return }
        reported = problems.description
        let stays =
            pair == nil ? "; there is no TLS without it" : "; the certificate that was there before stays in use"
        result.notices += problems.all.map {
            AccessNotice(isProblem: true, description: "\($0)\(stays)", topic: .servingCertificate)
        }
    }

    private mutating func warnOfExpiry(_ date: Timestamp, _ result: inout AccessRefresh) {
        guard let pair, !hasReportedExpiry, case .files(let path, _) = source else { return }
        let explanation: String
        if date > pair.notAfter {
            explanation = "the certificate has expired on \(pair.notAfter.rfc3339), and clients refuse it"
        } else if date < pair.notBefore {
            explanation = "the certificate is good only from \(pair.notBefore.rfc3339) on"
        } else {
            return
        }
        hasReportedExpiry = true
        result.notices.append(AccessNotice(isProblem: true, description: "\(path): \(explanation)", topic: .expiry))
    }
}

extension String {
    /// What comes before the first `marker`; all of it where there is none.
    fileprivate func components(upTo marker: String) -> String {
        guard let range = firstRange(of: marker) else { return self }
        return String(self[..<range.lowerBound])
    }
}
