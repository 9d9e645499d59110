/* SPDX-License-Identifier: BSD-3-Clause */
/* Which blocks of a damaged RDB are bad: what the reader cannot say, since it stops at the first.
 * Bytes that no record tells of cannot be checked and are shown as such. */
#include "tools/check.h"

#include <inttypes.h>

#include "base/must.h"
#include "tools/rdb_blocks_list.h"

static void tell_gap(FILE *out, uint64_t from, uint64_t to)
{
    if (from < to)
        fprintf(out, "[info] Bytes %" PRIu64 " to %" PRIu64 ": no block record tells of them\n",
                from, to);
}

void check_blocks(int fd, uint64_t size, FILE *out)
{
    struct rdb_image m = {.fd = fd, .end = size};
    struct blocks_list l;
    uint64_t at = 0;
    blocks_list(&l, &m);
    blocks_verify(&l, &m, 1);
    for (size_t i = 0; i < blocks_count(&l); i++) {
        const struct listed_block *b = blocks_at(&l, i);
        tell_gap(out, at, b->from);
        if (b->state != BLOCK_GOOD)
            fprintf(out, "[info] Block %" PRIu64 ", bytes %" PRIu64 " to %" PRIu64 ", %" PRIu64
                    " keys: damaged\n", b->number, b->from, b->to, b->told.keys);
        at = b->to;
    }
    if (!l.by_trailer && blocks_count(&l))
        tell_gap(out, at, size);
    must(l.good + l.bad == blocks_count(&l));
    if (blocks_count(&l))
        fprintf(out, "[info] %" PRIu64 " blocks are intact, %" PRIu64 " damaged\n", l.good, l.bad);
    blocks_list_free(&l);
    image_free(&m);
}
