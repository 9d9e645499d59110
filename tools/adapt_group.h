/* SPDX-License-Identifier: BSD-3-Clause */
/* A stream's group of Redis 8.8, whose pending list may have entries that no consumer owns: held
 * until its consumers have told what they own, then told without those others, which no target has
 * a place for. Memory: the group's pending list twice. */
#ifndef TOOLS_ADAPT_GROUP_H
#define TOOLS_ADAPT_GROUP_H

#include <stdbool.h>

#include "base/buf.h"
#include "format/sink.h"

struct adapt_group {
    bool open;
    struct stream_group_event group;
    struct buf names;     /* the group's, then those of its consumers */
    struct buf pending;   /* struct stream_pending_event */
    struct buf consumers; /* struct stream_consumer_event */
    struct buf owned;     /* struct stream_id, consumer by consumer */
};

void adapt_group_begin(struct adapt_group *g, const struct stream_group_event *e);
void adapt_group_pending(struct adapt_group *g, const struct stream_pending_event *e);
void adapt_group_consumer(struct adapt_group *g, const struct stream_consumer_event *e);
void adapt_group_owned(struct adapt_group *g, struct stream_id id);
/* To `to`, unless that is NULL; nothing when none is open. */
void adapt_group_end(struct adapt_group *g, struct sink *to);
void adapt_group_free(struct adapt_group *g);

#endif
