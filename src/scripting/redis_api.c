/* SPDX-License-Identifier: BSD-3-Clause */
#include "scripting/redis_api.h"

#include <math.h>
#include <stdio.h>

#include "base/log.h"
#include "base/must.h"
#include "base/num.h"
#include "base/sha.h"
#include "base/version.h"
#include "scripting/script_flags.h"
#include "scripting/script_reply.h"
#include "scripting/script_run.h"
#include "scripting/scripting_parts.h"
#include "server/acl.h"
#include "server/client.h"
#include "server/command.h"
#include "server/exec.h"
#include "server/reply.h"
#include "server/server.h"
#include "server/stats.h"

enum { WORDS_AT_HAND = 32 };

static void push_error(lua_State *L, const char *text)
{
    script_push_error(L, slice_str(text), false);
}

static int raise_error(lua_State *L, const char *text)
{
    push_error(L, text);
    return lua_error(L);
}

/* ---- redis.call and redis.pcall ---- */

/* A number as a command's word: whole ones without an exponent, others so that they read back. */
static struct slice number_word(lua_State *L, int index)
{
    char text[NUM_DOUBLE_TEXT];
    double n = lua_tonumber(L, index);
    bool whole = fabs(n) < 1e17 && n == floor(n) && !(n == 0 && signbit(n));
    int len = whole ? (int)num_format_i64(text, (int64_t)n)
                    : snprintf(text, sizeof text, "%.17g", n);
    lua_pushlstring(L, text, (size_t)len);
    lua_replace(L, index);
    size_t stays;
    const char *word = lua_tolstring(L, index, &stays);
    return slice(word, stays);
}

/* The arguments as a command's words, which live as long as they are on the stack. False: one of
 * them is neither a string nor a number. */
static bool take_words(lua_State *L, int n, struct slice *words)
{
    for (int i = 0; i < n; i++) {
        size_t len;
        int type = lua_type(L, i + 1);
        if (type == LUA_TSTRING) {
            const char *text = lua_tolstring(L, i + 1, &len);
            words[i] = slice(text, len);
        } else if (type == LUA_TNUMBER) {
            words[i] = number_word(L, i + 1);
        } else {
            return false;
        }
    }
    return true;
}

static const char *refusal(const struct exec_call *call)
{
    switch (call->ended) {
    case EXEC_UNKNOWN: return "ERR Unknown Redis command called from script";
    case EXEC_ARITY: return "ERR Wrong number of args calling Redis command from script";
    case EXEC_DENIED:
        return call->flags & CMD_NOSCRIPT || !(call->flags & call->deny)
                   ? "ERR This Redis command is not allowed from script"
                   : "ERR Write commands are not allowed from read-only scripts.";
    default: must(call->ended == EXEC_REFUSED); return call->refusal;
    }
}

/* Runs it; the reply, or the error's table, is pushed. True when it is an error. */
static bool call_command(lua_State *L, struct script_run *run, int n, const struct slice *words)
{
    struct scripting *home = run->home;
    bool no_oom = run->flags & SCRIPT_ALLOW_OOM || run->wrote;
    struct exec_call call = {.as = home->client, .out = &home->reply, .resp = run->resp,
                             .from = FROM_SCRIPT, .scope = run->scope, .deny = run->deny,
                             .waive = no_oom ? CMD_DENYOOM : 0};
    buf_clear(&home->reply);
    exec_call(run->ctx, &call, n, words);
    if (call.ended == EXEC_RAN) {
        run->wrote = run->wrote || call.flags & CMD_WRITE;
        return script_push_reply(L, &home->reader, buf_slice(&home->reply));
    }
    const char *error = refusal(&call);
    stats_error(server_stats(home->server), slice_str(error));
    script_push_error(L, slice_str(error), true);
    return true;
}

/* Pushes the outcome. True when it is an error. */
static bool call_words(lua_State *L)
{
    struct script_run *run = script_running(L);
    struct slice at_hand[WORDS_AT_HAND], *words = at_hand;
    int n = lua_gettop(L);
    must(run);
    if (n == 0) {
        push_error(L, "ERR Please specify at least one argument for this redis lib call");
        return true;
    }
    if (n > WORDS_AT_HAND)
        words = lua_newuserdata(L, (size_t)n * sizeof *words);
    if (!take_words(L, n, words)) {
        push_error(L, "ERR Lua redis lib command arguments must be strings or integers");
        return true;
    }
    return call_command(L, run, n, words);
}

static int api_call(lua_State *L)
{
    return call_words(L) ? lua_error(L) : 1;
}

static int api_pcall(lua_State *L)
{
    call_words(L);
    return 1;
}

/* ---- replies ---- */

static bool one_string(lua_State *L)
{
    if (lua_gettop(L) == 1 && lua_type(L, 1) == LUA_TSTRING)
        return true;
    push_error(L, "ERR wrong number or type of arguments");
    return false;
}

/* The code is the first word; a text of one word has none. */
static int api_error_reply(lua_State *L)
{
    if (!one_string(L))
        return 1;
    const char *text = lua_tostring(L, 1);
    text += *text == '-';
    lua_pushfstring(L, "%s%s", strchr(text, ' ') ? "" : "ERR ", text);
    size_t len;
    text = lua_tolstring(L, -1, &len);
    script_push_error(L, slice(text, len), false);
    return 1;
}

static int api_status_reply(lua_State *L)
{
    if (!one_string(L))
        return 1;
    lua_createtable(L, 0, 1);
    lua_pushvalue(L, 1);
    lua_setfield(L, -2, "ok");
    return 1;
}

/* ---- settings of this run ---- */

static int api_setresp(lua_State *L)
{
    if (lua_gettop(L) != 1)
        return raise_error(L, "ERR redis.setresp() requires one argument.");
    double version = lua_tonumber(L, 1);
    if (version != 2 && version != 3)
        return raise_error(L, "ERR RESP version must be 2 or 3.");
    script_running(L)->resp = (int)version;
    return 0;
}

static int api_set_repl(lua_State *L)
{
    if (lua_gettop(L) != 1)
        return raise_error(L, "ERR redis.set_repl() requires two arguments.");
    double scope = lua_tonumber(L, 1);
    if (!(scope >= 0 && scope <= TO_ALL))
        return raise_error(L, "ERR Invalid replication flags. Use REPL_AOF, REPL_REPLICA, REPL_ALL "
                              "or REPL_NONE.");
    script_running(L)->scope = (enum commit_scope)scope;
    return 0;
}

static int api_replicate_commands(lua_State *L)
{
    lua_pushboolean(L, 1); /* effects are what is logged, always */
    return 1;
}

/* Without a debugger: nothing stops here, nobody is shown. */
static int api_breakpoint(lua_State *L)
{
    lua_pushboolean(L, 0);
    return 1;
}
static int api_debug(lua_State *L)
{
    (void)L;
    return 0;
}

/* ---- the rest ---- */

static int api_log(lua_State *L)
{
    int n = lua_gettop(L);
    if (n < 2)
        return raise_error(L, "ERR redis.log() requires two arguments or more.");
    if (!lua_isnumber(L, 1))
        return raise_error(L, "ERR First argument must be a number (log level).");
    double level = lua_tonumber(L, 1);
    if (!(level >= LOG_DEBUG_LEVEL && level <= LOG_WARNING_LEVEL))
        return raise_error(L, "ERR Invalid debug level.");
    if (!log_wants((enum log_level)level))
        return 0;
    struct buf *line = guard_scratch(L);
    for (int i = 2; i <= n; i++) {
        size_t len;
        const char *text = lua_tolstring(L, i, &len);
        if (!text)
            continue;
        if (i > 2)
            guard_add(L, line, " ", 1);
        guard_add(L, line, text, len);
    }
    log_write((enum log_level)level, "%.*s", SLICE_ARG(buf_slice(line)));
    return 0;
}

static int api_sha1hex(lua_State *L)
{
    char hex[41];
    size_t len;
    if (lua_gettop(L) != 1)
        return raise_error(L, "ERR wrong number of arguments");
    const char *text = lua_tolstring(L, 1, &len);
    guard_spend(L, text ? len / 8 : 0);
    sha1_hex(text ? slice(text, len) : SLICE_LIT(""), hex);
    lua_pushstring(L, hex);
    return 1;
}

/* May the user who calls the script say this? */
static int api_acl_check_cmd(lua_State *L)
{
    int n = lua_gettop(L);
    struct scripting *home = script_running(L)->home;
    if (n == 0)
        return raise_error(L, "ERR Please specify at least one argument for this redis lib call");
    struct slice *words = lua_newuserdata(L, (size_t)n * sizeof *words);
    if (!take_words(L, n, words))
        return raise_error(L, "ERR Lua redis lib command arguments must be strings or integers");
    struct command_entry *e = commands_find(server_commands(home->server), words[0]);
    e = e ? exec_resolve(e, n, words) : NULL;
    if (!e)
        return raise_error(L, "ERR Invalid command passed to redis.acl_check_cmd()");
    const struct client *caller = script_running(L)->ctx->client;
    lua_pushboolean(L, acl_permits(server_acl(home->server), caller, e, n, words));
    return 1;
}

/* ---- the table ---- */

/* 7.2.4 -> 0x00070204 */
static lua_Number version_number(void)
{
    unsigned major = 0, minor = 0, patch = 0;
    int n = sscanf(REDIS_VERSION, "%u.%u.%u", &major, &minor, &patch);
    must(n == 3);
    return (lua_Number)(major << 16 | minor << 8 | patch);
}

static void set_constants(lua_State *L)
{
    static const struct {
        const char *name;
        int value;
    } constants[] = {
        {"LOG_DEBUG", LOG_DEBUG_LEVEL}, {"LOG_VERBOSE", LOG_VERBOSE_LEVEL},
        {"LOG_NOTICE", LOG_NOTICE_LEVEL}, {"LOG_WARNING", LOG_WARNING_LEVEL},
        {"REPL_NONE", 0}, {"REPL_AOF", TO_LOG}, {"REPL_SLAVE", TO_REPLICAS},
        {"REPL_REPLICA", TO_REPLICAS}, {"REPL_ALL", TO_ALL}};
    for (size_t i = 0; i < sizeof constants / sizeof *constants; i++) {
        lua_pushnumber(L, constants[i].value);
        lua_setfield(L, -2, constants[i].name);
    }
    lua_pushstring(L, REDIS_VERSION);
    lua_setfield(L, -2, "REDIS_VERSION");
    lua_pushnumber(L, version_number());
    lua_setfield(L, -2, "REDIS_VERSION_NUM");
}

static void set_function(lua_State *L, const char *name, lua_CFunction f)
{
    lua_pushcfunction(L, f);
    lua_setfield(L, -2, name);
}

void redis_api_push_narrow(lua_State *L)
{
    lua_newtable(L);
    set_constants(L);
    set_function(L, "log", api_log);
}

void redis_api_open(lua_State *L)
{
    static const luaL_Reg functions[] = {
        {"call", api_call}, {"pcall", api_pcall}, {"error_reply", api_error_reply},
        {"status_reply", api_status_reply}, {"setresp", api_setresp},
        {"set_repl", api_set_repl}, {"replicate_commands", api_replicate_commands},
        {"breakpoint", api_breakpoint}, {"debug", api_debug}, {"sha1hex", api_sha1hex},
        {"acl_check_cmd", api_acl_check_cmd}, {NULL, NULL}};
    redis_api_push_narrow(L);
    for (const luaL_Reg *f = functions; f->name; f++)
        set_function(L, f->name, f->func);
    lua_setglobal(L, "redis");
}
