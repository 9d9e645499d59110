/* SPDX-License-Identifier: BSD-3-Clause */
#include "tools/findings.h"

#include <inttypes.h>

#include "base/must.h"

void findings_begin(struct findings *to, struct tool *t)
{
    *to = (struct findings){.tool = t};
    say_list(&t->say, "faults");
}

static void put_place(struct buf *line, const struct finding *x)
{
    if (x->file)
        buf_printf(line, "%s: ", x->file);
    if (x->unit && x->number)
        buf_printf(line, "%s %" PRIu64 ", ", x->unit, x->number);
    else if (x->unit)
        buf_printf(line, "%s, ", x->unit);
    if (x->to > x->from)
        buf_printf(line, "bytes %" PRIu64 " to %" PRIu64 ": ", x->from, x->to);
    else
        buf_printf(line, "offset %" PRIu64 ": ", x->from);
}

static void put_rest(struct buf *line, const struct finding *x)
{
    struct buf hold = {0};
    if (x->doing)
        buf_printf(line, " (%s)", x->doing);
    if (x->has_db)
        buf_printf(line, ", db %u", x->db);
    if (x->has_key)
        buf_printf(line, ", key '%s'", say_text(&hold, x->key, FAULT_KEY_MAX));
    if (x->costs)
        buf_printf(line, ". %s", x->costs);
    buf_free(&hold);
}

void finding_add(struct findings *to, const struct finding *x)
{
    struct buf line = {0};
    enum tool_exit cost = to->history ? TOOL_DAMAGED : x->cost;
    must(x->what && x->to >= x->from);
    to->worst = tool_worse(to->worst, cost);
    if (++to->count > FINDINGS_SAID_MAX)
        return;
    progress_bar_end(&to->tool->progress);
    put_place(&line, x);
    buf_printf(&line, "%s", x->what);
    put_rest(&line, x);
    struct say_field key = {x->has_key ? SAY_KIND_BYTES : SAY_KIND_NULL, "key", {.bytes = x->key}};
    struct say_field db = {x->has_db ? SAY_KIND_U64 : SAY_KIND_NULL, "db", {.u = x->db}};
    struct say_field number = {x->number ? SAY_KIND_U64 : SAY_KIND_NULL, "number",
                               {.u = x->number}};
    say_row(&to->tool->say, "faults",
            FIELDS(SAY_TEXT("result", tool_exit_name(cost)), SAY_TEXT("file", x->file),
                   SAY_U64("from", x->from), SAY_U64("to", x->to), SAY_TEXT("unit", x->unit),
                   number, SAY_TEXT("doing", x->doing), SAY_TEXT("what", x->what), db, key,
                   SAY_TEXT("costs", x->costs), SAY_U64("keys_lost", x->keys_lost),
                   SAY_U64("commands_lost", x->commands_lost), SAY_BOOL("history", to->history)),
            "%s%s", to->history ? "history: " : "", buf_cstr(&line));
    buf_free(&line);
}

void finding_fault(struct findings *to, const char *file, const struct fault *f)
{
    must(fault_is(f));
    finding_add(to, &(struct finding){.cost = tool_fault_exit(f->code), .file = file,
                                      .from = f->offset, .to = f->offset,
                                      .doing = f->doing, .what = f->what, .has_key = f->has_key,
                                      .key = f->has_key ? slice_str(f->key) : (struct slice){0}});
}

enum tool_exit findings_end(struct findings *to)
{
    say_fields(&to->tool->say, FIELDS(SAY_U64("faults_found", to->count)), NULL);
    if (to->count > FINDINGS_SAID_MAX)
        say_line(&to->tool->say, "... and %" PRIu64 " faults more", to->count - FINDINGS_SAID_MAX);
    return to->worst;
}
