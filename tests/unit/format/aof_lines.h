/* SPDX-License-Identifier: BSD-3-Clause */
/* Logs with checksums for tests: batches, small ones, and batches as older versions wrote them,
 * which nothing in the program writes any more. */
#ifndef TESTS_UNIT_FORMAT_AOF_LINES_H
#define TESTS_UNIT_FORMAT_AOF_LINES_H

#include <stdio.h>

#include "base/crc64.h"
#include "format/aof_sum.h"

/* A batch of the chain behind text, which is the file so far. */
static inline void put_batch(struct buf *text, struct aof_chain *c, struct slice body,
                             uint64_t durable)
{
    char line[AOF_SUM_LINE];
    aof_chain_seal(c, line, body, text->len, durable);
    buf_append(text, line, sizeof line);
    buf_add(text, body);
}

/* The line of a batch as it was until it became shorter. */
static inline void seal_old(struct aof_chain *c, char line[AOF_OLD_LINE], struct slice body,
                            uint64_t durable)
{
    char text[AOF_OLD_LINE + 1];
    c->n++;
    int len = snprintf(text, sizeof text, "#SUM:%08x %010llx %010llx", c->n,
                       (unsigned long long)body.len, (unsigned long long)durable);
    c->crc = crc64(crc64(c->crc, text, (size_t)len), body.data, body.len);
    len += snprintf(text + len, sizeof text - (size_t)len, " %016llx", (unsigned long long)c->crc);
    uint64_t check = crc64(c->id, text, (size_t)len);
    snprintf(text + len, sizeof text - (size_t)len, " %08llx\r\n",
             (unsigned long long)((check ^ check >> 32) & UINT32_MAX));
    memcpy(line, text, AOF_OLD_LINE);
}

static inline void put_old_batch(struct buf *text, struct aof_chain *c, struct slice body,
                                 uint64_t durable)
{
    char line[AOF_OLD_LINE];
    seal_old(c, line, body, durable);
    buf_append(text, line, sizeof line);
    buf_add(text, body);
}

static inline void put_small(struct buf *text, struct aof_chain *c, struct slice body)
{
    char line[AOF_SMALL_LINE];
    aof_small_seal(c, line, body);
    buf_add(text, body);
    buf_append(text, line, sizeof line);
}

#endif
