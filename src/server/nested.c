/* SPDX-License-Identifier: BSD-3-Clause */
/* Commands inside commands: EXEC's queue, and what scripts and modules call. */
#include "base/must.h"
#include "server/clients.h"
#include "server/command.h"
#include "server/exec_parts.h"
#include "server/held.h"
#include "server/hooks.h"
#include "server/multi.h"
#include "server/reply.h"
#include "server/rights.h"
#include "server/server.h"
#include "store/db.h"

/* A crash report names it. */
static void run_inside(struct exec *x, struct ctx *ctx, struct command_entry *e)
{
    const struct ctx *around = x->clients->inner;
    x->clients->inner = ctx;
    exec_run(x, ctx, e);
    x->clients->inner = around;
}

/* ---- EXEC ---- */
static void run_nested(struct ctx *outer, struct command_entry *entry, int argc,
                       const struct slice *argv)
{
    struct exec *x = server_exec(outer->server);
    struct ctx ctx;
    must(x->depth > 0);
    exec_fill(x, &ctx, outer->client, argc, argv);
    if (x->replay) {
        ctx.out = outer->out;
        ctx.output = NULL;
        ctx.out_most = SIZE_MAX;
    }
    ctx.resp = outer->client->resp;
    ctx.now_ms = outer->now_ms;
    ctx.scope = outer->scope;
    ctx.from = outer->from == FROM_CLIENT ? FROM_EXEC : outer->from;
    ctx.flags |= CTX_IN_MULTI | (outer->flags & (CTX_NO_REPLY | CTX_LOADING));
    size_t before = ctx.out->len;
    exec_set_command(&ctx, entry);
    const char *denied = admit_rights(x, &ctx, entry, ctx.client);
    if (denied) { /* it was allowed when it was queued */
        entry->stats.rejected++;
        reply_error(&ctx, denied);
        return;
    }
    run_inside(x, &ctx, entry);
    if (x->replay)
        replay_drop_reply(x, &ctx, x->replayed++, before);
}

static void run_queued(struct ctx *ctx, struct held_command *h)
{
    ctx->keyspace->offered = offer_of(&h->big);
    run_nested(ctx, h->entry, h->argc, h->argv);
    ctx->keyspace->offered = NULL;
}

void exec_transaction(struct ctx *ctx)
{
    struct client *c = ctx->client;
    multi_check_expired(c);
    if (c->flags & (CLIENT_DIRTY_EXEC | CLIENT_DIRTY_CAS)) {
        if (c->flags & CLIENT_DIRTY_EXEC)
            reply_error(ctx, "EXECABORT Transaction discarded because of previous errors.");
        else
            reply_null_array(ctx);
        multi_discard(c);
        return;
    }
    multi_unwatch(c); /* or our own writes would mark us for nothing */
    int count = multi_length(c);
    reply_array(ctx, (size_t)count);
    for (int i = 0; i < count; i++)
        run_queued(ctx, multi_queued(c, i));
    multi_discard(c);
    ctx->flags &= ~(uint32_t)CTX_FAILED; /* EXEC itself went well whatever its commands replied */
}

/* ---- one call ---- */
/* What is to be run; NULL, and call tells why not. told: on whose behalf. */
static struct command_entry *call_entry(struct exec *x, struct ctx *ctx, struct exec_call *call,
                                        const struct client *told)
{
    struct command_entry *top = commands_find(server_commands(x->server), ctx->argv[0]);
    struct command_entry *e = top ? exec_resolve(top, ctx->argc, ctx->argv) : NULL;
    if (e == top && e && e->sub_count && ctx->argc > 1) /* one that runs without a subcommand */
        e = NULL;
    call->refusal = NULL;
    call->ended = !e ? EXEC_UNKNOWN : command_arity_ok(e, ctx->argc) ? EXEC_RAN : EXEC_ARITY;
    call->flags = 0;
    if (!e)
        return NULL;
    exec_set_command(ctx, e);
    call->flags = ctx->command_flags;
    if (call->ended != EXEC_RAN) {
        e->stats.rejected++;
        return NULL;
    }
    /* A transaction is the client's: who calls without one of his own has none to end. */
    bool forbidden = e->row.flags & CMD_PROTECTED && !admit_may_debug(x, ctx->client, e);
    if (forbidden || ctx->command_flags & call->deny ||
        (!call->as && e->row.steers != STEERS_NOTHING)) {
        call->ended = EXEC_DENIED;
        e->stats.rejected++;
        return NULL;
    }
    ctx->command_flags &= ~call->waive;
    call->refusal = admit_rights(x, ctx, e, told);
    if (!call->refusal)
        call->refusal = admit_route(x, ctx, e);
    if (!call->refusal)
        call->refusal = hooks_admit(x->hooks, ctx, e);
    if (call->refusal) {
        call->ended = EXEC_REFUSED;
        e->stats.rejected++;
        return NULL;
    }
    return e;
}

/* For the time of a call, a client without a socket has the rights of who; then all again. */
static void lend_rights(struct client *as, const struct client *who)
{
    must(as->flags & CLIENT_FAKE && !as->user);
    as->user = who->user;
    as->flags |= who->flags & CLIENT_RESTRICTED;
}

static void end_lending(struct client *as)
{
    must(as->flags & CLIENT_FAKE);
    as->user = NULL;
    client_clear(as, CLIENT_RESTRICTED);
}

bool exec_call(struct ctx *outer, struct exec_call *call, int argc, const struct slice *argv)
{
    struct exec *x = server_exec(outer->server);
    struct buf unread = {0};
    struct ctx ctx;
    must(x->depth > 0 && argc > 0 && call->from != FROM_CLIENT);
    exec_fill(x, &ctx, call->as ? call->as : outer->client, argc, argv);
    ctx.out = call->out ? call->out : &unread;
    ctx.output = NULL;
    ctx.out_most = SIZE_MAX;
    ctx.resp = call->resp ? call->resp : ctx.client->resp;
    ctx.now_ms = outer->now_ms;
    ctx.from = call->from;
    ctx.scope = outer->scope & call->scope;
    ctx.flags = CTX_IN_MULTI | (outer->flags & CTX_LOADING);
    if (ctx.client != outer->client)
        lend_rights(ctx.client, outer->client);
    struct command_entry *e = call_entry(x, &ctx, call, outer->client);
    bool no_touch = x->keyspace->no_touch;
    struct offer *offered = x->keyspace->offered; /* the outer command's words: it may want them */
    x->keyspace->offered = NULL;
    if (e)
        run_inside(x, &ctx, e);
    if (ctx.client != outer->client)
        end_lending(ctx.client);
    x->keyspace->offered = offered;
    x->keyspace->no_touch = no_touch;
    buf_free(&unread);
    return e && !(ctx.flags & CTX_FAILED);
}
