/* SPDX-License-Identifier: BSD-3-Clause */
#include "commands/cmd_debug.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

#include "base/glob.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/must.h"
#include "base/rand.h"
#include "server/clients.h"
#include "server/ctx.h"
#include "server/debug.h"
#include "server/reply.h"
#include "server/server.h"
#include "server/settings.h"
#include "store/keyspace.h"

static bool arg_is_on(const struct ctx *c, int i)
{
    must(i < c->argc);
    return !slice_eq_str(c->argv[i], "0");
}

/* ---- the process ---- */

static void debug_sleep(struct ctx *c)
{
    double seconds;
    if (!ctx_arg_double(c, 2, &seconds))
        return;
    struct timespec t = {.tv_sec = (time_t)seconds};
    t.tv_nsec = (long)((seconds - (double)t.tv_sec) * 1e9);
    while (nanosleep(&t, &t) < 0 && errno == EINTR)
        ;
    reply_ok(c);
}

static void debug_log(struct ctx *c)
{
    log_warning("DEBUG LOG: %.*s", SLICE_ARG(c->argv[2]));
    reply_ok(c);
}

/* A page that may not be written: the report then tells address and instruction. */
static void debug_segfault(struct ctx *c)
{
    char *page = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    (void)c;
    *(volatile char *)page = 1;
}

static void debug_panic(struct ctx *c)
{
    (void)c;
    log_warning("Guru Meditation: DEBUG PANIC was asked for");
    abort();
}

static void debug_assert(struct ctx *c)
{
    (void)c;
    must(!"DEBUG ASSERT was asked for");
}

static void debug_oom(struct ctx *c)
{
    (void)c;
    mem_free(mem_alloc(SIZE_MAX / 2));
}

static void reply_errno(struct ctx *c, int error)
{
    must(error > 0);
    reply_errorf(c, "ERR %s", strerror(error));
}

static void debug_mallctl(struct ctx *c)
{
    int64_t to, was;
    if (c->argc == 4 && !ctx_arg_i64(c, 3, &to))
        return;
    char *name = mem_dup(c->argv[2].data, c->argv[2].len);
    must(c->argc <= 4);
    int error = mem_ctl(name, c->argc == 4 ? &to : NULL, &was);
    mem_free(name);
    if (error)
        reply_errno(c, error);
    else
        reply_int(c, was);
}

static void debug_mallctl_str(struct ctx *c)
{
    bool sets = c->argc == 4;
    must(sets || c->argc == 3);
    const char *was;
    char *name = mem_dup(c->argv[2].data, c->argv[2].len);
    char *to = sets ? mem_dup(c->argv[3].data, c->argv[3].len) : NULL;
    int error = mem_ctl_text(name, to, &was);
    mem_free(name);
    mem_free(to);
    if (error)
        reply_errno(c, error);
    else
        reply_bulk_str(c, was);
}

/* ---- what goes on by itself ---- */

static void debug_set_active_expire(struct ctx *c)
{
    server_settings(c->server)->active_expire_off = !arg_is_on(c, 2);
    reply_ok(c);
}

static void debug_pause_cron(struct ctx *c)
{
    server_settings(c->server)->paused = arg_is_on(c, 2);
    reply_ok(c);
}

static void debug_dict_resizing(struct ctx *c)
{
    keyspace_set_resizing(c->keyspace, arg_is_on(c, 2));
    reply_ok(c);
}

static void debug_replybuffer(struct ctx *c)
{
    struct clients *cs = server_clients(c->server);
    int64_t ms = CLIENT_GIVE_BACK_MS;
    if (ctx_arg_is(c, 2, "resizing")) {
        cs->keeps_buffers = !arg_is_on(c, 3);
    } else if (ctx_arg_is(c, 2, "peak-reset-time")) {
        if (ctx_arg_is(c, 3, "never"))
            ms = -1;
        else if (!ctx_arg_is(c, 3, "reset") && !ctx_arg_i64(c, 3, &ms))
            return;
        cs->give_back_ms = ms;
    } else {
        reply_wrong_subcommand(c);
        return;
    }
    reply_ok(c);
}

/* ---- patterns ---- */

static void debug_stringmatch_len(struct ctx *c)
{
    struct glob g;
    glob_init(&g, c->argv[3], false);
    reply_int(c, glob_matches(&g, c->argv[2]));
    glob_free(&g);
}

/* Any bytes as pattern and text; the characters that mean something come often. */
static void debug_stringmatch_test(struct ctx *c)
{
    enum { ROUNDS = 100000, LONGEST = 32 };
    static const char special[] = "**?[]^-\\ab";
    char pattern[LONGEST], text[LONGEST];
    uint64_t matches = 0;
    for (int i = 0; i < ROUNDS; i++) {
        struct slice p = slice(pattern, rand_below(LONGEST)), t = slice(text, rand_below(LONGEST));
        for (size_t k = 0; k < p.len; k++)
            pattern[k] = rand_below(8) ? special[rand_below(sizeof special - 1)]
                                       : (char)rand_below(256);
        for (size_t k = 0; k < t.len; k++)
            text[k] = rand_below(8) ? (char)('a' + rand_below(2)) : (char)rand_below(256);
        struct glob g;
        glob_init(&g, p, i % 2);
        matches += glob_matches(&g, t);
        glob_free(&g);
    }
    must(matches > 0 && matches < ROUNDS);
    reply_status(c, "Apparently Redis did not crash: test passed");
}

/* ---- replies ---- */

static void debug_error(struct ctx *c)
{
    reply_errorf(c, "%.*s", SLICE_ARG(c->argv[2]));
}

static void reply_three(struct ctx *c)
{
    for (int i = 0; i < 3; i++)
        reply_int(c, i);
}

static void protocol_map(struct ctx *c)
{
    reply_map(c, 3);
    for (int i = 0; i < 3; i++) {
        reply_int(c, i);
        reply_bool(c, i == 1);
    }
}

static void protocol_attribute(struct ctx *c)
{
    if (c->resp == 3) {
        reply_attribute(c, 1);
        reply_bulk_str(c, "key-popularity");
        reply_array(c, 2);
        reply_bulk_str(c, "key:123");
        reply_int(c, 90);
    }
    reply_bulk_str(c, "Some real reply following the attribute");
}

static void protocol_push(struct ctx *c)
{
    if (c->resp == 2) {
        reply_error(c, "ERR RESP2 is not supported by this command");
        return;
    }
    reply_push(c, 2);
    reply_bulk_str(c, "server-cpu-usage");
    reply_int(c, 42);
    reply_bulk_str(c, "Some real reply following the push reply");
}

static void debug_protocol(struct ctx *c)
{
    if (ctx_arg_is(c, 2, "string")) {
        reply_bulk_str(c, "Hello World");
    } else if (ctx_arg_is(c, 2, "integer")) {
        reply_int(c, 12345);
    } else if (ctx_arg_is(c, 2, "double")) {
        reply_double(c, 3.141);
    } else if (ctx_arg_is(c, 2, "null")) {
        reply_null(c);
    } else if (ctx_arg_is(c, 2, "true") || ctx_arg_is(c, 2, "false")) {
        reply_bool(c, ctx_arg_is(c, 2, "true"));
    } else if (ctx_arg_is(c, 2, "bignum")) {
        reply_bignum(c, SLICE_LIT("1234567999999999999999999999999999999"));
    } else if (ctx_arg_is(c, 2, "verbatim")) {
        reply_verbatim(c, "txt", SLICE_LIT("This is a verbatim\nstring"));
    } else if (ctx_arg_is(c, 2, "array")) {
        reply_array(c, 3);
        reply_three(c);
    } else if (ctx_arg_is(c, 2, "set")) {
        reply_set(c, 3);
        reply_three(c);
    } else if (ctx_arg_is(c, 2, "map")) {
        protocol_map(c);
    } else if (ctx_arg_is(c, 2, "attrib")) {
        protocol_attribute(c);
    } else if (ctx_arg_is(c, 2, "push")) {
        protocol_push(c);
    } else {
        reply_error(c, "ERR Wrong protocol type name. Please use one of the following: string|"
                       "integer|double|bignum|null|array|set|map|attrib|push|verbatim|true|false");
    }
}

static const struct debug_word words[] = {
    {"sleep", 3, 3, debug_sleep, "SLEEP <seconds>", "    Stop the server for a while."},
    {"log", 3, 3, debug_log, "LOG <message>", "    Write the message to the log."},
    {"segfault", 2, 2, debug_segfault, "SEGFAULT", "    Crash."},
    {"panic", 2, 2, debug_panic, "PANIC", "    End as after a failed check."},
    {"assert", 2, 2, debug_assert, "ASSERT", "    Fail an assertion."},
    {"oom", 2, 2, debug_oom, "OOM", "    Ask for more memory than there can be, and crash."},
    {"mallctl", 3, 4, debug_mallctl, "MALLCTL <name> [<number>]",
     "    A number of the allocator as it is; then it is set."},
    {"mallctl-str", 3, 4, debug_mallctl_str, "MALLCTL-STR <name> [<text>]",
     "    A text of the allocator as it is; then it is set."},
    {"set-active-expire", 3, 3, debug_set_active_expire, "SET-ACTIVE-EXPIRE <0|1>",
     "    Switch expiry by time off and on."},
    {"pause-cron", 3, 3, debug_pause_cron, "PAUSE-CRON <0|1>",
     "    Let nothing happen by time, or let it again."},
    {"dict-resizing", 3, 3, debug_dict_resizing, "DICT-RESIZING <0|1>",
     "    Leave the databases' tables as they are unless they are too full by far, or do not."},
    {"replybuffer", 4, 4, debug_replybuffer,
     "REPLYBUFFER PEAK-RESET-TIME <NEVER|RESET|milliseconds> | RESIZING <0|1>",
     "    When buffers of idle clients are given back, and whether."},
    {"stringmatch-len", 4, 4, debug_stringmatch_len, "STRINGMATCH-LEN <text> <pattern>",
     "    Does the pattern match?"},
    {"stringmatch-test", 2, 2, debug_stringmatch_test, "STRINGMATCH-TEST",
     "    Match texts and patterns by chance."},
    {"error", 3, 3, debug_error, "ERROR <string>", "    Reply the string as an error."},
    {"protocol", 3, 3, debug_protocol, "PROTOCOL <type>",
     "    Reply a value of the protocol type."},
    {0}};

void debug_words_add(struct server *s)
{
    debug_add(server_debug(s), words, s);
}

void cmd_debug(struct ctx *c)
{
    debug_run(server_debug(c->server), c);
}
