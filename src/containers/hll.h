/* SPDX-License-Identifier: BSD-3-Clause */
/* HyperLogLog: how many different elements were seen, within 0.81 %, in 12 KiB. A sketch is a
 * string of bytes that clients may read, keep and set, so whatever comes here is untrusted: hll_is
 * looks at its head, and each function that walks the rest says when that is damaged. Nothing is
 * allocated here; bytes are the caller's.
 *
 *   0   "HYLL"
 *   4   encoding: 0 dense, 1 sparse; then three bytes that mean nothing
 *   8   u64le the count as last computed; its highest bit: no longer true
 *   16  the registers
 *
 * Dense: HLL_REGISTERS of 6 bits, the first in the lowest bits of the first byte. Sparse: runs of
 * equal registers that cover all of them:
 *
 *   00nnnnnn            n + 1 registers of 0
 *   01nnnnnn nnnnnnnn   the same with 14 bits, high byte first
 *   1vvvvvnn            n + 1 registers of v + 1
 *
 * An element's hash is MurmurHash64A (A. Appleby, public domain) with a fixed seed. Its lowest 14
 * bits choose the register, which keeps the most zeros, and one, that followed them in any element.
 * The count is estimated as in O. Ertl, New cardinality estimation algorithms for HyperLogLog
 * sketches (arXiv 1702.01284), algorithm 6: no tables, no thresholds. */
#ifndef CONTAINERS_HLL_H
#define CONTAINERS_HLL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/slice.h"

enum {
    HLL_REGISTERS = 1 << 14,
    HLL_HEADER = 16,
    HLL_DENSE_BYTES = HLL_HEADER + HLL_REGISTERS * 6 / 8,
    HLL_EMPTY_BYTES = HLL_HEADER + 2, /* sparse */
    HLL_VALUE_MAX = 51,               /* what an element can ask for; a register holds up to 63 */
};
enum hll_encoding { HLL_DENSE, HLL_SPARSE };

/* ---- looking ---- */
/* The head is that of a sketch, and a dense one has its length. All others want this to be true. */
bool hll_is(struct slice s);
bool hll_is_whole(struct slice s); /* and its runs are the registers. Cost: O(runs) */
enum hll_encoding hll_encoding(struct slice s);
bool hll_cached(struct slice s, uint64_t *count);
/* False: damaged. Cost: O(registers). */
bool hll_count(struct slice s, uint64_t *count);

/* A run of the sparse encoding, and how many bytes it takes. */
struct hll_run {
    unsigned count, value, bytes;
};
/* The run at s[*at], which moves behind it. False: at the end, or the last byte is half a run. */
bool hll_next_run(struct slice s, size_t *at, struct hll_run *run);

/* ---- several at once ---- */
struct hll_registers {
    uint8_t of[HLL_REGISTERS];
};
/* Each becomes the larger of itself and the sketch's. False: damaged, some may have been raised. */
bool hll_merge(struct hll_registers *r, struct slice s);
uint64_t hll_count_registers(const struct hll_registers *r);

/* ---- changing ---- */
void hll_init(uint8_t bytes[HLL_EMPTY_BYTES]); /* sparse, a count of 0 */
/* The same sketch in the dense encoding. False: damaged. from and to must not overlap. */
bool hll_to_dense(struct slice from, uint8_t to[HLL_DENSE_BYTES]);
void hll_cache(uint8_t *bytes, uint64_t count);
void hll_forget(uint8_t *bytes); /* the cached count is no longer true */

/* A sketch that is being changed, in a block of cap bytes. Make a new one after its bytes were
 * moved. */
struct hll_edit {
    uint8_t *bytes;
    size_t len, cap;
    uint64_t sparse_max; /* bytes; a sparse one does not grow beyond */
    size_t from_at;      /* what hll_raise remembers: where to look for the next register */
    unsigned from_index;
};
enum hll_outcome {
    HLL_SAME,
    HLL_CHANGED,
    /* Nothing was done; do the same again when the block */
    HLL_WANTS_ROOM,  /* has hll_room bytes */
    HLL_WANTS_DENSE, /* is what hll_to_dense makes */
    HLL_DAMAGED,     /* nothing was done either */
};
size_t hll_room(size_t len);
/* The cached count is left alone: hll_forget when anything changed. Cost: O(1), sparse O(runs). */
enum hll_outcome hll_add(struct hll_edit *e, struct slice element);
/* Raises registers from *next on to those of r; *next: where it stopped. The bytes are the same as
 * if each had been set by itself. Cost: O(registers). */
enum hll_outcome hll_raise(struct hll_edit *e, const struct hll_registers *r, unsigned *next);

#endif
