/* SPDX-License-Identifier: BSD-3-Clause */
/* A HyperLogLog that is changed in a block of exactly its size, so that a sanitizer sees a step
 * outside. */
#ifndef TESTS_UNIT_CONTAINERS_SKETCH_H
#define TESTS_UNIT_CONTAINERS_SKETCH_H

#include "base/mem.h"
#include "base/must.h"
#include "containers/hll.h"

/* Gives what *out asks for. True when the same is to be done again. */
static inline bool sketch_grown(struct hll_edit *e, enum hll_outcome *out)
{
    if (*out == HLL_WANTS_ROOM) {
        must(hll_room(e->len) > e->cap);
        e->cap = hll_room(e->len);
        e->bytes = mem_realloc(e->bytes, e->cap);
        return true;
    }
    if (*out != HLL_WANTS_DENSE)
        return false;
    uint8_t *dense = mem_alloc(HLL_DENSE_BYTES);
    if (!hll_to_dense(slice(e->bytes, e->len), dense)) {
        mem_free(dense);
        *out = HLL_DAMAGED;
        return false;
    }
    mem_free(e->bytes);
    *e = (struct hll_edit){.bytes = dense, .len = HLL_DENSE_BYTES, .cap = HLL_DENSE_BYTES,
                           .sparse_max = e->sparse_max};
    return true;
}

#endif
