/* SPDX-License-Identifier: BSD-3-Clause */
#include "commands/cmd_observe.h"
#include "server/client.h"
#include "server/ctx.h"
#include "server/monitor.h"
#include "server/reply.h"
#include "server/server.h"

/* Who monitors already, or is fed anyway, hears nothing of a second call: between the lines nobody
 * could tell what it answers. */
void cmd_monitor(struct ctx *c)
{
    if (c->flags & CTX_IN_MULTI) {
        reply_error(c, "ERR MONITOR isn't allowed for DENY BLOCKING client");
        return;
    }
    if (c->client->flags & CLIENT_REPLICA)
        return;
    if (monitor_begin(server_monitors(c->server), c->client))
        reply_ok(c);
}
