// SPDX-License-Identifier: Apache-2.0
internal import Configuration
internal import Gate
internal import Synchronization

/// What web needs for TLS, as it is now: written by whoever follows the files, read by the gate's loop.
final class TLSListener: Sendable {
    /// As GnuTLS has it.
    let priorities: String
    private let current = Mutex<ServerIdentity?>(nil)

    init(_ settings: TLSSettings) {
        priorities = TLSPriorities.text(settings)
    }

    var identity: ServerIdentity? { current.withLock { $0 } }

    func replace(with new: ServerIdentity) { current.withLock { $0 = new } }
}

/// TLS settings as a priority string of GnuTLS (gnutls manual, "Priority strings"): nothing but TLS 1.2 and 1.3, forward
/// secrecy and authenticated encryption, whatever is asked for.
enum TLSPriorities {
    static func text(_ settings: TLSSettings) -> String {
        let suites = settings.cipherSuites.isEmpty ? TLSSettings.cipherSuites12 : settings.cipherSuites
        var parts = ["SECURE128", "-VERS-ALL", "+VERS-TLS1.3"]
        if settings.minVersion == .tls12 { parts.append("+VERS-TLS1.2") }
        parts += ["-KX-ALL", "-CIPHER-ALL", "-MAC-ALL", "+AEAD"]
        // The pairs of key exchange and cipher of TLS 1.2 cannot be named one by one: together they are what was asked
        // for, or where that is no full square, a little more of what is as good.
        for (part, exchange) in [("_ECDSA_", "+ECDHE-ECDSA"), ("_RSA_", "+ECDHE-RSA")]
        where suites.contains(where: { $0.contains(part) }) {
            parts.append(exchange)
        }
        // Ciphers are those of both versions: TLS 1.3 must have one as well.
        for (part, cipher) in [
            ("AES_256_GCM", "+AES-256-GCM"), ("AES_128_GCM", "+AES-128-GCM"), ("CHACHA20", "+CHACHA20-POLY1305"),
        ] where settings.minVersion == .tls13 || suites.contains(where: { $0.contains(part) }) {
            parts.append(cipher)
        }
        return parts.joined(separator: ":")
    }
}
