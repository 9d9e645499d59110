/* SPDX-License-Identifier: BSD-3-Clause */
/* holdfast stats: what a log is made of.
 *
 * The keys with the most bytes are found by a sketch of fixed size: 128 sets of 16 counters, a
 * key's set by its hash. A key that has none takes the smallest of its set, and that one's count
 * as its error: its bytes are at most the count, at least count - error (space-saving, set by
 * set).
 *
 * What a rewrite would keep is estimated by the keys of a sample, all whose hash is small enough
 * (the bound is halved when 65,536 of them are held): the bytes of what set a key last and of what
 * added to it since; nothing once it is removed; what takes away (LPOP, HDEL, LTRIM), counts
 * (INCR) or sets times takes no room. Fields that were set twice count twice, so the share is
 * rather more. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/must.h"
#include "tools/log_base.h"
#include "tools/log_judge.h"
#include "tools/log_keys.h"
#include "tools/log_line.h"
#include "tools/log_set.h"
#include "tools/verbs.h"

enum {
    SETS = 128, WAYS = 16, KEY_TEXT = 128, NAMES = 256, NAME_TEXT = 24,
    SAMPLE_MAX = 1 << 16, SAMPLE_CAP = SAMPLE_MAX * 2,
    /* Of a start, measured here: commands; an RDB's bytes. */
    COMMAND_NS = 500, COMMAND_KIB_NS = 250, RDB_KIB_NS = 3500,
};

struct options {
    uint64_t top;
};
static const struct tool_option options[] = {
    TOOL_OPTION("--top", U64, "N", struct options, top, "so many keys (20)"),
    {0}};

struct hot {
    uint64_t hash, bytes, error, commands, db;
    char text[KEY_TEXT];
    uint8_t len;
};
struct by_name {
    char name[NAME_TEXT];
    uint64_t commands, bytes;
};
struct sampled {
    uint64_t hash, live;
    uint64_t era; /* as the sample's, else the place is free: emptying it costs nothing */
};

struct stats {
    struct tool *tool;
    struct hot hot[SETS][WAYS];
    struct by_name names[NAMES]; /* the last: all others */
    size_t names_count;
    struct sampled *sample;
    size_t sampled;
    uint64_t era;
    unsigned halvings;
    struct log_part part;
    struct log_reader r;
    struct log_judge judge;
    enum tool_exit worst; /* what its files are like: the log's is the judge's */
    uint64_t db, commands, bytes, base_bytes, transactions, holes, hole_bytes, share;
    int64_t first_s, second;
    uint64_t in_second, peak, timed; /* timed: commands behind the first time */
    int64_t peak_s;
    const struct log_command *now;
};

/* ---- keys ---- */

static void count_hot(struct stats *s, const struct log_arg *key, uint64_t hash)
{
    struct hot *set = s->hot[hash % SETS], *least = set;
    struct buf text = {0};
    for (size_t i = 0; i < WAYS; i++) {
        if (set[i].commands && set[i].hash == hash && set[i].db == s->db) {
            set[i].bytes += s->share;
            set[i].commands++;
            return;
        }
        if (set[i].bytes < least->bytes)
            least = &set[i];
    }
    *least = (struct hot){.hash = hash, .db = s->db, .error = least->bytes, .commands = 1,
                          .bytes = least->bytes + s->share};
    log_arg_text(&s->part.bytes, key, KEY_TEXT, &text);
    if (text.len)
        memcpy(least->text, text.data, text.len);
    least->len = (uint8_t)text.len;
    buf_free(&text);
}

static bool in_sample(const struct stats *s, uint64_t hash)
{
    return s->halvings == 0 || hash >> (64 - s->halvings) == 0;
}

static struct sampled *sample_place(struct stats *s, uint64_t hash)
{
    size_t i = (size_t)(hash * 0x9e3779b97f4a7c15u >> 40) % SAMPLE_CAP;
    while (s->sample[i].era == s->era && s->sample[i].hash != hash)
        i = (i + 1) % SAMPLE_CAP;
    return &s->sample[i];
}

static void halve_sample(struct stats *s)
{
    struct sampled *old = s->sample;
    s->sample = mem_zalloc(SAMPLE_CAP * sizeof *s->sample);
    s->halvings++;
    s->sampled = 0;
    for (size_t i = 0; i < SAMPLE_CAP; i++)
        if (old[i].era == s->era && in_sample(s, old[i].hash)) {
            *sample_place(s, old[i].hash) = old[i];
            s->sampled++;
        }
    mem_free(old);
}

static bool adds(struct slice name)
{
    static const char *const words[] = {
        "append", "rpush", "lpush", "hset", "hmset", "hsetnx", "sadd", "zadd", "xadd", "geoadd",
        "pfadd", "linsert", "setnx", "msetnx", "set", "setrange", "restore", "xgroup", "xclaim",
        "copy", "renamenx"};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (slice_eq_nocase(name, words[i]))
            return true;
    return false;
}

static void count_live(struct stats *s, uint64_t hash, enum key_use use)
{
    if (use == KEY_READ || !in_sample(s, hash))
        return;
    struct sampled *k = sample_place(s, hash);
    if (k->era != s->era) {
        *k = (struct sampled){.hash = hash, .era = s->era};
        if (++s->sampled > SAMPLE_MAX) {
            halve_sample(s);
            if (!in_sample(s, hash))
                return;
            k = sample_place(s, hash);
        }
    }
    if (use == KEY_GONE || use == KEY_MOVED)
        k->live = 0;
    else if (use == KEY_SET || use == KEY_MADE)
        k->live = s->share;
    else if (adds(s->now->argv[0]))
        k->live += s->share;
    else if (!k->live) /* there is something */
        k->live = s->share;
}

static void count_key(void *arg, const struct log_arg *key, enum key_use use)
{
    struct stats *s = arg;
    uint64_t hash = log_arg_hash(&s->part.bytes, key) + s->db * 0x9e3779b97f4a7c15u;
    count_hot(s, key, hash);
    count_live(s, hash, use);
}

static void count_one(void *arg, const struct log_arg *key, enum key_use use)
{
    (void)key;
    (void)use;
    ++*(uint64_t *)arg;
}

/* ---- commands ---- */

static void count_name(struct stats *s, const struct log_command *c)
{
    char name[NAME_TEXT] = {0};
    struct slice given = c->argv[0];
    for (size_t i = 0; i < given.len && i + 1 < NAME_TEXT; i++) {
        char letter = given.data[i];
        bool plain = letter > ' ' && letter <= '~';
        name[i] = letter >= 'a' && letter <= 'z' ? (char)(letter & ~0x20) : plain ? letter : '?';
    }
    size_t i = 0;
    while (i < s->names_count && strcmp(s->names[i].name, name) != 0)
        i++;
    if (i == s->names_count && i < NAMES - 1) {
        memcpy(s->names[i].name, name, sizeof name);
        s->names_count++;
    } else if (i == s->names_count) {
        i = NAMES - 1;
        memcpy(s->names[i].name, "(others)", 9);
    }
    s->names[i].commands++;
    s->names[i].bytes += c->end - c->at;
}

static void count_second(struct stats *s)
{
    if (s->r.time_s < 0)
        return;
    s->first_s = s->first_s < 0 ? s->r.time_s : s->first_s;
    if (s->r.time_s != s->second) {
        s->second = s->r.time_s;
        s->in_second = 0;
    }
    s->timed++;
    if (++s->in_second > s->peak) {
        s->peak = s->in_second;
        s->peak_s = s->second;
    }
}

static void clear_live(struct stats *s)
{
    s->era++;
    s->sampled = 0;
}

static void count_command(struct stats *s, const struct log_command *c)
{
    uint64_t keys = 0;
    s->commands++;
    s->bytes += c->end - c->at;
    log_db_follow(&s->db, c);
    count_name(s, c);
    count_second(s);
    s->now = c;
    log_keys_each(&s->part.bytes, c, count_one, &keys);
    s->share = keys ? (c->end - c->at) / keys : 0;
    enum key_scope scope = log_keys_each(&s->part.bytes, c, count_key, s);
    if (scope == KEYS_ALL || (scope == KEYS_DATABASE && s->db == 0)) /* most have only that one */
        clear_live(s);
}

static void count_part(struct stats *s, bool last)
{
    enum log_item what;
    struct log_unit u;
    uint64_t before = s->bytes;
    s->db = 0;
    s->base_bytes += s->part.start;
    log_read_open(&s->r, &s->part.bytes, s->part.start, &s->part.options);
    while ((what = log_read_next(&s->r)) != LOG_END) {
        log_judge_item(&s->judge, &s->part, &s->r, what, last);
        s->holes += what == LOG_HOLE;
        s->hole_bytes += what == LOG_HOLE ? s->r.to - s->r.from : 0;
        s->transactions += what == LOG_UNIT && s->r.commands > 1;
        log_unit_begin(&u, &s->r);
        while (what == LOG_UNIT && log_unit_next(&u, &s->r.command))
            count_command(s, &s->r.command);
        progress_bar_at(&s->tool->progress, before + s->r.to);
    }
    log_judge_item(&s->judge, &s->part, &s->r, LOG_END, last);
    log_read_close(&s->r);
}

/* ---- telling ---- */

static int by_bytes(const void *a, const void *b)
{
    uint64_t x = (*(const struct hot *const *)a)->bytes, y = (*(const struct hot *const *)b)->bytes;
    return (x < y) - (x > y);
}

static int names_by_bytes(const void *a, const void *b)
{
    uint64_t x = ((const struct by_name *)a)->bytes, y = ((const struct by_name *)b)->bytes;
    return (x < y) - (x > y);
}

static void tell_names(struct stats *s)
{
    qsort(s->names, NAMES, sizeof *s->names, names_by_bytes);
    say_list(&s->tool->say, "by_name");
    for (size_t i = 0; i < NAMES && s->names[i].commands; i++)
        say_row(&s->tool->say, "by_name",
                FIELDS(SAY_TEXT("command", s->names[i].name),
                       SAY_U64("commands", s->names[i].commands),
                       SAY_U64("bytes", s->names[i].bytes)),
                "%-20s %12" PRIu64 " commands %15" PRIu64 " bytes", s->names[i].name,
                s->names[i].commands, s->names[i].bytes);
}

static void tell_hot(struct stats *s, uint64_t top)
{
    const struct hot **all = mem_alloc(SETS * WAYS * sizeof *all);
    size_t n = 0;
    struct buf shown = {0};
    for (size_t i = 0; i < SETS; i++)
        for (size_t j = 0; j < WAYS; j++)
            if (s->hot[i][j].commands)
                all[n++] = &s->hot[i][j];
    qsort(all, n, sizeof *all, by_bytes);
    say_list(&s->tool->say, "hottest");
    say_line(&s->tool->say, "Keys with the most bytes (at most so many; less by the error):");
    for (size_t i = 0; i < n && i < top; i++) {
        const struct hot *h = all[i];
        struct slice key = slice(h->text, h->len);
        buf_clear(&shown);
        say_text(&shown, key, 60);
        say_row(&s->tool->say, "hottest",
                FIELDS(SAY_U64("db", h->db), SAY_BYTES("key", key), SAY_U64("bytes", h->bytes),
                       SAY_U64("error", h->error)),
                "%15" PRIu64 " bytes (error %" PRIu64 ")  db %" PRIu64 "  %s", h->bytes, h->error,
                h->db, buf_cstr(&shown));
    }
    buf_free(&shown);
    mem_free(all);
}

static void tell_times(struct stats *s)
{
    char first[SAY_TIME_TEXT], last[SAY_TIME_TEXT];
    if (s->first_s < 0) {
        say_fields(&s->tool->say, FIELDS(SAY_TIME("first_time", -1), SAY_TIME("last_time", -1)),
                   "No times stand in this log");
        return;
    }
    double seconds = (double)(s->second - s->first_s + 1);
    double rate = seconds > 0 ? (double)s->timed / seconds : 0;
    say_fields(&s->tool->say,
               FIELDS(SAY_TIME("first_time", s->first_s * 1000),
                      SAY_TIME("last_time", s->second * 1000), SAY_DOUBLE("per_second", rate),
                      SAY_U64("peak_per_second", s->peak),
                      SAY_TIME("peak_time", s->peak_s * 1000)),
               "From %s to %s: %.1f commands a second, at most %" PRIu64,
               say_time(first, s->first_s * 1000), say_time(last, s->second * 1000), rate, s->peak);
}

static void tell(struct stats *s, uint64_t top)
{
    uint64_t live = 0;
    for (size_t i = 0; i < SAMPLE_CAP; i++)
        live += s->sample[i].era == s->era ? s->sample[i].live : 0;
    live = s->halvings < 63 ? live << s->halvings : 0;
    double saved = s->bytes && live < s->bytes ? 1 - (double)live / (double)s->bytes : 0;
    double start_s = ((double)s->commands * COMMAND_NS + (double)(s->bytes >> 10) * COMMAND_KIB_NS +
                      (double)(s->base_bytes >> 10) * RDB_KIB_NS) / 1e9;
    say_fields(&s->tool->say,
               FIELDS(SAY_U64("commands", s->commands), SAY_U64("transactions", s->transactions),
                      SAY_U64("command_bytes", s->bytes), SAY_U64("rdb_bytes", s->base_bytes),
                      SAY_U64("holes", s->holes), SAY_U64("hole_bytes", s->hole_bytes)),
               "%" PRIu64 " commands, %" PRIu64 " transactions, %" PRIu64 " bytes behind %" PRIu64
               " bytes of RDB", s->commands, s->transactions, s->bytes, s->base_bytes);
    if (s->holes)
        say_line(&s->tool->say, "%" PRIu64 " damaged ranges with %" PRIu64 " bytes are not counted",
                 s->holes, s->hole_bytes);
    tell_times(s);
    tell_names(s);
    tell_hot(s, top);
    say_fields(&s->tool->say,
               FIELDS(SAY_DOUBLE("rewrite_saves", saved), SAY_U64("sampled_keys", s->sampled),
                      SAY_DOUBLE("start_seconds", start_s)),
               "A rewrite would save about %.0f %% of the commands (by %zu keys of a sample); a "
               "start takes about %.1f s here", saved * 100, s->sampled, start_s);
}

static int run(struct tool *t, void *state)
{
    const struct options *o = state;
    struct source source;
    struct fault f = {0};
    if (!source_find(&source, t->args[0], &(struct source_options){0}, &f))
        return (int)tool_fault(t, &f);
    struct stats *s = mem_zalloc(sizeof *s);
    s->tool = t;
    s->first_s = s->second = -1;
    s->era = 1;
    s->sample = mem_zalloc(SAMPLE_CAP * sizeof *s->sample);
    progress_bar_begin(&t->progress, "stats", source_bytes(&source));
    log_judge_begin(&s->judge, t);
    s->worst = log_set_tell(t, &source);
    if (source_some(&source, &f))
        source_keep(&source, &f); /* what it begins with is read apart */
    for (size_t i = 0; i < source.count && !fault_is(&f); i++) {
        if (source.parts[i].missing)
            continue;
        if (!log_part_open(&s->part, &source, i, &f))
            break;
        s->worst = tool_worse(s->worst, log_base_refused(t, &source, i));
        count_part(s, i + 1 == source.count);
        f = s->part.bytes.fault;
        log_part_close(&s->part);
    }
    progress_bar_end(&t->progress);
    s->worst = tool_worse(s->worst, log_judge_end(&s->judge));
    int code = fault_is(&f) ? (int)tool_fault(t, &f) : (int)s->worst;
    if (!fault_is(&f))
        tell(s, o->top ? o->top : 20);
    mem_free(s->sample);
    mem_free(s);
    source_free(&source);
    return code;
}

const struct verb verb_stats = {
    .name = "stats",
    .does = "tells what a log is made of: rates, commands, hottest keys, what a rewrite saves",
    .args = "DIR|FILE",
    .example = "  holdfast stats /var/lib/redis\n"
               "  holdfast stats appendonly.aof --top 5 --json",
    .text = "Hottest keys come from a sketch of fixed size, each with its error. What a rewrite "
            "saves is estimated from a sample of the keys: the bytes of what set a key last and of "
            "what added to it since, compared with all.",
    .options = options,
    .state_size = sizeof(struct options),
    .args_min = 1,
    .args_max = 1,
    .run = run,
};
