/* SPDX-License-Identifier: BSD-3-Clause */
/* Sorted set commands that wait for a member. They are logged as what they came to: ZPOPMIN. */
#include "base/must.h"
#include "commands/blocking.h"
#include "commands/cmd_zset.h"
#include "commands/elements.h"
#include "commands/zset_ops.h"
#include "server/reply.h"

static void pop(struct ctx *c, bool high)
{
    int64_t timeout_ms;
    int last = c->argc - 1;
    must(last >= 2); /* by its arity */
    if (!blocking_timeout(c, last, &timeout_ms))
        return;
    for (int i = 1; i < last; i++) {
        struct entry *e;
        if (!ctx_lookup_write(c, c->argv[i], VALUE_ZSET, &e))
            return;
        if (!e)
            continue;
        struct slice effect[] = {high ? SLICE_LIT("ZPOPMAX") : SLICE_LIT("ZPOPMIN"), c->argv[i]};
        reply_array(c, 3);
        reply_bulk(c, c->argv[i]);
        zset_pop_one(c, c->argv[i], e, high);
        ctx_log_instead(c, 2, effect);
        return;
    }
    blocking_wait(c, timeout_ms, 1, last - 1, VALUE_ZSET);
}

void cmd_bzpopmin(struct ctx *c)
{
    pop(c, false);
}

void cmd_bzpopmax(struct ctx *c)
{
    pop(c, true);
}

void cmd_bzmpop(struct ctx *c)
{
    struct pop_args a;
    int64_t timeout_ms;
    if (blocking_timeout(c, 1, &timeout_ms) && pop_args_parse(c, 2, "min", "max", &a) &&
        !zset_pop_any(c, &a))
        blocking_wait(c, timeout_ms, a.first, a.keys, VALUE_ZSET);
}
