// SPDX-License-Identifier: Apache-2.0

internal import CGnuTLS
internal import Gate

/// A ``ServerIdentity`` as GnuTLS uses it: certificate, key, whom clients are asked for, and the key of session tickets.
///
/// Each connection keeps the one that it began with alive until it has been closed.
final class TLSIdentity {
    let credentials: gnutls_certificate_credentials_t
    let requestsClientCertificate: Bool
    /// Of its own, so that a ticket never resumes a session of another identity.
    private var ticketKey = gnutls_datum_t()

    /// Why an identity cannot be used. Says nothing of the key.
    struct Failure: Error, CustomStringConvertible {
        var description: String
    }

    /// - Parameter identity: Its key can be wiped afterwards: everything is copied.
    init(_ identity: ServerIdentity) throws(Failure) {
        do throws(GateError) {
            try identity.validate()
        } catch {
            throw Failure(description: "\(error)")
        }
        var allocated: gnutls_certificate_credentials_t?
        guard gnutls_certificate_allocate_credentials(&allocated) == 0, let allocated else {
            throw Failure(description: "no memory for it")
        }
        credentials = allocated
        requestsClientCertificate = identity.requestsClientCertificate
        // From here on a failure ends in deinit.
        try Self.check(gnutls_session_ticket_key_generate(&ticketKey), "no key for session tickets")
        try setCertificate(identity)
        for name in identity.clientAuthorityNames {
            try add(authority: name)
        }
    }

    deinit {
        gnutls_certificate_free_credentials(credentials)
        nodekeep_gnutls_free_secret(&ticketKey)
    }

    /// Lets the session's clients resume it. The chain that a client has shown travels in the ticket, encrypted.
    func enableTickets(_ session: gnutls_session_t) {
        _ = gnutls_session_ticket_enable_server(session, &ticketKey)
    }

    private func setCertificate(_ identity: ServerIdentity) throws(Failure) {
        var chain: [gnutls_x509_crt_t?] = []
        defer {
            for certificate in chain {
                gnutls_x509_crt_deinit(certificate)
            }
        }
        for (index, bytes) in identity.certificateChain.enumerated() {
            var certificate: gnutls_x509_crt_t?
            try Self.check(gnutls_x509_crt_init(&certificate), "no memory for it")
            chain.append(certificate)
            let result = withDatum(bytes) { gnutls_x509_crt_import(certificate, $0, GNUTLS_X509_FMT_DER) }
            try Self.check(result, "certificate \(index + 1) of its chain cannot be read")
        }

        var key: gnutls_x509_privkey_t?
        try Self.check(gnutls_x509_privkey_init(&key), "no memory for it")
        defer { gnutls_x509_privkey_deinit(key) }
        let result = withDatum(identity.privateKey) {
            gnutls_x509_privkey_import_pkcs8(key, $0, GNUTLS_X509_FMT_DER, nil, GNUTLS_PKCS_PLAIN.rawValue)
        }
        try Self.check(result, "its private key cannot be read")
        // Signs something with the one and verifies it with the other.
        try Self.check(
            gnutls_certificate_set_x509_key(credentials, &chain, Int32(clamping: chain.count), key),
            "its certificate and its private key cannot be used together")
    }

    private func add(authority name: [UInt8]) throws(Failure) {
        let result = withDatum(certificateOfAuthority(named: name)) {
            gnutls_certificate_set_x509_trust_mem(credentials, $0, GNUTLS_X509_FMT_DER)
        }
        // A count when it succeeds: 0 for a name that has been there before.
        try Self.check(min(result, 0), "the name of an authority cannot be read")
    }

    private static func check(_ result: Int32, _ what: String) throws(Failure) {
        guard result < 0 else { return }
        let reason = gnutls_strerror(result).map { String(cString: $0) } ?? "error \(result)"
        throw Failure(description: "\(what): \(reason)")
    }
}

/// Bytes as the library takes them; it only reads from them.
private func withDatum<Result>(_ bytes: [UInt8], _ body: (UnsafePointer<gnutls_datum_t>) -> Result) -> Result {
    bytes.withUnsafeBufferPointer { buffer in
        var datum = gnutls_datum_t(
            data: UnsafeMutablePointer(mutating: buffer.baseAddress), size: UInt32(clamping: buffer.count))
        return body(&datum)
    }
}
