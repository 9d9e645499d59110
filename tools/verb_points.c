/* SPDX-License-Identifier: BSD-3-Clause */
/* holdfast points: the moments that a log can be restored to. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/must.h"
#include "base/num.h"
#include "tools/log_judge.h"
#include "tools/log_keys.h"
#include "tools/log_line.h"
#include "tools/log_set.h"
#include "tools/verbs.h"

enum { MASS = 100, EVERY_S = 3600 };

struct options {
    uint64_t mass, every;
    const char *within;
};
static const struct tool_option options[] = {
    TOOL_OPTION("--mass", U64, "N", struct options, mass,
                "a run of DEL and UNLINK of so many keys is shown (100)"),
    TOOL_OPTION("--every", U64, "SECONDS", struct options, every,
                "so far apart times are shown at least (3600)"),
    TOOL_OPTION("--within", TEXT, "TIME", struct options, within,
                "only the places between the commands of that second"),
    {0}};

struct points {
    struct tool *tool;
    const struct options *o;
    struct log_line line;
    uint64_t shown, db;
    int64_t time_s, told_s;      /* -1: none yet */
    int64_t first_s;
    uint64_t deleted;            /* keys of the run that goes on */
    struct log_place deleted_at;
    bool damaged;
    int64_t damaged_seq;         /* the newest increment that is */
    bool only_within, inside;    /* of a second; inside: some of it was told, and not its end */
    int64_t within_s;
    struct log_judge judge;
    enum tool_exit worst; /* what its files are like: the log's is the judge's */
};

static void tell(struct points *p, const char *kind, size_t incr, uint64_t at, const char *what)
{
    char position[LOG_POSITION_TEXT], when[SAY_TIME_TEXT];
    const struct source_part *part = log_line_incr(&p->line, incr);
    const struct log_base *base = log_line_base(&p->line, incr);
    bool reachable = base && !(p->damaged && p->damaged_seq >= base->from);
    int64_t ms = p->time_s < 0 ? -1 : p->time_s * 1000;
    if (p->only_within && strcmp(kind, "within") != 0)
        return;
    p->shown++;
    log_position(position, part, at);
    say_row(&p->tool->say, "points",
            FIELDS(SAY_TEXT("kind", kind), SAY_TEXT("position", position), SAY_TIME("time", ms),
                   SAY_TEXT("file", part->name), SAY_BOOL("reachable", reachable),
                   SAY_TEXT("what", what)),
            "%-16s %-25s %s%s", position, ms < 0 ? "-" : say_time(when, ms), what,
            reachable ? "" : " (can't be reached: a file is missing, or damaged)");
}

/* ---- runs of deletions ---- */

static void end_run(struct points *p)
{
    char what[80];
    if (p->deleted >= p->o->mass) {
        snprintf(what, sizeof what, "before %" PRIu64 " keys are deleted in a row", p->deleted);
        tell(p, "mass-delete", p->deleted_at.incr, p->deleted_at.at, what);
    }
    p->deleted = 0;
}

static void look_at_command(struct points *p, size_t incr, const struct log_reader *r,
                            const struct log_command *c)
{
    struct aof_keys k;
    struct slice name = c->argv[0];
    bool del = slice_eq_nocase(name, "del") || slice_eq_nocase(name, "unlink");
    struct buf first = {0}, second = {0};
    char what[80];
    if (del) {
        if (!p->deleted)
            p->deleted_at = (struct log_place){incr, r->from};
        p->deleted += c->argc - 1;
        return;
    }
    if (slice_eq_nocase(name, "multi") || slice_eq_nocase(name, "exec"))
        return;
    log_db_follow(&p->db, c);
    if (slice_eq_nocase(name, "select"))
        return;
    end_run(p);
    aof_keys_of(c->argc, c->argv, c->heads, &k);
    if (k.scope == KEYS_NAMED)
        return;
    if (k.scope == KEYS_SWAPPED && c->heads > 2)
        snprintf(what, sizeof what, "before SWAPDB %s %s", say_text(&first, c->argv[1], 30),
                 say_text(&second, c->argv[2], 30));
    else if (k.scope == KEYS_DATABASE)
        snprintf(what, sizeof what, "before FLUSHDB of database %" PRIu64, p->db);
    else
        snprintf(what, sizeof what, "before FLUSHALL");
    tell(p, k.scope == KEYS_ALL ? "flushall" : k.scope == KEYS_DATABASE ? "flushdb" : "swapdb",
         incr, r->from, what);
    buf_free(&first);
    buf_free(&second);
}

/* ---- one second ---- */

static void look_within(struct points *p, size_t incr, const struct log_reader *r)
{
    const struct log_command *c = &r->command;
    struct buf name = {0}, key = {0};
    char what[160];
    if (!p->only_within || p->time_s != p->within_s)
        return;
    p->inside = true;
    if (r->commands == 1 && c->heads > 1)
        say_text(&key, c->argv[1], 60);
    if (r->commands > 1)
        snprintf(what, sizeof what, "before a transaction of %" PRIu64 " commands", r->commands);
    else
        snprintf(what, sizeof what, "before %s%s%s", say_text(&name, c->argv[0], 40),
                 key.len ? " " : "", buf_cstr(&key));
    tell(p, "within", incr, r->from, what);
    buf_free(&name);
    buf_free(&key);
}

static void end_within(struct points *p, size_t incr, uint64_t at)
{
    if (p->inside)
        tell(p, "within", incr, at, "all of this second");
    p->inside = false;
}

/* ---- */

static void begin_part(struct points *p, size_t incr)
{
    const struct source_part *part = log_line_incr(&p->line, incr);
    struct buf what = {0};
    end_run(p);
    p->db = 0;
    buf_printf(&what, "where %s begins", part->name);
    for (size_t i = 0; i < p->line.bases_count; i++)
        if (p->line.bases[i].from == part->seq && p->line.bases[i].part != SIZE_MAX)
            buf_printf(&what, ": what %s holds",
                       p->line.source->parts[p->line.bases[i].part].name);
    tell(p, "part", incr, 0, buf_cstr(&what));
    buf_free(&what);
}

static void look_at_time(struct points *p, size_t incr, const struct log_reader *r)
{
    if (r->time_s < 0 || r->time_s == p->time_s)
        return;
    int64_t every = (int64_t)p->o->every;
    end_within(p, incr, r->from);
    p->first_s = p->first_s < 0 ? r->time_s : p->first_s;
    p->time_s = r->time_s;
    if (p->told_s >= 0 && r->time_s - p->told_s < every)
        return;
    p->told_s = r->time_s;
    tell(p, "time", incr, r->from, "what came before this second");
}

static const char *how_to_mend(const struct source *s, const struct log_part *part)
{
    must(s && part);
    return part->part->kind == PART_HISTORY
               ? "damage in history: holdfast fix --salvage first"
           : part->other && s->kind == SOURCE_RDB
               ? "bytes that are no commands: holdfast salvage leaves them out"
               : "damage: holdfast fix first";
}

static bool visit(void *arg, size_t incr, struct log_part *part, struct log_reader *r,
                  enum log_item what)
{
    struct points *p = arg;
    struct log_unit u;
    log_judge_item(&p->judge, part, r, what, incr + 1 == p->line.count);
    if (r->items == 1)
        begin_part(p, incr);
    if (what == LOG_NOTE)
        look_at_time(p, incr, r);
    if (what == LOG_HOLE || what == LOG_MENDED) {
        end_run(p);
        tell(p, "damage", incr, r->from, how_to_mend(p->line.source, part));
        bool torn = what == LOG_HOLE && r->hole.kind == HOLE_TORN;
        if (!torn || incr + 1 < p->line.count) {
            p->damaged = true;
            p->damaged_seq = part->part->seq;
        }
    }
    if (what == LOG_UNIT)
        look_within(p, incr, r);
    log_unit_begin(&u, r);
    while (what == LOG_UNIT && log_unit_next(&u, &r->command))
        look_at_command(p, incr, r, &r->command);
    if (what == LOG_END) {
        end_run(p);
        if (incr + 1 == p->line.count)
            end_within(p, incr, r->next);
        if (incr + 1 == p->line.count)
            tell(p, "end", incr, r->next, "all there is");
    }
    progress_bar_at(&p->tool->progress, r->to);
    return true;
}

/* False: there is nothing that any moment could begin with. */
static bool try_bases(struct points *p)
{
    bool some = p->line.bases_count == 0;
    for (size_t i = 0; i < p->line.bases_count; i++) {
        enum tool_exit is = log_line_try(&p->line, p->tool, i);
        p->worst = tool_worse(p->worst, is);
        some = some || !p->line.bases[i].refused || p->line.bases[i].part != SIZE_MAX;
    }
    return some;
}

static int run(struct tool *t, void *state)
{
    struct options *o = state;
    struct source s;
    struct fault f = {0};
    struct points p = {.tool = t, .o = o, .time_s = -1, .told_s = -1, .first_s = -1};
    if (o->within && !tool_time(o->within, &p.within_s))
        return (int)tool_usage(t, "--within %s: this is no time", o->within);
    p.only_within = o->within != NULL;
    p.within_s /= 1000;
    if (!source_find(&s, t->args[0], &(struct source_options){0}, &f))
        return (int)tool_fault(t, &f);
    o->mass = o->mass ? o->mass : MASS;
    o->every = o->every ? o->every : EVERY_S;
    log_line_begin(&p.line, &s);
    log_judge_begin(&p.judge, t);
    p.worst = log_set_tell(t, &s);
    say_list(&t->say, "points");
    progress_bar_begin(&t->progress, "points", source_bytes(&s));
    bool ok = source_some(&s, &f) && source_keep(&s, &f); /* what it begins with is read apart */
    bool some = ok && try_bases(&p);
    ok = ok && (!some || log_line_walk(&p.line, 0, visit, &p, &f));
    progress_bar_end(&t->progress);
    int64_t first = p.first_s < 0 ? -1 : p.first_s * 1000, last = p.first_s < 0 ? -1
                                                                               : p.time_s * 1000;
    say_fields(&t->say, FIELDS(SAY_U64("count", p.shown), SAY_TIME("first_time", first),
                               SAY_TIME("last_time", last)), NULL);
    if (ok && (p.shown || p.only_within) && first < 0)
        say_line(&t->say, "No times stand in this log (aof-timestamp-enabled yes writes them)");
    else if (ok && !p.shown && p.only_within)
        say_line(&t->say, "No command of that second stands in the log");
    else if (ok && some && !p.shown)
        say_line(&t->say, "%s holds no increments", s.path);
    p.worst = tool_worse(p.worst, log_judge_end(&p.judge));
    int code = ok ? (int)p.worst : (int)tool_fault(t, &f);
    log_line_free(&p.line);
    source_free(&s);
    return code;
}

const struct verb verb_points = {
    .name = "points",
    .does = "lists the moments that a log can be restored to",
    .args = "DIR|FILE",
    .example = "  holdfast points /var/lib/redis\n"
               "  holdfast points /var/lib/redis --every 60 --mass 10\n"
               "  holdfast points /var/lib/redis --within 2026-11-29T14:02:59Z",
    .text = "A position is the number of an increment and an offset in it, as restore --to takes "
            "them. History is included, as far as its files are there. The log tells of whole "
            "seconds: what came first within one, and where to cut, --within lists.",
    .options = options,
    .state_size = sizeof(struct options),
    .args_min = 1,
    .args_max = 1,
    .run = run,
};
