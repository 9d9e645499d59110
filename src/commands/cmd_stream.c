/* SPDX-License-Identifier: BSD-3-Clause */
/* Entries: added, trimmed, deleted, read by ranges. What is logged tells the id that was chosen,
 * and a trim as an exact one: where nodes end is nobody else's business. */
#include "commands/cmd_stream.h"

#include "base/mem.h"
#include "base/must.h"
#include "commands/stream_args.h"
#include "containers/listpack.h"
#include "server/notify.h"
#include "server/reply.h"

/* ---- trimming ---- */

/* XADD's and XTRIM's words in front of the id, or to the end. */
struct trim_args {
    struct stream_trim trim;
    bool nomkstream, limited;
    int next;             /* the first word behind them */
};

enum word { WORD_TAKEN, WORD_OTHER, WORD_WRONG };

static enum word take_strategy(struct ctx *c, struct trim_args *a, enum stream_trim_by by)
{
    if (a->trim.by != TRIM_NOT) {
        reply_error(c, "ERR syntax error, MAXLEN and MINID options at the same time are not "
                       "compatible");
        return WORD_WRONG;
    }
    int i = a->next + 1;
    bool more = i + 1 < c->argc;
    a->trim.approximate = more && slice_eq_str(c->argv[i], "~");
    if (a->trim.approximate || (more && slice_eq_str(c->argv[i], "=")))
        i++;
    int64_t most = 0;
    if (by == TRIM_MINID ? !stream_arg_id(c, i, &a->trim.minid) : !ctx_arg_i64(c, i, &most))
        return WORD_WRONG;
    if (most < 0) {
        reply_error(c, "ERR The MAXLEN argument must be >= 0.");
        return WORD_WRONG;
    }
    a->trim.by = by;
    a->trim.maxlen = (uint64_t)most;
    a->next = i + 1;
    return WORD_TAKEN;
}

static enum word take_limit(struct ctx *c, struct trim_args *a)
{
    int64_t limit;
    if (!ctx_arg_i64(c, a->next + 1, &limit))
        return WORD_WRONG;
    if (limit < 0) {
        reply_error(c, "ERR The LIMIT argument must be >= 0.");
        return WORD_WRONG;
    }
    a->trim.limit = (uint64_t)limit;
    a->limited = true;
    a->next += 2;
    return WORD_TAKEN;
}

static enum word take_word(struct ctx *c, struct trim_args *a, bool adding)
{
    if (stream_arg_option(c, a->next, "maxlen"))
        return take_strategy(c, a, TRIM_MAXLEN);
    if (stream_arg_option(c, a->next, "minid"))
        return take_strategy(c, a, TRIM_MINID);
    if (stream_arg_option(c, a->next, "limit"))
        return take_limit(c, a);
    if (!adding || !ctx_arg_is(c, a->next, "nomkstream"))
        return WORD_OTHER;
    a->nomkstream = true;
    a->next++;
    return WORD_TAKEN;
}

/* An approximate trim that is not limited otherwise does so much at once. */
static uint64_t usual_limit(const struct ctx *c)
{
    const uint64_t nodes = 100, least = 10000, most = 1000000;
    uint64_t entries = c->keyspace->limits.stream_node_entries;
    if (entries == 0)
        return least;
    return entries > most / nodes ? most : entries * nodes;
}

static bool check_trim(struct ctx *c, struct trim_args *a, bool adding)
{
    if (a->trim.limit && a->trim.by == TRIM_NOT) {
        reply_error(c, "ERR syntax error, LIMIT cannot be used without specifying a trimming "
                       "strategy");
        return false;
    }
    if (!adding && a->trim.by == TRIM_NOT) {
        reply_error(c, "ERR syntax error, XTRIM must be called with a trimming strategy");
        return false;
    }
    if (stream_obeys(c)) {
        a->trim.limit = 0;
    } else if (a->limited && !a->trim.approximate) {
        reply_error(c, "ERR syntax error, LIMIT cannot be used without the special ~ option");
        return false;
    } else if (!a->limited && a->trim.approximate) {
        a->trim.limit = usual_limit(c);
    }
    return true;
}

static uint64_t trim(struct ctx *c, struct stream *s, const struct stream_trim *t)
{
    uint64_t before = s->length;
    uint64_t removed = t->by == TRIM_NOT ? 0 : stream_trim(s, t);
    must(s->length + removed == before);
    if (removed)
        ctx_notify(c, NOTIFY_STREAM, "xtrim", c->argv[1]);
    return removed;
}

/* The exact trim that has the same effect, as words: MAXLEN = n. */
static int trim_words(const struct stream *s, const struct stream_trim *t, struct slice *argv,
                      char text[STREAM_ID_TEXT])
{
    bool by_length = t->by == TRIM_MAXLEN;
    must(t->by != TRIM_NOT);
    struct stream_id first = t->minid;
    if (t->approximate && s->length)
        first = s->first;
    uint64_t length = t->approximate ? s->length : t->maxlen;
    argv[0] = by_length ? SLICE_LIT("MAXLEN") : SLICE_LIT("MINID");
    argv[1] = SLICE_LIT("=");
    argv[2] = by_length ? slice(text, num_format_u64(text, length)) : stream_id_text(text, first);
    return 3;
}

void cmd_xtrim(struct ctx *c)
{
    struct trim_args a = {.next = 2};
    enum word word = WORD_TAKEN;
    struct stream *s;
    while (a.next < c->argc && word == WORD_TAKEN)
        word = take_word(c, &a, false);
    if (word == WORD_OTHER)
        reply_syntax(c);
    if (word != WORD_TAKEN || !check_trim(c, &a, false) || !stream_write(c, c->argv[1], &s))
        return;
    uint64_t removed = s ? trim(c, s, &a.trim) : 0;
    if (removed) {
        struct slice argv[5] = {SLICE_LIT("XTRIM"), c->argv[1]};
        char text[STREAM_ID_TEXT];
        int argc = 2 + trim_words(s, &a.trim, argv + 2, text);
        ctx_log_instead(c, argc, argv);
        stream_changed(c, c->argv[1], removed, NULL);
    }
    reply_int(c, (int64_t)removed);
}

/* ---- XADD ---- */

struct add_args {
    struct trim_args trim;
    struct stream_id id;
    bool automatic, auto_seq; /* "*", "5-*" */
    int first;                /* the first name */
};

static bool parse_add(struct ctx *c, struct add_args *a)
{
    enum word word = WORD_TAKEN;
    int i;
    a->trim.next = 2;
    while (word == WORD_TAKEN) {
        i = a->trim.next;
        if (i == c->argc || slice_eq_str(c->argv[i], "*"))
            break;
        word = take_word(c, &a->trim, true);
    }
    if (word == WORD_WRONG)
        return false;
    a->automatic = word == WORD_TAKEN && i < c->argc;
    if (word == WORD_OTHER && !stream_id_parse(c->argv[i], 0, &a->id, &a->auto_seq)) {
        reply_error(c, "ERR Invalid stream ID specified as stream command argument");
        return false;
    }
    if (!check_trim(c, &a->trim, true))
        return false;
    a->first = i + 1;
    if (c->argc - a->first < 2 || (c->argc - a->first) % 2) {
        reply_errorf(c, "ERR wrong number of arguments for '%s' command", c->command->name);
        return false;
    }
    if (word == WORD_OTHER && !a->auto_seq && a->id.ms == 0 && a->id.seq == 0) {
        reply_error(c, "ERR The ID specified in XADD must be greater than 0-0");
        return false;
    }
    return true;
}

/* The id of the new entry; false: there is none. s NULL: of a stream that comes into being. */
static bool choose_id(const struct ctx *c, const struct stream *s, const struct add_args *a,
                      struct stream_id *id)
{
    struct stream_id last = s ? s->last : STREAM_ID_MIN;
    *id = a->automatic ? (struct stream_id){.ms = (uint64_t)c->now_ms} : a->id;
    if (a->automatic && id->ms <= last.ms) {
        *id = last;
        return stream_id_increment(id);
    }
    if (a->auto_seq && id->ms == last.ms) {
        id->seq = last.seq + 1;
        return last.seq != UINT64_MAX;
    }
    return stream_id_cmp(*id, last) > 0;
}

static bool is_too_large(const struct ctx *c, const struct add_args *a)
{
    size_t bytes = 0;
    for (int i = a->first; i < c->argc; i++)
        bytes += c->argv[i].len;
    return bytes + STREAM_ENTRY_OVERHEAD((size_t)(c->argc - a->first)) > LP_BYTES_MAX;
}

/* The command with the id that was chosen, and with the trim as it came out. */
static void log_add(struct ctx *c, const struct stream *s, const struct add_args *a,
                    struct stream_id id)
{
    char id_text[STREAM_ID_TEXT], trim_text[STREAM_ID_TEXT];
    struct slice few[16], *argv = few;
    size_t most = 6 + (size_t)(c->argc - a->first);
    if (!a->automatic && !a->auto_seq && !a->trim.trim.approximate)
        return; /* as it was given */
    if (most > sizeof few / sizeof *few)
        argv = mem_alloc(most * sizeof *argv);
    int n = 2;
    argv[0] = SLICE_LIT("XADD");
    argv[1] = c->argv[1];
    if (a->trim.trim.by != TRIM_NOT)
        n += trim_words(s, &a->trim.trim, argv + n, trim_text);
    argv[n++] = stream_id_text(id_text, id);
    for (int i = a->first; i < c->argc; i++)
        argv[n++] = c->argv[i];
    must((size_t)n <= most);
    ctx_log_instead(c, n, argv);
    if (argv != few)
        mem_free(argv);
}

void cmd_xadd(struct ctx *c)
{
    struct add_args a = {0};
    struct stream *s;
    struct stream_id id;
    if (!parse_add(c, &a) || !stream_write(c, c->argv[1], &s))
        return;
    if (!s && a.trim.nomkstream) {
        reply_null(c);
        return;
    }
    const char *error = NULL;
    if (s && stream_id_cmp(s->last, STREAM_ID_MAX) == 0)
        error = "ERR The stream has exhausted the last possible ID, unable to add more items";
    else if (!choose_id(c, s, &a, &id))
        error = "ERR The ID specified in XADD is equal or smaller than the target stream top item";
    else if (is_too_large(c, &a))
        error = "ERR Elements are too large to be stored";
    if (error) {
        reply_error(c, error);
        return;
    }
    if (!s)
        s = entry_val(db_add_val(c->db, c->argv[1], stream_new())).ptr;
    must((c->argc - a.first) % 2 == 0);
    stream_append(s, id, c->argv + a.first, (size_t)(c->argc - a.first) / 2, &c->keyspace->limits);
    reply_stream_id(c, id);
    stream_changed(c, c->argv[1], 1, "xadd");
    trim(c, s, &a.trim.trim);
    log_add(c, s, &a, id);
}

/* ---- XDEL, XLEN, XSETID ---- */

void cmd_xdel(struct ctx *c)
{
    struct stream *s;
    uint64_t removed = 0;
    if (!stream_write(c, c->argv[1], &s))
        return;
    if (!s) {
        reply_int(c, 0);
        return;
    }
    struct stream_id *ids = stream_arg_ids(c, 2);
    if (!ids)
        return;
    for (int i = 0; i < c->argc - 2; i++)
        removed += stream_delete(s, ids[i]);
    mem_free(ids);
    if (removed)
        stream_changed(c, c->argv[1], removed, "xdel");
    reply_int(c, (int64_t)removed);
}

void cmd_xlen(struct ctx *c)
{
    struct stream *s;
    if (stream_read(c, c->argv[1], &s))
        reply_int(c, s ? (int64_t)s->length : 0);
}

struct set_args {
    struct stream_id id, max_deleted;
    int64_t added;        /* -1: not given */
};

static bool parse_set(struct ctx *c, struct set_args *a)
{
    if (!stream_arg_id(c, 2, &a->id))
        return false;
    for (int i = 3; i < c->argc; i += 2) {
        if (stream_arg_option(c, i, "entriesadded")) {
            if (!ctx_arg_i64(c, i + 1, &a->added))
                return false;
            if (a->added < 0) {
                reply_error(c, "ERR entries_added must be positive");
                return false;
            }
        } else if (stream_arg_option(c, i, "maxdeletedid")) {
            if (!stream_arg_id(c, i + 1, &a->max_deleted))
                return false;
            if (stream_id_cmp(a->id, a->max_deleted) < 0 && !stream_obeys(c)) {
                reply_error(c, "ERR The ID specified in XSETID is smaller than the provided "
                               "max_deleted_entry_id");
                return false;
            }
        } else {
            reply_syntax(c);
            return false;
        }
    }
    return true;
}

static struct stream_id newest_of(const struct stream *s)
{
    struct stream_iter it;
    struct block_entry e;
    stream_iter_init(&it, s, STREAM_ID_MIN, STREAM_ID_MAX, true);
    bool any = stream_iter_next(&it, &e);
    must(any);
    return e.id;
}

/* Why the stream cannot have that last id, or so many entries; NULL: it can. A log may tell of an
 * id below a deleted one: 7.0 let clients set it. */
static const char *refuse_set(const struct ctx *c, const struct stream *s, const struct set_args *a)
{
    if (stream_id_cmp(a->id, s->max_deleted) < 0 && !stream_obeys(c))
        return "ERR The ID specified in XSETID is smaller than current max_deleted_entry_id";
    if (s->length == 0)
        return NULL;
    if (stream_id_cmp(a->id, newest_of(s)) < 0)
        return "ERR The ID specified in XSETID is smaller than the target stream top item";
    if (a->added >= 0 && (uint64_t)a->added < s->length)
        return "ERR The entries_added specified in XSETID is smaller than the target stream length";
    return NULL;
}

void cmd_xsetid(struct ctx *c)
{
    struct set_args a = {.added = -1};
    struct stream *s;
    if (!parse_set(c, &a) || !stream_write(c, c->argv[1], &s))
        return;
    if (!s) {
        reply_no_key(c);
        return;
    }
    const char *error = refuse_set(c, s, &a);
    if (error) {
        reply_error(c, error);
        return;
    }
    s->last = a.id;
    if (a.added >= 0)
        s->entries_added = (uint64_t)a.added;
    if (a.max_deleted.ms || a.max_deleted.seq)
        s->max_deleted = a.max_deleted;
    stream_changed(c, c->argv[1], 1, "xsetid");
    reply_ok(c);
}

/* ---- ranges ---- */

static void reply_range(struct ctx *c, const struct stream *s, struct stream_id from,
                        struct stream_id to, uint64_t count, bool reverse)
{
    struct stream_iter it;
    struct block_entry e;
    size_t n = 0;
    uint64_t mark = reply_later(c);
    stream_iter_init(&it, s, from, to, reverse);
    while ((count == 0 || n < count) && !reply_unheard(c) && stream_iter_next(&it, &e)) {
        reply_stream_entry(c, &e);
        n++;
    }
    reply_later_array(c, mark, n);
}

static void range(struct ctx *c, bool reverse)
{
    struct stream_id from, to;
    struct stream *s;
    int64_t count = 0;
    bool counted = false;
    if (!stream_arg_start(c, reverse ? 3 : 2, &from) || !stream_arg_end(c, reverse ? 2 : 3, &to))
        return;
    for (int i = 4; i < c->argc; i += 2) {
        counted = true;
        if (!stream_arg_option(c, i, "count")) {
            reply_syntax(c);
            return;
        }
        if (!stream_arg_count(c, i + 1, &count))
            return;
    }
    if (!stream_read(c, c->argv[1], &s))
        return;
    if (!s)
        reply_array(c, 0);
    else if (counted && count == 0)
        reply_null_array(c);
    else
        reply_range(c, s, from, to, (uint64_t)count, reverse);
}

void cmd_xrange(struct ctx *c)
{
    range(c, false);
}

void cmd_xrevrange(struct ctx *c)
{
    range(c, true);
}
