/* SPDX-License-Identifier: BSD-3-Clause */
/* How the bytes of a maybe damaged RDB are to be read: cut into spans, each with what is known of
 * it before its records are looked at. What checksums can undo (rdb_correct.h) is undone first.
 *
 *   plan_make(&p, &image, threads);      verifies every block, or the whole file's checksum
 *   ... p.spans: the whole of begin..end, ascending ...
 *   plan_free(&p);
 *
 * Cost: one pass for the checksums; another for records when blocks have moved; for each damaged
 * block a walk over its bits (4 ms a MiB). */
#ifndef TOOLS_RDB_PLAN_H
#define TOOLS_RDB_PLAN_H

#include "tools/rdb_blocks_list.h"
#include "tools/rdb_correct.h"

enum span_trust {
    SPAN_SURE,     /* a checksum says that these are the bytes that were written */
    SPAN_UNSURE,   /* no checksum tells: keys count, but for those beside holes */
    SPAN_DOUBTFUL, /* the checksum is wrong, or missing where others are not: no key counts */
};
struct rdb_span {
    uint64_t from, to;
    enum span_trust trust;
    bool has_db;   /* db: selected at its begin */
    unsigned db;
    bool adjoins;  /* its first byte begins a record */
    bool whole;    /* and its last ends one */
    uint64_t block; /* number; 0: none is told of */
    uint64_t keys;  /* of a block */
};
struct plan_correction {
    uint64_t block; /* 0: of the whole file */
    struct correction done;
};
struct rdb_plan {
    struct blocks_list list;
    struct buf spans;       /* struct rdb_span */
    struct buf corrections; /* struct plan_correction */
    bool announced;         /* the file says that it has block checksums */
    bool trailer_due;       /* and an index of them behind its end */
    bool header_ok;
    int unknown;            /* a well-formed header's version that is none of ours; -1 */
    bool valkey;
    int version;            /* of the header, or taken for it */
    bool has_crc, crc_ok;   /* of the whole file; looked at when there are no blocks */
    uint64_t crc_at;        /* has_crc: where it stands */
};

/* Header, and the list of blocks when the file says that it has some: nothing is verified. */
void plan_look(struct rdb_plan *p, struct rdb_image *m);
void plan_make(struct rdb_plan *p, struct rdb_image *m, uint64_t threads);
void plan_free(struct rdb_plan *p);
/* Where all of an RDB that ends at end_at ends: behind its block index, if a whole one stands
 * there (*index). */
uint64_t plan_end(const struct rdb_plan *p, struct rdb_image *m, uint64_t end_at, bool *index);
static inline bool plan_has_blocks(const struct rdb_plan *p)
{
    return p->list.blocks.len > 0;
}
static inline size_t plan_spans(const struct rdb_plan *p)
{
    return p->spans.len / sizeof(struct rdb_span);
}
static inline const struct rdb_span *plan_span(const struct rdb_plan *p, size_t i)
{
    return (const struct rdb_span *)(const void *)p->spans.data + i;
}

#endif
