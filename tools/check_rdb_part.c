/* SPDX-License-Identifier: BSD-3-Clause */
#include "tools/check_rdb_part.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/bytes.h"
#include "base/mem.h"
#include "base/must.h"
#include "tools/check.h"
#include "tools/check_sink.h"
#include "tools/diff_sort.h"
#include "tools/library_set.h"
#include "tools/library_text.h"
#include "tools/load_sample.h"
#include "tools/rdb_behind.h"
#include "tools/rdb_border.h"
#include "tools/rdb_file.h"
#include "tools/rdb_quick.h"
#include "tools/rdb_tell.h"

struct part_check {
    struct tool *tool;
    struct findings *to;
    const char *name;
    struct rdb_image *image;
    const struct check_rdb_options *opt;
    struct check_totals *totals;
    const struct fault *cut; /* why not all of it could be unpacked; NULL */

    struct rdb_plan plan;
    struct rescue rescue;
    struct rdb_tell tell;
    struct key_twice *twice;
    struct key_feed feed;
    struct check_sink sums;
    struct library_set libraries;
    pthread_mutex_t one_library;
    bool in_order, sampled;
    struct buf library_faults; /* what each costs, a byte, and a sentence with its NUL */
    uint64_t end_at, blocks, blocks_bad;
};
enum { WHY_MAX = 64 << 10, LOAD_TIMES = 2, PAIRS_HELD = 2 << 20 };

/* ---- libraries of functions ---- */

static void add_library_fault(struct part_check *c, struct slice code, enum library_fate is,
                              const struct buf *why)
{
    struct buf name = {0};
    must(is != LIBRARY_LOADS);
    buf_printf(&c->library_faults, "%cThe library of functions '%s' would not load: %.*s%c",
               (int)library_fate_exit(is), say_text(&name, library_name(code), FAULT_KEY_MAX),
               SLICE_ARG(buf_slice(why)), 0);
    buf_free(&name);
}

static bool take_library(void *arg, struct slice code)
{
    struct part_check *c = arg;
    struct buf why = {0};
    enum library_fate is = library_set_take(&c->libraries, code, &why);
    if (is != LIBRARY_LOADS && c->library_faults.len < WHY_MAX)
        add_library_fault(c, code, is, &why);
    buf_free(&why);
    return is == LIBRARY_LOADS;
}

/* What is refused is lost to whoever wants a file that loads. */
static void tell_libraries(struct part_check *c)
{
    for (size_t at = 0; at < c->library_faults.len;) {
        enum tool_exit cost = (enum tool_exit)c->library_faults.data[at++];
        const char *what = c->library_faults.data + at;
        finding_add(c->to, &(struct finding){
            .cost = cost, .file = c->name, .from = c->image->begin, .to = c->image->begin,
            .unit = "record", .what = what,
            .costs = cost == TOOL_DAMAGED ? "no server loads the file with both; holdfast salvage "
                                            "keeps one"
                                          : "no server loads the file with it; holdfast salvage "
                                            "leaves it out"});
        at += strlen(what) + 1;
    }
    buf_free(&c->library_faults);
}

/* ---- the two ways to read it ---- */

/* What one thread found. */
struct lane {
    struct check_sink sums;
    struct key_feed feed;
};

static bool take_library_alone(void *arg, struct slice code)
{
    struct part_check *c = arg;
    pthread_mutex_lock(&c->one_library);
    bool ok = take_library(c, code);
    pthread_mutex_unlock(&c->one_library);
    return ok;
}

static struct sink *lane_begin(void *arg, struct rdb_options *options)
{
    struct part_check *c = arg;
    struct lane *l = mem_alloc(sizeof *l);
    must(options->trust_distinct); /* check_sink finds what is there twice */
    check_sink_init(&l->sums, c->sums.now_ms);
    key_feed_begin(&l->feed, c->twice);
    l->sums.feed = &l->feed;
    l->sums.library = take_library_alone;
    l->sums.library_arg = c;
    return &l->sums.sink;
}

static void lane_piece(struct sink *s, uint64_t base)
{
    ((struct lane *)(void *)s)->sums.base = base;
}

static void lane_end(void *arg, struct sink *s, bool good)
{
    struct part_check *c = arg;
    struct lane *l = (struct lane *)(void *)s;
    key_feed_end(&l->feed);
    if (good)
        check_sink_add(&c->sums, &l->sums);
    check_sink_free(&l->sums);
    mem_free(l);
}

static int64_t now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static int64_t now_us(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

static bool is_in_order(struct part_check *c)
{
    static const struct quick_ops ops = {.begin = lane_begin, .piece = lane_piece,
                                         .end = lane_end};
    struct blocks_list none = {0};
    bool blocks = !c->image->open_end;
    struct rdb_quick q = {.image = c->image, .list = blocks ? &c->plan.list : &none,
                          .valkey = c->plan.valkey, .version = c->plan.version,
                          .databases = c->opt->databases, .threads = c->tool->threads,
                          .ops = &ops, .arg = c, .progress = &c->tool->progress};
    bool cut = c->cut && fault_is(c->cut);
    pthread_mutex_init(&c->one_library, NULL);
    bool ok = !cut && rdb_quick(&q);
    pthread_mutex_destroy(&c->one_library);
    /* Where no sum tells that it was written so, a value with an element twice may have run over
     * its end, and taken other keys. */
    if (ok && c->sums.twice_count && !q.crc_stored && blocks_count(q.list) == 0) {
        check_sink_free(&c->sums);
        check_sink_init(&c->sums, now_ms());
        ok = false;
    }
    if (ok) {
        c->end_at = q.end_at;
        c->blocks = blocks_count(q.list);
    }
    return ok;
}

static bool on_record(void *arg, const struct rescued *r)
{
    rdb_tell_record(&((struct part_check *)arg)->tell, r);
    return true;
}

static void on_hole(void *arg, const struct rescue_hole *h)
{
    rdb_tell_hole(&((struct part_check *)arg)->tell, h);
}

static void on_span(void *arg, const struct rdb_span *s, uint64_t keys, bool holes)
{
    rdb_tell_span(&((struct part_check *)arg)->tell, s, keys, holes);
}

static void on_at(void *arg, uint64_t at)
{
    progress_bar_at(&((struct part_check *)arg)->tool->progress, at);
}

static void on_place(void *arg, uint64_t offset, uint64_t place)
{
    ((struct part_check *)arg)->sums.base = place - offset;
}

static void count_blocks(struct part_check *c)
{
    c->blocks = blocks_count(&c->plan.list);
    for (size_t i = 0; i < blocks_count(&c->plan.list); i++)
        c->blocks_bad += blocks_at(&c->plan.list, i)->state != BLOCK_GOOD;
}

/* Behind damage, too: every fault is told. */
static void read_on(struct part_check *c)
{
    static const struct rescue_ops ops = {.record = on_record, .hole = on_hole, .span = on_span,
                                          .at = on_at, .key = on_place};
    static const struct fault none = {0};
    struct rdb_borders borders;
    c->sums.feed = &c->feed;
    c->sums.now_ms = now_ms();
    c->sums.library = take_library;
    c->sums.library_arg = c;
    plan_free(&c->plan);
    plan_make(&c->plan, c->image, c->tool->threads);
    rdb_tell_begin(&c->tell, c->to, c->image, &c->plan, c->name);
    c->tell.only_looks = true;
    rdb_tell_file(&c->tell);
    key_feed_begin(&c->feed, c->twice);
    c->rescue = (struct rescue){.image = c->image, .plan = &c->plan, .ops = &ops, .arg = c,
                                .databases = c->opt->databases, .also = &c->sums.sink};
    rdb_borders_find(&borders, &c->rescue);
    c->rescue.borders = &borders;
    rescue_run(&c->rescue);
    rdb_tell_borders(&c->tell, &borders);
    rdb_borders_free(&borders);
    if (fault_is(&c->rescue.pending.fault))
        finding_fault(c->to, c->name, &c->rescue.pending.fault);
    rdb_tell_end(&c->tell, &c->rescue, c->cut ? c->cut : &none);
    c->end_at = c->rescue.ended ? c->rescue.end_at : 0;
    key_feed_end(&c->feed);
    rescue_free(&c->rescue);
    count_blocks(c);
}

/* ---- what is there twice ---- */

/* The name of the key whose type byte lies at this place. */
static bool name_at(struct part_check *c, uint64_t at, struct buf *name, unsigned *db)
{
    struct rdb_reader r;
    struct rdb_record rec;
    struct image_stream s;
    struct in head, in;
    char magic[16];
    int n = snprintf(magic, sizeof magic, c->plan.valkey ? "VALKEY%03d" : "REDIS%04d",
                     c->plan.version);
    in_init_memory(&head, slice(magic, (size_t)n));
    bool ok = rdb_open(&r, &head, &(struct rdb_options){.unguarded = true});
    image_stream(&s, &in, c->image, at, c->image->end, 4096);
    rdb_resume(&r, &in, 0);
    ok = ok && rdb_next(&r, &rec) && rec.kind == RDB_REC_KEY;
    buf_clear(name);
    if (ok)
        buf_add(name, rec.key.name);
    *db = 0;
    rdb_close(&r);
    in_free(&in);
    in_free(&head);
    return ok;
}

static void tell_pair(struct part_check *c, uint64_t first, uint64_t second)
{
    struct buf a = {0}, b = {0}, what = {0};
    unsigned db;
    if (name_at(c, first, &a, &db) && name_at(c, second, &b, &db) &&
        slice_eq(buf_slice(&a), buf_slice(&b))) {
        buf_printf(&what, "A key that stands at offset %" PRIu64 " already: a server refuses the "
                   "file", first);
        finding_add(c->to, &(struct finding){.cost = TOOL_DAMAGED, .file = c->name, .from = second,
                                             .to = second, .unit = "record",
                                             .what = buf_cstr(&what), .has_key = true,
                                             .key = buf_slice(&a)});
    }
    buf_free(&a);
    buf_free(&b);
    buf_free(&what);
}

/* By the place of the second, as everything else is told. What is only counted is not read again:
 * its hash is enough. */
static void tell_pairs(struct part_check *c, struct diff_sort *pairs)
{
    static const struct finding counted = {.cost = TOOL_DAMAGED, .what = "", .unit = "record"};
    struct diff_record r;
    diff_sort_end(pairs);
    while (diff_sort_next(pairs, &r))
        if (c->to->count < FINDINGS_SAID_MAX)
            tell_pair(c, load_be64(r.payload.data), load_be64(r.key.data));
        else
            finding_add(c->to, &counted);
}

static void add_pair(struct diff_sort *pairs, uint64_t first, uint64_t second)
{
    uint8_t at[8], of[8];
    store_be64(at, second);
    store_be64(of, first);
    diff_sort_add(pairs, slice(at, sizeof at), slice(of, sizeof of));
}

static void find_keys_twice(struct part_check *c)
{
    struct diff_sort *pairs = diff_sort_new(PAIRS_HELD);
    struct twice_key key, first = {0};
    struct fault f = {0};
    bool any = false, ok = key_twice_find(c->twice, &f);
    for (; ok && key_twice_next(c->twice, &key, &f); any = true)
        if (any && key.hash == first.hash)
            add_pair(pairs, first.at, key.at);
        else
            first = key;
    tell_pairs(c, pairs);
    if (!fault_is(&f))
        f = *diff_sort_fault(pairs);
    if (fault_is(&f))
        finding_fault(c->to, c->name, &f);
    diff_sort_free(pairs);
}

static void tell_elements_twice(struct part_check *c)
{
    const struct check_value_twice *v = (const void *)c->sums.twice.data;
    for (size_t i = 0; i < c->sums.twice.len / sizeof *v; i++)
        finding_add(c->to, &(struct finding){
            .cost = TOOL_LOSS, .file = c->name, .from = v[i].at, .to = v[i].at,
            .unit = "record", .what = "An element is there twice: a server refuses the value",
            .has_db = true, .db = v[i].db, .has_key = true, .key = slice_str(v[i].key)});
    uint64_t more = c->sums.twice_count - c->sums.twice.len / sizeof *v;
    char what[80];
    snprintf(what, sizeof what, "%" PRIu64 " values more have an element twice", more);
    if (more)
        finding_add(c->to, &(struct finding){.cost = TOOL_LOSS, .file = c->name,
                                             .from = c->image->begin, .to = c->image->begin,
                                             .what = what});
    if (fault_is(&c->sums.unsearched))
        finding_fault(c->to, c->name, &c->sums.unsearched);
}

/* ---- the answer ---- */

static bool has_word(const char *text, const char *word)
{
    const char *at = strstr(text, word);
    size_t n = strlen(word);
    return at && (at == text || at[-1] == ' ') && (at[n] == 0 || at[n] == ' ');
}

static void add_fault(struct part_check *c, enum tool_exit cost, uint64_t at, const char *what)
{
    finding_add(c->to, &(struct finding){.cost = cost, .file = c->name, .from = at, .to = at,
                                         .unit = "trailer", .what = what});
}

static void check_digest(struct part_check *c)
{
    char hex[DIGEST_HEX];
    bool due = has_word(c->sums.integrity, "digest");
    if (!c->in_order || (!due && !c->sums.digest_told[0]))
        return;
    if (!c->sums.digest_told[0]) {
        add_fault(c, TOOL_DAMAGED, c->end_at, "The announced digest is missing");
    } else if (strcmp(digest_text(&c->sums.digest, hex), c->sums.digest_told) == 0) {
        c->totals->digests++;
        c->totals->digest = c->sums.digest.total;
    } else {
        add_fault(c, TOOL_LOSS, c->end_at,
                  "The digest is not that of the data set: every byte is as it was written, and "
                  "the values are not those that were meant");
    }
}

static void say_file(struct part_check *c, uint64_t load_us)
{
    const struct check_sink *s = &c->sums;
    char hex[DIGEST_HEX], made[SAY_TIME_TEXT], form[24];
    const char *digest = c->in_order ? digest_text(&s->digest, hex) : NULL;
    bool told = digest && strcmp(digest, s->digest_told) == 0;
    snprintf(form, sizeof form, "%s %d", c->plan.valkey ? "VALKEY" : "RDB", c->plan.version);
    say_row(&c->tool->say, "files",
            FIELDS(SAY_TEXT("file", c->name), SAY_TEXT("kind", "rdb"),
                   SAY_U64("version", (uint64_t)c->plan.version),
                   SAY_TEXT("writer", *s->writer ? s->writer : NULL), SAY_TIME("made", s->made_ms),
                   SAY_U64("bytes", c->image->end), SAY_U64("keys", s->keys),
                   SAY_U64("expires", s->expires),
                   SAY_U64("already_expired", s->already_expired),
                   SAY_U64("functions", s->functions), SAY_U64("blocks", c->blocks),
                   SAY_U64("blocks_bad", c->blocks_bad), SAY_TEXT("digest", digest),
                   SAY_BOOL("digest_told", told), SAY_U64("load_ms", load_us / 1000),
                   SAY_U64("memory", s->memory), SAY_U64("cannot_hold", s->foreign)),
            "%s: %s, written by %s%s%s", c->name, form,
            *s->writer ? s->writer : "a program that does not say",
            s->made_ms >= 0 ? ", begun " : "", s->made_ms >= 0 ? say_time(made, s->made_ms) : "");
    say_line(&c->tool->say, "  %" PRIu64 " keys, %" PRIu64 " of them expire (%" PRIu64 " have), %"
             PRIu64 " libraries of functions, %" PRIu64 " bytes", s->keys, s->expires,
             s->already_expired, s->functions, c->image->end);
    if (c->blocks)
        say_line(&c->tool->say, "  %" PRIu64 " blocks, %" PRIu64 " of them damaged; digest %s%s",
                 c->blocks, c->blocks_bad, digest ? digest : "not looked at",
                 told ? ", as the file says" : "");
    say_line(&c->tool->say, "  a load takes about %.1f s here (%s), and about %.1f MiB of memory "
             "(by types and sizes)", (double)load_us / 1e6,
             c->sampled ? "by loading its first part" : "by the time to read it",
             (double)s->memory / (1 << 20));
    if (s->foreign)
        say_line(&c->tool->say, "  %" PRIu64 " keys are more than this redis-server can hold, and "
                 "it refuses the file for them: holdfast convert --explain names them",
                 s->foreign);
}

static void add_totals(struct part_check *c, uint64_t load_us)
{
    struct check_totals *t = c->totals;
    t->bytes += c->image->end - c->image->begin;
    t->parts++;
    t->rdbs++;
    t->keys += c->sums.keys;
    t->expires += c->sums.expires;
    t->already_expired += c->sums.already_expired;
    t->functions += c->sums.functions;
    t->blocks += c->blocks;
    t->blocks_bad += c->blocks_bad;
    t->load_us += load_us;
    t->memory_bytes += c->sums.memory;
}

static void check_content(struct part_check *c)
{
    c->twice = key_twice_new(TWICE_HELD);
    int64_t begun_us = now_us();
    c->in_order = c->plan.header_ok && is_in_order(c);
    uint64_t took_us = (uint64_t)(now_us() - begun_us);
    if (!c->in_order) {
        library_set_end(&c->libraries);
        buf_clear(&c->library_faults);
        key_twice_free(c->twice);
        c->twice = key_twice_new(TWICE_HELD);
        mem_purge();
        read_on(c);
    }
    library_set_end(&c->libraries);
    tell_libraries(c);
    find_keys_twice(c);
    key_twice_free(c->twice);
    tell_elements_twice(c);
    check_digest(c);
    uint64_t load_us = load_sample(c->image, c->end_at ? c->end_at : c->image->end);
    c->sampled = load_us > 0;
    if (!c->sampled) /* a loader copies what was read and finds it a place */
        load_us = took_us * LOAD_TIMES;
    progress_bar_end(&c->tool->progress);
    say_file(c, load_us);
    add_totals(c, load_us);
}

/* A header that is well-formed, of a version that is to come, or never was: nothing behind it is
 * known. */
static void refuse_unknown(struct part_check *c)
{
    char what[80];
    snprintf(what, sizeof what, "RDB version %d is none of those this program knows",
             c->plan.unknown);
    finding_add(c->to, &(struct finding){.cost = TOOL_NEWER, .file = c->name,
                                         .from = c->image->begin, .to = c->image->begin,
                                         .unit = "header", .what = what});
}

/* True: commands. */
static bool look_behind(struct part_check *c)
{
    char what[200];
    bool index, due = has_word(c->sums.integrity, "trailer");
    uint64_t end = plan_end(&c->plan, c->image, c->end_at, &index), n = c->image->end - end;
    if (!index && due && c->in_order)
        add_fault(c, TOOL_DAMAGED, c->end_at,
                  "The block index behind the RDB is missing or damaged");
    enum rdb_behind is = rdb_behind_look(c->image->fd, end, c->image->end);
    if (is == RDB_BEHIND_COMMANDS)
        say_line(&c->tool->say, "  %" PRIu64 " bytes stand behind its end: servers pass over them; "
                 "as an append log they run these commands", n);
    snprintf(what, sizeof what, "%" PRIu64 " %s", n, rdb_behind_other);
    if (is == RDB_BEHIND_OTHER && (index || !due)) /* else it may be what is left of the index */
        finding_add(c->to, &(struct finding){.cost = TOOL_DAMAGED, .file = c->name, .from = end,
                                             .to = c->image->end, .unit = "trailer",
                                             .what = what});
    return is == RDB_BEHIND_COMMANDS;
}

/* True: commands stand behind it. */
static bool check_image(struct part_check *c)
{
    enum { SMALLEST = 10 };
    say_list(&c->tool->say, "files");
    if (c->image->end - c->image->begin < SMALLEST) {
        finding_add(c->to, &(struct finding){.cost = TOOL_TRUNCATED, .file = c->name,
                                             .what = "Too short for an RDB"});
        return false;
    }
    progress_bar_begin(&c->tool->progress, "check", c->image->end);
    plan_look(&c->plan, c->image);
    check_sink_init(&c->sums, now_ms());
    if (c->plan.unknown >= 0)
        refuse_unknown(c);
    else
        check_content(c);
    bool commands = c->end_at && look_behind(c);
    check_sink_free(&c->sums);
    plan_free(&c->plan);
    progress_bar_end(&c->tool->progress);
    return commands;
}

bool check_rdb_part(struct tool *t, struct findings *to, const struct source *s, size_t part,
                    const struct check_rdb_options *opt, struct check_totals *totals)
{
    struct rdb_file file;
    struct fault f = {0};
    must(part < s->count + s->history);
    if (!rdb_file_open_part(&file, &s->parts[part], &f)) {
        finding_fault(to, s->parts[part].name, &f);
        return false;
    }
    file.image.open_end = s->kind == SOURCE_LOG;
    struct part_check c = {.tool = t, .to = to, .name = s->parts[part].name, .image = &file.image,
                           .opt = opt, .totals = totals, .cut = &file.cut};
    library_set_begin(&c.libraries, t->env);
    bool commands = check_image(&c);
    rdb_file_close(&file);
    return commands;
}
