/* SPDX-License-Identifier: BSD-3-Clause */
/* A sink that computes one number for a whole data set: the same for the same keys, values,
 * expiries and databases, whatever the order of keys and members and whatever the encoding.
 *
 * A key's digest is SHA-1 over its database, name, type, expiry and value; the data set's is the
 * xor of its keys'. Inside a value, elements without an order are xored as well. Not for
 * authentication. Idle time and frequency do not count. Streams, functions and module values count
 * with all they say.
 *
 *   struct digest d; digest_init(&d); ... events to &d.sink ...; digest_hex(&d, text);
 * digest_free(&d);
 */
#ifndef FORMAT_DIGEST_H
#define FORMAT_DIGEST_H

#include <stdint.h>

#include "base/buf.h"
#include "format/sink.h"

enum { DIGEST_BYTES = 20, DIGEST_HEX = 2 * DIGEST_BYTES + 1 };

struct digest {
    struct sink sink;
    uint8_t total[DIGEST_BYTES];
    uint8_t members[DIGEST_BYTES]; /* of the key's elements that have no order */
    struct buf key;                /* what is hashed for the key: head, ordered parts */
    struct buf element;
    bool ordered;  /* items of this key have an order */
    bool nameless; /* name and database do not count: set it behind digest_init */
};

void digest_init(struct digest *d);
void digest_free(struct digest *d);
void digest_hex(const struct digest *d, char out[DIGEST_HEX]);

#endif
