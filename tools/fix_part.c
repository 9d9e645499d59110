/* SPDX-License-Identifier: BSD-3-Clause */
#include "tools/fix_part.h"

#include <inttypes.h>

#include "base/mem.h"
#include "base/must.h"
#include "base/num.h"
#include "format/aof_damage.h"
#include "os/file.h"
#include "tools/library_text.h"
#include "tools/log_base.h"
#include "tools/log_set.h"
#include "tools/log_write.h"

struct walk {
    struct fix *fix;
    size_t i;
    struct log_part part;
    struct log_reader r;
    struct log_writer w;
    bool writing, dropped;
    char *target;
    uint64_t db;
    bool db_lost;      /* a SELECT may have been left out */
    bool scanned, one_db; /* all SELECTs of the file name one database */
    uint64_t lost_from, lost_to, lost_commands; /* left out for that, not told yet; to 0: nothing */
    const struct log_command *now; /* whose keys are told */
    bool quiet_keys;
};

/* ---- telling ---- */

/* The nth of a list: programs get all, which wait in a file; people the first. */
static bool is_told(const struct fix *fix, uint64_t n)
{
    must(n > 0);
    return fix->tool->json || n <= FIX_LINES_MAX;
}

static void tell_key(struct walk *w, const char *list, const struct log_arg *key, enum key_use use,
                     const char *format)
{
    struct buf text = {0}, shown = {0}, name = {0};
    log_arg_text(&w->part.bytes, key, LOG_ARG_TEXT, &text);
    say_text(&shown, buf_slice(&text), 80);
    say_text(&name, w->now->argv[0], 40);
    say_row(&w->fix->tool->say, list,
            FIELDS(SAY_TEXT("file", w->part.part->name), SAY_U64("offset", w->now->at),
                   SAY_BYTES("command", w->now->argv[0]), SAY_TEXT("use", key_use_name(use)),
                   SAY_U64("db", w->db), SAY_BYTES("key", buf_slice(&text))), NULL);
    say_line(&w->fix->tool->say, format, buf_cstr(&name), buf_cstr(&shown), w->db,
             w->part.part->name, w->now->at);
    buf_free(&text);
    buf_free(&shown);
    buf_free(&name);
}

#define KEY_FORMAT "%s '%s' (database %" PRIu64 ") in %s at %" PRIu64

static void lost_key(void *arg, const struct log_arg *key, enum key_use use)
{
    struct walk *w = arg;
    if (use == KEY_READ)
        return;
    log_taint_add(&w->fix->taint, w->db, log_arg_hash(&w->part.bytes, key));
    if (is_told(w->fix, ++w->fix->keys))
        tell_key(w, "lost", key, use, "    left out: " KEY_FORMAT);
}

/* A command on libraries of functions has no keys that would tell of it. */
static void lost_function(struct walk *w)
{
    const struct log_command *c = w->now;
    struct slice verb = c->heads > 1 ? c->argv[1] : (struct slice){"", 0}, name = {"", 0};
    struct buf shown = {0}, word = {0};
    bool load = slice_eq_nocase(verb, "load");
    if (!slice_eq_nocase(c->argv[0], "function") || !is_told(w->fix, ++w->fix->functions))
        return;
    if (load && c->heads > 2)
        name = library_name(c->argv[c->heads - 1]);
    else if (slice_eq_nocase(verb, "delete") && c->heads > 2)
        name = c->argv[2];
    say_text(&word, verb, 20);
    say_text(&shown, name, 80);
    struct say_field named = {name.len ? SAY_KIND_BYTES : SAY_KIND_NULL, "name", {.bytes = name}};
    say_row(&w->fix->tool->say, "lost_functions",
            FIELDS(SAY_TEXT("file", w->part.part->name), SAY_U64("offset", c->at),
                   SAY_TEXT("command", buf_cstr(&word)), named),
            "    left out: FUNCTION %s%s%s%s in %s at %" PRIu64, buf_cstr(&word),
            name.len ? ", library '" : "", buf_cstr(&shown), name.len ? "'" : "",
            w->part.part->name, c->at);
    buf_free(&shown);
    buf_free(&word);
}

static void dependent_key(void *arg, const struct log_arg *key, enum key_use use)
{
    struct walk *w = arg;
    if (is_told(w->fix, ++w->fix->dependents))
        tell_key(w, "dependents", key, use, "    depends on what is missing: " KEY_FORMAT);
}

static void tell_range(struct walk *w, uint64_t from, uint64_t to, const char *what,
                       uint64_t commands, uint64_t doubtful)
{
    struct fix *fix = w->fix;
    char at[LOG_POSITION_TEXT];
    must(from < to);
    progress_bar_end(&fix->tool->progress);
    fix->bytes += to - from;
    fix->commands += commands;
    if (!is_told(fix, ++fix->skipped))
        return;
    say_row(&fix->tool->say, "skipped",
            FIELDS(SAY_TEXT("file", w->part.part->name), SAY_U64("from", from), SAY_U64("to", to),
                   SAY_TEXT("position", log_position(at, w->part.part, from)),
                   SAY_TEXT("what", what), SAY_U64("commands", commands),
                   SAY_U64("doubtful", doubtful)),
            "%s, bytes %" PRIu64 " to %" PRIu64 ": %s (%" PRIu64 " commands can be read in it)",
            w->part.part->name, from, to, what, commands);
    if (doubtful)
        say_line(&fix->tool->say, "    %" PRIu64 " commands behind it stand in front of another "
                 "fault: they may as well be text inside a value; --keep-doubtful keeps them",
                 doubtful);
}

/* ---- the new file ---- */

static uint64_t log_id(const struct walk *w)
{
    return w->r.session.id ? w->r.session.id : w->part.options.id;
}

/* What is left out begins at at: until there, nothing was. */
static bool begin_file(struct walk *w, uint64_t at, struct fault *f)
{
    const struct log_reader *r = &w->r;
    struct stat st;
    if (w->dropped)
        return true;
    w->dropped = w->fix->changes = true;
    w->target = w->fix->target(w->fix, w->i);
    if (!w->target)
        return true;
    if (!log_write_open(&w->w, w->target, f))
        return false;
    w->writing = true;
    if (file_stat(w->part.part->path, &st) == 0)
        file_set_attributes(w->w.fd, &st);
    must(at <= w->part.bytes.size);
    uint32_t seq = (uint32_t)(w->part.part->seq ? w->part.part->seq : r->session.seq);
    bool inside = r->in_batch; /* of a batch that is whole: it is to be a shorter one */
    log_write_copy(&w->w, &w->part.bytes, 0, inside ? r->batch_at : at);
    log_write_seal(&w->w, log_id(w), seq);
    if (inside && at > r->batch_body)
        log_write_unit(&w->w, &w->part.bytes, r->batch_body, at);
    return true;
}

static void keep(struct walk *w, uint64_t from, uint64_t to)
{
    if (w->writing && to > from)
        log_write_unit(&w->w, &w->part.bytes, from, to);
}

/* ---- databases ---- */

/* Goes over the file once more: does it ever select another database? */
static bool selects_one(struct walk *w)
{
    struct log_reader *r = mem_alloc(sizeof *r);
    struct log_unit u;
    enum log_item what;
    uint64_t db = w->db, now = w->db;
    if (w->scanned) {
        mem_free(r);
        return w->one_db;
    }
    w->scanned = w->one_db = true;
    struct log_options opt = w->part.options;
    opt.keep_doubtful = w->fix->keep_doubtful;
    log_read_open(r, &w->part.bytes, w->part.start, &opt);
    while (w->one_db && (what = log_read_next(r)) != LOG_END) {
        log_unit_begin(&u, r);
        while (what == LOG_UNIT && log_unit_next(&u, &r->command)) {
            log_db_follow(&now, &r->command);
            w->one_db = w->one_db && now == db;
        }
    }
    log_read_close(r);
    mem_free(r);
    return w->one_db;
}

/* ---- what is left out ---- */

static void tell_lost_stretch(struct walk *w)
{
    if (!w->lost_to)
        return;
    w->fix->unknown_db += w->lost_commands;
    tell_range(w, w->lost_from, w->lost_to,
               "the database is not known until the next SELECT (--keep-doubtful keeps them, for "
               "the one before)", w->lost_commands, 0);
    w->lost_to = w->lost_commands = 0;
}

/* The commands that can be read in what the reader stands at; true: nothing else is in it. */
static bool lose_commands(struct walk *w, uint64_t *commands, bool *selects)
{
    struct log_unit u;
    struct log_command *c = &w->r.command;
    uint64_t db = w->db;
    bool gap = false;
    *commands = 0;
    *selects = false;
    log_unit_begin(&u, &w->r);
    while (log_unit_next(&u, c)) {
        gap = gap || u.gap;
        ++*commands;
        log_db_follow(&w->db, c);
        *selects = *selects || w->db != db;
        w->now = c;
        lost_function(w);
        log_keys_each(&w->part.bytes, c, lost_key, w);
    }
    gap = gap || u.gap;
    if (gap)
        w->db = db;
    return !gap;
}

static uint64_t count_commands(struct walk *w)
{
    struct log_unit u;
    uint64_t n = 0;
    log_unit_begin(&u, &w->r);
    while (log_unit_next(&u, &w->r.command))
        n++;
    return n;
}

static bool is_last(const struct walk *w)
{
    return w->i + 1 == w->fix->source->count;
}

/* cost: what it says of the log. */
static bool drop_hole(struct walk *w, enum tool_exit cost, struct fault *f)
{
    const struct log_hole *h = &w->r.hole;
    uint64_t from = w->r.from, to = w->r.to, n;
    struct log_hole kept = *h;
    bool selects;
    tell_lost_stretch(w);
    if (!begin_file(w, from, f))
        return false;
    w->fix->worst = tool_worse(w->fix->worst, cost);
    if (kept.kind == HOLE_DOUBLED) {
        tell_range(w, from, to, "this block stands in front of itself once more: nothing is lost",
                   0, 0);
        return true;
    }
    n = count_commands(w);
    tell_range(w, from, to, kept.fault.what, n, kept.doubtful);
    bool complete = lose_commands(w, &n, &selects);
    if (!complete && (selects || (to < w->part.bytes.size && !selects_one(w))))
        w->db_lost = true;
    return true;
}

static bool drop_unit(struct walk *w, const char *why, struct fault *f)
{
    uint64_t n, from = w->r.from, to = w->r.to;
    bool selects;
    if (!begin_file(w, from, f))
        return false;
    w->fix->worst = tool_worse(w->fix->worst, TOOL_DAMAGED);
    n = count_commands(w);
    tell_range(w, from, to, why, n, 0);
    lose_commands(w, &n, &selects);
    return true;
}

/* ---- units ---- */

static void follow_unit(struct walk *w)
{
    struct log_unit u;
    struct log_command *c = &w->r.command;
    log_unit_begin(&u, &w->r);
    while (log_unit_next(&u, c)) {
        w->now = c;
        log_taint_follow(&w->fix->taint, &w->part.bytes, c, &w->db, dependent_key, w);
    }
}

/* Why the server would not run a command of it, and which; NULL. */
static const char *unit_fault(struct walk *w)
{
    struct log_unit u;
    const char *why = NULL;
    log_unit_begin(&u, &w->r);
    while (!why && log_unit_next(&u, &w->r.command))
        why = log_judge_command(&w->fix->judge, &w->part.bytes, &w->r.command);
    return why;
}

/* Its SELECTs tell the database again. */
static bool names_db(struct walk *w)
{
    struct log_unit u;
    log_unit_begin(&u, &w->r);
    bool any = false;
    while (!any && log_unit_next(&u, &w->r.command))
        any = slice_eq_nocase(w->r.command.argv[0], "select");
    return any && w->r.commands == 1;
}

static bool lose_for_db(struct walk *w, struct fault *f)
{
    uint64_t n;
    bool selects;
    if (!begin_file(w, w->r.from, f))
        return false;
    if (!w->lost_to)
        w->lost_from = w->r.from;
    w->lost_to = w->r.to;
    w->fix->worst = tool_worse(w->fix->worst, TOOL_LOSS);
    lose_commands(w, &n, &selects);
    w->lost_commands += n;
    return true;
}

static bool take_unit(struct walk *w, struct fault *f)
{
    if (w->db_lost && !w->fix->keep_doubtful && !names_db(w))
        return lose_for_db(w, f);
    w->db_lost = false;
    tell_lost_stretch(w);
    const char *why = unit_fault(w);
    if (why && w->fix->mode == FIX_TAIL) {
        log_judge_unloaded(&w->fix->judge, w->part.part, &w->r.command, why);
    } else if (why) {
        struct buf text = {0}, name = {0};
        say_text(&name, w->r.command.argv[0], 40);
        buf_printf(&text, "%s: %s%s", why, buf_cstr(&name),
                   w->r.commands > 1 ? ", and with it its transaction" : "");
        bool ok = drop_unit(w, buf_cstr(&text), f);
        buf_free(&text);
        buf_free(&name);
        return ok;
    }
    follow_unit(w);
    keep(w, w->r.from, w->r.to);
    return true;
}

/* ---- the file ---- */

/* Nothing behind it is concerned. */
static bool is_single(enum hole_kind kind)
{
    return kind != HOLE_DAMAGE && kind != HOLE_TORN;
}

static bool drop_as_it_is(struct walk *w, struct fault *f)
{
    return drop_hole(w, log_item_exit(&w->part, &w->r, LOG_HOLE, is_last(w)), f);
}

/* What it costs is said by itself; what is cut behind it is what this mode costs, and no fault of
 * the log. */
static bool drop_single(struct walk *w, struct fault *f)
{
    struct log_hole *h = &w->r.hole;
    bool ok = drop_as_it_is(w, f);
    w->r.from = w->r.to;
    w->r.commands = 0;
    h->kind = HOLE_DAMAGE;
    h->fault = (struct fault){0};
    fault_set(&h->fault, FAULT_FORMAT, "cut with what is wrong in front of it: --salvage keeps it");
    return ok;
}

/* All from the fault on goes, as with redis-check-aof --fix. */
static bool cut_tail(struct walk *w, struct fault *f)
{
    struct input_range range;
    struct in in;
    struct aof_damage d;
    struct buf text = {0};
    uint64_t size = w->part.bytes.size;
    must(is_last(w) && w->fix->mode == FIX_TAIL);
    bool ours = w->r.has_session;
    input_range_open(&range, &in, &w->part.input, w->r.from, size, 0);
    if (aof_damage_look(&in, w->r.from, ours ? &w->r.chain.id : NULL, &d) && (ours || d.rot)) {
        aof_damage_tell(&d, w->r.from, size, &text);
        say_line(&w->fix->tool->say, "%s", buf_cstr(&text));
    }
    in_free(&in);
    buf_free(&text);
    bool single = is_single(w->r.hole.kind), ok = !single || drop_single(w, f);
    enum tool_exit is = single ? TOOL_GOOD : log_item_exit(&w->part, &w->r, LOG_HOLE, true);
    w->r.to = size;
    w->r.hole.doubtful = 0;
    ok = ok && (w->r.from == size || drop_hole(w, is, f));
    w->fix->worst = tool_worse(w->fix->worst, d.rot ? TOOL_LOSS : is);
    return ok;
}

/* False with f: not in this way. *stop: nothing behind it is read. */
static bool take_hole(struct walk *w, bool *stop, struct fault *f)
{
    enum hole_kind kind = w->r.hole.kind;
    bool single = kind == HOLE_MALFORMED || kind == HOLE_STRAY || kind == HOLE_OPEN;
    if (w->fix->mode == FIX_SALVAGE || (w->fix->mode == FIX_SKIP && single))
        return drop_as_it_is(w, f);
    *stop = true;
    if (w->fix->mode == FIX_TAIL && is_last(w))
        return cut_tail(w, f);
    fault_set(f, tool_exit_fault(log_item_exit(&w->part, &w->r, LOG_HOLE, is_last(w))),
              "%s, offset %" PRIu64 ": %s. %s", w->part.part->name, w->r.from,
              w->r.hole.fault.what,
              w->fix->mode == FIX_SKIP ? "This is no single command: --salvage goes on behind it" :
              "This is not the end of the last file: --salvage goes on behind it");
    return false;
}

/* A byte was put right: the new file begins at the batch that it lies in. */
static bool take_mended(struct walk *w, struct fault *f)
{
    const struct fault *what = &w->r.hole.fault;
    tell_lost_stretch(w);
    if (!begin_file(w, w->r.from, f))
        return false;
    w->fix->worst = tool_worse(w->fix->worst, TOOL_DAMAGED);
    w->fix->mended++;
    progress_bar_end(&w->fix->tool->progress);
    if (is_told(w->fix, w->fix->mended))
        say_row(&w->fix->tool->say, "mended",
                FIELDS(SAY_TEXT("file", w->part.part->name), SAY_U64("offset", what->offset),
                       SAY_TEXT("what", what->what)), "%s: %s", w->part.part->name, what->what);
    return true;
}

/* The new file is what came out, plain. */
static bool take_cut(struct walk *w, struct fault *f)
{
    const char *what;
    enum tool_exit is = log_part_cut(&w->part, &what);
    if (is == TOOL_GOOD)
        return true;
    if (!begin_file(w, w->part.bytes.size, f))
        return false;
    w->fix->worst = tool_worse(w->fix->worst, is);
    if (is_told(w->fix, ++w->fix->mended))
        say_row(&w->fix->tool->say, "mended",
                FIELDS(SAY_TEXT("file", w->part.part->name),
                       SAY_U64("offset", w->part.bytes.size), SAY_TEXT("what", what)), "%s: %s",
                w->part.part->name, what);
    return true;
}

static bool walk_part(struct walk *w, struct fault *f)
{
    enum log_item what;
    bool ok = true, stop = false;
    struct log_options opt = w->part.options;
    opt.keep_doubtful = w->fix->keep_doubtful;
    log_read_open(&w->r, &w->part.bytes, w->part.start, &opt);
    while (ok && !stop && (what = log_read_next(&w->r)) != LOG_END) {
        if (what == LOG_UNIT)
            ok = take_unit(w, f);
        else if (what == LOG_HOLE)
            ok = take_hole(w, &stop, f);
        else if (what == LOG_MENDED)
            ok = take_mended(w, f);
        else
            keep(w, w->r.from, w->r.to);
        progress_bar_at(&w->fix->tool->progress, w->r.to);
    }
    tell_lost_stretch(w);
    ok = ok && take_cut(w, f);
    if (fault_is(&w->part.bytes.fault) && ok) {
        *f = w->part.bytes.fault;
        ok = false;
    }
    log_read_close(&w->r);
    return ok;
}

/* A base that says where it belongs must belong here: behind another base the commands of this log
 * would make another data set. */
static bool belongs(const struct fix *fix, size_t i, struct fault *f)
{
    const struct manifest_file *line = log_part_line(fix->source, i);
    const struct aof_origin *says = &fix->base_says;
    must(line);
    if (says->id && line->id && (says->id != line->id || says->seq != line->seq))
        fault_set(f, FAULT_INVALID, "%s is base %" PRId64 " of the log %016" PRIx64 ", not base %"
                  PRId64 " of %016" PRIx64, fix->base, says->seq, says->id, line->seq, line->id);
    return !fault_is(f);
}

/* What the file holds is not compared with what it takes the place of: that cannot be read. */
static bool replace_base(struct fix *fix, size_t i, char **made, uint64_t *size, struct fault *f)
{
    const struct source_part *part = &fix->source->parts[i];
    if (!log_part_base_ok(fix->base, &fix->base_says, f) || !belongs(fix, i, f))
        return false;
    say_line(&fix->tool->say, "%s: %s takes its place", part->name, fix->base);
    fix->replaced = fix->changes = true;
    fix->worst = tool_worse(fix->worst, TOOL_DAMAGED);
    char *target = fix->target(fix, i);
    if (target && !log_write_file(target, fix->base, part->path, size, f)) {
        mem_free(target);
        return false;
    }
    *made = target;
    return true;
}

/* How to go on where the base cannot be read; commands alone are no data set. */
static void tell_of_salvage(const struct fix *fix, size_t i)
{
    const struct source_part *part = &fix->source->parts[i];
    must(i < fix->source->count + fix->source->history);
    if (part->kind == PART_HISTORY && part->begins_with_rdb)
        say_line(&fix->tool->say, "%s is an RDB: holdfast salvage %s clean.rdb saves what is "
                 "whole in it, for its place in a copy of the directory", part->name, part->path);
    else if (part->kind == PART_BASE && part->begins_with_rdb)
        say_line(&fix->tool->say, "%s is an RDB: holdfast salvage %s clean.rdb saves what is "
                 "whole in it, and holdfast fix --base clean.rdb puts that in its place",
                 part->name, part->path);
}

/* An RDB that can be read, and that no server takes. */
static void look_at_base(struct fix *fix, size_t i)
{
    enum tool_exit is = log_base_refused(fix->tool, fix->source, i);
    if (is != TOOL_GOOD)
        tell_of_salvage(fix, i);
    fix->stays = tool_worse(fix->stays, is);
    fix->worst = tool_worse(fix->worst, is);
}

/* An increment without commands, which is part of any log, takes the place of one that is of
 * another log. One that only has another's name is worth more than that. */
static bool leave_other(struct walk *w, enum log_set_part is, const char *why, struct fault *f)
{
    const char *instead = w->part.part->kind == PART_BASE ? "--base puts the right one in its place"
                          : is == PART_MISPLACED ? "give the files the names that they had"
                          : w->fix->mode != FIX_SALVAGE ? "--salvage goes on without its commands"
                                                        : NULL;
    w->fix->worst = tool_worse(w->fix->worst, TOOL_LOSS);
    if (instead) {
        fault_set(f, FAULT_FORMAT, "%s: %s", why, instead);
        return false;
    }
    tell_range(w, 0, w->part.bytes.size, why, 0, 0);
    return begin_file(w, 0, f);
}

bool fix_part(struct fix *fix, size_t i, char **made, uint64_t *size, struct fault *f)
{
    struct walk *w = mem_zalloc(sizeof *w);
    *w = (struct walk){.fix = fix, .i = i};
    *made = NULL;
    must(i < fix->source->count + fix->source->history && !fault_is(f));
    if (fix->base && fix->source->parts[i].kind == PART_BASE) {
        mem_free(w);
        return replace_base(fix, i, made, size, f);
    }
    struct fault why = {0};
    bool ok = log_part_open(&w->part, fix->source, i, f);
    if (ok) {
        enum log_set_part is = log_set_part(fix->source, i, &fix->set, &why);
        if (is == PART_MEANT)
            look_at_base(fix, i);
        ok = is == PART_MEANT ? walk_part(w, f) : leave_other(w, is, why.what, f);
        if (w->writing && !ok)
            log_write_drop(&w->w);
        else if (w->writing)
            ok = log_write_end(&w->w, size, f);
        log_part_close(&w->part);
    } else if (f->code != FAULT_IO) {
        tell_of_salvage(fix, i);
    }
    if (ok && w->writing)
        *made = w->target;
    else
        mem_free(w->target);
    mem_free(w);
    return ok;
}
