/* SPDX-License-Identifier: BSD-3-Clause */
#include "commands/cmd_transaction.h"

#include "server/client.h"
#include "server/ctx.h"
#include "server/exec.h"
#include "server/multi.h"
#include "server/reply.h"

void cmd_multi(struct ctx *c)
{
    if (c->client->flags & CLIENT_IN_MULTI) {
        reply_error(c, "ERR MULTI calls can not be nested");
        return;
    }
    multi_begin(c->client);
    reply_ok(c);
}

void cmd_exec(struct ctx *c)
{
    if (!(c->client->flags & CLIENT_IN_MULTI)) {
        reply_error(c, "ERR EXEC without MULTI");
        return;
    }
    exec_transaction(c);
}

void cmd_discard(struct ctx *c)
{
    if (!(c->client->flags & CLIENT_IN_MULTI)) {
        reply_error(c, "ERR DISCARD without MULTI");
        return;
    }
    multi_discard(c->client);
    reply_ok(c);
}

void cmd_watch(struct ctx *c)
{
    if (c->client->flags & CLIENT_IN_MULTI) {
        reply_error(c, "ERR WATCH inside MULTI is not allowed");
        return;
    }
    /* A client that is lost already gains nothing by more watches. */
    for (int i = 1; i < c->argc && !(c->client->flags & CLIENT_DIRTY_CAS); i++)
        multi_watch(c->client, c->argv[i]);
    reply_ok(c);
}

void cmd_unwatch(struct ctx *c)
{
    multi_unwatch(c->client);
    reply_ok(c);
}
