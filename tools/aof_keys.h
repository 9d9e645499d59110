/* SPDX-License-Identifier: BSD-3-Clause */
/* Which arguments of a command are keys, and what it does to them: as far as its words tell, which
 * is all that a tool has.
 *
 *   struct aof_keys k;
 *   aof_keys_of(argc, head, head_count, &k);
 *   for (size_t i = 0; i < k.count; i++) ... k.ranges[i]: arguments first, first + step, ...
 *
 * Only the first arguments are looked at (numbers of keys, options). */
#ifndef TOOLS_AOF_KEYS_H
#define TOOLS_AOF_KEYS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/slice.h"

enum key_use {
    KEY_READ,   /* it stays as it is */
    KEY_SET,    /* it is what the command says, whatever it was before */
    KEY_GONE,   /* it is not there afterwards, whatever it was */
    KEY_CHANGE, /* what it is then depends on what it was: INCR, APPEND, LPUSH, SET NX, EXPIREAT */
    KEY_MADE,   /* of the keys the command reads */
    KEY_MOVED,  /* read, and gone then: RENAME's first */
};
const char *key_use_name(enum key_use use); /* "read", "set", "removed", ... */

/* Beyond single keys: */
enum key_scope {
    KEYS_NAMED,     /* none but these */
    KEYS_DATABASE,  /* FLUSHDB: all of the selected one */
    KEYS_ALL,       /* FLUSHALL */
    KEYS_SWAPPED,   /* SWAPDB: all of two databases */
};
struct aof_key_range {
    uint64_t first, count, step;
    enum key_use use;
};
enum { AOF_KEY_RANGES = 3 };
struct aof_keys {
    size_t count;
    struct aof_key_range ranges[AOF_KEY_RANGES];
    enum key_scope scope;
    bool known; /* false: not a command of the table; ranges are empty */
};

void aof_keys_of(uint64_t argc, const struct slice *head, size_t head_count, struct aof_keys *k);
/* Is argument i one of the keys, and what is done to it? */
bool aof_key_at(const struct aof_keys *k, uint64_t i, enum key_use *use);

#endif
