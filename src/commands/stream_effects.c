/* SPDX-License-Identifier: BSD-3-Clause */
#include "commands/stream_effects.h"

#include "base/must.h"
#include "commands/stream_args.h"
#include "server/notify.h"

uint64_t stream_effect_consumer(struct ctx *c, struct stream_effects *e, struct slice name)
{
    e->consumer = stream_group_consumer(e->group, name);
    if (e->consumer) {
        e->consumer->seen_ms = c->now_ms;
        return 0;
    }
    e->consumer = stream_group_add_consumer(e->group, name, c->now_ms);
    ctx_notify(c, NOTIFY_STREAM, "xgroup-createconsumer", e->key);
    STREAM_LOG(c, SLICE_LIT("XGROUP"), SLICE_LIT("CREATECONSUMER"), e->key, e->group_name, name);
    return 1;
}

void stream_effect_claim(struct ctx *c, const struct stream_effects *e,
                         const struct stream_pending *p)
{
    char id[STREAM_ID_TEXT], last[STREAM_ID_TEXT], time[NUM_I64_TEXT], count[NUM_I64_TEXT];
    must(p->consumer == e->consumer);
    STREAM_LOG(c, SLICE_LIT("XCLAIM"), e->key, e->group_name, stream_consumer_name(p->consumer),
               SLICE_LIT("0"), stream_id_text(id, p->id), SLICE_LIT("TIME"),
               slice(time, num_format_i64(time, p->delivered_ms)), SLICE_LIT("RETRYCOUNT"),
               slice(count, num_format_u64(count, p->count)), SLICE_LIT("FORCE"),
               SLICE_LIT("JUSTID"), SLICE_LIT("LASTID"), stream_id_text(last, e->group->last));
}

void stream_effect_drop(struct ctx *c, const struct stream_effects *e, struct stream_id id)
{
    char text[STREAM_ID_TEXT];
    bool pending = stream_group_ack(e->group, id);
    must(pending);
    STREAM_LOG(c, SLICE_LIT("XACK"), e->key, e->group_name, stream_id_text(text, id));
}

void stream_effect_position(struct ctx *c, const struct stream_effects *e)
{
    char last[STREAM_ID_TEXT], read[NUM_I64_TEXT];
    STREAM_LOG(c, SLICE_LIT("XGROUP"), SLICE_LIT("SETID"), e->key, e->group_name,
               stream_id_text(last, e->group->last), SLICE_LIT("ENTRIESREAD"),
               slice(read, num_format_i64(read, e->group->entries_read)));
}
