/* SPDX-License-Identifier: BSD-3-Clause */
#include "scripting/script_run.h"

#include "base/must.h"
#include "os/clock.h"
#include "scripting/sandbox.h"
#include "scripting/script_flags.h"
#include "scripting/script_reply.h"
#include "scripting/scripting_parts.h"
#include "server/client.h"
#include "server/command.h"
#include "server/exec.h"
#include "server/reply.h"
#include "server/server.h"
#include "server/server_frame.h"
#include "server/settings.h"

enum { REPLY_KEPT = 64 * 1024, SERVE_EVERY_US = 2000, LIBRARY_LOAD_US = 500000,
       LIBRARY_AGAIN_US = 60000000 };

#define KILLED "Script killed by user with SCRIPT KILL..."

struct script_run *script_running(lua_State *L)
{
    const struct scripting *home = guard_of(L)->arg;
    return home->running;
}

bool script_numkeys(struct ctx *c, const char *bad_number, int *keys)
{
    int64_t n;
    if (bad_number ? !ctx_arg_range(c, 2, INT64_MIN, INT64_MAX, &n, bad_number)
                   : !ctx_arg_i64(c, 2, &n))
        return false;
    if (n > c->argc - 3)
        reply_error(c, "ERR Number of keys can't be greater than number of args");
    else if (n < 0)
        reply_error(c, "ERR Number of keys can't be negative");
    *keys = (int)n;
    return n >= 0 && n <= c->argc - 3;
}

/* ---- while it runs ---- */

const char *script_busy_error(const struct script_run *run)
{
    return run->kind == SCRIPT_EVAL
               ? "BUSY Redis is busy running a script. You can only call SCRIPT KILL or SHUTDOWN "
                 "NOSAVE."
               : "BUSY Redis is busy running a script. You can only call FUNCTION KILL or SHUTDOWN "
                 "NOSAVE.";
}

static void stop(lua_State *L, const char *why)
{
    guard_look_always(L); /* pcall catches this error, and meets the next one */
    lua_pushfstring(L, "%s", why);
    lua_error(L);
}

void script_look(lua_State *L, struct guard *g)
{
    struct scripting *home = g->arg;
    struct script_run *run = home->running;
    must(run);
    if (run->killed)
        stop(L, KILLED);
    int64_t now = clock_mono_us();
    if (run->kind == SCRIPT_LIBRARY) {
        if (now - run->began_us > (run->trusted ? LIBRARY_AGAIN_US : LIBRARY_LOAD_US))
            stop(L, "FUNCTION LOAD timeout");
        return;
    }
    if (run->stopped)
        stop(L, "The server ends");
    if ((now - run->began_us) / 1000 < home->busy_after_ms ||
        now - run->looked_us < SERVE_EVERY_US || run->ctx->flags & CTX_LOADING)
        return;
    server_peek(home->server, script_busy_error(run));
    run->looked_us = clock_mono_us();
    run->stopped = server_is_stopping(home->server);
    if (run->killed || run->stopped)
        script_look(L, g);
}

void script_kill(struct scripting *home, struct ctx *c, bool function)
{
    struct script_run *run = home->running;
    if (!run)
        reply_error(c, "NOTBUSY No scripts in execution right now.");
    else if ((run->kind != SCRIPT_EVAL) != function)
        reply_error(c, script_busy_error(run));
    else if (run->ctx->from == FROM_PRIMARY)
        reply_error(c, "UNKILLABLE The busy script was sent by a master instance in the context of "
                       "replication and cannot be killed.");
    else if (run->wrote)
        reply_error(c, "UNKILLABLE Sorry the script already executed write commands against the "
                       "dataset. You can either wait the script termination or kill the server in "
                       "a hard way using the SHUTDOWN NOSAVE command.");
    else {
        run->killed = true;
        reply_ok(c);
    }
}

/* ---- before and behind it ---- */

static void push_words(lua_State *L, const struct slice *words, int n)
{
    lua_createtable(L, n, 0);
    for (int i = 0; i < n; i++) {
        lua_pushlstring(L, words[i].data, words[i].len);
        lua_rawseti(L, -2, i + 1);
    }
}

static void push_keys(lua_State *L, const struct script_run *run)
{
    push_words(L, run->ctx->argv + 3, run->keys);
}

static void push_args(lua_State *L, const struct script_run *run)
{
    int from = 3 + run->keys;
    push_words(L, run->ctx->argv + from, run->ctx->argc - from);
}

static void set_keys_and_args(lua_State *L, const struct script_run *run)
{
    sandbox_push_globals(L);
    lua_pushliteral(L, "KEYS");
    push_keys(L, run);
    lua_rawset(L, -3);
    lua_pushliteral(L, "ARGV");
    push_args(L, run);
    lua_rawset(L, -3);
    lua_pop(L, 1);
}

/* Behind what c has said; answer is empty then, but may keep some room. */
static void say(struct ctx *c, struct output *answer)
{
    struct iovec part;
    if (!answer->sealed) {
        reply_raw(c, buf_slice(&answer->open));
        buf_clear(&answer->open);
        return;
    }
    if (c->output) {
        output_take(c->output, answer);
        return;
    }
    while (output_parts(answer, SIZE_MAX, &part, 1)) {
        reply_raw(c, slice(part.iov_base, part.iov_len));
        output_sent(answer, part.iov_len, 0);
    }
    output_free(answer);
    answer->sent_total = 0;
}

/* What a script returned, apart at first: when an error ends it, nothing was said. */
static void reply_returned(lua_State *L, struct script_run *run)
{
    struct ctx *c = run->ctx, apart = *c;
    struct output *answer = &run->home->answer;
    if (!lua_istable(L, -1)) {
        script_reply(L, c, run->resp);
        return;
    }
    if (answer->sealed || answer->open.len) /* of one that did not come to its end */
        output_free(answer);
    apart.output = answer;
    apart.out = &answer->open;
    apart.out_most = OUTPUT_FULL;
    apart.flags &= ~(uint32_t)(CTX_FAILED | CTX_UNHEARD);
    script_reply(L, &apart, run->resp);
    say(c, answer);
    c->flags |= apart.flags & CTX_FAILED;
}

int script_body(lua_State *L)
{
    struct script_run *run = script_running(L);
    if (run->kind == SCRIPT_EVAL) {
        set_keys_and_args(L, run);
        lua_rawgeti(L, LUA_REGISTRYINDEX, run->ref);
        lua_call(L, 0, 1);
    } else {
        lua_rawgeti(L, LUA_REGISTRYINDEX, run->ref);
        push_keys(L, run);
        push_args(L, run);
        lua_call(L, 2, 1);
    }
    reply_returned(L, run);
    return 0;
}

/* "text script: name, on source:line." */
static void reply_failure(struct script_run *run)
{
    struct vm_error e = vm_error(run->vm);
    struct buf text = {0};
    buf_add(&text, e.text);
    buf_printf(&text, " script: %.*s", SLICE_ARG(run->name));
    if (e.source.len)
        buf_printf(&text, ", on %.*s:%d.", SLICE_ARG(e.source), e.line);
    reply_error_slice(run->ctx, buf_slice(&text), e.counted);
    buf_free(&text);
}

static uint32_t denied(const struct script_run *run)
{
    bool reads_only = run->read_only || run->flags & SCRIPT_NO_WRITES;
    return CMD_NOSCRIPT | (reads_only ? CMD_WRITE | CMD_MAY_REPLICATE : 0);
}

void script_run(struct script_run *run)
{
    struct scripting *home = run->home;
    struct client *c = run->ctx->client, *as = home->client;
    if (run->read_only && !(run->flags & (SCRIPT_NO_WRITES | SCRIPT_UNDECLARED))) {
        reply_error(run->ctx, "ERR Can not execute a script with write flag using *_ro command.");
        return;
    }
    must(!home->running);
    run->resp = 2;
    run->deny = denied(run);
    run->scope = TO_ALL;
    run->began_us = run->looked_us = clock_mono_us();
    as->db = run->ctx->db;
    as->resp = 2;
    as->flags = (as->flags & ~(uint64_t)CLIENT_NO_TOUCH) | (c->flags & CLIENT_NO_TOUCH);
    run->vm->guard.limit = scripting_limit(home);
    home->running = run;
    if (!vm_call(run->vm))
        reply_failure(run);
    home->running = NULL;
    if (home->reply.cap > REPLY_KEPT)
        buf_free(&home->reply);
    if (output_memory(&home->answer) > REPLY_KEPT)
        output_free(&home->answer);
}
