/* SPDX-License-Identifier: BSD-3-Clause */
/* holdfast who: the history of one key, as far as the log's files go back. */
#include <inttypes.h>

#include "base/must.h"
#include "base/num.h"
#include "format/rdb_read.h"
#include "tools/key_filter.h"
#include "tools/log_base.h"
#include "tools/log_judge.h"
#include "tools/log_keys.h"
#include "tools/log_line.h"
#include "tools/log_set.h"
#include "tools/pending_file.h"
#include "tools/verbs.h"

struct options {
    const char *db;
    bool writes;
};
static const struct tool_option options[] = {
    TOOL_OPTION("--db", TEXT, "N", struct options, db, "only in this database"),
    TOOL_OPTION("--writes", FLAG, NULL, struct options, writes, "not what only reads it"),
    {0}};

struct who {
    struct tool *tool;
    const struct options *o;
    struct log_line line;
    struct slice key;
    bool one_db;
    uint64_t only_db, db, found;
    size_t incr;
    struct log_part *part;
    const struct log_reader *r;
    const struct log_command *now;
    bool hit; /* now was told */
    struct log_judge judge;
    enum tool_exit worst; /* what its files are like: the log's is the judge's */
};

/* The first words of the command, for people. */
static void put_command(const struct who *w, struct buf *to)
{
    enum { WORDS = 5, WORD_MAX = 40 };
    const struct log_command *c = w->now;
    struct buf word = {0};
    for (size_t i = 0; i < c->heads && i < WORDS; i++) {
        buf_printf(to, "%s%s", i ? " " : "", say_text(&word, c->argv[i], WORD_MAX));
        buf_clear(&word);
    }
    if (c->argc > WORDS)
        buf_printf(to, " ... (%" PRIu64 " more)", c->argc - WORDS);
    buf_free(&word);
}

static void tell(struct who *w, const char *use)
{
    char at[LOG_POSITION_TEXT], when[SAY_TIME_TEXT];
    struct buf text = {0};
    const struct source_part *p = log_line_incr(&w->line, w->incr);
    int64_t ms = w->r->time_s < 0 ? -1 : w->r->time_s * 1000;
    w->found++;
    w->hit = true;
    put_command(w, &text);
    log_position(at, p, w->now->at);
    say_row(&w->tool->say, "commands",
            FIELDS(SAY_TEXT("file", p->name), SAY_TEXT("position", at), SAY_TIME("time", ms),
                   SAY_U64("db", w->db), SAY_TEXT("use", use),
                   SAY_BYTES("command", w->now->argv[0]),
                   SAY_BOOL("transaction", w->r->commands > 1),
                   SAY_U64("bytes", w->now->end - w->now->at),
                   SAY_TEXT("text", buf_cstr(&text))),
            "%-16s %-25s db %" PRIu64 "  %s%s", at, ms < 0 ? "-" : say_time(when, ms), w->db,
            buf_cstr(&text), w->r->commands > 1 ? "  (in a transaction)" : "");
    buf_free(&text);
}

static void look_at_key(void *arg, const struct log_arg *key, enum key_use use)
{
    struct who *w = arg;
    if (!w->hit && !(w->o->writes && use == KEY_READ) && log_arg_is(&w->part->bytes, key, w->key))
        tell(w, key_use_name(use));
}

static void look_at_command(struct who *w, const struct log_command *c)
{
    uint64_t a, b;
    log_db_follow(&w->db, c);
    w->now = c;
    w->hit = w->one_db && w->db != w->only_db; /* not to be told */
    bool other = w->hit;
    enum key_scope scope = log_keys_each(&w->part->bytes, c, look_at_key, w);
    if (scope == KEYS_ALL || (scope == KEYS_DATABASE && !other))
        tell(w, "removed");
    else if (scope == KEYS_SWAPPED && c->heads > 2 && num_parse_u64(c->argv[1], &a) &&
             num_parse_u64(c->argv[2], &b) && (!w->one_db || w->only_db == a || w->only_db == b))
        tell(w, "swapped");
    else if (slice_eq_nocase(c->argv[0], "move") && other && c->heads > 2 &&
             num_parse_u64(c->argv[2], &a) && a == w->only_db &&
             log_arg_is(&w->part->bytes, &c->args[1], w->key))
        tell(w, "made");
}

/* ---- bases ---- */

static void tell_base(struct who *w, size_t part, const struct rdb_record *rec, uint64_t db)
{
    const struct source_part *p = &w->line.source->parts[part];
    w->found++;
    say_row(&w->tool->say, "bases",
            FIELDS(SAY_TEXT("file", p->name), SAY_U64("offset", rec->offset), SAY_U64("db", db)),
            "%-16s %-25s db %" PRIu64 "  %s holds it, at offset %" PRIu64, "-", "-", db, p->name,
            rec->offset);
}

static bool look_into_base(struct who *w, size_t part, struct fault *f)
{
    const struct source_part *p = &w->line.source->parts[part];
    struct input input;
    struct rdb_reader r;
    struct rdb_record rec;
    struct pending_file pending;
    uint64_t db = 0;
    if (p->missing || !p->begins_with_rdb)
        return true;
    if (!source_part_open(&input, p, f))
        return false;
    pending_file_begin(&pending, PENDING_FILE_HELD);
    bool ok = rdb_open(&r, &input.in, &(struct rdb_options){.keep_modules = true,
                                                            .unguarded = true,
                                                            .pending = &pending.ops});
    while (ok && rdb_next(&r, &rec)) {
        if (rec.kind == RDB_REC_DB)
            db = rec.db;
        bool it = rec.kind == RDB_REC_KEY && slice_eq(rec.key.name, w->key) &&
                  (!w->one_db || db == w->only_db);
        if (it)
            tell_base(w, part, &rec, db);
        ok = rdb_skip(&r, &rec);
    }
    if (in_bad(&input.in))
        *f = input.in.fault;
    rdb_close(&r);
    pending_file_end(&pending);
    input_close(&input);
    return !fault_is(f);
}

static bool look_at_base(struct who *w, size_t part, struct fault *f)
{
    const struct source *s = w->line.source;
    must(part < s->count + s->history);
    bool ok = look_into_base(w, part, f);
    bool starts;
    if (ok && !s->parts[part].missing)
        w->worst = tool_worse(w->worst, log_base_tell(w->tool, s, part, &starts));
    return ok;
}

static bool bases_of(struct who *w, int64_t from, struct fault *f)
{
    bool ok = true;
    for (size_t i = 0; ok && i < w->line.bases_count; i++)
        if (w->line.bases[i].part != SIZE_MAX && w->line.bases[i].from == from)
            ok = look_at_base(w, w->line.bases[i].part, f);
    return ok;
}

static bool is_begun(const struct log_line *l, int64_t from)
{
    for (size_t i = 0; i < l->count; i++)
        if (log_line_incr(l, i)->seq == from && !log_line_incr(l, i)->missing)
            return true;
    return false;
}

/* Those that no increment begins with, or one that is missing. */
static bool bases_left(struct who *w, struct fault *f)
{
    const struct log_line *l = &w->line;
    bool ok = true;
    for (size_t i = 0; ok && i < l->bases_count; i++)
        if (l->bases[i].part != SIZE_MAX && !is_begun(l, l->bases[i].from))
            ok = look_at_base(w, l->bases[i].part, f);
    return ok;
}

/* ---- */

struct walking {
    struct who *who;
    struct fault *fault;
};

static bool visit(void *arg, size_t incr, struct log_part *p, struct log_reader *r,
                  enum log_item what)
{
    struct walking *walking = arg;
    struct who *w = walking->who;
    struct log_unit u;
    w->incr = incr;
    w->part = p;
    w->r = r;
    if (r->items == 1) {
        w->db = 0;
        if (p->part->kind == PART_FILE && !look_at_base(w, w->line.incrs[incr], walking->fault))
            return false;
        if (!bases_of(w, log_line_incr(&w->line, incr)->seq, walking->fault))
            return false;
    }
    log_judge_item(&w->judge, p, r, what, incr + 1 == w->line.count);
    if (what == LOG_HOLE)
        say_row(&w->tool->say, "holes",
                FIELDS(SAY_TEXT("file", p->part->name), SAY_U64("from", r->from),
                       SAY_U64("to", r->to)),
                "%s, bytes %" PRIu64 " to %" PRIu64 ": damaged", p->part->name, r->from, r->to);
    log_unit_begin(&u, r);
    while (what == LOG_UNIT && log_unit_next(&u, &r->command))
        look_at_command(w, &r->command);
    progress_bar_at(&w->tool->progress, r->to);
    return true;
}

static int run(struct tool *t, void *state)
{
    const struct options *o = state;
    struct source s;
    struct fault f = {0};
    struct who w = {.tool = t, .o = o, .key = slice_str(t->args[0]), .one_db = o->db != NULL};
    struct walking walking = {&w, &f};
    if (o->db && !num_parse_u64(slice_str(o->db), &w.only_db))
        return (int)tool_usage(t, "--db %s: this is no number", o->db);
    if (w.only_db > DB_LAST)
        return (int)tool_usage(t, "--db %s: there is none above %d", o->db, DB_LAST);
    if (!source_find(&s, t->args[1], &(struct source_options){0}, &f))
        return (int)tool_fault(t, &f);
    log_line_begin(&w.line, &s);
    log_judge_begin(&w.judge, t);
    w.worst = log_set_tell(t, &s);
    say_list(&t->say, "commands");
    say_list(&t->say, "bases");
    progress_bar_begin(&t->progress, "who", source_bytes(&s));
    bool ok = source_some(&s, &f) && source_keep(&s, &f) &&
              log_line_walk(&w.line, 0, visit, &walking, &f) &&
              bases_left(&w, &f) && !fault_is(&f);
    progress_bar_end(&t->progress);
    if (ok)
        say_fields(&t->say, FIELDS(SAY_U64("found", w.found)),
                   w.found ? NULL : "Nothing in %s touches that key", s.path);
    w.worst = tool_worse(w.worst, log_judge_end(&w.judge));
    int code = ok ? (int)w.worst : (int)tool_fault(t, &f);
    log_line_free(&w.line);
    source_free(&s);
    return code;
}

const struct verb verb_who = {
    .name = "who",
    .does = "lists every command of a log that touched a key",
    .args = "KEY DIR|FILE",
    .example = "  holdfast who user:1000 /var/lib/redis\n"
               "  holdfast who user:1000 /var/lib/redis --db 3 --writes --json",
    .text = "With position and, where the log tells of times, the second. FLUSHALL, FLUSHDB and "
            "SWAPDB touch all keys. History and bases are looked into as well, as far as they are "
            "there.",
    .options = options,
    .state_size = sizeof(struct options),
    .args_min = 2,
    .args_max = 2,
    .run = run,
};
