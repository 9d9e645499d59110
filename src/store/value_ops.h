/* SPDX-License-Identifier: BSD-3-Clause */
/* A type of values, as the store sees it: one row, made in the file of the type and listed in
 * value.c. Whoever adds a type writes such a file and its line there.
 *
 * Strings lie in their entries as often as not. So they are walked and loaded as texts (walk.c,
 * load.c): their row has none of the operations for that, and knows them as ENC_RAW only. Values of
 * modules are loaded from the one opaque event they come as (foreign.h). */
#ifndef STORE_VALUE_OPS_H
#define STORE_VALUE_OPS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "format/sink.h"
#include "store/entry.h"
#include "store/value_limits.h"

struct stream_consumer;
struct stream_group;
struct table;

/* A stream that is being built, from one event to the next: what the last ones named. */
struct stream_loading {
    struct stream_group *group;
    struct stream_consumer *consumer;
};
/* Its events (format/sink.h), in their order. False: there is one of that name (`twice`). */
struct value_load_stream {
    void (*node)(struct val *v, struct stream_id master, struct slice listpack);
    void (*info)(struct val *v, const struct stream_info_event *e);
    bool (*group)(struct val *v, struct stream_loading *at, const struct stream_group_event *e);
    void (*pending)(struct stream_loading *at, const struct stream_pending_event *e);
    bool (*consumer)(struct stream_loading *at, const struct stream_consumer_event *e);
    void (*owned)(struct stream_loading *at, struct stream_id id);
};

struct value_ops {
    void (*free)(struct val v); /* also on a worker: nothing in it is shared with anybody */
    struct val (*copy)(const struct val *v);
    size_t (*count)(const struct val *v); /* elements; string: bytes. O(1) */
    /* Of what its freeing has to visit, as far as `enough`. NULL: the elements are all. */
    uint64_t (*parts)(const struct val *v, uint64_t enough);
    size_t (*memory)(const struct val *v, size_t samples); /* bytes; by so many elements, 0: all */
    bool stays_empty; /* its key stays when the last element goes */
    /* The hash table of its elements, when they are in one. NULL: they never are. */
    const struct table *(*table)(const struct val *v);

    /* The value's events, between key and end_key (format/sink.h); stops when the sink is bad. */
    void (*walk)(const struct val *v, struct sink *sink);
    uint64_t (*blocks)(const struct val *v); /* for key_event.blocks; NULL: 0 */
    /* In place of walk, for a sink that wants commands, which name the key. False: there are none.
     * NULL: the events say all, as for every type but modules'. */
    bool (*as_commands)(const struct val *v, struct slice key, struct sink *sink);

    /* Building it again from those events. An operation that is NULL: no such event comes. */
    /* An empty one; count is a hint. NULL: the first load_item makes it. */
    struct val (*load_new)(uint64_t count, const struct value_limits *limits);
    /* The whole value from its one block, or (lists) one more of its blocks; each is validated, and
     * taken over. The first replaces what load_new made. */
    struct val (*load_block)(enum pack pack, uint8_t *block, const struct value_limits *limits);
    void (*load_node)(struct val *v, uint8_t *block, const struct value_limits *limits);
    /* False: it is there already, which `twice` says. */
    bool (*load_item)(struct val *v, struct slice text, const struct value_limits *limits);
    bool (*load_pair)(struct val *v, struct slice field, struct slice value,
                      const struct value_limits *limits);
    bool (*load_score)(struct val *v, struct slice member, double score,
                       const struct value_limits *limits);
    const struct value_load_stream *load_stream;
    const char *twice;
};

/* The row of a type. */
const struct value_ops *value_ops_of(enum value_type type);

#endif
