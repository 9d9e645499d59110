/* SPDX-License-Identifier: BSD-3-Clause */
/* Where a data set goes: the one struct between every producer of a data set (the keyspace's walk,
 * an RDB stream, a DUMP payload) and every consumer (the loader, the writers, counters, digests).
 *
 * Order of events: aux and function anywhere between keys; db before its keys; key; then the
 * value's events; then end_key. An operation that is NULL takes no notice: the producer goes on as
 * if it were there and did nothing. So a NULL key is one that said yes (the value comes), a NULL
 * packed one that said no (the elements come), and any other event is dropped. A consumer embeds
 * struct sink first in its own struct and reports its own failure in sink.fault: producers look at
 * it after each key and stop.
 *
 *   value          events between key and end_key
 *   string         item once; or, of more than SINK_PART_MAX bytes, part... to a sink that has
 *                  that operation, from a producer that does not have it whole
 *   list, set      packed or item for each element, in order
 *   hash           packed or pair for each field
 *   zset           packed or score for each member (no order promised)
 *   stream         stream_node..., stream_info, then for each group: stream_group,
 *                  stream_pending..., (stream_consumer, stream_owned...)..., and from later
 *                  versions stream_rest
 *   module         opaque once: the items and their end mark (rdb_module.c), without the id; or
 *                  command..., to a sink that asks for them
 *   array (28)     as VALUE_MODULE: opaque once, module id 0, rdb_type RDB_ARRAY (rdb_array.h)
 *
 * A reader's fault may come after key and some events: then there is no end_key, and the consumer
 * drops what it began. module_aux bytes start behind the module id. Slices are valid during the
 * call only. */
#ifndef FORMAT_SINK_H
#define FORMAT_SINK_H

#include <stdbool.h>
#include <stdint.h>

#include "base/fault.h"
#include "base/slice.h"
#include "format/key_event.h"
#include "format/stream_event.h"

enum { SINK_PART_MAX = 1 << 20 };

struct sink;
struct sink_ops {
    void (*aux)(struct sink *, struct slice name, struct slice value);
    void (*module_aux)(struct sink *, uint64_t module_id, struct slice bytes);
    void (*function)(struct sink *, struct slice library_source);
    /* Counts are hints; may come again for the same db, when they are known. */
    void (*db)(struct sink *, unsigned id, uint64_t keys, uint64_t expires);
    bool (*key)(struct sink *, const struct key_event *); /* false = skip the body (no end_key) */
    bool (*packed)(struct sink *, enum pack, struct slice bytes); /* false = give me the elements */
    void (*item)(struct sink *, struct slice);
    /* A string in pieces; left: bytes still to come, 0 with the last. */
    void (*part)(struct sink *, struct slice, uint64_t left);
    /* expire_ms: of the field; KEY_NO_EXPIRE for none */
    void (*pair)(struct sink *, struct slice field, struct slice value, int64_t expire_ms);
    void (*score)(struct sink *, struct slice member, double score);
    void (*stream_node)(struct sink *, struct stream_id master, struct slice listpack);
    void (*stream_info)(struct sink *, const struct stream_info_event *);
    void (*stream_group)(struct sink *, const struct stream_group_event *);
    void (*stream_pending)(struct sink *, const struct stream_pending_event *);
    void (*stream_consumer)(struct sink *, const struct stream_consumer_event *);
    /* Belongs to the last consumer. Time and count come to a sink with whole_owned; to another they
     * may be zeros. */
    void (*stream_owned)(struct sink *, const struct stream_pending_event *);
    /* What a stream of a later version (types 26, 27) holds besides: the window of producers with
     * what they sent, or a group's entries without a consumer; its bytes as in the file, in pieces
     * when they are many, cut the same way each time. Who cannot carry it fails. */
    void (*stream_rest)(struct sink *, uint8_t rdb_type, struct slice bytes);
    void (*opaque)(struct sink *, uint8_t rdb_type, uint64_t module_id, struct slice bytes);
    /* A whole command that makes the module's value, or a part of it: the key's name is among its
     * words; it selects no database and opens no transaction; the expiry is the key's, not its. */
    void (*command)(struct sink *, const struct slice *argv, size_t argc);
    void (*end_key)(struct sink *);
    bool whole_owned; /* asked of who has them to look up */
};

struct sink {
    const struct sink_ops *ops;
    struct fault fault;
};

static inline bool sink_bad(const struct sink *s)
{
    return s->fault.code != FAULT_NONE;
}

/* ---- for producers: what a NULL operation means is said here and nowhere else ---- */

/* Hands the elements of a packed block to item/pair/score, for consumers that said no to packed. */
void sink_unpack(struct sink *s, enum pack pack, struct slice bytes);
/* Does it want the value? */
static inline bool sink_key(struct sink *s, const struct key_event *key)
{
    return !s->ops->key || s->ops->key(s, key);
}
/* Whole, or element by element. */
static inline void sink_packed(struct sink *s, enum pack pack, struct slice bytes)
{
    if (!s->ops->packed || !s->ops->packed(s, pack, bytes))
        sink_unpack(s, pack, bytes);
}
static inline void sink_end_key(struct sink *s)
{
    if (s->ops->end_key)
        s->ops->end_key(s);
}
/* A module's value: as commands (aof_write), or opaque, which all others take or refuse? An opaque
 * block that came from a file has no commands: it is opaque to every sink. */
static inline bool sink_wants_commands(const struct sink *s)
{
    return s->ops->command != NULL;
}
/* Any other event: SINK_EVENT(s, item, text). */
#define SINK_EVENT(s, op, ...) \
    do { \
        struct sink *to_ = (s); \
        if (to_->ops->op) \
            to_->ops->op(to_, __VA_ARGS__); \
    } while (0)

#endif
