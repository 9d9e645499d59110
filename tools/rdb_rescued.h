/* SPDX-License-Identifier: BSD-3-Clause */
/* What a rescue (rdb_rescue.h) tells of: records, and holes between them. */
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

#endif
