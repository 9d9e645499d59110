/* SPDX-License-Identifier: BSD-3-Clause */
/* Sorted set commands that wait for a member. They are logged as what they came to: ZPOPMIN. */
#include "commands/blocking.h"
#include "commands/cmd_zset.h"
#include "commands/elements.h"
#include "commands/zset_ops.h"
#include "server/reply.h"

void cmd_bzpopmin(struct ctx *c)
{
    blocking_pop(c, &(struct blocking_pop){VALUE_ZSET, "ZPOPMIN", 2, zset_pop_one, false});
}

void cmd_bzpopmax(struct ctx *c)
{
    blocking_pop(c, &(struct blocking_pop){VALUE_ZSET, "ZPOPMAX", 2, zset_pop_one, true});
}

void cmd_bzmpop(struct ctx *c)
{
    struct pop_args a;
    int64_t timeout_ms;
    if (pop_args_parse(c, 2, "min", "max", &a) && blocking_timeout(c, 1, &timeout_ms) &&
        !zset_pop_any(c, &a))
        blocking_wait(c, timeout_ms, a.first, a.keys, VALUE_ZSET);
}
