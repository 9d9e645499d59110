/* SPDX-License-Identifier: BSD-3-Clause */
/* List commands that wait for an element. They are logged as what they came to: LPOP, LMOVE. */
#include "commands/blocking.h"
#include "commands/cmd_list.h"
#include "commands/elements.h"
#include "commands/list_ops.h"
#include "server/block.h"
#include "server/reply.h"

void cmd_blpop(struct ctx *c)
{
    blocking_pop(c, &(struct blocking_pop){VALUE_LIST, "LPOP", 1, list_pop_one, false});
}

void cmd_brpop(struct ctx *c)
{
    blocking_pop(c, &(struct blocking_pop){VALUE_LIST, "RPOP", 1, list_pop_one, true});
}

void cmd_blmpop(struct ctx *c)
{
    struct pop_args a;
    int64_t timeout_ms;
    if (pop_args_parse(c, 2, "left", "right", &a) && blocking_timeout(c, 1, &timeout_ms) &&
        !list_pop_any(c, &a))
        blocking_wait(c, timeout_ms, a.first, a.keys, VALUE_LIST);
}

/* Waits for argv[1]; where it may not, there is nothing to move. */
static void wait_for_source(struct ctx *c, int64_t timeout_ms)
{
    if (block_may(c))
        blocking_wait(c, timeout_ms, 1, 1, VALUE_LIST);
    else
        reply_null(c);
}

void cmd_blmove(struct ctx *c)
{
    bool from_tail, to_tail;
    int64_t timeout_ms;
    struct slice effect[] = {SLICE_LIT("LMOVE"), c->argv[1], c->argv[2], c->argv[3], c->argv[4]};
    if (!list_ends_parse(c, &from_tail, &to_tail) || !blocking_timeout(c, 5, &timeout_ms))
        return;
    if (!list_move(c, from_tail, to_tail))
        wait_for_source(c, timeout_ms);
    else if (c->dirty)
        ctx_log_instead(c, 5, effect);
}

void cmd_brpoplpush(struct ctx *c)
{
    int64_t timeout_ms;
    struct slice effect[] = {SLICE_LIT("RPOPLPUSH"), c->argv[1], c->argv[2]};
    if (!blocking_timeout(c, 3, &timeout_ms))
        return;
    if (!list_move(c, true, false))
        wait_for_source(c, timeout_ms);
    else if (c->dirty)
        ctx_log_instead(c, 3, effect);
}
