/* SPDX-License-Identifier: BSD-3-Clause */
/* What a client is owed, in order: sealed blocks, and behind them the open one, a plain buffer that
 * replies are appended to. A block is sealed when it is full, where a reply or an element of one
 * begins, and is neither moved nor grown after that: a reply of any size is built without copying
 * what is there, and what has left is freed block by block. Only an element that is larger than a
 * block has one to itself, of its size.
 *
 * Places are counted from the first byte the client was ever owed, so they stay what they are while
 * bytes leave. Zero-initialise it ({0}), output_free at the end. Costs: an append; sealing and
 * freeing O(1) a block. */
#ifndef SERVER_OUTPUT_H
#define SERVER_OUTPUT_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/uio.h>

#include "base/buf.h"

enum {
    OUTPUT_BLOCK = 32 * 1024,
    OUTPUT_FULL = OUTPUT_BLOCK - 64, /* what more than fills it gets the next one; the header of an
                                      * element still fits behind that */
};

struct output {
    struct buf open;               /* replies are appended here */
    struct output_sealed *sealed;  /* in front of open; NULL: nothing was ever sealed */
    size_t sealed_len;             /* bytes in sealed, with those that have left */
    size_t sent;                   /* bytes of the first block that have left */
    uint64_t sent_total;           /* bytes that ever left */
};

/* Where the next byte goes. */
static inline uint64_t output_end(const struct output *o)
{
    return o->sent_total - o->sent + o->sealed_len + o->open.len;
}

static inline size_t output_unsent(const struct output *o)
{
    return o->sealed_len + o->open.len - o->sent;
}

/* Before a reply, or an element of one, of about more bytes: if the open block is not empty, a new
 * one is begun. */
void output_seal(struct output *o, size_t more);
/* Appends what b holds, and leaves it empty: a block that is large is taken over. */
void output_add(struct output *o, struct buf *b);
/* Appends all that from holds, of which nothing was sent: blocks are taken over, small ones copied.
 * from is empty then. O(blocks). */
void output_take(struct output *o, struct output *from);
/* The block that holds place, and the byte in it. Bytes at the end of any block may be removed or
 * moved inside it by the caller, who says so with output_shrink. O(blocks behind place). */
struct buf *output_find(struct output *o, uint64_t place, size_t *offset);
/* The caller removed n bytes of block. */
void output_shrink(struct output *o, struct buf *block, size_t n);
/* Drops all from place on, of which nothing has left. O(blocks behind it). */
void output_cut(struct output *o, uint64_t place);
/* What may leave next: up to max parts of together at most most bytes. Returns how many. */
int output_parts(const struct output *o, size_t most, struct iovec *parts, int max);
/* The first n bytes have left: blocks that have left whole are freed, but for the open one, which
 * is emptied and kept unless it is larger than keep. */
void output_sent(struct output *o, size_t n, size_t keep);
size_t output_memory(const struct output *o); /* bytes allocated */
/* Drops what is unsent, and the memory; the places go on. */
void output_free(struct output *o);

#endif
