/* SPDX-License-Identifier: BSD-3-Clause */
/* The keys of commands in a log, one after the other, whatever their number; the database that is
 * selected; and keys that are not as they should be, since commands on them are missing.
 *
 *   log_keys_each(&bytes, &command, visit, arg);
 *
 *   struct log_taint t; log_taint_begin(&t);
 *   log_taint_add(&t, db, hash);                   a command on it was left out
 *   n = log_taint_follow(&t, &bytes, &command, &db, depends, arg);   in the order of the log
 *
 * A key is healed by what makes it anew whatever it was (SET, DEL, RESTORE REPLACE). What is made
 * of such keys (RENAME, SUNIONSTORE) is such a key. Memory: LOG_TAINT_MAX keys, 16 bytes each, in
 * at most LOG_TAINT_DBS databases. FLUSHALL, FLUSHDB, SWAPDB cost no more than other commands. */
#ifndef TOOLS_LOG_KEYS_H
#define TOOLS_LOG_KEYS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tools/aof_keys.h"
#include "tools/log_bytes.h"

typedef void log_key_visit(void *arg, const struct log_arg *key, enum key_use use);
enum key_scope log_keys_each(struct log_bytes *b, const struct log_command *c,
                             log_key_visit *visit, void *arg);
/* After it. A SELECT that names none leaves it. */
void log_db_follow(uint64_t *db, const struct log_command *c);

enum { LOG_TAINT_MAX = 1 << 20, LOG_TAINT_DBS = 1024 };
struct log_taint_key {
    uint64_t hash; /* 0: nobody; 1: somebody was */
    uint64_t set;
};
/* The keys of a database since it was emptied last, some of which miss something. */
struct log_taint_set {
    uint64_t db, set; /* set: its number, which no other had before */
    size_t count;     /* never 0 */
};
struct log_taint {
    struct log_taint_key *keys; /* those of sets that are gone are nobody's, and go when it grows */
    size_t cap, used, count;    /* used: with those that were */
    struct log_taint_set *sets;
    size_t sets_count, last_set; /* last_set: which was looked at last */
    uint64_t next_set;
    bool full; /* some did not find room */
};
void log_taint_begin(struct log_taint *t);
void log_taint_free(struct log_taint *t);
void log_taint_add(struct log_taint *t, uint64_t db, uint64_t hash);
/* Each key whose value depends on what is missing is told to depends. The number of those. */
size_t log_taint_follow(struct log_taint *t, struct log_bytes *b, const struct log_command *c,
                        uint64_t *db, log_key_visit *depends, void *arg);

#endif
