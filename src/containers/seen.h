/* SPDX-License-Identifier: BSD-3-Clause */
/* Has something of this hash come before? A set of 64-bit hashes and nothing else, for looking
 * through more names than could be kept: no to that is sure, yes nearly (of ten million names two
 * meet once in 400,000 times), and whoever must know looks at the names.
 *
 *   struct seen s = {0};
 *   if (!seen_add(&s, hash_slice(name))) ... that one, or one of its hash, was there ...
 *   seen_free(&s);
 *
 * 11 to 22 bytes each; it grows a part at a time, so there are never two of all. */
#ifndef CONTAINERS_SEEN_H
#define CONTAINERS_SEEN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { SEEN_PARTS = 64 };
struct seen { /* zero it */
    struct seen_part {
        uint64_t *slots; /* open addressing; 0 is free */
        size_t size, used;
    } parts[SEEN_PARTS];
};
bool seen_add(struct seen *s, uint64_t hash);
void seen_free(struct seen *s); /* and it is empty */

#endif
