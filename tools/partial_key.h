/* SPDX-License-Identifier: BSD-3-Clause */
/* The elements of a collection up to where it is damaged, as a whole key of that many: one look
 * counts them, a second hands them on.
 *
 *   struct partial_key p;
 *   partial_begin(&p, NULL);   ... the value's events to &p.sink ...
 *   if (partial_some(&p)) { partial_begin(&p, writer); ... the events again ...; partial_end(&p); }
 *
 * Lists, and sets, hashes and sorted sets that are not packed: a packed one comes whole or not at
 * all, and of a stream nothing is made, as its bookkeeping stands behind its entries. */
#ifndef TOOLS_PARTIAL_KEY_H
#define TOOLS_PARTIAL_KEY_H

#include "format/sink.h"

struct partial_key {
    struct sink sink;
    struct sink *to; /* NULL: count */
    uint64_t events, elements, left;
    uint64_t count, blocks; /* as they were announced */
    bool unfit, begun;
};

void partial_begin(struct partial_key *p, struct sink *to);
static inline bool partial_some(const struct partial_key *p)
{
    return p->events > 0 && !p->unfit;
}
void partial_end(struct partial_key *p);

#endif
