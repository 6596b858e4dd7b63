// SPDX-License-Identifier: Apache-2.0

internal import CGnuTLS
internal import Glibc

/// GnuTLS as a whole, before the filter is loaded.
enum TLSLibrary {
    /// Does now what would need a forbidden system call later: the library's start and the seed of this thread's random
    /// numbers. It seeds itself again every two hours, so getrandom stays allowed.
    static func start() throws(StartFailure) {
        var byte: UInt8 = 0
        guard gnutls_global_init() == 0, gnutls_rnd(GNUTLS_RND_NONCE, &byte, 1) == 0,
            gnutls_rnd(GNUTLS_RND_RANDOM, &byte, 1) == 0, gnutls_rnd(GNUTLS_RND_KEY, &byte, 1) == 0
        else { throw StartFailure("GnuTLS cannot be initialised") }
    }

    /// What the configuration says, and what web insists on.
    ///
    /// Key agreement over finite fields is off: whoever connects can ask for its 8192-bit group, and that costs this one
    /// thread 190 ms where a handshake on a curve costs 0.2 ms.
    ///
    /// - Throws: When the library does not understand it.
    static func priorities(_ configured: String) throws(StartFailure) -> String {
        guard !configured.isEmpty else { throw StartFailure("a listener for TLS, and no TLS priorities") }
        let all = configured + ":-DHE-RSA:-DHE-DSS:-GROUP-DH-ALL"
        var cache: gnutls_priority_t?
        var position: UnsafePointer<CChar>?
        let rest: String? = all.withCString { text in
            guard gnutls_priority_init(&cache, text, &position) != 0 else { return nil }
            return position.map { String(cString: $0) } ?? ""
        }
        if let rest {
            throw StartFailure("GnuTLS does not understand the TLS priorities \"\(configured)\" from \"\(rest)\" on")
        }
        gnutls_priority_deinit(cache)
        return all
    }
}

/// The certificate of the main listener's daemon, for a connection that has got no credentials of ours: there is none, and
/// the handshake fails.
let noCertificate:
    @convention(c) (
        gnutls_session_t?, UnsafePointer<gnutls_datum_t>?, Int32, UnsafePointer<gnutls_pk_algorithm_t>?, Int32,
        UnsafeMutablePointer<UnsafeMutablePointer<gnutls_pcert_st>?>?, UnsafeMutablePointer<UInt32>?,
        UnsafeMutablePointer<gnutls_privkey_t?>?
    ) -> Int32 = { _, _, _, _, _, _, _, _ in -1 }
