/* SPDX-License-Identifier: BSD-3-Clause */
/* A sink in front of a writer that cannot hold all there is: what a target lacks is found before it
 * is written, and named, or left out and counted.
 *
 *   target              cannot hold
 *   RDB 9               functions; a stream's counters (entries-added, max-deleted-id, what groups
 *                       have read) that do not follow from its entries; otherwise as 10
 *   RDB 10, 11          expiry of single fields of a hash; what streams of Redis 8.6 and later hold
 *                       besides, or of 8.8, pending entries without a consumer; arrays; module
 *                       values can be carried
 *   commands            the same, and module values; pending entries that were deleted from their
 *                       stream
 *
 *   adapt_init(&a, target, NULL); a.found = tell; a.arg = ...   only looks
 *   adapt_init(&a, target, &writer.sink);   expiries of fields and the like are left out; a value
 *                                           that means nothing without is left out as a whole, with
 *                                           its key
 *   dataset_read(&d, &a.pass.sink, &f); */
#ifndef TOOLS_ADAPT_H
#define TOOLS_ADAPT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "format/sink.h"
#include "tools/adapt_group.h"
#include "tools/pass.h"
#include "tools/stream_lost.h"

enum adapt_target { ADAPT_RDB_9, ADAPT_RDB_10, ADAPT_RDB_11, ADAPT_COMMANDS };
/* what: "field expiry", "function library", "stream counters", "stream producers", "stream entries
 * without a consumer", "pending entries that were deleted", "array", "module value";
 * key: NULL for a library, whose name is given. */
typedef void adapt_found(void *arg, const char *what, const struct key_event *key,
                         struct slice library);

struct adapt {
    struct pass pass;
    enum adapt_target target;
    adapt_found *found; /* once for each key and kind; may be NULL */
    void *arg;
    struct key_event key;
    struct buf name;
    bool told, counters_told; /* of this key */
    bool holds;      /* its groups are held (adapt_group.h) */
    uint8_t rest;    /* type of what was told last that only later versions hold; 0: none was */
    struct stream_info_event stream; /* the one that comes */
    struct adapt_group group;
    struct stream_lost lost; /* its count: dropped, as no command says them */
    struct sink_ops plain; /* that only pass on */
    uint64_t keys; /* concerned */
    uint64_t fields, libraries, values, counters; /* dropped; counters: streams without theirs */
};

void adapt_init(struct adapt *a, enum adapt_target target, struct sink *to);
void adapt_free(struct adapt *a);

#endif
