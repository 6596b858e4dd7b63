// SPDX-License-Identifier: Apache-2.0

internal import CGnuTLS
internal import Gate

/// The TLS side of a connection on the main listener.
///
/// libmicrohttpd has made the session and runs the handshake; this sets it up before its first byte.
final class TLSConnection {
    enum Progress {
        /// Nothing that could be a handshake has come.
        case nothing
        /// The client has said hello.
        case hello
        /// The handshake is over.
        case done
    }

    /// The longest handshake message. A client's longest is its certificate chain.
    static let maximumMessage = 65_536

    private(set) var progress = Progress.nothing
    /// Whose it is.
    weak var connection: Connection?
    /// Keeps the credentials alive; nil: there were none yet, and the handshake fails.
    let identity: TLSIdentity?
    private let session: gnutls_session_t
    private var chain: [[UInt8]]?

    init(session: gnutls_session_t, identity: TLSIdentity?) {
        self.session = session
        self.identity = identity
        // The library's own use of this pointer is for pre-shared keys alone.
        gnutls_session_set_ptr(session, Unmanaged.passUnretained(self).toOpaque())
        gnutls_handshake_set_max_packet_length(session, Self.maximumMessage)
        gnutls_handshake_set_hook_function(session, nodekeep_gnutls_any_message(), GNUTLS_HOOK_PRE, messageCame)
        // Without this one stays what the daemon has: no certificate.
        guard let identity,
            gnutls_credentials_set(
                session, GNUTLS_CRD_CERTIFICATE, UnsafeMutableRawPointer(identity.credentials)) == 0
        else { return }
        gnutls_certificate_server_set_request(
            session, identity.requestsClientCertificate ? GNUTLS_CERT_REQUEST : GNUTLS_CERT_IGNORE)
        identity.enableTickets(session)
    }

    /// The library has taken part in the handshake to its end: from now on it waits for bytes by itself.
    var isSettled: Bool { progress == .done && !wantsWrite }

    /// What it did last, or could not do, was to write.
    var wantsWrite: Bool { gnutls_record_get_direction(session) == 1 }

    /// The chain that the client has shown, DER, its own certificate first; empty: none. Nil: longer than what may pass
    /// the gate. Only after the handshake; read once, as it cannot change.
    var clientCertificates: [[UInt8]]? {
        if let chain { return chain }
        var count: UInt32 = 0
        guard let list = gnutls_certificate_get_peers(session, &count) else {
            chain = []
            return chain
        }
        let certificates = UnsafeBufferPointer(start: list, count: Int(count))
        guard GateRequest.isAcceptable(certificateSizes: certificates.lazy.map { Int($0.size) }) else { return nil }
        chain = certificates.map { [UInt8](UnsafeBufferPointer(start: $0.data, count: Int($0.size))) }
        return chain
    }

    fileprivate func came(_ type: UInt32) -> Int32 {
        switch type {
        case GNUTLS_HANDSHAKE_CLIENT_HELLO.rawValue:
            if progress == .nothing { progress = .hello }
        case GNUTLS_HANDSHAKE_CERTIFICATE_VERIFY.rawValue:
            guard hasAffordableKey() else { return GNUTLS_E_CERTIFICATE_ERROR }
        case GNUTLS_HANDSHAKE_FINISHED.rawValue:
            progress = .done
        case GNUTLS_HANDSHAKE_KEY_UPDATE.rawValue:
            if let connection { connection.listener.keysChanged(connection) }
        default: break
        }
        return 0
    }

    private func hasAffordableKey() -> Bool {
        var count: UInt32 = 0
        guard let list = gnutls_certificate_get_peers(session, &count), count > 0 else { return false }
        return ClientKey.isAffordable(list)
    }
}

/// A handshake message has come or goes, and has not been looked at. A negative result ends the handshake.
private func messageCame(
    session: gnutls_session_t?, type: UInt32, after: UInt32, incoming: UInt32,
    message: UnsafePointer<gnutls_datum_t>?
) -> Int32 {
    guard incoming != 0, let context = gnutls_session_get_ptr(session) else { return 0 }
    return Unmanaged<TLSConnection>.fromOpaque(context).takeUnretainedValue().came(type)
}
