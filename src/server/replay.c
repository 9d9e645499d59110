/* SPDX-License-Identifier: BSD-3-Clause */
#include "server/replay.h"

#include <string.h>

#include "base/buf.h"
#include "os/clock.h"
#include "server/client.h"
#include "server/command.h"
#include "server/exec_parts.h"
#include "server/multi.h"
#include "server/server.h"
#include "store/db.h"

static void tell_failure(struct exec *x, const struct ctx *ctx, int index, const char *error)
{
    const struct command_entry *e =
        commands_find_given(server_commands(x->server), ctx->argv[0]);
    struct replay_failure failure = {.index = index, .command = ctx->argv[0], .error = error};
    if (e && e->first_key > 0 && e->first_key < ctx->argc)
        failure.key = ctx->argv[e->first_key];
    x->replay->failed(x->replay->arg, &failure);
}

void replay_drop_reply(struct exec *x, struct ctx *ctx, int index, size_t before)
{
    if (ctx->flags & CTX_FAILED) {
        struct slice reply = slice_from(buf_slice(&x->dropped), before);
        const char *at = memmem(reply.data, reply.len, "\r\n-", 3);
        at = reply.data[0] == '-' ? reply.data + 1 : at ? at + 3 : reply.data;
        const char *end = memchr(at, '\r', (size_t)(reply.data + reply.len - at));
        struct buf error = {0};
        buf_add(&error, slice(at, end ? (size_t)(end - at) : 0));
        tell_failure(x, ctx, index, buf_cstr(&error));
        buf_free(&error);
    }
    x->dropped.len = before;
}

/* Why this can't be run; "" it can. Of what belongs to a transaction a log holds MULTI and EXEC:
 * with the rest, one would be lost, or fail, in silence. What steers the server is no data. */
static void why_not(const struct command_entry *e, int argc, const struct slice *argv,
                    struct buf *why)
{
    if (!e)
        buf_printf(why, "Unknown command '%.*s'", argv[0].len < 64 ? (int)argv[0].len : 64,
                   argv[0].data);
    else if (!command_arity_ok(e, argc))
        buf_printf(why, "wrong number of arguments for '%s' command", e->name);
    else if (e->row.steers == STEERS_ELSE ||
             (e->row.flags & (CMD_ADMIN | CMD_BLOCKING) && !(e->row.flags & CMD_WRITE)))
        buf_printf(why, "it has no place in a log");
}

static void run_replayed(struct exec *x, struct ctx *ctx, struct command_entry *e)
{
    if (__builtin_expect(x->now_us < clock_now.mono_us, 0)) /* the loop turned, or has not begun */
        exec_read_clock(x);
    exec_begin_unit(x);
    buf_clear(&x->dropped);
    x->replayed = 0;
    ctx->now_ms = x->keyspace->now_ms;
    ctx->out = &x->dropped;
    ctx->output = NULL;
    ctx->out_most = SIZE_MAX;
    ctx->flags = CTX_LOADING | CTX_NO_REPLY;
    ctx->from = FROM_LOG;
    exec_set_command(ctx, e);
    exec_run(x, ctx, e);
    replay_drop_reply(x, ctx, -1, 0);
    exec_end_unit(x);
}

void replay_soon(struct replay *r, struct slice key)
{
    db_prefetch_soon(r->client->db, key);
}

bool replay_command(struct server *s, struct replay *r, int argc, const struct slice *argv)
{
    struct exec *x = server_exec(s);
    struct command_entry *top = commands_find_given(server_commands(s), argv[0]);
    struct command_entry *e = top ? exec_resolve(top, argc, argv) : NULL;
    struct ctx ctx;
    struct buf why = {0};
    exec_fill(x, &ctx, r->client, argc, argv);
    x->replay = r;
    why_not(e, argc, argv, &why);
    bool queued = !why.len && exec_queues(r->client, e);
    if (why.len)
        tell_failure(x, &ctx, -1, buf_cstr(&why));
    else if (queued)
        multi_queue(r->client, e, argc, argv, NULL);
    else
        run_replayed(x, &ctx, e);
    x->replay = NULL;
    buf_free(&why);
    return queued;
}
