/* SPDX-License-Identifier: BSD-3-Clause */
/* SHA-1 and SHA-256 over OpenSSL. */
#ifndef BASE_SHA_H
#define BASE_SHA_H

#include <stddef.h>

#include "base/slice.h"

void sha1(struct slice data, unsigned char out[20]);
void sha1_hex(struct slice data, char out[41]);
void sha256_hex(struct slice data, char out[65]);

#endif
