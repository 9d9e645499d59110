/* SPDX-License-Identifier: BSD-3-Clause */
/* holdfast restore: a base, the increments behind it, and the last one cut in front of a unit. No
 * command is run. The part that is cut keeps its bytes up to the batch in which the cut lies; what
 * is left of that one gets a new line. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/must.h"
#include "base/num.h"
#include "tools/log_judge.h"
#include "tools/log_keys.h"
#include "tools/log_line.h"
#include "tools/log_write.h"
#include "tools/new_dir.h"
#include "tools/verbs.h"

struct options {
    const char *to;
    bool dry_run;
};
static const struct tool_option options[] = {
    TOOL_OPTION("--to", TEXT, "TIME|SEQ:OFFSET|before-last:COMMAND", struct options, to,
                "the moment; holdfast points lists them"),
    TOOL_OPTION("--dry-run", FLAG, NULL, struct options, dry_run,
                "only tell which keys are touched behind it"),
    {0}};

/* The last of what makes a server refuse the log, of a kind. */
struct log_damage {
    bool any;
    struct log_place at;
    char what[320]; /* how to go on, too */
};
enum { KIND_DAMAGED, KIND_LOSS, KINDS };
enum wanted { TO_TIME, TO_POSITION, TO_BEFORE };
struct restore {
    struct tool *tool;
    const struct options *o;
    struct source source;
    struct log_line line;
    enum wanted wanted;
    int64_t time_ms, seq;
    uint64_t offset;
    struct slice command;
    bool found, any_time;
    struct log_place place;  /* the first unit or annotation that goes */
    int64_t first_s, last_s, taken_s; /* taken_s: the last that is not later than time_ms */
    struct log_place second_from, second_to; /* the commands of the second that was asked for */
    uint64_t second_commands;                /* 0: there are none */
    bool no_place;           /* the position lies behind its increment's end, */
    uint64_t ends_at;        /* which is here */
    uint64_t torn_at;        /* where the newest increment is cut off; 0 */
    bool tell;          /* which moments there are */
    struct buf options; /* that a server needs to find what was made */
    uint64_t *sizes;    /* of each increment that was read, as positions count; 0: it was not */
    bool all_read;      /* up to the log's end */
    enum tool_exit worst; /* what is wrong around the parts that were read */
    struct log_judge judge;
    struct log_damage damage[KINDS], before[KINDS]; /* what was read; in front of place */
    /* --dry-run: */
    struct log_taint touched;
    uint64_t db, said, commands;
    const struct log_command *now;
    struct log_bytes *bytes;
    size_t now_incr;
};

/* ---- which place ---- */

static bool parse_to(struct restore *x, const char *to, struct fault *f)
{
    static const char before[] = "before-last:";
    const char *colon = strchr(to, ':');
    if (strncmp(to, before, sizeof before - 1) == 0 && to[sizeof before - 1]) {
        x->wanted = TO_BEFORE;
        x->command = slice_str(to + sizeof before - 1);
    } else if (colon && num_parse_i64(slice(to, (size_t)(colon - to)), &x->seq) &&
               num_parse_u64(slice_str(colon + 1), &x->offset)) {
        x->wanted = TO_POSITION;
    } else if (tool_time(to, &x->time_ms)) {
        x->wanted = TO_TIME;
    } else {
        fault_set(f, FAULT_INVALID, "--to %s: no time, no position and no before-last:COMMAND", to);
        return false;
    }
    return true;
}

static void found(struct restore *x, size_t incr, uint64_t at)
{
    must(incr < x->line.count);
    x->found = true;
    x->place = (struct log_place){incr, at};
    memcpy(x->before, x->damage, sizeof x->before);
}

/* ---- what a server would refuse ---- */

static void note_damage(struct restore *x, size_t incr, uint64_t at, enum tool_exit is,
                        const char *what, const char *then)
{
    struct log_damage *d = &x->damage[is == TOOL_DAMAGED ? KIND_DAMAGED : KIND_LOSS];
    must(is != TOOL_GOOD && incr < x->line.count);
    *d = (struct log_damage){.any = true, .at = {incr, at}};
    snprintf(d->what, sizeof d->what, "%.240s: holdfast %s first", what, then);
}

static void look_at_unit(struct restore *x, size_t incr, struct log_part *p, struct log_reader *r)
{
    struct log_unit u;
    log_unit_begin(&u, r);
    while (log_unit_next(&u, &r->command)) {
        struct buf what = {0}, name = {0};
        const char *why = log_judge_command(&x->judge, &p->bytes, &r->command);
        if (!why)
            continue;
        buf_printf(&what, "%s: %s", why, say_text(&name, r->command.argv[0], 40));
        note_damage(x, incr, r->from, TOOL_DAMAGED, buf_cstr(&what),
                    p->part->kind == PART_HISTORY ? "fix --salvage" : "fix --skip");
        buf_free(&what);
        buf_free(&name);
    }
}

/* One that is shorter than it was ends where a command does, or is torn, too. */
static void look_at_size(struct restore *x, size_t incr, const struct log_part *p)
{
    char what[100];
    uint64_t lost = log_part_lost(&x->source, x->line.incrs[incr]);
    if (!lost)
        return;
    snprintf(what, sizeof what, "%" PRIu64 " bytes that it had by the manifest are gone", lost);
    note_damage(x, incr, p->bytes.size, TOOL_LOSS, what, "fix --salvage");
}

static bool holds(struct restore *x, struct log_reader *r)
{
    struct log_unit u;
    log_unit_begin(&u, r);
    while (log_unit_next(&u, &r->command)) {
        struct slice name = r->command.argv[0];
        if (name.len == x->command.len &&
            strncasecmp(name.data, x->command.data, name.len) == 0)
            return true;
    }
    return false;
}

/* The log tells of whole seconds, in front of the first command of each. */
static bool is_later(struct restore *x, size_t incr, const struct log_reader *r,
                     enum log_item what)
{
    int64_t asked_s = x->time_ms / 1000;
    if (what == LOG_UNIT && x->last_s == asked_s) {
        if (!x->second_commands)
            x->second_from = (struct log_place){incr, r->from};
        x->second_commands += r->commands;
        x->second_to = (struct log_place){incr, r->to};
    }
    if (what != LOG_NOTE || r->time_s < 0)
        return false;
    x->any_time = true;
    x->first_s = x->first_s < 0 ? r->time_s : x->first_s;
    x->last_s = r->time_s;
    if (r->time_s <= asked_s)
        x->taken_s = r->time_s;
    return r->time_s > asked_s;
}

/* True: this item is the first that goes, and no later one can be. */
static bool is_it(struct restore *x, size_t incr, struct log_reader *r, enum log_item what)
{
    switch (x->wanted) {
    case TO_TIME:
        return is_later(x, incr, r, what);
    case TO_POSITION:
        return log_line_incr(&x->line, incr)->seq == x->seq && r->to > x->offset &&
               ((what != LOG_HOLE && what != LOG_MENDED) || r->from == x->offset);
    case TO_BEFORE:
        if (what == LOG_UNIT && holds(x, r))
            found(x, incr, r->from);
        return false;
    }
    return false;
}

/* What is lost in it begins with a command, if one can be read. */
static void look_at_hole(struct restore *x, size_t incr, struct log_part *p, struct log_reader *r,
                         enum log_item item)
{
    struct buf what = {0}, name = {0}, key = {0};
    struct log_unit u;
    bool other = p->other && x->source.kind == SOURCE_RDB;
    buf_printf(&what, "%s", r->hole.fault.what);
    enum tool_exit is = log_item_exit(p, r, item, incr + 1 == x->line.count);
    if (item == LOG_HOLE)
        log_unit_begin(&u, r);
    if (item == LOG_HOLE && log_unit_next(&u, &r->command)) {
        const struct log_command *c = &r->command;
        buf_printf(&what, "; in it, at %" PRIu64 ", %s", c->at, say_text(&name, c->argv[0], 40));
        if (c->heads > 1)
            buf_printf(&what, " %s", say_text(&key, c->argv[1], 40));
    }
    note_damage(x, incr, r->from, is, buf_cstr(&what), other ? "salvage" : "fix --salvage");
    buf_free(&what);
    buf_free(&name);
    buf_free(&key);
}

static bool search(void *arg, size_t incr, struct log_part *p, struct log_reader *r,
                   enum log_item what)
{
    struct restore *x = arg;
    if (r->items == 1)
        x->worst = tool_worse(x->worst, log_part_tell_cut(x->tool, p));
    x->sizes[incr] = p->bytes.size;
    if (what == LOG_UNIT)
        look_at_unit(x, incr, p, r);
    bool torn = what == LOG_HOLE && r->hole.kind == HOLE_TORN && incr + 1 == x->line.count;
    if (torn)
        x->torn_at = r->from;
    else if (what == LOG_HOLE || what == LOG_MENDED)
        look_at_hole(x, incr, p, r, what);
    progress_bar_at(&x->tool->progress, r->to);
    if (what == LOG_END) {
        look_at_size(x, incr, p);
        x->all_read = incr + 1 == x->line.count;
        bool here = x->wanted == TO_POSITION && log_line_incr(&x->line, incr)->seq == x->seq;
        x->no_place = here && x->offset > p->bytes.size;
        x->ends_at = p->bytes.size;
        if (here || (x->wanted == TO_TIME && incr + 1 == x->line.count && x->any_time))
            found(x, incr, x->torn_at ? x->torn_at : r->next);
        return !here;
    }
    if (!is_it(x, incr, r, what))
        return true;
    found(x, incr, r->from);
    return false;
}

/* Up to where positions go: of what is packed, or came through a pipe, only its reader knows. */
static struct say_field size_of(const struct restore *x, size_t incr)
{
    const struct source_part *p = log_line_incr(&x->line, incr);
    bool known = x->sizes[incr] || (p->compression == COMPRESSION_NONE && !p->opened);
    struct say_field f = {known ? SAY_KIND_U64 : SAY_KIND_NULL, "size",
                          {.u = x->sizes[incr] ? x->sizes[incr] : p->size}};
    return f;
}

/* What could have been asked for. */
static void tell_moments(struct restore *x)
{
    char from[SAY_TIME_TEXT], to[SAY_TIME_TEXT];
    say_line(&x->tool->say, "What there is:");
    for (size_t i = 0; i < x->line.count; i++) {
        const struct source_part *p = log_line_incr(&x->line, i);
        bool ok = log_line_base(&x->line, i);
        struct say_field size = size_of(x, i);
        char end[40] = "? (its end was not read)";
        if (size.kind != SAY_KIND_NULL)
            snprintf(end, sizeof end, "%" PRIu64, size.u);
        say_row(&x->tool->say, "moments",
                FIELDS(SAY_I64("increment", p->seq), SAY_TEXT("file", p->name), size,
                       SAY_BOOL("reachable", ok)),
                "    %" PRId64 ":0 to %" PRId64 ":%s (%s)%s", p->seq, p->seq, end, p->name,
                ok ? "" : " can't be reached: a file is missing, or damaged");
    }
    if (!x->any_time)
        return;
    say_time(from, x->first_s * 1000);
    if (x->all_read)
        say_line(&x->tool->say, "    times from %s to %s", from, say_time(to, x->last_s * 1000));
    else /* nobody has looked for the last one */
        say_line(&x->tool->say, "    times from %s on", from);
}

/* The newest base that the place is reached from and that a server starts from: of a damaged one
 * it is said, and the one in front of it is tried. *is: the worst of those; NULL: there is none. */
static const struct log_base *choose_base(struct restore *x, enum tool_exit *is)
{
    const struct log_base *b;
    *is = TOOL_GOOD;
    while ((b = log_line_base(&x->line, x->place.incr))) {
        *is = tool_worse(*is, log_line_try(&x->line, x->tool, (size_t)(b - x->line.bases)));
        if (!b->refused)
            break;
    }
    if (b && *is != TOOL_GOOD) /* of that moment nothing is lost */
        x->worst = tool_worse(x->worst, TOOL_DAMAGED);
    return b;
}

/* What lies in front of the base that it begins with is of no account. */
static bool is_behind(const struct restore *x, const struct log_damage *d)
{
    const struct log_place *at = &d->at;
    must(x->found);
    const struct log_base *b = log_line_base(&x->line, x->place.incr);
    return d->any && (!b || log_line_incr(&x->line, at->incr)->seq >= b->from) &&
           (at->incr < x->place.incr || at->at < x->place.at);
}

/* The worst in front of the moment; NULL: a server loads what is made. */
static const struct log_damage *damage_in_front(const struct restore *x, enum tool_exit *is)
{
    *is = TOOL_LOSS;
    if (is_behind(x, &x->before[KIND_LOSS]))
        return &x->before[KIND_LOSS];
    *is = TOOL_DAMAGED;
    return is_behind(x, &x->before[KIND_DAMAGED]) ? &x->before[KIND_DAMAGED] : NULL;
}

/* What a start would load is damage when it is gone; history is not. */
static enum fault_code absence(const struct source *s)
{
    for (size_t i = 0; i < s->count; i++)
        if (s->parts[i].missing)
            return FAULT_FORMAT;
    return FAULT_INVALID;
}

/* A base that the moment takes, that no server starts from, and that is history; NULL: it is
 * the log's own. */
static const struct source_part *bad_history(const struct restore *x)
{
    const struct source_part *found = NULL;
    must(x->found);
    for (size_t i = 0; i < x->line.bases_count; i++) {
        const struct log_base *b = &x->line.bases[i];
        if (!b->refused)
            continue;
        if (b->part < x->source.count || b->part == SIZE_MAX)
            return NULL;
        found = &x->source.parts[b->part];
    }
    return found;
}

static void refuse_base(const struct restore *x, enum tool_exit is, struct fault *f)
{
    const struct source_part *old = bad_history(x);
    if (old && !old->begins_with_rdb)
        fault_set(f, tool_exit_fault(is), "No server starts from the base that it takes, which is "
                  "history: holdfast fix --salvage first, which mends %s", old->name);
    else if (old) /* fix --base is for the base that a start loads */
        fault_set(f, tool_exit_fault(is), "No server starts from the base that it takes, which is "
                  "history: holdfast salvage %s clean.rdb first, and clean.rdb in its place in a "
                  "copy of the directory", old->name);
    else
        fault_set(f, tool_exit_fault(is), "No server starts from the base that it takes: holdfast "
                  "salvage and fix --base first; where it is commands, fix --salvage");
}

static void check_base(struct restore *x, struct fault *f)
{
    enum tool_exit is, worst;
    const struct log_base *b = choose_base(x, &is);
    const struct log_damage *d = damage_in_front(x, &worst);
    if (d)
        fault_set(f, tool_exit_fault(worst), "%s is damaged at offset %" PRIu64 ", in front of "
                  "that moment: %s", log_line_incr(&x->line, d->at.incr)->name, d->at.at, d->what);
    else if (!b && is != TOOL_GOOD)
        refuse_base(x, is, f);
    else if (!b)
        fault_set(f, absence(&x->source), "A file that it takes is not there any more.");
}

/* Why the log may begin later than was asked for. */
static const char *no_history(const struct source *s)
{
    bool gone = s->kind == SOURCE_SET && s->manifest.base.name && !s->history;
    return gone ? " (no history is here: a backup takes none along, and a server keeps it with "
                  "aof-keep-history only)" : "";
}

static bool check_place(struct restore *x, struct fault *f)
{
    const char *why = no_history(&x->source);
    bool early = x->wanted == TO_TIME && x->any_time && x->found &&
                 x->time_ms / 1000 < x->first_s;
    if (x->wanted == TO_TIME && !x->any_time)
        fault_set(f, FAULT_INVALID, "No times stand in this log: name a position, as points "
                  "lists them");
    else if (early)
        fault_set(f, FAULT_INVALID, "The log begins later than that%s", why);
    else if (!x->found && x->wanted == TO_BEFORE)
        fault_set(f, absence(&x->source), "There is no %.*s in the log%s",
                  SLICE_ARG(x->command), why);
    else if (!x->found)
        fault_set(f, absence(&x->source), "There is no increment %" PRId64 "%s", x->seq,
                  why);
    else if (x->no_place && x->worst == TOOL_GOOD) /* else the end is not known */
        fault_set(f, FAULT_INVALID, "%" PRId64 ":%" PRIu64 " is no place: %s ends at %" PRIu64 ".",
                  x->seq, x->offset, log_line_incr(&x->line, x->place.incr)->name, x->ends_at);
    else
        check_base(x, f);
    x->tell = fault_is(f);
    return !fault_is(f);
}

/* All there is was asked for, and the newest increment had more: that moment is made of what is
 * left, as a server would start with it. */
static void check_end(struct restore *x)
{
    const struct log_damage *d = &x->damage[KIND_LOSS];
    must(x->found);
    if (x->wanted == TO_TIME && x->all_read && d->any && d->at.incr + 1 == x->line.count &&
        d->at.at == x->place.at)
        x->worst = tool_worse(x->worst, tool_tell(x->tool, TOOL_LOSS, "%s: %s",
                                                  log_line_incr(&x->line, d->at.incr)->name,
                                                  d->what));
}

/* ---- the keys behind it ---- */

static void touch(void *arg, const struct log_arg *key, enum key_use use)
{
    enum { ROWS = 100000 };
    struct restore *x = arg;
    char at[LOG_POSITION_TEXT];
    size_t before = x->touched.count;
    if (use == KEY_READ)
        return;
    log_taint_add(&x->touched, x->db, log_arg_hash(x->bytes, key));
    if (x->touched.count == before || ++x->said > ROWS)
        return;
    struct buf text = {0}, shown = {0}, name = {0};
    log_arg_text(x->bytes, key, LOG_ARG_TEXT, &text);
    say_text(&shown, buf_slice(&text), 80);
    say_text(&name, x->now->argv[0], 40);
    log_position(at, log_line_incr(&x->line, x->now_incr), x->now->at);
    say_row(&x->tool->say, "keys",
            FIELDS(SAY_U64("db", x->db), SAY_BYTES("key", buf_slice(&text)),
                   SAY_BYTES("command", x->now->argv[0]), SAY_TEXT("position", at)),
            "%s (database %" PRIu64 "): %s at %s", buf_cstr(&shown), x->db, buf_cstr(&name), at);
    buf_free(&text);
    buf_free(&shown);
    buf_free(&name);
}

static bool visit_behind(void *arg, size_t incr, struct log_part *p, struct log_reader *r,
                         enum log_item what)
{
    struct restore *x = arg;
    struct log_unit u;
    char at[LOG_POSITION_TEXT];
    if (r->items == 1)
        x->db = 0;
    x->bytes = &p->bytes;
    x->now_incr = incr;
    log_unit_begin(&u, r);
    while (what == LOG_UNIT && log_unit_next(&u, &r->command)) {
        log_db_follow(&x->db, &r->command);
        if (incr == x->place.incr && r->from < x->place.at)
            continue;
        x->commands++;
        x->now = &r->command;
        enum key_scope scope = log_keys_each(&p->bytes, &r->command, touch, x);
        if (scope == KEYS_NAMED)
            continue;
        log_position(at, log_line_incr(&x->line, incr), r->command.at);
        say_row(&x->tool->say, "databases",
                FIELDS(SAY_BYTES("command", r->command.argv[0]), SAY_U64("db", x->db),
                       SAY_TEXT("position", at)),
                "all keys: %.*s (database %" PRIu64 ") at %s", SLICE_ARG(r->command.argv[0]),
                x->db, at);
    }
    return true;
}

static bool dry_run(struct restore *x, struct fault *f)
{
    log_taint_begin(&x->touched);
    say_list(&x->tool->say, "keys");
    say_list(&x->tool->say, "databases");
    bool ok = log_line_walk(&x->line, x->place.incr, visit_behind, x, f);
    if (ok)
        say_fields(&x->tool->say,
                   FIELDS(SAY_U64("keys_touched", x->touched.count),
                          SAY_U64("commands_behind", x->commands),
                          SAY_BOOL("keys_complete", !x->touched.full)),
                   "%s%zu keys are touched by %" PRIu64 " commands behind that moment",
                   x->touched.full ? "more than " : "", x->touched.count, x->commands);
    log_taint_free(&x->touched);
    return ok;
}

/* ---- writing it ---- */

/* The part up to the item at x->place, in front of which it is cut. */
static bool write_cut(struct restore *x, const char *path, struct fault *f)
{
    struct log_part *p = mem_alloc(sizeof *p);
    struct log_reader *r = mem_alloc(sizeof *r);
    struct log_writer w;
    uint64_t size;
    bool ok = log_part_open(p, &x->source, x->line.incrs[x->place.incr], f);
    if (ok) {
        log_read_open(r, &p->bytes, p->start, &p->options);
        while (log_read_next(r) != LOG_END && r->from < x->place.at)
            ;
        bool inside = r->in_batch && r->from > r->batch_body;
        uint64_t whole = r->in_batch ? r->batch_at : r->from;
        must(r->from == x->place.at || whole == p->bytes.size);
        ok = log_write_open(&w, path, f);
        if (ok) {
            log_write_copy(&w, &p->bytes, 0, whole);
            log_write_seal(&w, r->session.id ? r->session.id : p->options.id, (uint32_t)(
                p->part->seq ? p->part->seq : r->session.seq));
            if (inside)
                log_write_unit(&w, &p->bytes, r->batch_body, r->from);
            ok = log_write_end(&w, &size, f);
        }
        log_read_close(r);
        log_part_close(p);
    }
    mem_free(p);
    mem_free(r);
    return ok;
}

static void add_line(struct manifest *m, const struct restore *x, size_t part, bool base, bool last)
{
    const struct source_part *p = &x->source.parts[part];
    const struct manifest_file *line = log_part_line(&x->source, part);
    struct manifest_file *to;
    if (base) {
        manifest_set_base(m, p->name, p->seq);
        to = &m->base;
        to->from = line ? line->from : 0;
    } else {
        manifest_add_incr(m, p->name, p->seq);
        to = &m->incr.files[m->incr.count - 1];
    }
    to->id = line ? line->id : 0;
    to->size = line && !last ? line->size : -1;
}

/* A set: base, increments, and the one that is cut. */
static bool write_set(struct restore *x, struct new_dir *d, struct manifest *m, struct fault *f)
{
    const struct log_base *b = log_line_base(&x->line, x->place.incr);
    const struct source *s = &x->source;
    must(b); /* check_place */
    bool ok = true;
    if (b->part != SIZE_MAX) {
        ok = new_dir_copy(d, s->parts[b->part].path, s->parts[b->part].name, f);
        add_line(m, x, b->part, true, false);
    }
    for (size_t i = 0; ok && i <= x->place.incr; i++) {
        const struct source_part *p = log_line_incr(&x->line, i);
        bool last = i == x->place.incr;
        if (p->seq < b->from)
            continue;
        char *path = new_dir_path(d, p->name);
        ok = last ? write_cut(x, path, f) : new_dir_copy(d, p->path, p->name, f);
        add_line(m, x, x->line.incrs[i], false, last);
        mem_free(path);
    }
    return ok;
}

static bool write_all(struct restore *x, const char *out, struct fault *f)
{
    static const char file_stem[] = "appendonly.aof";
    struct manifest m = {0};
    struct buf text = {0}, name = {0};
    struct new_dir d;
    bool set = x->source.kind == SOURCE_SET;
    char *real = set ? realpath(x->source.dir, NULL) : NULL;
    const char *slash = real ? strrchr(real, '/') : NULL;
    bool ok = new_dir_begin(&d, out, slash && slash[1] ? slash + 1 : "appendonlydir", f);
    free(real);
    if (!ok)
        return false;
    if (set) {
        slash = strrchr(x->source.path, '/');
        buf_printf(&name, "%s", slash ? slash + 1 : x->source.path);
        ok = write_set(x, &d, &m, f);
    } else {
        buf_printf(&name, "%s.manifest", file_stem);
        manifest_set_base(&m, "appendonly.aof.1.base.aof", 1);
        char *path = new_dir_path(&d, m.base.name);
        ok = write_cut(x, path, f);
        mem_free(path);
    }
    manifest_print(&m, &text);
    ok = ok && new_dir_text(&d, buf_cstr(&name), buf_slice(&text), f);
    new_dir_options(&d, buf_cstr(&name), &x->options);
    if (ok)
        ok = new_dir_end(&d, f);
    else
        new_dir_drop(&d);
    manifest_free(&m);
    buf_free(&text);
    buf_free(&name);
    return ok;
}

/* ---- */

/* Within a second nothing tells of an order but the positions. */
static void tell_second(struct restore *x)
{
    char from[LOG_POSITION_TEXT], to[LOG_POSITION_TEXT], asked[SAY_TIME_TEXT], last[SAY_TIME_TEXT];
    struct say *s = &x->tool->say;
    int64_t asked_ms = x->time_ms / 1000 * 1000;
    say_time(asked, asked_ms);
    say_time(last, x->taken_s * 1000);
    if (!x->second_commands) {
        say_fields(s, FIELDS(SAY_TIME("time_taken", x->taken_s * 1000),
                             SAY_U64("second_commands", 0)),
                   "No command of the second %s stands in the log: the last ones taken are of %s",
                   asked, last);
        return;
    }
    log_position(from, log_line_incr(&x->line, x->second_from.incr), x->second_from.at);
    log_position(to, log_line_incr(&x->line, x->second_to.incr), x->second_to.at);
    say_fields(s, FIELDS(SAY_TIME("time_taken", x->taken_s * 1000),
                         SAY_U64("second_commands", x->second_commands),
                         SAY_TEXT("second_from", from), SAY_TEXT("second_to", to)),
               "The log tells of whole seconds: all %" PRIu64 " commands of %s are taken, from %s "
               "to %s; holdfast points --within @%" PRId64 " lists the positions between them",
               x->second_commands, asked, from, to, asked_ms / 1000);
}

static int restore(struct restore *x, const char *out, struct fault *f)
{
    char at[LOG_POSITION_TEXT];
    struct tool *t = x->tool;
    log_line_begin(&x->line, &x->source);
    x->sizes = mem_zalloc((x->line.count + 1) * sizeof *x->sizes);
    log_judge_begin(&x->judge, t);
    progress_bar_begin(&t->progress, "restore", source_bytes(&x->source));
    bool ok = source_some(&x->source, f) && source_keep(&x->source, f) &&
              log_line_walk(&x->line, 0, search, x, f) && check_place(x, f);
    if (ok) {
        check_end(x);
        const struct source_part *p = log_line_incr(&x->line, x->place.incr);
        const struct log_base *b = log_line_base(&x->line, x->place.incr);
        log_position(at, p, x->place.at);
        say_fields(&t->say, FIELDS(SAY_TEXT("position", at), SAY_TEXT("file", p->name),
                                   SAY_TEXT("base", b->part == SIZE_MAX ? NULL :
                                            x->source.parts[b->part].name)),
                   "The moment is %s: the first %" PRIu64 " bytes of %s%s%s", at, x->place.at,
                   p->name, b->part == SIZE_MAX ? "" : ", from base ",
                   b->part == SIZE_MAX ? "" : x->source.parts[b->part].name);
        if (x->wanted == TO_TIME)
            tell_second(x);
        if (x->wanted == TO_POSITION && x->offset > x->place.at) /* behind it: no command begins */
            say_line(&t->say, "%" PRIu64 " is no place between commands or transactions: the last "
                     "one in front of it is taken", x->offset);
        ok = x->o->dry_run ? dry_run(x, f) : write_all(x, out, f);
    }
    progress_bar_end(&t->progress);
    int code = ok ? TOOL_GOOD : (int)tool_fault(t, f);
    if (x->tell)
        tell_moments(x);
    log_line_free(&x->line);
    mem_free(x->sizes);
    log_judge_end(&x->judge);
    if (!ok)
        return code;
    if (!x->o->dry_run)
        say_fields(&t->say, FIELDS(SAY_TEXT("output", out)), "%s is made: a server with it as its "
                   "dir, and appendonly yes%s, starts with that state", out,
                   buf_cstr(&x->options));
    buf_free(&x->options);
    return TOOL_GOOD;
}

static int run(struct tool *t, void *state)
{
    const struct options *o = state;
    struct fault f = {0};
    const char *out = t->argc > 1 ? t->args[1] : t->output;
    if (t->argc > 1 && t->output)
        return (int)tool_usage(t, "where to? OUT is %s and --output %s: one of them", t->args[1],
                               t->output);
    if (!o->to)
        return (int)tool_usage(t, "to which moment? --to TIME, SEQ:OFFSET or before-last:COMMAND");
    if (!out && !o->dry_run)
        return (int)tool_usage(t, "where to? OUT is a directory that is not there yet");
    struct restore *x = mem_zalloc(sizeof *x);
    *x = (struct restore){.tool = t, .o = o, .first_s = -1, .last_s = -1, .taken_s = -1};
    int code = TOOL_FAILED;
    if (!parse_to(x, o->to, &f)) {
        code = (int)tool_usage(t, "%s", f.what);
    } else if (!source_find(&x->source, t->args[0], &(struct source_options){0}, &f)) {
        code = (int)tool_fault(t, &f);
    } else {
        code = restore(x, out, &f);
        code = (int)tool_worse((enum tool_exit)code, x->worst);
        source_free(&x->source);
    }
    mem_free(x);
    return code;
}

const struct verb verb_restore = {
    .name = "restore",
    .does = "makes a directory with the state of an earlier moment",
    .args = "DIR|FILE [OUT]",
    .example = "  holdfast restore /var/lib/redis /var/lib/redis-old --to 2026-11-29T14:02:59Z\n"
               "  holdfast restore /var/lib/redis /var/lib/redis-old --to before-last:FLUSHALL\n"
               "  holdfast restore /var/lib/redis /var/lib/redis-old --to 5:10240\n"
               "  holdfast restore /var/lib/redis --to before-last:FLUSHALL --dry-run",
    .text = "A time takes all in front of the first line that tells of a later second: all of its "
            "own second, whatever fraction of it is given, since the log tells of whole seconds; "
            "points --within lists the positions inside of one. The log must tell of times "
            "(aof-timestamp-enabled yes). A position is the number of an increment and an "
            "offset: the commands in front of it stay. It never cuts a transaction.\n"
            "History is used as far as its files are there (aof-keep-history keeps them).",
    .options = options,
    .state_size = sizeof(struct options),
    .args_min = 1,
    .args_max = 2,
    .takes_output = true,
    .run = run,
};
