/* SPDX-License-Identifier: BSD-3-Clause */
#include "replication/cmd_replicaof.h"

#include <string.h>

#include "base/log.h"
#include "base/num.h"
#include "replication/failover.h"
#include "replication/primary_link.h"
#include "replication/repl.h"
#include "replication/repl_config.h"
#include "server/client.h"
#include "server/client_describe.h"
#include "server/ctx.h"
#include "server/reply.h"

static void tell(const struct ctx *c, const char *what)
{
    struct buf who = {0};
    client_describe_short(c->client, &who);
    log_notice("%s enabled (user request from '%s')", what, buf_cstr(&who));
    buf_free(&who);
}

static void refuse(struct ctx *c, const struct fault *f)
{
    reply_errorf(c, "ERR %s", f->what);
}

static void lead(struct ctx *c, struct primary_link *l)
{
    struct fault f = {0};
    bool followed = primary_link_host(l) != NULL;
    if (!primary_link_lead(l, &f)) {
        refuse(c, &f);
        return;
    }
    if (followed)
        tell(c, "MASTER MODE");
    reply_ok(c);
}

static void follow(struct ctx *c, struct primary_link *l, int port)
{
    struct fault f = {0};
    struct buf what = {0};
    const char *host = primary_link_host(l);
    if (host && slice_eq_nocase(c->argv[1], host) && primary_link_port(l) == port) {
        log_notice("REPLICAOF would result into synchronization with the master we are already "
                   "connected with. No operation performed.");
        reply_status(c, "OK Already connected to specified master");
        return;
    }
    if (!primary_link_follow(l, c->argv[1], port, &f)) {
        refuse(c, &f);
        return;
    }
    buf_printf(&what, "REPLICAOF %s:%d", primary_link_host(l), port);
    tell(c, buf_cstr(&what));
    buf_free(&what);
    reply_ok(c);
}

static void cmd_replicaof(struct ctx *c)
{
    struct repl *r = c->arg;
    int64_t port;
    if (strcmp(r->role->mode, "cluster") == 0)
        reply_error(c, "ERR REPLICAOF not allowed in cluster mode.");
    else if (failover_is_under_way(r->failover))
        reply_error(c, "ERR REPLICAOF not allowed while failing over.");
    else if (ctx_arg_is(c, 1, "no") && ctx_arg_is(c, 2, "one"))
        lead(c, r->link);
    else if (c->client->flags & CLIENT_REPLICA) /* it would have to be sent away for it */
        reply_error(c, "ERR Command is not valid when client is a replica.");
    else if (!c->argv[1].len || memchr(c->argv[1].data, '\0', c->argv[1].len))
        reply_error(c, "ERR Invalid master host");
    else if (ctx_arg_range(c, 2, 0, 65535, &port, "ERR Invalid master port"))
        follow(c, r->link, (int)port);
}

#define ARGS "args:oneof(host-port:block(host:string port:integer) " \
             "no-one:block(no:token=NO one:token=ONE))"
enum { FLAGS = CMD_ADMIN | CMD_NOSCRIPT | CMD_STALE | CMD_NO_ASYNC_LOADING };

const struct command cmd_replicaof_commands[] = {
    {.name = "replicaof", .run = cmd_replicaof, .arity = 3, .flags = FLAGS, .group = "server",
     .since = "5.0.0",
     .summary = "Makes the server a replica of another one, or a primary",
     .complexity = "O(1)",
     .args = ARGS},
    {.name = "slaveof", .run = cmd_replicaof, .arity = 3, .flags = FLAGS, .group = "server",
     .since = "1.0.0", .deprecated_since = "5.0.0", .replaced_by = "`REPLICAOF`",
     .summary = "Makes the server a replica of another one, or a primary",
     .complexity = "O(1)",
     .args = ARGS},
    {.name = NULL}};

/* ---- from inside ---- */

static bool ask_follow(void *arg, struct slice host, int port, struct fault *f)
{
    struct repl *r = arg;
    if (!failover_is_under_way(r->failover))
        return primary_link_follow(r->link, host, port, f);
    fault_set(f, FAULT_NOT_NOW, "A failover is under way");
    return false;
}

static bool ask_lead(void *arg, struct fault *f)
{
    struct repl *r = arg;
    if (failover_is_under_way(r->failover))
        failover_abort(r->failover, "this server is asked to lead");
    return primary_link_lead(r->link, f);
}

static int priority(void *arg)
{
    return (int)((struct repl *)arg)->config->priority;
}

const struct role_ops cmd_replicaof_ops = {ask_follow, ask_lead, priority};
