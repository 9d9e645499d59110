/* SPDX-License-Identifier: BSD-3-Clause */
#include "base/must.h"
#include "commands/cmd_observe.h"
#include "server/ctx.h"
#include "server/reply.h"
#include "server/server.h"
#include "server/slow_log.h"

enum { COUNT_DEFAULT = 10 };

static void reply_entry(struct ctx *c, const struct slow_entry *e)
{
    must(e->count > 0 && e->count <= SLOW_WORDS_MAX);
    reply_array(c, 6);
    reply_int(c, (int64_t)e->id);
    reply_int(c, e->time_s);
    reply_int(c, (int64_t)e->took_us);
    reply_array(c, e->count);
    for (size_t i = 0; i < e->count; i++)
        reply_bulk(c, e->words[i]);
    reply_bulk(c, e->peer);
    reply_bulk(c, e->name);
}

void cmd_slowlog_get(struct ctx *c)
{
    const struct slow_log *l = server_slow_log(c->server);
    int64_t most = COUNT_DEFAULT, all = (int64_t)slow_log_count(l);
    if (c->argc > 3) {
        reply_wrong_subcommand(c);
        return;
    }
    if (c->argc == 3 && !ctx_arg_range(c, 2, -1, INT64_MAX, &most,
                                       "ERR count should be greater than or equal to -1"))
        return;
    int64_t count = most < 0 || most > all ? all : most;
    const struct slow_entry *e = slow_log_newest(l);
    reply_array(c, (size_t)count);
    for (int64_t i = 0; i < count; i++, e = slow_log_older(l, e))
        reply_entry(c, e);
    must(count == all ? !e : e != NULL);
}

void cmd_slowlog_len(struct ctx *c)
{
    reply_int(c, (int64_t)slow_log_count(server_slow_log(c->server)));
}

void cmd_slowlog_reset(struct ctx *c)
{
    slow_log_reset(server_slow_log(c->server));
    reply_ok(c);
}

void cmd_slowlog_help(struct ctx *c)
{
    static const char *const lines[] = {
        "GET [<count>]",
        "    Show so many of the commands that took long, the newest first (10; -1: all). Of each:",
        "    id, unix time, microseconds, words, address and name of the client.",
        "LEN", "    Count them.",
        "RESET", "    Forget them.", NULL};
    reply_help(c, lines);
}
