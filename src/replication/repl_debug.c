/* SPDX-License-Identifier: BSD-3-Clause */
#include "replication/repl_debug.h"

#include "base/log.h"
#include "replication/repl.h"
#include "replication/repl_stream.h"
#include "server/ctx.h"
#include "server/debug.h"
#include "server/reply.h"
#include "server/role.h"
#include "server/server.h"

static void change_id(struct ctx *c)
{
    struct repl *r = c->arg;
    repl_stream_change_id(r);
    log_warning("DEBUG CHANGE-REPL-ID: the id of the history is %s now", r->role->id);
    reply_ok(c);
}

static const struct debug_word words[] = {
    {"change-repl-id", 2, 2, change_id, "CHANGE-REPL-ID",
     "    Give the history of data another id: no replica can go on from here. For tests."},
    {0}};

void repl_debug_words(struct repl *r)
{
    debug_add(server_debug(r->server), words, r);
}
