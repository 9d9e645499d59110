/* SPDX-License-Identifier: BSD-3-Clause */
#include "replication/cmd_failover.h"

#include <string.h>

#include "replication/failover.h"
#include "replication/repl.h"
#include "replication/replicas.h"
#include "server/ctx.h"
#include "server/reply.h"
#include "server/role.h"

struct words {
    struct failover_wish wish;
    int64_t port;
    bool to, timeout, abort;
};

static bool syntax(struct ctx *c)
{
    reply_error(c, "ERR syntax error");
    return false;
}

/* Of the words from *i on, those of one option. */
static bool parse_option(struct ctx *c, int *i, struct words *w)
{
    if (ctx_arg_is(c, *i, "timeout") && *i + 1 < c->argc && !w->timeout) {
        if (!ctx_arg_i64(c, ++*i, &w->wish.timeout_ms))
            return false;
        if (w->wish.timeout_ms <= 0) {
            reply_error(c, "ERR FAILOVER timeout must be greater than 0");
            return false;
        }
        w->timeout = true;
    } else if (ctx_arg_is(c, *i, "to") && *i + 2 < c->argc && !w->to) {
        w->to = true;
        w->wish.host = c->argv[*i + 1];
        *i += 2;
        return ctx_arg_i64(c, *i, &w->port);
    } else if (ctx_arg_is(c, *i, "force") && !w->wish.force) {
        w->wish.force = true;
    } else if (ctx_arg_is(c, *i, "abort") && c->argc == 2) {
        w->abort = true;
    } else {
        return syntax(c);
    }
    return true;
}

static bool parse(struct ctx *c, struct words *w)
{
    for (int i = 1; i < c->argc; i++)
        if (!parse_option(c, &i, w))
            return false;
    return true;
}

static const struct replica *find(const struct repl *r, const struct words *w)
{
    LINK_FOR(pos, &r->replicas->all) {
        const struct replica *rep = LINK_OF(pos, struct replica, link);
        char ip[64];
        int64_t port;
        if (slice_eq_str(w->wish.host, replica_address(rep, ip, &port)) && port == w->port)
            return rep;
    }
    return NULL;
}

static const char *target_fault(const struct repl *r, const struct words *w)
{
    const struct replica *rep = w->to ? find(r, w) : NULL;
    if (w->wish.force && (!w->timeout || !w->to))
        return "ERR FAILOVER with force option requires both a timeout and target HOST and IP.";
    if (w->to && !rep)
        return "ERR FAILOVER target HOST and PORT is not a replica.";
    if (w->to && rep->state != REPLICA_ONLINE)
        return "ERR FAILOVER target replica is not online.";
    return NULL;
}

static const char *refusal(const struct repl *r, const struct words *w)
{
    if (failover_is_under_way(r->failover))
        return "ERR FAILOVER already in progress.";
    if (r->role->is_replica)
        return "ERR FAILOVER is not valid when server is a replica.";
    if (!r->replicas->count)
        return "ERR FAILOVER requires connected replicas.";
    return target_fault(r, w);
}

static void stop(struct ctx *c, struct repl *r)
{
    if (!failover_is_under_way(r->failover)) {
        reply_error(c, "ERR No failover in progress.");
        return;
    }
    failover_abort(r->failover, "Failover manually aborted");
    reply_ok(c);
}

static void begin(struct ctx *c, struct repl *r, struct words *w)
{
    const char *error = refusal(r, w);
    if (error) {
        reply_error(c, error);
        return;
    }
    w->wish.port = (int)w->port; /* a replica has it */
    failover_begin(r->failover, &w->wish);
    reply_ok(c);
}

static void cmd_failover(struct ctx *c)
{
    struct repl *r = c->arg;
    struct words w = {.to = false};
    if (strcmp(r->role->mode, "cluster") == 0)
        reply_error(c, "ERR FAILOVER not allowed in cluster mode.");
    else if (!parse(c, &w))
        return;
    else if (w.abort)
        stop(c, r);
    else
        begin(c, r, &w);
}

const struct command cmd_failover_commands[] = {
    {.name = "failover", .run = cmd_failover, .arity = -1,
     .flags = CMD_ADMIN | CMD_NOSCRIPT | CMD_STALE, .group = "server", .since = "6.2.0",
     .summary = "Hand over to a replica that has everything",
     .complexity = "O(1)",
     .args = "target:block=TO?(host:string port:integer force:token=FORCE?) abort:token=ABORT? "
             "milliseconds:integer=TIMEOUT?"},
    {.name = NULL}};
