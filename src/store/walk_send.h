/* SPDX-License-Identifier: BSD-3-Clause */
/* Events to a sink that may not be interested in them: for walk.c and the types' walks. */
#ifndef STORE_WALK_SEND_H
#define STORE_WALK_SEND_H

#include "format/sink.h"

/* Whole when the sink wants it, else its elements. */
static inline void send_packed(struct sink *sink, enum pack pack, struct slice bytes)
{
    if (!sink->ops->packed || !sink->ops->packed(sink, pack, bytes))
        sink_unpack(sink, pack, bytes);
}

static inline void send_item(struct sink *sink, struct slice text)
{
    if (sink->ops->item)
        sink->ops->item(sink, text);
}

#endif
