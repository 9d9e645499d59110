/* SPDX-License-Identifier: BSD-3-Clause */
#include "scripting/script_reply.h"

#include <string.h>

#include "scripting/guard.h"
#include "server/ctx.h"
#include "tests/unit/unit.h"

enum { LIMIT = 16 << 20 };

struct converting {
    const char *script;
    int script_resp, resp;
    struct slice given; /* a reply, which the script gets as x */
    struct reply_reader reader;
    struct buf out;
    bool is_error;
};

static int convert(lua_State *L)
{
    struct converting *job = lua_touserdata(L, 1);
    struct ctx c = {.out = &job->out, .resp = job->resp, .out_most = SIZE_MAX};
    if (job->given.len) {
        job->is_error = script_push_reply(L, &job->reader, job->given);
        lua_setglobal(L, "x");
    }
    if (luaL_loadstring(L, job->script))
        return lua_error(L);
    lua_call(L, 0, 1);
    script_reply(L, &c, job->script_resp);
    return 0;
}

static struct guard g;
static lua_State *L;
static struct converting job;

/* What the script makes of the reply, as a reply. */
static const char *made(struct slice given, const char *script, int script_resp, int resp)
{
    buf_clear(&job.out);
    job.given = given;
    job.script = script;
    job.script_resp = script_resp;
    job.resp = resp;
    lua_settop(L, 0);
    if (lua_cpcall(L, convert, &job)) {
        buf_clear(&job.out);
        buf_printf(&job.out, "raised: %s", lua_tostring(L, -1));
    }
    return buf_cstr(&job.out);
}

static void begin(void)
{
    g = (struct guard){.limit = LIMIT};
    L = guard_open(&g);
    luaL_openlibs(L);
}

static void end(void)
{
    guard_close(&g, L);
    reply_close(&job.reader);
    buf_free(&job.out);
}

static void replies_become_values(void)
{
    static const struct {
        const char *reply, *script, *want;
    } rows[] = {
        {":12\r\n", "return type(x) .. x", "$8\r\nnumber12\r\n"},
        {":-9\r\n", "return x", ":-9\r\n"},
        {"$5\r\na\r\nb\0\r\n", "return #x", ":5\r\n"},
        {"$0\r\n\r\n", "return type(x) .. #x", "$7\r\nstring0\r\n"},
        {"$-1\r\n", "return tostring(x)", "$5\r\nfalse\r\n"},
        {"*-1\r\n", "return tostring(x)", "$5\r\nfalse\r\n"},
        {"_\r\n", "return tostring(x)", "$3\r\nnil\r\n"},
        {"+OK\r\n", "return x.ok", "$2\r\nOK\r\n"},
        {"+\r\n", "return x.ok", "$0\r\n\r\n"},
        {"-ERR no\r\n", "return x.err .. tostring(x.ignore_error_stats_update)",
         "$10\r\nERR notrue\r\n"},
        {"#t\r\n", "return tostring(x)", "$4\r\ntrue\r\n"},
        {"#f\r\n", "return tostring(x)", "$5\r\nfalse\r\n"},
        {",1.5\r\n", "return tostring(x.double)", "$3\r\n1.5\r\n"},
        {",inf\r\n", "return tostring(x.double)", "$3\r\ninf\r\n"},
        {"(123456789012345678901\r\n", "return x.big_number", "$21\r\n123456789012345678901\r\n"},
        {"=7\r\ntxt:abc\r\n", "return x.verbatim_string.format .. x.verbatim_string.string",
         "$6\r\ntxtabc\r\n"},
        {"*3\r\n:1\r\n*1\r\n$1\r\na\r\n$-1\r\n",
         "return #x .. x[2][1] .. tostring(x[3])", "$7\r\n3afalse\r\n"},
        {"*0\r\n", "return type(x) .. #x", "$6\r\ntable0\r\n"},
        {"%1\r\n+a\r\n:1\r\n", "for k, v in pairs(x.map) do return k.ok .. v end",
         "$2\r\na1\r\n"},
        {"%2\r\n$1\r\na\r\n:1\r\n_\r\n:2\r\n", "return x.map.a", ":1\r\n"},
        {"~2\r\n$1\r\na\r\n$1\r\nb\r\n", "return tostring(x.set.a and x.set.b)",
         "$4\r\ntrue\r\n"},
        {"|1\r\n+k\r\n*1\r\n:1\r\n:7\r\n", "return x", ":7\r\n"},
        {"*2\r\n|1\r\n+k\r\n:1\r\n:7\r\n:8\r\n", "return x[1] + x[2]", ":15\r\n"},
        {">2\r\n+a\r\n:1\r\n", "return x[2]", ":1\r\n"},
        {"*1\r\n-ERR in\r\n", "return x[1].err", "$6\r\nERR in\r\n"},
    };
    begin();
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct slice reply = i == 2 ? slice(rows[i].reply, 11) : slice_str(rows[i].reply);
        CHECK_STR(made(reply, rows[i].script, 2, 2), rows[i].want);
        CHECK_INT(job.is_error, rows[i].reply[0] == '-');
    }
    end();
}

static void values_become_replies(void)
{
    static const struct {
        const char *script;
        int script_resp;
        const char *in2, *in3;
    } rows[] = {
        {"return 1.9", 2, ":1\r\n", ":1\r\n"},
        {"return -1.9", 2, ":-1\r\n", ":-1\r\n"},
        {"return 1e300", 2, ":-9223372036854775808\r\n", ":-9223372036854775808\r\n"},
        {"return 0/0", 2, ":-9223372036854775808\r\n", ":-9223372036854775808\r\n"},
        {"return 2^63", 2, ":-9223372036854775808\r\n", ":-9223372036854775808\r\n"},
        {"return -2^63", 2, ":-9223372036854775808\r\n", ":-9223372036854775808\r\n"},
        {"return 2^62", 2, ":4611686018427387904\r\n", ":4611686018427387904\r\n"},
        {"return 'a\\0b'", 2, "$3\r\na", "$3\r\na"},
        {"return true", 2, ":1\r\n", ":1\r\n"},
        {"return true", 3, ":1\r\n", "#t\r\n"},
        {"return false", 2, "$-1\r\n", "_\r\n"},
        {"return false", 3, ":0\r\n", "#f\r\n"},
        {"return nil", 2, "$-1\r\n", "_\r\n"},
        {"return nil", 3, "$-1\r\n", "_\r\n"},
        {"return print", 2, "$-1\r\n", "_\r\n"},
        {"return coroutine.create(function() end)", 2, "$-1\r\n", "_\r\n"},
        {"return {1, 2, nil, 4}", 2, "*2\r\n:1\r\n:2\r\n", "*2\r\n:1\r\n:2\r\n"},
        {"return {}", 2, "*0\r\n", "*0\r\n"},
        {"return {a = 1}", 2, "*0\r\n", "*0\r\n"},
        {"return {{1}, {}}", 2, "*2\r\n*1\r\n:1\r\n*0\r\n", "*2\r\n*1\r\n:1\r\n*0\r\n"},
        {"return {true, false, 1}", 3, "*3\r\n:1\r\n:0\r\n:1\r\n", "*3\r\n#t\r\n#f\r\n:1\r\n"},
        {"return {ok = 'fine'}", 2, "+fine\r\n", "+fine\r\n"},
        {"return {ok = 'a\\r\\nb'}", 2, "+a  b\r\n", "+a  b\r\n"},
        {"return {ok = 1}", 2, "*0\r\n", "*0\r\n"},
        {"return {err = 'MY no'}", 2, "-MY no\r\n", "-MY no\r\n"},
        {"return {err = 'a\\nb', ok = 'x'}", 2, "-a b\r\n", "-a b\r\n"},
        {"return {err = ''}", 2, "-\r\n", "-\r\n"},
        {"return {double = 1.5}", 2, "$3\r\n1.5\r\n", ",1.5\r\n"},
        {"return {double = '1.5'}", 2, "*0\r\n", "*0\r\n"},
        {"return {double = 1/0}", 2, "$3\r\ninf\r\n", ",inf\r\n"},
        {"return {map = {a = 1}}", 2, "*2\r\n$1\r\na\r\n:1\r\n", "%1\r\n$1\r\na\r\n:1\r\n"},
        {"return {map = {[1.5] = {map = {}}}}", 2, "*2\r\n:1\r\n*0\r\n", "%1\r\n:1\r\n%0\r\n"},
        {"return {set = {a = true}}", 2, "*1\r\n$1\r\na\r\n", "~1\r\n$1\r\na\r\n"},
        {"return {set = {}, map = 1}", 2, "*0\r\n", "~0\r\n"},
        {"return {big_number = '12\\r3'}", 2, "$4\r\n12 3\r\n", "(12 3\r\n"},
        {"return {verbatim_string = {format = 'mkd', string = 'a'}}", 2, "$1\r\na\r\n",
         "=5\r\nmkd:a\r\n"},
        {"return {verbatim_string = {format = 'longer', string = 'a'}}", 2, "$1\r\na\r\n",
         "=5\r\nlon:a\r\n"},
        {"return {verbatim_string = {format = '', string = 'a'}}", 2, "$1\r\na\r\n",
         "=5\r\n   :a\r\n"},
        {"return {verbatim_string = {format = 'txt'}}", 2, "*0\r\n", "*0\r\n"},
        {"return {verbatim_string = {string = 'txt'}}", 2, "*0\r\n", "*0\r\n"},
        /* metatables are not asked */
        {"return setmetatable({}, {__index = function() return 1 end})", 2, "*0\r\n", "*0\r\n"},
        {"return setmetatable({5}, {__index = function() error('x') end})", 2, "*1\r\n:5\r\n",
         "*1\r\n:5\r\n"},
    };
    begin();
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        CHECK_STR(made((struct slice){0}, rows[i].script, rows[i].script_resp, 2), rows[i].in2);
        CHECK_STR(made((struct slice){0}, rows[i].script, rows[i].script_resp, 3), rows[i].in3);
    }
    end();
}

static void large_and_deep(void)
{
    begin();
    /* An error longer than a line that the reader of replies takes. */
    struct buf reply = {0};
    buf_byte(&reply, '-');
    for (int i = 0; i < 100000; i++)
        buf_byte(&reply, 'x');
    buf_append(&reply, "\r\n", 2);
    CHECK_STR(made(buf_slice(&reply), "return #x.err", 2, 2), ":100000\r\n");
    buf_free(&reply);
    /* Deeper than Lua's stack for a C function. */
    const char *deep = made((struct slice){0},
                            "local t = {} for i = 1, 10000 do t = {t} end return t", 2, 2);
    CHECK(strstr(deep, "*1\r\n*1\r\n-ERR reached lua stack limit\r\n") != NULL);
    CHECK(strstr(made((struct slice){0}, "local t = {} t[1] = t return t", 2, 2),
                 "-ERR reached lua stack limit\r\n") != NULL);
    /* Small in Lua, endless as a reply. */
    const char *wide = made((struct slice){0},
                            "local t = {1} for i = 1, 60 do t = {t, t} end return t", 2, 2);
    CHECK(strstr(wide, "raised: the reply is larger") != NULL);
    CHECK(job.out.cap < 4 * LIMIT);
    end();
}

static guard_look stop_at_once;
static void stop_at_once(lua_State *state, struct guard *guard)
{
    CHECK(guard == &g);
    luaL_error(state, "stopped");
}

static void is_interrupted(void)
{
    begin();
    made((struct slice){0}, "t = {} for i = 1, 10000 do t[i] = {i} end", 2, 2);
    g.look = stop_at_once;
    CHECK_STR(made((struct slice){0}, "return t", 2, 2), "raised: stopped");
    g.look = NULL;
    end();
}

int main(void)
{
    return UNIT_RUN(UNIT(replies_become_values), UNIT(values_become_replies),
                    UNIT(large_and_deep), UNIT(is_interrupted));
}
