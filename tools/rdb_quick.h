/* SPDX-License-Identifier: BSD-3-Clause */
/* Is an RDB in order? One pass, in pieces on all threads, each with a consumer of its own. The
 * pieces are the file's blocks where there is an index of them. Without one a thread that has
 * nothing to do guesses where a record begins in the middle of the longest part that nobody reads
 * (rdb_footing.h), and goes on from there up to where another one began. Only when all have come
 * out where the others began, and in the same database, did every byte pass once. Checksums come
 * from the same bytes as they pass.
 *
 *   struct rdb_quick q = {.image = &image, .list = &list, ..., .ops = &ops, .arg = me};
 *   if (!rdb_quick(&q)) ... something may be wrong: read it by one thread, from its first byte on
 *
 * Where it is wrong, what consumers have heard counts for nothing. */
#ifndef TOOLS_RDB_QUICK_H
#define TOOLS_RDB_QUICK_H

#include "format/rdb_read.h"
#include "tools/progress_bar.h"
#include "tools/rdb_blocks_list.h"

struct quick_ops {
    /* A thread's consumer, which gets the events. options: more of them may be set. */
    struct sink *(*begin)(void *arg, struct rdb_options *options);
    /* A piece is next; its first byte lies at base. May be NULL. */
    void (*piece)(struct sink *s, uint64_t base);
    /* In front of the record's events; offsets count from base. May be NULL. */
    void (*record)(struct sink *s, const struct rdb_record *rec);
    /* All threads are over; good: all was in order. The consumer is done with. */
    void (*end)(void *arg, struct sink *s, bool good);
};

struct rdb_quick {
    struct rdb_image *image;
    const struct blocks_list *list;
    bool valkey;
    int version;
    unsigned databases;
    uint64_t threads;
    uint64_t step_bytes; /* guesses lie that far apart at least; 0: 1 MiB */
    const struct quick_ops *ops;
    void *arg;
    struct progress_bar *progress; /* NULL: nobody watches */

    const void *first; /* its own */

    /* results */
    uint64_t keys;     /* records of keys */
    uint64_t end_at;   /* behind the RDB's last byte */
    bool crc_stored;
};

bool rdb_quick(struct rdb_quick *q);

#endif
