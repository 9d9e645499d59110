/* SPDX-License-Identifier: BSD-3-Clause */
/* What no command can say of a stream: that a group holds an entry pending which was deleted or
 * trimmed away. XCLAIM, which gives an entry to a consumer, forgets those. Told by the events of
 * one stream after another:
 *
 *   stream_lost_begin(&l);
 *   stream_lost_key(&l);                with each key
 *   stream_lost_node(&l, master, node); then its nodes
 *   stream_lost_group(&l);              with each group
 *   stream_lost_pending(&l, id);        true: of an entry that is not in the stream
 *   stream_lost_end(&l);
 *
 * The ids of the one stream stand in a file without a name, which is read once for each group that
 * has pending entries. Should that fail, fault says it, and nothing more is found. */
#ifndef TOOLS_STREAM_LOST_H
#define TOOLS_STREAM_LOST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/fault.h"
#include "base/slice.h"
#include "format/stream_event.h"

enum { STREAM_LOST_IDS = 4096 };
struct stream_lost {
    int fd;          /* -1: none is needed yet */
    struct buf ids;  /* of struct stream_id, behind those in the file */
    uint64_t count;  /* ids in all */
    uint64_t at;     /* of them passed by this group */
    struct stream_id last; /* that was asked for */
    struct stream_id part[STREAM_LOST_IDS];
    uint64_t part_at;      /* the first in part */
    size_t part_count;
    uint64_t lost;   /* found in all */
    struct fault fault;
};

void stream_lost_begin(struct stream_lost *l);
void stream_lost_key(struct stream_lost *l);
void stream_lost_node(struct stream_lost *l, struct stream_id master, struct slice listpack);
void stream_lost_group(struct stream_lost *l);
bool stream_lost_pending(struct stream_lost *l, struct stream_id id);
void stream_lost_end(struct stream_lost *l);

#endif
