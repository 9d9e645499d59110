/* SPDX-License-Identifier: BSD-3-Clause */
/* A consumer group of a stream: how far it has read, its consumers, and the entries that were
 * delivered and not yet acknowledged: pending ones, each of one consumer.
 *
 *   struct stream_consumer *who = stream_group_add_consumer(g, name, now_ms);
 *   stream_group_deliver(g, who, id, now_ms);
 *   stream_group_ack(g, id);
 *
 * Nothing in it is shared. A pending entry costs 56 bytes and what the two indexes leave free:
 * the group's has the record, that of its consumer the id alone. */
#ifndef STORE_STREAM_GROUP_H
#define STORE_STREAM_GROUP_H

#include <stdbool.h>
#include <stdint.h>

#include "base/slice.h"
#include "store/id_index.h"

struct radix;

struct stream_consumer {
    int64_t seen_ms;        /* it last asked for something */
    int64_t active_ms;      /* it last got something to work on; -1: never */
    struct id_index owned;  /* records are ids */
    uint32_t name_len;
    char name[];
};

struct stream_pending {
    struct stream_id id;
    int64_t delivered_ms;
    uint64_t count;         /* of deliveries */
    struct stream_consumer *consumer; /* NULL only while it is being loaded */
};

enum { STREAM_READ_UNKNOWN = -1 };
struct stream_group {
    struct stream_id last;  /* the newest entry that was delivered */
    int64_t entries_read;   /* of all ever added, those up to last; or STREAM_READ_UNKNOWN */
    struct id_index pending; /* struct stream_pending */
    struct radix *consumers; /* by name, in its order; NULL before the first */
};

struct stream_group *stream_group_new(struct stream_id last, int64_t entries_read);
void stream_group_free(void *group);
struct stream_group *stream_group_copy(const struct stream_group *g);
size_t stream_group_memory(const struct stream_group *g);

/* ---- consumers ---- */
static inline struct slice stream_consumer_name(const struct stream_consumer *c)
{
    return slice(c->name, c->name_len);
}
struct stream_consumer *stream_group_consumer(const struct stream_group *g, struct slice name);
/* One that is not there. */
struct stream_consumer *stream_group_add_consumer(struct stream_group *g, struct slice name,
                                                  int64_t seen_ms);
/* Its pending entries go with it. */
void stream_group_remove_consumer(struct stream_group *g, struct stream_consumer *c);
uint64_t stream_group_consumers(const struct stream_group *g);
/* In the order of their names. visit may neither add nor remove any. False: it said so. */
typedef bool stream_consumer_visit(void *arg, struct stream_consumer *c);
bool stream_group_each_consumer(const struct stream_group *g, stream_consumer_visit *visit,
                                void *arg);

/* ---- pending entries; pointers to them are void after each change ---- */
struct stream_pending *stream_group_pending(const struct stream_group *g, struct stream_id id);
/* It goes to that consumer, whoever had it, or nobody; delivered once, now. */
struct stream_pending *stream_group_deliver(struct stream_group *g, struct stream_consumer *c,
                                            struct stream_id id, int64_t now_ms);
/* The same entry, of another consumer. */
void stream_group_give(struct stream_pending *p, struct stream_consumer *to);
bool stream_group_ack(struct stream_group *g, struct stream_id id); /* false: it was not pending */

#endif
