/* SPDX-License-Identifier: BSD-3-Clause */
/* CONFIG, INFO, and commands on whole databases. */
#include "commands/cmd_server.h"

#include <limits.h>

#include "base/num.h"
#include "os/clock.h"
#include "os/loop.h"
#include "server/client.h"
#include "server/config.h"
#include "server/ctx.h"
#include "server/hooks.h"
#include "server/info.h"
#include "server/lazy_free.h"
#include "server/reply.h"
#include "server/server_frame.h"
#include "server/settings.h"
#include "server/stats.h"

/* ---- CONFIG ---- */
struct config_answer {
    struct ctx *ctx;
    size_t count;
};

static void answer_option(void *arg, struct slice name, struct slice value)
{
    struct config_answer *a = arg;
    a->count++;
    reply_bulk(a->ctx, name);
    reply_bulk(a->ctx, value);
}

void cmd_config_get(struct ctx *c)
{
    struct config_answer a = {c, 0};
    uint64_t mark = reply_later(c);
    config_get(server_config(c->server), c->argc - 2, c->argv + 2, answer_option, &a);
    reply_later_map(c, mark, a.count);
}

void cmd_config_set(struct ctx *c)
{
    struct config *cfg = server_config(c->server);
    struct settings *st = server_settings(c->server);
    struct slice bad = {0};
    struct fault f = {0};
    /* With a word too many or too few nobody knows which is a value: each behind the name. */
    for (int i = 2, step = c->argc % 2 ? 1 : 2; i < c->argc; i += step)
        if (config_is_secret(cfg, c->argv[i]))
            for (int k = i + 1; k < (step == 1 ? c->argc : i + 2); k++)
                ctx_redact(c, k);
    if (c->argc % 2) {
        reply_syntax(c);
        return;
    }
    bool may = st->enable_protected == ALLOWED_YES ||
               (st->enable_protected == ALLOWED_LOCAL && client_is_local(c->client));
    config_set_protected_allowed(cfg, may);
    if (config_set(cfg, c->argc - 2, c->argv + 2, &bad, &f))
        reply_ok(c);
    else if (f.code == FAULT_UNKNOWN_NAME)
        reply_errorf(c, "ERR %s", f.what);
    else if (f.code == FAULT_NOT_NOW)
        reply_error(c, LOADING_ERROR);
    else
        reply_errorf(c, "ERR CONFIG SET failed (possibly related to argument '%.*s') - %s",
                     SLICE_ARG(bad), f.what);
}

void cmd_config_rewrite(struct ctx *c)
{
    struct fault f = {0};
    if (config_rewrite(server_config(c->server), &f))
        reply_ok(c);
    else if (f.code == FAULT_INVALID)
        reply_errorf(c, "ERR %s", f.what);
    else
        reply_errorf(c, "ERR Rewriting config file: %s", f.what);
}

void cmd_config_resetstat(struct ctx *c)
{
    struct stats *st = server_stats(c->server);
    struct loop_stats loop;
    loop_get_stats(server_loop(c->server), &loop);
    stats_reset(st);
    st->cycles_base = loop.turns;
    st->busy_base_us = loop.busy_us;
    commands_reset_stats(server_commands(c->server));
    lazy_free_reset(server_lazy_free(c->server));
    c->keyspace->hits = c->keyspace->misses = 0;
    c->keyspace->expired = c->keyspace->evicted = c->keyspace->expired_time_cap = 0;
    reply_ok(c);
}

void cmd_config_help(struct ctx *c)
{
    static const char *const lines[] = {
        "GET <pattern>", "    Return the options that match the pattern, with their values.",
        "SET <directive> <value>", "    Set the option to the value.",
        "RESETSTAT", "    Zero the statistics that INFO reports.",
        "REWRITE", "    Write the configuration file anew.", NULL};
    reply_help(c, lines);
}

/* ---- INFO ---- */
void cmd_info(struct ctx *c)
{
    struct buf text = {0};
    info_render(server_info(c->server), c->argc - 1, c->argv + 1, &text);
    reply_verbatim(c, "txt", buf_slice(&text));
    buf_free(&text);
}

void cmd_time(struct ctx *c)
{
    int64_t now = clock_wall_us();
    reply_array(c, 2);
    reply_bulk_int(c, now / 1000000);
    reply_bulk_int(c, now % 1000000);
}

/* ---- databases ---- */
void cmd_dbsize(struct ctx *c)
{
    reply_int(c, (int64_t)db_count(c->db));
}

/* False: the error was replied. */
static bool flush_mode(struct ctx *c, bool *lazy)
{
    *lazy = server_settings(c->server)->lazy_user_flush;
    if (c->argc == 1)
        return true;
    *lazy = ctx_arg_is(c, 1, "ASYNC");
    if (c->argc == 2 && (*lazy || ctx_arg_is(c, 1, "SYNC")))
        return true;
    reply_syntax(c);
    return false;
}

/* An empty one is flushed too, and logged: who follows the log may know of keys that we do not. */
static void count_flush(struct ctx *c, uint64_t keys)
{
    ctx_changed(c, keys ? keys : 1);
}

void cmd_flushdb(struct ctx *c)
{
    bool lazy;
    if (!flush_mode(c, &lazy))
        return;
    count_flush(c, db_count(c->db));
    db_flush(c->db, lazy);
    reply_ok(c);
}

void cmd_flushall(struct ctx *c)
{
    bool lazy;
    if (!flush_mode(c, &lazy))
        return;
    count_flush(c, keyspace_count(c->keyspace));
    db_flush_all(c->keyspace, lazy);
    hooks_flushed(server_hooks(c->server));
    reply_ok(c);
}

void cmd_swapdb(struct ctx *c)
{
    int64_t a, b;
    if (!ctx_arg_range(c, 1, INT_MIN, INT_MAX, &a, "ERR invalid first DB index") ||
        !ctx_arg_range(c, 2, INT_MIN, INT_MAX, &b, "ERR invalid second DB index"))
        return;
    if (a < 0 || b < 0 || a >= c->keyspace->count || b >= c->keyspace->count) {
        reply_error(c, "ERR DB index is out of range");
        return;
    }
    if (a != b)
        server_swap_databases(c->server, (unsigned)a, (unsigned)b);
    c->db = c->client->db;
    ctx_changed(c, 1);
    reply_ok(c);
}
