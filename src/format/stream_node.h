/* SPDX-License-Identifier: BSD-3-Clause */
/* What consumers of a stream's events share: the live entries of a node (sink->stream_node), and
 * finding a pending entry by its id. Nodes were validated by who made the event.
 *
 *   struct stream_entry e;
 *   stream_node_start(&e, master, listpack);
 *   while (stream_node_next(&e))
 *       while (stream_node_field(&e, &name, &value)) ... */
#ifndef FORMAT_STREAM_NODE_H
#define FORMAT_STREAM_NODE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/num.h"
#include "format/sink.h"

struct stream_entry {
    struct stream_id id;
    int64_t fields;         /* of this entry */

    /* the walk */
    const uint8_t *lp;
    size_t at, name_at;     /* name_at: in the node's own fields */
    struct stream_id master;
    int64_t shared;         /* number of the node's own fields */
    int64_t entries_left, fields_left;
    bool begun;
    bool same_fields, deleted;
    char scratch[2][NUM_I64_TEXT];
};

void stream_node_start(struct stream_entry *e, struct stream_id master, struct slice listpack);
/* Goes to the next entry that is not deleted; fields not asked for are passed over. */
bool stream_node_next(struct stream_entry *e);
/* The same, deleted or not: e->deleted says. */
bool stream_node_next_any(struct stream_entry *e);
/* The node's own fields, e->shared of them, one behind the other; *at 0: the first. */
struct slice stream_node_name(const struct stream_entry *e, size_t *at,
                              char scratch[NUM_I64_TEXT]);
/* The entry's next field. Valid until the next call. */
bool stream_node_field(struct stream_entry *e, struct slice *name, struct slice *value);

/* all: ascending structs of size bytes that begin with their struct stream_pending_event. NULL when
 * the id is not there. */
void *stream_pending_find(const struct buf *all, size_t size, struct stream_id id);
/* May id be the next of them? */
bool stream_pending_ascends(const struct buf *all, size_t size, struct stream_id id);

#endif
