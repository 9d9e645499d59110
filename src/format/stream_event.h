/* SPDX-License-Identifier: BSD-3-Clause */
/* What a stream's events tell (sink.h): ids, the numbers behind the nodes, consumer groups. */
#ifndef FORMAT_STREAM_EVENT_H
#define FORMAT_STREAM_EVENT_H

#include <stdint.h>

#include "base/slice.h"

struct stream_id {
    uint64_t ms, seq;
};
static inline int stream_id_cmp(struct stream_id a, struct stream_id b)
{
    if (a.ms != b.ms)
        return a.ms < b.ms ? -1 : 1;
    return (a.seq > b.seq) - (a.seq < b.seq);
}

struct stream_info_event {
    uint64_t length;
    struct stream_id last, first, max_deleted;
    uint64_t entries_added;
    uint64_t groups;
};

struct stream_group_event {
    struct slice name;
    struct stream_id last;
    int64_t entries_read; /* -1 unknown */
    uint64_t pending, consumers;
};

struct stream_pending_event { /* an entry of the group's pending list */
    struct stream_id id;
    int64_t delivered_ms;
    uint64_t count;
};

struct stream_consumer_event {
    struct slice name;
    int64_t seen_ms, active_ms; /* active -1: never */
    uint64_t owned;
};

#endif
