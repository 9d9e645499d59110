/* SPDX-License-Identifier: BSD-3-Clause */
/* Memory for the blocks of a backlog, all of one size. A few come from the allocator; of a large
 * backlog they are cut from chunks of 2 MiB that huge pages may back: a page that is new, or that
 * the kernel reads from for the first time, costs up to ten times what is done with its bytes, and
 * a large backlog is mostly such pages. A chunk goes when its last block does; blocks go in about
 * the order in which they came.
 *
 * Pages are brought in before they are handed out. The first block that is given back is kept for
 * the next who wants one: a backlog that is full takes no new memory. */
#ifndef REPLICATION_BACKLOG_MEMORY_H
#define REPLICATION_BACKLOG_MEMORY_H

#include <stddef.h>

enum { BACKLOG_BLOCK = 64 * 1024 }; /* bytes */

struct backlog_chunk;

struct backlog_memory { /* zero it; private but for held */
    size_t held; /* bytes of the blocks that were handed out, and of the spare one */
    void *spare; /* NULL: none */
    struct backlog_chunk *spare_chunk, *chunk; /* of the spare; blocks are cut from; or NULL */
};

/* Of BACKLOG_BLOCK bytes, not zeroed. of: give it back with the block. */
void *backlog_memory_take(struct backlog_memory *m, struct backlog_chunk **of);
void backlog_memory_give(struct backlog_memory *m, void *block, struct backlog_chunk *of);
/* Nothing more is taken for now: no spare is kept. Blocks that are still out may be given back, and
 * then this is to be called again. */
void backlog_memory_rest(struct backlog_memory *m);

#endif
