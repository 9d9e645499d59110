/* SPDX-License-Identifier: BSD-3-Clause */
/* The keyspace as a producer: walks databases or one value into a sink (format/sink.h). Reads only,
 * so a forked child may do it. */
#ifndef STORE_WALK_H
#define STORE_WALK_H

#include <stdbool.h>

#include "store/db.h"

struct walk_progress {
    uint64_t keys; /* walked so far */
    void (*report)(void *arg, uint64_t keys); /* may be NULL */
    uint64_t every; /* keys between reports; 0: 1024 */
    void *arg;
};

/* Everything: db and key events. False when the sink failed (its fault says why). */
bool walk_keyspace(struct keyspace *ks, struct sink *sink, struct walk_progress *progress);
/* One key: key event, value, end_key (DUMP, COPY through bytes, DEBUG DIGEST). */
bool walk_entry(struct db *db, struct entry *e, struct sink *sink);

#endif
