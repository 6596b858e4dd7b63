// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <gnutls/abstract.h>
#include <gnutls/crypto.h>
#include <gnutls/gnutls.h>
#include <gnutls/x509.h>
#include <stdint.h>

// A macro with a cast, and a mutable global: what Swift does not import.

static inline unsigned int nodekeep_gnutls_any_message(void) { return GNUTLS_HANDSHAKE_ANY; }

/// Frees what the library has allocated for a datum.
static inline void nodekeep_gnutls_free(gnutls_datum_t *datum) {
    gnutls_free(datum->data);
    datum->data = NULL;
    datum->size = 0;
}

/// The same for a secret.
static inline void nodekeep_gnutls_free_secret(gnutls_datum_t *datum) {
    if (datum->data != NULL) {
        gnutls_memset(datum->data, 0, datum->size);
    }
    nodekeep_gnutls_free(datum);
}
