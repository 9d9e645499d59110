/* SPDX-License-Identifier: BSD-3-Clause */
#include "scripting/cmd_function.h"

#include "base/glob.h"
#include "base/mem.h"
#include "base/must.h"
#include "format/rdb_payload.h"
#include "format/rdb_write.h"
#include "os/clock.h"
#include "scripting/functions.h"
#include "scripting/script_flags.h"
#include "scripting/script_run.h"
#include "scripting/scripting_parts.h"
#include "server/command.h"
#include "server/ctx.h"
#include "server/monitor.h"
#include "server/reply.h"
#include "server/server.h"
#include "server/settings.h"

static struct functions *functions_of(const struct ctx *c)
{
    const struct scripting *home = c->arg;
    return home->functions;
}

static struct function_set *set_of(const struct ctx *c)
{
    return functions_set(functions_of(c));
}

static void reply_buf(struct ctx *c, struct buf *error)
{
    must(error->len);
    reply_error_slice(c, buf_slice(error), false);
    buf_free(error);
}

/* ---- FCALL ---- */

uint32_t fcall_flags(const struct ctx *c)
{
    const struct function *f = c->argc > 1 ? function_set_function(set_of(c), c->argv[1]) : NULL;
    return f ? script_command_flags(f->flags, c->command->flags) : c->command->flags;
}

static void fcall(struct ctx *c, bool read_only)
{
    int keys;
    const struct function *f = function_set_function(set_of(c), c->argv[1]);
    monitor_show_first(server_monitors(c->server), c);
    if (!f) {
        reply_error(c, "ERR Function not found");
        return;
    }
    if (!script_numkeys(c, "ERR Bad number of keys provided", &keys))
        return;
    struct script_run r = {.home = c->arg, .ctx = c, .vm = function_set_vm(set_of(c)),
                           .kind = SCRIPT_FUNCTION, .name = slice_str(f->name), .ref = f->ref,
                           .flags = f->flags, .read_only = read_only, .keys = keys};
    script_run(&r);
    vm_clear(r.vm);
}

void cmd_fcall(struct ctx *c)
{
    fcall(c, false);
}

void cmd_fcall_ro(struct ctx *c)
{
    fcall(c, true);
}

/* ---- making and removing ---- */

static unsigned trusted(const struct ctx *c)
{
    return c->flags & CTX_LOADING ? LIBRARY_TRUSTED : 0;
}

void cmd_function_load(struct ctx *c)
{
    struct buf error = {0};
    bool replace = false;
    for (int i = 2; i < c->argc - 1; i++) {
        if (!ctx_arg_is(c, i, "replace")) {
            reply_errorf(c, "ERR Unknown option given: %.*s", SLICE_ARG(c->argv[i]));
            return;
        }
        replace = true;
    }
    struct function_set *set = set_of(c);
    struct library *lib = library_load(set, c->argv[c->argc - 1],
                                       trusted(c) | (replace ? 0 : LIBRARY_NEW), &error);
    struct library *old = lib && replace ? function_set_find(set, slice_str(lib->name)) : NULL;
    if (lib && function_set_may_add(set, lib, old, &error)) {
        if (old)
            function_set_remove(set, old);
        function_set_add(set, lib);
        ctx_changed(c, 1);
        reply_bulk_str(c, lib->name);
        return;
    }
    if (lib)
        library_free(set, lib);
    reply_buf(c, &error);
}

void cmd_function_delete(struct ctx *c)
{
    struct library *lib = function_set_find(set_of(c), c->argv[2]);
    if (!lib) {
        reply_error(c, "ERR Library not found");
        return;
    }
    function_set_remove(set_of(c), lib);
    ctx_changed(c, 1);
    reply_ok(c);
}

void cmd_function_flush(struct ctx *c)
{
    bool async = server_settings(c->server)->lazy_user_flush;
    if (c->argc > 3) {
        reply_wrong_subcommand(c);
        return;
    }
    if (c->argc == 3 && ctx_arg_is(c, 2, "async")) {
        async = true;
    } else if (c->argc == 3 && ctx_arg_is(c, 2, "sync")) {
        async = false;
    } else if (c->argc == 3) {
        reply_error(c, "ERR FUNCTION FLUSH only supports SYNC|ASYNC option");
        return;
    }
    functions_replace(functions_of(c), function_set_new(c->arg), async);
    ctx_changed(c, 1);
    reply_ok(c);
}

/* ---- as bytes ---- */

void cmd_function_dump(struct ctx *c)
{
    struct out out;
    struct rdb_writer w;
    size_t n;
    int version = c->keyspace->dump_version;
    struct library **all = function_set_sorted(set_of(c), &n);
    out_init_memory(&out);
    rdb_payload_writer_init(&w, &out, version);
    for (size_t i = 0; i < n; i++)
        SINK_EVENT(&w.sink, function, all[i]->code);
    if (rdb_writer_bad(&w)) {
        reply_errorf(c, "ERR %s", w.sink.fault.what);
    } else {
        rdb_payload_seal(&out.buf, 0, version);
        reply_bulk(c, buf_slice(&out.buf));
    }
    rdb_writer_free(&w);
    out_free(&out);
    mem_free(all);
}

/* Where the libraries of a payload go: loaded one by one, they join when all of them may. */
struct restoring {
    struct sink sink; /* first */
    struct function_set *set;
    struct library **loaded;
    size_t count;
    unsigned how;
    struct buf error;
};

static void take_library(struct sink *sink, struct slice code)
{
    struct restoring *r = (struct restoring *)sink;
    struct library *lib = r->error.len ? NULL
                                       : library_load(r->set, code, r->how, &r->error);
    if (!lib)
        return;
    r->loaded = mem_realloc(r->loaded, (r->count + 1) * sizeof *r->loaded);
    r->loaded[r->count++] = lib;
}

/* Each may join beside all that is there but what it replaces, and beside each other: those that
 * come earlier have joined when it is asked. On failure they leave again. */
static bool join(struct restoring *r, bool replace)
{
    struct library **old = mem_zalloc((r->count + 1) * sizeof(struct library *));
    size_t joined = 0;
    for (; joined < r->count; joined++) {
        struct library *lib = r->loaded[joined];
        struct library *same = replace ? function_set_find(r->set, slice_str(lib->name)) : NULL;
        if (!function_set_may_add(r->set, lib, same, &r->error))
            break;
        if (same)
            function_set_leave(r->set, same);
        old[joined] = same;
        function_set_add(r->set, lib);
    }
    bool all = joined == r->count;
    while (!all && joined-- > 0) {
        function_set_leave(r->set, r->loaded[joined]);
        if (old[joined])
            function_set_add(r->set, old[joined]);
    }
    for (size_t i = 0; all && i < r->count; i++)
        if (old[i])
            library_free(r->set, old[i]);
    mem_free(old);
    return all;
}

enum policy { POLICY_FLUSH, POLICY_APPEND, POLICY_REPLACE };

static bool parse_policy(struct ctx *c, enum policy *policy)
{
    static const char *const words[] = {"flush", "append", "replace"};
    *policy = POLICY_APPEND;
    if (c->argc > 4) {
        reply_wrong_subcommand(c);
        return false;
    }
    if (c->argc == 3)
        return true;
    for (int i = POLICY_FLUSH; i <= POLICY_REPLACE; i++) {
        *policy = (enum policy)i;
        if (ctx_arg_is(c, 3, words[i]))
            return true;
    }
    reply_error(c, "ERR Wrong restore policy given, value should be either FLUSH, APPEND or "
                   "REPLACE.");
    return false;
}

void cmd_function_restore(struct ctx *c)
{
    static const struct sink_ops ops = {.function = take_library};
    struct fault f = {0};
    enum policy policy;
    int version;
    if (!parse_policy(c, &policy))
        return;
    if (!rdb_payload_check(c->argv[2], &version, &f)) {
        reply_error(c, "ERR DUMP payload version or checksum are wrong");
        return;
    }
    bool flush = policy == POLICY_FLUSH;
    struct restoring r = {.sink.ops = &ops, .how = trusted(c),
                          .set = flush ? function_set_new(c->arg) : set_of(c)};
    bool ok = rdb_payload_functions(c->argv[2], &r.sink, &f);
    if (!ok && !r.error.len)
        buf_printf(&r.error, "ERR failed loading the functions payload: %s", f.what);
    ok = !r.error.len && join(&r, policy == POLICY_REPLACE);
    for (size_t i = 0; !ok && i < r.count; i++)
        library_free(r.set, r.loaded[i]);
    mem_free(r.loaded);
    if (flush && ok)
        functions_replace(functions_of(c), r.set, server_settings(c->server)->lazy_user_flush);
    else if (flush)
        function_set_free(r.set, false);
    if (!ok) {
        reply_buf(c, &r.error);
        return;
    }
    ctx_changed(c, 1);
    reply_ok(c);
}

/* ---- what there is ---- */

static void reply_function(struct ctx *c, const struct function *f)
{
    size_t flags = 0;
    reply_map(c, 3);
    reply_bulk_str(c, "name");
    reply_bulk_str(c, f->name);
    reply_bulk_str(c, "description");
    if (f->description)
        reply_bulk_str(c, f->description);
    else
        reply_null(c);
    reply_bulk_str(c, "flags");
    for (unsigned bit = 0; script_flag_name(bit); bit++)
        flags += f->flags >> bit & 1;
    reply_set(c, flags);
    for (unsigned bit = 0; script_flag_name(bit); bit++)
        if (f->flags >> bit & 1)
            reply_status(c, script_flag_name(bit));
}

static void reply_library(struct ctx *c, const struct library *lib, bool with_code)
{
    reply_map(c, with_code ? 4 : 3);
    reply_bulk_str(c, "library_name");
    reply_bulk_str(c, lib->name);
    reply_bulk_str(c, "engine");
    reply_bulk_str(c, "LUA");
    reply_bulk_str(c, "functions");
    reply_array(c, lib->count);
    for (size_t i = 0; i < lib->count; i++)
        reply_function(c, lib->functions[i]);
    if (with_code) {
        reply_bulk_str(c, "library_code");
        reply_bulk(c, lib->code);
    }
}

void cmd_function_list(struct ctx *c)
{
    bool with_code = false;
    const struct slice *pattern = NULL;
    for (int i = 2; i < c->argc; i++) {
        if (!with_code && ctx_arg_is(c, i, "withcode")) {
            with_code = true;
        } else if (!pattern && ctx_arg_is(c, i, "libraryname")) {
            if (i + 1 == c->argc) {
                reply_error(c, "ERR library name argument was not given");
                return;
            }
            pattern = &c->argv[++i];
        } else {
            reply_errorf(c, "ERR Unknown argument %.*s", SLICE_ARG(c->argv[i]));
            return;
        }
    }
    size_t n, shown = 0;
    struct glob glob;
    struct library **all = function_set_sorted(set_of(c), &n);
    glob_init(&glob, pattern ? *pattern : SLICE_LIT("*"), true);
    for (size_t i = 0; i < n; i++)
        if (glob_matches(&glob, slice_str(all[i]->name)))
            all[shown++] = all[i];
    glob_free(&glob);
    reply_array(c, shown);
    for (size_t i = 0; i < shown; i++)
        reply_library(c, all[i], with_code);
    mem_free(all);
}

static void reply_running(struct ctx *c, const struct script_run *run)
{
    const struct ctx *called = run->ctx;
    reply_map(c, 3);
    reply_bulk_str(c, "name");
    reply_bulk(c, run->name);
    reply_bulk_str(c, "command");
    reply_array(c, (size_t)called->argc);
    for (int i = 0; i < called->argc; i++)
        reply_bulk(c, ctx_shown(called, i));
    reply_bulk_str(c, "duration_ms");
    reply_int(c, (clock_mono_us() - run->began_us) / 1000);
}

void cmd_function_stats(struct ctx *c)
{
    const struct scripting *home = c->arg;
    const struct function_set *set = set_of(c);
    if (home->running && home->running->kind == SCRIPT_EVAL) {
        reply_error(c, script_busy_error(home->running));
        return;
    }
    reply_map(c, 2);
    reply_bulk_str(c, "running_script");
    if (home->running)
        reply_running(c, home->running);
    else
        reply_null(c);
    reply_bulk_str(c, "engines");
    reply_map(c, 1);
    reply_bulk_str(c, "LUA");
    reply_map(c, 2);
    reply_bulk_str(c, "libraries_count");
    reply_int(c, (int64_t)function_set_libraries(set));
    reply_bulk_str(c, "functions_count");
    reply_int(c, (int64_t)function_set_functions(set));
}

void cmd_function_kill(struct ctx *c)
{
    script_kill(c->arg, c, true);
}

void cmd_function_help(struct ctx *c)
{
    static const char *const lines[] = {
        "DELETE <library-name>", "    Remove a library and its functions.",
        "DUMP", "    Return all libraries as bytes, for RESTORE.",
        "FLUSH [ASYNC|SYNC]", "    Remove all libraries. Without a word, as "
                              "lazyfree-lazy-user-flush says.",
        "KILL", "    End the function that runs, when it has not written anything.",
        "LIST [LIBRARYNAME <pattern>] [WITHCODE]",
        "    Return the libraries, those that match, with their code.",
        "LOAD [REPLACE] <code>", "    Make a library, in place of the one of its name.",
        "RESTORE <payload> [FLUSH|APPEND|REPLACE]",
        "    Make the libraries of a payload: in place of all, beside those that are there,",
        "    or in place of those of the same names.",
        "STATS", "    Return the function that runs, and how many there are.", NULL};
    reply_help(c, lines);
}
