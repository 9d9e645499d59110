/* SPDX-License-Identifier: BSD-3-Clause */
/* Where in the append log which offset of the history is: some places, each at a line that tells
 * the offset (log_stream.h), all of one unbroken stretch that goes on to the log's present end.
 * Between two of them the log is to be read. At most LOG_PLACES_MAX: then each second one goes, so
 * memory does not grow with the log. Costs: adding O(1), on average; finding O(log n). */
#ifndef REPLICATION_LOG_PLACES_H
#define REPLICATION_LOG_PLACES_H

#include <stddef.h>
#include <stdint.h>

#include "persist/aof_notes.h"

enum { LOG_PLACES_MAX = 2048 };

struct log_place {
    struct aof_place at;
    int64_t offset;
};
struct log_places { /* zero it; read only */
    struct log_place *places; /* offsets ascend */
    size_t count;
    uint64_t step; /* bytes that are left out between two that are kept, at least */
};

void log_places_free(struct log_places *p); /* it is zero then: nothing is known */
/* Behind all that are there, in offset and place. */
void log_places_add(struct log_places *p, const struct aof_place *at, int64_t offset);
/* In front of all that are there, in offset and place. It does nothing when there is no room. */
void log_places_add_older(struct log_places *p, const struct aof_place *at, int64_t offset);
/* The last one at or before this offset; NULL: none. */
const struct log_place *log_places_find(const struct log_places *p, int64_t offset);
/* Those in this increment, and in all before it, are of no use any more. */
void log_places_forget(struct log_places *p, int64_t seq);

#endif
