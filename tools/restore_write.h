/* SPDX-License-Identifier: BSD-3-Clause */
/* A sink that writes a data set as SELECT and RESTORE commands: exact in everything a value holds,
 * for servers that know the payload's version.
 *
 *   restore_writer_init(&w, &out, 10);    version of the payloads: 9 (5.0), 10 (7.0), 11 (7.2)
 *
 * RESTORE's length comes before its payload: one over 4 MiB waits in a file without a name.
 * Replaces what is there. */
#ifndef TOOLS_RESTORE_WRITE_H
#define TOOLS_RESTORE_WRITE_H

#include <stdbool.h>
#include <stdio.h>

#include "base/buf.h"
#include "format/out.h"
#include "format/rdb_write.h"
#include "format/sink.h"
#include "tools/sift.h"

struct restore_writer {
    struct sift sift; /* in front of payload's sink; first, so that it is the sink */
    struct out *out;
    int version;
    struct rdb_writer payload;
    struct out body;
    struct buf held;  /* of the body */
    FILE *spilled;
    uint64_t spilled_bytes;
    struct key_event key;
    struct buf name;
    int64_t db;
};

void restore_writer_init(struct restore_writer *w, struct out *out, int version);
void restore_writer_free(struct restore_writer *w);
static inline struct sink *restore_writer_sink(struct restore_writer *w)
{
    return &w->sift.pass.sink;
}

#endif
