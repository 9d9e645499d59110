/* SPDX-License-Identifier: BSD-3-Clause */
/* Is an RDB in order? One pass, block by block on all threads where there are block checksums, else
 * as one piece. Checksums come from the same bytes as they pass.
 *
 *   if (!rdb_quick(&q, &image, &list, ...)) ... something is wrong: rdb_plan.h, rdb_rescue.h
 */
#ifndef TOOLS_RDB_QUICK_H
#define TOOLS_RDB_QUICK_H

#include "tools/check_sink.h"
#include "tools/progress_bar.h"
#include "tools/rdb_blocks_list.h"

struct rdb_quick {
    struct rdb_image *image;
    const struct blocks_list *list;
    bool valkey;
    int version;
    unsigned databases;
    int64_t now_ms;
    uint64_t threads;
    struct key_twice *twice;
    bool (*library)(void *arg, struct slice code); /* called by one thread at a time */
    void *library_arg;
    struct progress_bar *progress;

    const void *first;      /* its own */

    /* results */
    struct check_sink sums; /* the caller's to free */
    uint64_t end_at;        /* behind the RDB's last byte */
    bool crc_stored;
};

bool rdb_quick(struct rdb_quick *q);

#endif
