/* SPDX-License-Identifier: BSD-3-Clause */
/* Where a data set goes: the one struct between every producer of a data set (the keyspace's walk,
 * an RDB stream, a DUMP payload) and every consumer (the loader, the writers, counters, digests).
 *
 * Order of events: aux and function anywhere between keys; db before its keys; key; then the
 * value's events; then end_key. An operation that is NULL means "not interested". A consumer embeds
 * struct sink first in its own struct and reports its own failure in sink.fault: producers look at
 * it after each key and stop.
 *
 *   value          events between key and end_key
 *   string         item once (a value over 64 KiB still comes whole)
 *   list, set      packed or item for each element, in order
 *   hash           packed or pair for each field
 *   zset           packed or score for each member (no order promised)
 *   stream         stream_node..., stream_info, then for each group: stream_group,
 *                  stream_pending..., (stream_consumer, stream_owned...)..., and from later
 *                  versions stream_rest
 *   module         opaque once: the items and their end mark (formats.md 2.7), without the id
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

enum value_type {
    VALUE_STRING, VALUE_LIST, VALUE_SET, VALUE_ZSET, VALUE_HASH, VALUE_STREAM, VALUE_MODULE,
};

/* What a packed block holds. Listpack blocks were validated: structure, pairs even, scores numbers
 * and in order, no duplicates. A list arrives as one PACK_LIST block a node. */
enum pack {
    PACK_LIST,       /* listpack of elements */
    PACK_SET,        /* listpack of members */
    PACK_INTSET,     /* intset of members */
    PACK_HASH,       /* listpack field, value, ... */
    PACK_HASH_TTL,   /* listpack field, value, expiry ms (0 none), ... */
    PACK_ZSET,       /* listpack member, score, ... ascending */
};

enum { KEY_NO_EXPIRE = -1, KEY_NO_IDLE = -1, KEY_NO_FREQ = -1 };

struct key_event {
    struct slice name;
    enum value_type type;
    uint8_t rdb_type;   /* type number in the file; the writer's choice when walking memory */
    unsigned db;
    uint64_t count;     /* list, set, hash, zset: elements that will come; exact, 0 unknown. From a
                         * socket it is not backed by bytes yet: cap it before reserving by it */
    uint64_t blocks;    /* list: packed and item events that will come, 0 unknown (but then a list
                         * whose count is known comes as items); stream: nodes that will come */
    int64_t expire_ms;  /* absolute unix time, or KEY_NO_EXPIRE */
    int64_t idle_s;     /* LRU idle seconds, or KEY_NO_IDLE */
    int freq;           /* LFU counter 0-255, or KEY_NO_FREQ */
    uint64_t offset;    /* of the key's first byte in its file; 0 from memory */
};

struct stream_id {
    uint64_t ms, seq;
};

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
    /* expire_ms: of the field; KEY_NO_EXPIRE for none */
    void (*pair)(struct sink *, struct slice field, struct slice value, int64_t expire_ms);
    void (*score)(struct sink *, struct slice member, double score);
    void (*stream_node)(struct sink *, struct stream_id master, struct slice listpack);
    void (*stream_info)(struct sink *, const struct stream_info_event *);
    void (*stream_group)(struct sink *, const struct stream_group_event *);
    void (*stream_pending)(struct sink *, const struct stream_pending_event *);
    void (*stream_consumer)(struct sink *, const struct stream_consumer_event *);
    void (*stream_owned)(struct sink *, struct stream_id); /* belongs to the last consumer */
    /* What a stream of a later version (types 26, 27) holds besides: the window of producers with
     * what they sent, or a group's entries without a consumer; its bytes as in the file. Who
     * cannot carry it fails. */
    void (*stream_rest)(struct sink *, uint8_t rdb_type, struct slice bytes);
    void (*opaque)(struct sink *, uint8_t rdb_type, uint64_t module_id, struct slice bytes);
    void (*end_key)(struct sink *);
};

struct sink {
    const struct sink_ops *ops;
    struct fault fault;
};

static inline bool sink_bad(const struct sink *s)
{
    return s->fault.code != FAULT_NONE;
}

/* Hands the elements of a packed block to item/pair/score, for consumers that said no to packed. */
void sink_unpack(struct sink *s, enum pack pack, struct slice bytes);
/* One element of a listpack of texts that are scores: an integer, or a number's text. */
bool sink_score_of(const uint8_t *lp, size_t at, double *score);
/* A sink that passes everything on to two others; reports the first's fault, then the second's. */
struct sink_tee {
    struct sink sink;
    struct sink *a, *b;
    bool a_wants, b_wants; /* the current key */
};
void sink_tee_init(struct sink_tee *t, struct sink *a, struct sink *b);
/* Counts. */
struct sink_count {
    struct sink sink;
    uint64_t keys, expires, already_expired, functions, subexpires;
    int64_t now_ms;
    bool key_has_subexpire;
};
void sink_count_init(struct sink_count *c, int64_t now_ms);

#endif
