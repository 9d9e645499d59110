/* SPDX-License-Identifier: BSD-3-Clause */
#include "tools/unsaid.h"

#include <inttypes.h>

static struct unsaid *unsaid_of(struct sink *s)
{
    return (struct unsaid *)(void *)s;
}

static void pair(struct sink *s, struct slice field, struct slice value, int64_t expire_ms)
{
    unsaid_of(s)->expiries += expire_ms != KEY_NO_EXPIRE;
    pass_pair(s, field, value, expire_ms);
}

static bool key(struct sink *s, const struct key_event *e)
{
    stream_lost_key(&unsaid_of(s)->lost);
    return pass_key(s, e);
}

static void stream_node(struct sink *s, struct stream_id master, struct slice listpack)
{
    stream_lost_node(&unsaid_of(s)->lost, master, listpack);
    unsaid_of(s)->plain.stream_node(s, master, listpack);
}

static void stream_group(struct sink *s, const struct stream_group_event *e)
{
    stream_lost_group(&unsaid_of(s)->lost);
    unsaid_of(s)->plain.stream_group(s, e);
}

static void stream_pending(struct sink *s, const struct stream_pending_event *e)
{
    stream_lost_pending(&unsaid_of(s)->lost, e->id);
    unsaid_of(s)->plain.stream_pending(s, e);
}

struct sink *unsaid_begin(struct unsaid *x, struct sink *to)
{
    pass_init(&x->pass, to);
    stream_lost_begin(&x->lost);
    x->plain = x->pass.ops;
    x->pass.ops.pair = pair;
    x->pass.ops.key = key;
    x->pass.ops.stream_node = stream_node;
    x->pass.ops.stream_group = stream_group;
    x->pass.ops.stream_pending = stream_pending;
    return &x->pass.sink;
}

void unsaid_end(struct unsaid *x)
{
    stream_lost_end(&x->lost);
}

enum tool_exit unsaid_tell(const struct unsaid *x, struct tool *t, const char *option)
{
    enum tool_exit worst = TOOL_GOOD;
    say_fields(&t->say, FIELDS(SAY_U64("field_expiries", x->expiries),
                               SAY_U64("pending_lost", x->lost.lost)), NULL);
    if (x->expiries)
        worst = tool_tell(t, TOOL_NEWER, "%" PRIu64 " fields of hashes expire: servers before "
                          "Redis 7.4 refuse their HPEXPIREAT, and the fields stay", x->expiries);
    if (x->lost.lost)
        worst = tool_tell(t, TOOL_NEWER, "%" PRIu64 " pending entries in groups of streams were "
                          "deleted from the stream: no command brings them back, %s does",
                          x->lost.lost, option);
    if (fault_is(&x->lost.fault))
        worst = tool_worse(worst, tool_fault(t, &x->lost.fault));
    return worst;
}
