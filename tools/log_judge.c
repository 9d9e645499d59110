/* SPDX-License-Identifier: BSD-3-Clause */
#include "tools/log_judge.h"

#include <inttypes.h>

#include "base/must.h"
#include "tools/library_set.h"
#include "tools/say.h"

enum { LIBRARY_MAX = 16 << 20 };

void log_judge_begin(struct log_judge *j, struct tool *t)
{
    *j = (struct log_judge){.tool = t};
}

/* ---- one command ---- */

/* All of an argument; false: it is longer than a library may be. */
static bool read_code(struct log_bytes *b, const struct log_arg *arg, struct buf *code)
{
    while (code->len < arg->len && arg->len <= LIBRARY_MAX) {
        struct log_arg rest = {arg->at + code->len, arg->len - code->len};
        size_t before = code->len;
        log_arg_text(b, &rest, LOG_LOOK_MAX, code);
        if (code->len == before)
            break;
    }
    return arg->len <= LIBRARY_MAX;
}

/* FUNCTION LOAD: would the library load? By itself: others come and go with later commands. */
static bool loads(struct log_judge *j, struct log_bytes *b, const struct log_command *c)
{
    struct buf code = {0};
    struct log_args args;
    struct log_arg arg = {0, 0};
    if (c->argc < 3 || c->heads < 2 || !slice_eq_nocase(c->argv[0], "function") ||
        !slice_eq_nocase(c->argv[1], "load"))
        return true;
    log_args_begin(&args, b, c);
    while (log_args_next(&args, &arg))
        ;
    bool ok = !read_code(b, &arg, &code) ||
              library_loads_alone(j->tool->env, buf_slice(&code), &j->why);
    buf_free(&code);
    return ok;
}

const char *log_judge_command(struct log_judge *j, struct log_bytes *b,
                              const struct log_command *c)
{
    must(c->argc > 0);
    buf_clear(&j->why);
    const char *why = aof_command_fault(&j->known, (size_t)c->argc, c->argv);
    return why ? why : loads(j, b, c) ? NULL : buf_cstr(&j->why);
}

void log_judge_unloaded(struct log_judge *j, const struct source_part *p,
                        const struct log_command *c, const char *why)
{
    struct buf name = {0};
    must(why);
    j->worst = tool_worse(j->worst, TOOL_DAMAGED);
    if (++j->unloaded == 1)
        tool_tell(j->tool, TOOL_DAMAGED, "%s, offset %" PRIu64 ": %s: %s. The server does not "
                  "load it; fix --skip leaves it out", p->name, c->at, why,
                  say_text(&name, c->argv[0], 40));
    buf_free(&name);
}

/* ---- items ---- */

static void judge_unit(struct log_judge *j, struct log_part *p, struct log_reader *r)
{
    struct log_unit u;
    log_unit_begin(&u, r);
    while (log_unit_next(&u, &r->command)) {
        const char *why = log_judge_command(j, &p->bytes, &r->command);
        if (why)
            log_judge_unloaded(j, p->part, &r->command, why);
    }
}

void log_judge_item(struct log_judge *j, struct log_part *p, struct log_reader *r,
                    enum log_item what, bool last)
{
    must(j->tool && r->items > 0);
    if (r->items == 1)
        j->worst = tool_worse(j->worst, log_part_tell_cut(j->tool, p));
    if (what == LOG_UNIT)
        judge_unit(j, p, r);
    else
        j->worst = tool_worse(j->worst, log_item_exit(p, r, what, last));
}

enum tool_exit log_judge_end(struct log_judge *j)
{
    if (j->unloaded > 1)
        say_line(&j->tool->say, "%" PRIu64 " commands are such as the server does not load",
                 j->unloaded);
    buf_free(&j->why);
    return j->worst;
}
