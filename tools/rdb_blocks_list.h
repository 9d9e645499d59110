/* SPDX-License-Identifier: BSD-3-Clause */
/* The blocks of an RDB with block checksums (format/rdb_block.h): which there are, which are
 * intact, and where in the file their bytes lie now, which is not where they were written when a
 * page before them was lost or stands there twice.
 *
 *   blocks_list(&l, &image);              from the index behind the RDB, else from the records
 *   blocks_verify(&l, &image, threads);   each block's checksum
 *   if (l.bad) blocks_locate(&l, &image); moved ones are found by the records around them; damaged
 *                                         ones get the bytes between their neighbours
 *   ... (struct listed_block *) l.blocks ...       ascending, by where they lie
 *   blocks_list_free(&l);
 *
 * A record that no index confirms counts when it stands where its block ends; one that stands
 * elsewhere counts when the bytes in front of it have the checksum it tells, or when others stand
 * off by as much. Memory: 100 bytes a MiB of the file. */
#ifndef TOOLS_RDB_BLOCKS_LIST_H
#define TOOLS_RDB_BLOCKS_LIST_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "format/rdb_block.h"
#include "tools/rdb_image.h"

enum block_state { BLOCK_UNKNOWN, BLOCK_DAMAGED, BLOCK_GOOD, BLOCK_CORRECTED };
struct listed_block {
    struct rdb_block told; /* where it was written */
    uint64_t from, to;     /* where it lies */
    uint64_t number;       /* from 1 */
    enum block_state state;
    bool unplaced;         /* damaged: some of the bytes between from and to may be another's */
};
struct block_record {
    uint64_t at; /* where it stands: a block ends here */
    struct rdb_block told;
};
struct blocks_list {
    struct buf blocks;  /* struct listed_block */
    struct buf records; /* struct block_record, once they were searched for */
    bool by_trailer, searched;
    uint64_t rdb_end;   /* place behind the RDB's last byte: where the index begins, else m.end */
    uint64_t behind;    /* place behind the index, or m.end */
    uint64_t good, bad;
};

void blocks_list(struct blocks_list *l, struct rdb_image *m);
/* Does a whole index begin there, maybe in front of a log's commands? *behind: behind it. */
bool blocks_index_at(struct rdb_image *m, uint64_t at, uint64_t *behind);
void blocks_list_free(struct blocks_list *l);
static inline size_t blocks_count(const struct blocks_list *l)
{
    return l->blocks.len / sizeof(struct listed_block);
}
static inline struct listed_block *blocks_at(const struct blocks_list *l, size_t i)
{
    return (struct listed_block *)(void *)l->blocks.data + i;
}
bool block_is_good(struct rdb_image *m, const struct rdb_block *told, uint64_t from);
void blocks_verify(struct blocks_list *l, struct rdb_image *m, uint64_t threads);
void blocks_locate(struct blocks_list *l, struct rdb_image *m);

#endif
