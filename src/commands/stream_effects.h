/* SPDX-License-Identifier: BSD-3-Clause */
/* What happens to a group, and how it is logged: not as the command that did it, which would choose
 * anew, but as commands that say it all.
 *
 *   XCLAIM key group consumer 0 id TIME t RETRYCOUNT n FORCE JUSTID LASTID last
 *   XACK key group id
 *   XGROUP SETID key group last ENTRIESREAD n
 *   XGROUP CREATECONSUMER key group consumer
 */
#ifndef COMMANDS_STREAM_EFFECTS_H
#define COMMANDS_STREAM_EFFECTS_H

#include "server/ctx.h"
#include "store/stream_group.h"

struct stream_effects {
    struct slice key, group_name;
    struct stream_group *group;
    struct stream_consumer *consumer; /* who acts */
};

/* Finds the consumer, or makes it (told as xgroup-createconsumer, and logged); it was seen now.
 * Returns the number of changes. */
uint64_t stream_effect_consumer(struct ctx *c, struct stream_effects *e, struct slice name);
/* The entry is the consumer's, as p says. Logs. */
void stream_effect_claim(struct ctx *c, const struct stream_effects *e,
                         const struct stream_pending *p);
/* Acknowledges, since the entry is not in the stream any more. Logs. */
void stream_effect_drop(struct ctx *c, const struct stream_effects *e, struct stream_id id);
/* How far the group is. Logs. */
void stream_effect_position(struct ctx *c, const struct stream_effects *e);

#endif
