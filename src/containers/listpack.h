/* SPDX-License-Identifier: BSD-3-Clause */
/* A listpack: a short list of strings and integers in one block of bytes (drawn at the head
 * of listpack.c). The packed encoding of small hashes, sets, sorted sets, of
 * quicklist nodes and stream nodes; its bytes go to disk as they are.
 *
 *   uint8_t *lp = lp_new();
 *   lp = lp_append(lp, SLICE_LIT("a"));
 *   for (size_t at = lp_first(lp); at; at = lp_next(lp, at)) ... lp_get(lp, at, scratch) ...
 *
 * A position is the offset of an element from the block's start; 0 means "none". Functions that
 * change the block return it, perhaps moved; positions behind the change are then void. A text that
 * is the canonical decimal of an int64 is stored as an integer; both forms compare equal.
 * Blocks belong to mem_alloc/mem_free. All but lp_validate trust the block: validate input first.
 * Finding by index or value is O(n); a block is at most LP_BYTES_MAX. */
#ifndef CONTAINERS_LISTPACK_H
#define CONTAINERS_LISTPACK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/num.h"
#include "base/slice.h"

enum { LP_EMPTY_BYTES = 7 };
#define LP_BYTES_MAX ((size_t)1 << 30)

uint8_t *lp_new(void);
size_t lp_bytes(const uint8_t *lp);
size_t lp_count(const uint8_t *lp); /* walks when there are more than 65534 */
static inline struct slice lp_blob(const uint8_t *lp);

/* ---- walking ---- */
size_t lp_first(const uint8_t *lp);
size_t lp_last(const uint8_t *lp);
size_t lp_next(const uint8_t *lp, size_t at);
size_t lp_prev(const uint8_t *lp, size_t at);
size_t lp_at(const uint8_t *lp, long index); /* from the end when negative; 0 when out of range */

/* ---- one element ---- */
/* Its text: points into the block, or into scratch when it is stored as an integer. */
struct slice lp_get(const uint8_t *lp, size_t at, char scratch[NUM_I64_TEXT]);
/* True and *num when it is stored as an integer; else *text. Faster than lp_get. */
bool lp_get_int(const uint8_t *lp, size_t at, int64_t *num, struct slice *text);
bool lp_equal(const uint8_t *lp, size_t at, struct slice text);
/* The first element from at on that equals text, looking at every (skip+1)-th; 0 when none. */
size_t lp_find(const uint8_t *lp, size_t at, struct slice text, unsigned skip);

/* ---- changing; text may not point into lp ---- */
uint8_t *lp_append(uint8_t *lp, struct slice text);
uint8_t *lp_append_int(uint8_t *lp, int64_t num);
uint8_t *lp_prepend(uint8_t *lp, struct slice text);
uint8_t *lp_insert(uint8_t *lp, size_t before, struct slice text); /* before 0: append */
uint8_t *lp_replace(uint8_t *lp, size_t at, struct slice text);
uint8_t *lp_replace_int(uint8_t *lp, size_t at, int64_t num);
/* Removes count elements from at on; the element that follows then stands at at (or none). */
uint8_t *lp_delete(uint8_t *lp, size_t at, size_t count);
/* Gives the allocator back what over-allocation left. */
uint8_t *lp_shrink(uint8_t *lp);
uint8_t *lp_merge(uint8_t *lp, const uint8_t *behind); /* appends all of behind */

/* ---- size arithmetic ---- */
size_t lp_size_of(struct slice text); /* bytes one element takes; any length */
/* Could more bytes of text be added and the block stay within LP_BYTES_MAX? */
bool lp_fits(const uint8_t *lp, size_t more);

/* Is blob a well-formed listpack, every element walked? On false *why is a static sentence. *count
 * (may be NULL) gets the number of elements. Any bytes are safe; O(n), allocates nothing. */
bool lp_validate(struct slice blob, size_t *count, const char **why);

static inline struct slice lp_blob(const uint8_t *lp)
{
    return slice(lp, lp_bytes(lp));
}

#endif
