/* SPDX-License-Identifier: BSD-3-Clause */
/* A sink that computes one number for a whole data set: the same for the same keys, values,
 * expiries and databases, whatever the order of keys and members and whatever the encoding.
 *
 * A key's digest is a 128-bit hash over its database, type, expiry, name and value; the data set's
 * is the sum of its keys' modulo 2^128. Inside a value, elements without an order are summed as
 * well. It finds accidents, not forgery: the hash has no secret. Idle time and frequency do not
 * count. Streams, functions and module values count with all they say; but a stream of type 15
 * (key_event.rdb_type) only with what that type has a place for.
 *
 *   struct digest d; digest_init(&d); ... events to &d.sink ...; digest_hex(&d, text); */
#ifndef FORMAT_DIGEST_H
#define FORMAT_DIGEST_H

#include <stdint.h>

#include "base/hash.h"
#include "format/sink.h"

enum {
    DIGEST_TEXT = 32,                /* digits of the number, as files hold it */
    DIGEST_DIGITS = 40,              /* as DEBUG DIGEST shows it, zeros in front */
    DIGEST_HEX = DIGEST_DIGITS + 1,
};

struct digest {
    struct sink sink;
    struct hash128 total;
    struct hash128 members; /* of the key's elements that have no order */
    struct hash128 key;     /* head and ordered parts so far */
    bool ordered;  /* items of this key have an order */
    struct hash_pieces *pieces; /* of a string that comes in parts; NULL: none does */
    bool brief;    /* a stream of type 15 */
    /* Set behind digest_init: */
    bool nameless;   /* name and database do not count */
    bool by_entries; /* a stream counts by its live entries, wherever its nodes are cut and
                      * whatever lies deleted in them; not for files: theirs is of the nodes */
};

void digest_init(struct digest *d);
void digest_free(struct digest *d);
/* Of other keys than those that came here: partial sums may be added up in any order. */
void digest_add(struct digest *d, struct hash128 more);
/* What came between two looks at total. */
struct hash128 digest_between(struct hash128 before, struct hash128 after);
void digest_hex(const struct digest *d, char out[DIGEST_HEX]);
/* The last 32 of the 40 digits. */
const char *digest_text(const struct digest *d, char out[DIGEST_HEX]);

#endif
