// SPDX-License-Identifier: Apache-2.0

internal import CGnuTLS

/// What a client's key may be like before its signature is verified in the handshake.
///
/// GnuTLS verifies with any RSA key. The time goes with the size of modulus and exponent: 0.6 ms for 8192 and 64 bits,
/// 350 ms for 32768 and 4096, minutes for what fits into a handshake. This process has one thread, and whoever sends such
/// a key needs no right signature: so it is refused before.
enum ClientKey {
    static let maximumModulusBits: UInt32 = 8_192
    static let maximumExponentSize = 8

    /// - Parameter certificate: DER.
    static func isAffordable(_ certificate: UnsafePointer<gnutls_datum_t>) -> Bool {
        var parsed: gnutls_x509_crt_t?
        guard gnutls_x509_crt_init(&parsed) == 0 else { return false }
        defer { gnutls_x509_crt_deinit(parsed) }
        var key: gnutls_pubkey_t?
        guard gnutls_pubkey_init(&key) == 0 else { return false }
        defer { gnutls_pubkey_deinit(key) }
        guard gnutls_x509_crt_import(parsed, certificate, GNUTLS_X509_FMT_DER) == 0,
            gnutls_pubkey_import_x509(key, parsed, 0) == 0
        else { return false }

        var bits: UInt32 = 0
        let algorithm = gnutls_pubkey_get_pk_algorithm(key, &bits)
        guard algorithm >= 0 else { return false }
        switch gnutls_pk_algorithm_t(rawValue: UInt32(algorithm)) {
        case GNUTLS_PK_RSA, GNUTLS_PK_RSA_PSS:
            return bits <= maximumModulusBits && exponentSize(key) <= maximumExponentSize
        case GNUTLS_PK_ECDSA, GNUTLS_PK_EDDSA_ED25519, GNUTLS_PK_EDDSA_ED448:
            // On one of a few named curves.
            return true
        default:
            return false
        }
    }

    private static func exponentSize(_ key: gnutls_pubkey_t?) -> Int {
        var modulus = gnutls_datum_t()
        var exponent = gnutls_datum_t()
        defer {
            nodekeep_gnutls_free(&modulus)
            nodekeep_gnutls_free(&exponent)
        }
        let flags = GNUTLS_EXPORT_FLAG_NO_LZ.rawValue
        guard gnutls_pubkey_export_rsa_raw2(key, &modulus, &exponent, flags) == 0 else { return .max }
        return Int(exponent.size)
    }
}
