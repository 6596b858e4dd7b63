// SPDX-License-Identifier: Apache-2.0
internal import NIOSSL

/// The TLS library's errors in an operator's words.
enum TLSFailure {
    struct Words: Equatable {
        var text: String
        /// It is the server's certificate, about which more can be found out.
        var isServerCertificate = false
    }

    /// Nil: the error is none of TLS.
    static func words(for error: any Error) -> Words? {
        switch error {
        case let error as NIOSSLExtraError where error == .failedToValidateHostname:
            return Words(text: "the server's certificate is for another name", isServerCertificate: true)
        case let error as NIOSSLExtraError where error == .serverHostnameImpossibleToMatch:
            return Words(text: "no certificate can be for the name of this server", isServerCertificate: false)
        case is NIOSSLExtraError: return Words(text: ForeignText.line("\(error)"))
        case NIOSSLError.handshakeFailed(let inner): return words(ofLibrary: inner)
        case NIOSSLError.unableToValidateCertificate, NIOSSLError.noCertificateToValidate:
            return Words(text: "the server showed no certificate that can be verified", isServerCertificate: true)
        case NIOSSLError.uncleanShutdown: return nil
        case let error as NIOSSLError: return Words(text: ForeignText.line("\(error)"))
        case let error as BoringSSLError: return words(ofLibrary: error)
        default: return nil
        }
    }

    private static func words(ofLibrary error: BoringSSLError) -> Words {
        switch error {
        case .sslError(let stack), .unknownError(let stack):
            if stack.contains(.eofDuringHandshake) {
                return Words(text: "the server closed the connection in the TLS handshake")
            }
            // `Error: 268435581 error:1000007d:SSL routines:OPENSSL_internal:CERTIFICATE_VERIFY_FAILED at …`
            let names = stack.compactMap { entry in
                entry.description.split(separator: ":").dropFirst(5).first?.split(separator: " ").first.map(String.init)
            }
            return words(forReasons: names)
        case .zeroReturn, .syscallError: return Words(text: "the connection was closed in the TLS handshake")
        default: return Words(text: ForeignText.line("\(error)"))
        }
    }

    static func words(forReasons names: [String]) -> Words {
        for name in names {
            switch name {
            case "CERTIFICATE_VERIFY_FAILED":
                return Words(text: "the server's certificate is not trusted", isServerCertificate: true)
            case "WRONG_VERSION_NUMBER", "HTTP_REQUEST", "HTTPS_PROXY_REQUEST":
                return Words(text: "what answers there does not speak TLS: is it the API server's port?")
            case "TLSV1_ALERT_PROTOCOL_VERSION", "UNSUPPORTED_PROTOCOL":
                return Words(text: "the server does not speak TLS 1.2 or later")
            case "SSLV3_ALERT_HANDSHAKE_FAILURE", "NO_SHARED_CIPHER", "HANDSHAKE_FAILURE_ON_CLIENT_HELLO":
                return Words(
                    text: "the server refused the TLS handshake: no cipher in common, or it wants a certificate")
            case "TLSV1_ALERT_CERTIFICATE_REQUIRED":
                return Words(text: "the server demands a client certificate: set client-certificate and client-key")
            case "TLSV1_ALERT_UNKNOWN_CA":
                return Words(text: "the server does not know the authority of our client certificate")
            case "SSLV3_ALERT_CERTIFICATE_EXPIRED":
                return Words(text: "the server says that our client certificate has expired")
            case "SSLV3_ALERT_CERTIFICATE_REVOKED":
                return Words(text: "the server says that our client certificate was revoked")
            case "SSLV3_ALERT_BAD_CERTIFICATE", "SSLV3_ALERT_CERTIFICATE_UNKNOWN",
                "SSLV3_ALERT_UNSUPPORTED_CERTIFICATE", "TLSV1_ALERT_ACCESS_DENIED":
                return Words(text: "the server does not accept our client certificate")
            case "TLSV1_ALERT_UNRECOGNIZED_NAME", "TLSV1_UNRECOGNIZED_NAME":
                return Words(
                    text: "the server does not know the name that we asked for: see server and tls-server-name")
            default: continue
            }
        }
        let shown = names.prefix(3).joined(separator: ", ")
        return Words(text: "the TLS library says: \(shown.isEmpty ? "nothing" : ForeignText.line(shown))")
    }
}
