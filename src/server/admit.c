/* SPDX-License-Identifier: BSD-3-Clause */
/* May this call of a client run? Arity, rights, the transaction it is in, where its keys live, what
 * ADMIT listeners say, what the server is doing just now: the order of the checks is that of Redis,
 * as clients can see it in which error wins. */
#include <stdarg.h>
#include <string.h>

#include "base/log.h"
#include "server/clients.h"
#include "server/command.h"
#include "server/exec_parts.h"
#include "server/gate.h"
#include "server/hooks.h"
#include "server/multi.h"
#include "server/reply.h"
#include "server/rights.h"
#include "server/server.h"
#include "server/settings.h"

/* What a browser would send first when a page makes it talk to us: it must not get further. */
static bool is_http(struct ctx *ctx)
{
    if (!slice_eq_nocase(ctx->argv[0], "post") && !slice_eq_nocase(ctx->argv[0], "host:"))
        return false;
    log_warning("SECURITY: %s speaks HTTP to us (a web page may make a browser do so); closed",
                ctx->client->peer);
    client_close_soon(ctx->client);
    return true;
}

static void refuse_unknown(struct ctx *ctx)
{
    if (is_http(ctx))
        return;
    struct buf args = {0};
    for (int i = 1; i < ctx->argc && args.len < 128; i++) {
        size_t room = 128 - args.len, len = ctx->argv[i].len < room ? ctx->argv[i].len : room;
        buf_printf(&args, "'%.*s' ", (int)len, ctx->argv[i].data);
    }
    size_t len = ctx->argv[0].len < 128 ? ctx->argv[0].len : 128;
    reply_errorf(ctx, "ERR unknown command '%.*s', with args beginning with: %s", (int)len,
                 ctx->argv[0].data, buf_cstr(&args));
    buf_free(&args);
}

void admit_unknown(struct ctx *ctx, struct command_entry *container)
{
    if (container) {
        ctx->command = &container->row;
        reply_unknown_subcommand(ctx);
    } else {
        refuse_unknown(ctx);
    }
}

bool admit_may_debug(const struct exec *x, const struct client *c, const struct command_entry *e)
{
    bool module = e->row.flags & CMD_BRINGS_CODE;
    enum allowed allowed = module ? x->settings->enable_module : x->settings->enable_debug;
    return allowed == ALLOWED_YES || (allowed == ALLOWED_LOCAL && client_is_local(c));
}

/* A refused EXEC ends its transaction: nobody would know what became of it. */
static void refuse(struct ctx *ctx, const struct command_entry *e, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
static void refuse(struct ctx *ctx, const struct command_entry *e, const char *format, ...)
{
    struct buf text = {0};
    va_list ap;
    va_start(ap, format);
    buf_vprintf(&text, format, ap);
    va_end(ap);
    const char *error = buf_cstr(&text);
    if (e->row.steers == STEERS_EXEC) {
        multi_discard(ctx->client);
        reply_errorf(ctx, "EXECABORT Transaction discarded because of: %s",
                     strncmp(error, "ERR ", 4) == 0 ? error + 4 : error);
    } else {
        reply_error(ctx, error);
        ctx->client->flags |= ctx->client->flags & CLIENT_IN_MULTI ? CLIENT_DIRTY_EXEC : 0;
    }
    buf_free(&text);
}

/* The client learns where to go, also from EXEC, whose transaction ends here. */
static void redirect(struct ctx *ctx, const struct command_entry *e, const char *elsewhere)
{
    reply_error(ctx, elsewhere);
    if (e->row.steers == STEERS_EXEC)
        multi_discard(ctx->client);
    else
        ctx->client->flags |= ctx->client->flags & CLIENT_IN_MULTI ? CLIENT_DIRTY_EXEC : 0;
}

static void refuse_protected(struct ctx *ctx, const struct command_entry *e)
{
    bool module = e->row.flags & CMD_BRINGS_CODE;
    refuse(ctx, e,
           "ERR %s command not allowed. It is %s that allows it, from the server's own machine "
           "(local) or from anywhere (yes), and only when it is set before the server starts.",
           module ? "MODULE" : "DEBUG",
           module ? "enable-module-command" : "enable-debug-command");
}

void exec_set_route(struct exec *x, route_ask *f, void *arg)
{
    x->route = f;
    x->route_arg = arg;
    gate_set(x->gates, GATE_ROUTE, f != NULL);
}

const char *admit_route(const struct exec *x, struct ctx *ctx, const struct command_entry *e)
{
    return __builtin_expect(x->route != NULL, 0) ? x->route(x->route_arg, ctx, e) : NULL;
}

const char *admit_rights(const struct exec *x, const struct ctx *ctx,
                         const struct command_entry *e, const struct client *told)
{
    bool asked = ctx->client->flags & CLIENT_RESTRICTED;
    return __builtin_expect(asked, 0) ? x->rights->refusal(x->rights->arg, ctx, e, told) : NULL;
}

bool admit_command(struct exec *x, struct ctx *ctx, struct command_entry *e)
{
    struct client *c = ctx->client;
    if (!command_arity_ok(e, ctx->argc)) {
        refuse(ctx, e, "ERR wrong number of arguments for '%s' command", e->name);
        return false;
    }
    if (e->row.flags & CMD_PROTECTED && !admit_may_debug(x, c, e)) {
        refuse_protected(ctx, e);
        return false;
    }
    if (client_must_auth(x->clients, c) && !(e->row.flags & CMD_NO_AUTH)) {
        refuse(ctx, e, "NOAUTH Authentication required.");
        return false;
    }
    if (c->flags & CLIENT_IN_MULTI && e->row.flags & CMD_NO_MULTI) {
        refuse(ctx, e, "ERR Command not allowed inside a transaction");
        return false;
    }
    const char *denied = admit_rights(x, ctx, e, c);
    if (denied) {
        refuse(ctx, e, "%s", denied);
        return false;
    }
    const char *elsewhere = admit_route(x, ctx, e);
    if (elsewhere) {
        redirect(ctx, e, elsewhere);
        return false;
    }
    const char *error = hooks_admit(x->hooks, ctx, e);
    if (!error && c->flags & CLIENT_PUBSUB && ctx->resp == 2 &&
        !(e->row.flags & CMD_WHILE_SUBSCRIBED)) {
        refuse(ctx, e, "ERR Can't execute '%s': only (P|S)SUBSCRIBE / (P|S)UNSUBSCRIBE / PING / "
                       "QUIT / RESET are allowed in this context", e->name);
        return false;
    }
    if (!error && x->gates->shut & GATE_LOADING && !(ctx->command_flags & CMD_LOADING))
        error = LOADING_ERROR;
    if (!error && x->gates->shut & GATE_LOADING_BESIDE && ctx->command_flags & CMD_NO_ASYNC_LOADING)
        error = LOADING_ERROR;
    if (!error && x->gates->shut & GATE_BUSY && !(ctx->command_flags & CMD_ALLOW_BUSY))
        error = x->busy;
    if (error)
        refuse(ctx, e, "%s", error);
    return !error;
}
