/* SPDX-License-Identifier: BSD-3-Clause */
/* What a rescue (rdb_rescue.h) tells of: records, and holes between them. And what is known of
 * them from an earlier one. */
#ifndef TOOLS_RDB_RESCUED_H
#define TOOLS_RDB_RESCUED_H

#include "tools/rdb_footing.h"
#include "tools/rdb_plan.h"

struct rescued {
    enum rdb_record_kind kind;
    uint8_t opcode, type;  /* type: of a key, its number */
    bool doubtful;
    bool db_unsure;        /* a selection may lie in the hole before */
    bool odd;              /* a key, whose name is empty or has control bytes */
    bool refused;          /* a library, by ops->library */
    bool integrity;        /* an AUX record that tells of this file's bytes */
    uint64_t from, to;     /* its bytes, attributes included */
    uint64_t number;       /* of the record, from 1 */
    unsigned db;
    unsigned selects;      /* a selection: this database */
    uint64_t keys;         /* a size: of the database, as it says */
    uint64_t block;
    uint64_t hash;         /* of a key: database and name; of a library: its name */
    uint64_t name_len;
    int64_t expire_ms;
    bool before_has;       /* attributes that stand in front of another record */
    struct key_event before;
    size_t templates;      /* the reader had before it */
    struct hash128 digest; /* what it adds to the data set's; with digests */
    char key[FAULT_KEY_MAX]; /* printable, maybe cut; an AUX's, a library's: its name */
};

struct rescue_hole {
    uint64_t from, to;
    const struct rdb_span *span;
    uint64_t block;
    struct fault fault; /* what was wrong at its begin; offset: a place in the file */
    bool has_db;
    unsigned db;
    char before[FAULT_KEY_MAX], after[FAULT_KEY_MAX]; /* keys; "": none */
    bool has_before, has_after;
    bool at_end; /* no record was found behind it */
};

/* Keys of one database that may be another's (rdb_border.h). */
struct rdb_border {
    uint64_t from, to;  /* places that they begin at */
    unsigned db;        /* that they are read for */
    uint64_t keys, due; /* read for it; of its RESIZEDB */
};
struct rdb_borders {
    struct buf list; /* struct rdb_border, ascending, disjoint */
};

static inline size_t rdb_borders_count(const struct rdb_borders *b)
{
    return b->list.len / sizeof(struct rdb_border);
}
static inline const struct rdb_border *rdb_borders_at(const struct rdb_borders *b, size_t i)
{
    return (const struct rdb_border *)(const void *)b->list.data + i;
}

#endif
