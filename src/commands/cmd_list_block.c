/* SPDX-License-Identifier: BSD-3-Clause */
/* List commands that wait for an element. They are logged as what they came to: LPOP, LMOVE. */
#include "base/must.h"
#include "commands/blocking.h"
#include "commands/cmd_list.h"
#include "commands/elements.h"
#include "commands/list_ops.h"
#include "server/block.h"
#include "server/reply.h"

static void pop(struct ctx *c, bool tail)
{
    int64_t timeout_ms;
    int last = c->argc - 1;
    must(last >= 2); /* by its arity */
    if (!blocking_timeout(c, last, &timeout_ms))
        return;
    for (int i = 1; i < last; i++) {
        struct entry *e;
        if (!ctx_lookup_write(c, c->argv[i], VALUE_LIST, &e))
            return;
        if (!e)
            continue;
        struct slice effect[] = {tail ? SLICE_LIT("RPOP") : SLICE_LIT("LPOP"), c->argv[i]};
        reply_array(c, 2);
        reply_bulk(c, c->argv[i]);
        list_pop_one(c, c->argv[i], e, tail);
        ctx_log_instead(c, 2, effect);
        return;
    }
    blocking_wait(c, timeout_ms, 1, last - 1, VALUE_LIST);
}

void cmd_blpop(struct ctx *c)
{
    pop(c, false);
}

void cmd_brpop(struct ctx *c)
{
    pop(c, true);
}

void cmd_blmpop(struct ctx *c)
{
    struct pop_args a;
    int64_t timeout_ms;
    if (blocking_timeout(c, 1, &timeout_ms) && pop_args_parse(c, 2, "left", "right", &a) &&
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
