/* SPDX-License-Identifier: BSD-3-Clause */
/* SHA-1 and SHA-256 over OpenSSL. */
#ifndef BASE_SHA_H
#define BASE_SHA_H

#include <stddef.h>

#include "base/slice.h"

void sha1(struct slice data, unsigned char out[20]);
void sha1_hex(struct slice data, char out[41]);
void sha256_hex(struct slice data, char out[65]);

/* SHA-256 of what comes in pieces. sha256_end gives it back, whatever happened. */
struct sha256; /* opaque */
struct sha256 *sha256_begin(void);
void sha256_add(struct sha256 *s, const void *data, size_t len);
void sha256_end(struct sha256 *s, char out[65]); /* hexadecimal digits */

#endif
