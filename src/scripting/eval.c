/* SPDX-License-Identifier: BSD-3-Clause */
#include "scripting/eval.h"

#include "base/buf.h"
#include "scripting/script_cache.h"
#include "scripting/script_flags.h"
#include "scripting/script_run.h"
#include "scripting/scripting_parts.h"
#include "server/ctx.h"
#include "server/monitor.h"
#include "server/reply.h"
#include "server/server.h"
#include "server/settings.h"
#include "server/slots.h"

static struct script_cache *cache_of(const struct ctx *c)
{
    const struct scripting *home = c->arg;
    return home->cache;
}

uint32_t eval_flags(const struct ctx *c)
{
    struct slice body;
    struct buf error = {0};
    uint32_t flags, row = c->command->flags;
    if (c->argc < 2 || !c->argv[1].len || c->argv[1].data[0] != '#')
        return row;
    bool ok = script_parse_head(c->argv[1], &flags, &body, &error);
    buf_free(&error);
    return ok ? script_command_flags(flags, row) : row; /* it will not run */
}

uint32_t evalsha_flags(const struct ctx *c)
{
    const struct script *s = c->argc > 1 ? script_cache_find(cache_of(c), c->argv[1]) : NULL;
    return s ? script_command_flags(s->flags, c->command->flags) : c->command->flags;
}

static void run(struct ctx *c, struct script *s, int keys, bool read_only)
{
    if (!script_cache_make(cache_of(c), c, s))
        return;
    struct script_run r = {.home = c->arg, .ctx = c, .vm = script_cache_vm(cache_of(c)),
                           .kind = SCRIPT_EVAL, .name = slice(s->sha, SHA1_TEXT), .ref = s->ref,
                           .flags = s->flags, .read_only = read_only, .keys = keys};
    script_run(&r);
    script_cache_settle(cache_of(c));
}

#define NO_DEBUGGER "ERR SCRIPT DEBUG is not supported: there is no debugger for scripts"

void cmd_script_debug(struct ctx *c)
{
    const struct scripting *home = c->arg;
    bool on = ctx_arg_is(c, 2, "yes") || ctx_arg_is(c, 2, "sync");
    if (!on && !ctx_arg_is(c, 2, "no")) {
        reply_error(c, "ERR Use SCRIPT DEBUG YES/SYNC/NO");
        return;
    }
    struct script_debugged *d = slot_get(c->client, home->debugged);
    d->on = on;
    if (on)
        reply_error(c, NO_DEBUGGER);
    else
        reply_ok(c);
}

/* True, and the error was replied: the client believes that this would only be a rehearsal. */
static bool refuse_debugged(struct ctx *c)
{
    const struct scripting *home = c->arg;
    const struct script_debugged *d = slot_peek(c->client, home->debugged);
    if (!d || !d->on)
        return false;
    reply_error(c, NO_DEBUGGER " (SCRIPT DEBUG NO runs it)");
    return true;
}

static void eval(struct ctx *c, bool read_only)
{
    int keys;
    monitor_show_first(server_monitors(c->server), c);
    if (refuse_debugged(c) || !script_numkeys(c, NULL, &keys))
        return;
    struct script *s = script_cache_add(cache_of(c), c, c->argv[1]);
    if (s)
        run(c, s, keys, read_only);
}

void cmd_eval(struct ctx *c)
{
    eval(c, false);
}

void cmd_eval_ro(struct ctx *c)
{
    eval(c, true);
}

static void evalsha(struct ctx *c, bool read_only)
{
    int keys;
    struct script *s = script_cache_find(cache_of(c), c->argv[1]);
    monitor_show_first(server_monitors(c->server), c);
    if (refuse_debugged(c))
        return;
    if (c->argv[1].len != SHA1_TEXT)
        s = NULL;
    else if (!script_numkeys(c, NULL, &keys))
        return;
    if (s)
        run(c, s, keys, read_only);
    else
        reply_error(c, "NOSCRIPT No matching script. Please use EVAL.");
}

void cmd_evalsha(struct ctx *c)
{
    evalsha(c, false);
}

void cmd_evalsha_ro(struct ctx *c)
{
    evalsha(c, true);
}

/* ---- SCRIPT ---- */

void cmd_script_exists(struct ctx *c)
{
    reply_array(c, (size_t)c->argc - 2);
    for (int i = 2; i < c->argc; i++)
        reply_int(c, script_cache_find(cache_of(c), c->argv[i]) != NULL);
}

void cmd_script_flush(struct ctx *c)
{
    bool async = server_settings(c->server)->lazy_user_flush;
    if (c->argc == 3 && ctx_arg_is(c, 2, "async")) {
        async = true;
    } else if (c->argc == 3 && ctx_arg_is(c, 2, "sync")) {
        async = false;
    } else if (c->argc != 2) {
        reply_error(c, "ERR SCRIPT FLUSH only support SYNC|ASYNC option");
        return;
    }
    script_cache_flush(cache_of(c), async);
    reply_ok(c);
}

void cmd_script_kill(struct ctx *c)
{
    script_kill(c->arg, c, false);
}

void cmd_script_load(struct ctx *c)
{
    struct script *s = script_cache_add(cache_of(c), c, c->argv[2]);
    if (s)
        reply_bulk(c, slice(s->sha, SHA1_TEXT));
}

void cmd_script_help(struct ctx *c)
{
    static const char *const lines[] = {
        "DEBUG (YES|SYNC|NO)", "    Choose how scripts are debugged. Only NO is supported.",
        "EXISTS <sha1> [<sha1> ...]", "    Tell of each script whether it is known.",
        "FLUSH [ASYNC|SYNC]", "    Forget all scripts. Without a word, as "
                              "lazyfree-lazy-user-flush says.",
        "KILL", "    End the script that runs, when it has not written anything.",
        "LOAD <script>", "    Keep a script for EVALSHA without running it.", NULL};
    reply_help(c, lines);
}
