/* SPDX-License-Identifier: BSD-3-Clause */
/* Two passes over the file by the same engine (rdb_rescue.h), so both see the same records. The
 * first counts, and finds keys that are there twice; the second copies what is to be kept. What
 * becomes of each of those keys is noted by its place, in a sorted_map: they may be any number. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/mem.h"
#include "base/must.h"
#include "tools/check.h"
#include "tools/diff_sort.h"
#include "tools/element_search.h"
#include "tools/findings.h"
#include "tools/key_twice.h"
#include "tools/library_set.h"
#include "tools/library_text.h"
#include "tools/log_line.h"
#include "tools/log_part.h"
#include "tools/partial_key.h"
#include "tools/rdb_behind.h"
#include "tools/rdb_border.h"
#include "tools/rdb_copy.h"
#include "tools/rdb_file.h"
#include "tools/rdb_tell.h"
#include "tools/sorted_map.h"
#include "tools/source.h"
#include "tools/verbs.h"

struct salvage {
    bool keep_partial, keep_doubtful;
    const char *doubtful, *duplicates;
    uint64_t databases;
};

static const struct tool_option options[] = {
    TOOL_OPTION("--doubtful", TEXT, "FILE", struct salvage, doubtful,
                "another RDB for keys that can be read but may be wrong"),
    TOOL_OPTION("--keep-doubtful", FLAG, NULL, struct salvage, keep_doubtful,
                "put those keys into OUT as well"),
    TOOL_OPTION("--keep-partial", FLAG, NULL, struct salvage, keep_partial,
                "put collections that break off into OUT, as far as they go"),
    TOOL_OPTION("--duplicates", TEXT, "first|last|both-to-doubtful", struct salvage, duplicates,
                "which of two keys of one name is kept; first unless told"),
    TOOL_OPTION("--databases", U64, "N", struct salvage, databases,
                "keys of database N and above are damage"),
    {0}};

enum policy { POLICY_FIRST, POLICY_LAST, POLICY_BOTH, POLICY_UNKNOWN };
#define PARTIAL_BIT ((uint64_t)1 << 63) /* a place of a key that breaks off */

struct job {
    struct tool *tool;
    const struct salvage *opt;
    enum policy policy;
    const char *name;
    struct rdb_file file;
    struct rdb_plan plan;
    struct rescue rescue;
    struct element_search search;
    struct rdb_borders borders; /* found in the first pass */
    struct findings findings;
    struct rdb_tell tell;
    struct key_twice *twice[2]; /* of OUT, of the doubtful file */
    struct key_feed feed[2];
    struct sorted_map *twins;   /* by the place of a key: enum twin; all others are kept */
    struct rdb_copy out[2];
    bool has_out[2];
    struct library_set library_set;
    struct buf refused;         /* places of libraries that no server loads */
    uint64_t kept, doubtful, partial, partial_elements, left_out, libraries;
    uint64_t twin_keys, twin_libraries; /* not in OUT, as another has their name */
    size_t logs; /* files with commands that a server runs behind this one */
    int copying;
};
enum { TO_OUT, TO_DOUBTFUL };
enum twin { TWIN_KEPT, TWIN_LEFT_OUT, TWIN_DOUBTFUL };
enum { PLACES_HELD = 4 << 20, TWINS_SAID_MAX = 1000 };

static enum policy policy_of(const char *text)
{
    static const char *const names[] = {"first", "last", "both-to-doubtful"};
    unsigned p = POLICY_FIRST;
    for (; text && p < POLICY_UNKNOWN && strcmp(text, names[p]) != 0; p++)
        ;
    return (enum policy)p;
}

/* OUT is to load, whatever is asked for. */
static unsigned where_to(const struct job *j, const struct rescued *r)
{
    return r->refused || (r->doubtful && !j->opt->keep_doubtful) ? TO_DOUBTFUL : TO_OUT;
}

/* ---- libraries of functions that a server would refuse, and all of the file with them ---- */

static bool has_number(const struct buf *numbers, uint64_t n)
{
    for (size_t i = 0; i + sizeof n <= numbers->len; i += sizeof n)
        if (memcmp(numbers->data + i, &n, sizeof n) == 0)
            return true;
    return false;
}

static void add_number(struct buf *numbers, uint64_t n)
{
    buf_add(numbers, slice((const char *)&n, sizeof n));
}

static void tell_refused(struct job *j, struct slice code, uint64_t at, const struct buf *why)
{
    struct buf what = {0}, name = {0};
    buf_printf(&what, "The library of functions '%s' would not load: %.*s",
               say_text(&name, library_name(code), FAULT_KEY_MAX), SLICE_ARG(buf_slice(why)));
    finding_add(&j->findings, &(struct finding){
        .cost = TOOL_LOSS, .file = j->name, .from = at, .to = at, .unit = "record",
        .what = buf_cstr(&what),
        .costs = j->opt->doubtful ? "it is in the doubtful file, which no server loads with it"
                                  : "it is left out; --doubtful FILE keeps it"});
    buf_free(&what);
    buf_free(&name);
}

static bool look_at_library(void *arg, struct slice code, uint64_t at)
{
    struct job *j = arg;
    struct buf why = {0};
    /* Of two of one name the second is refused as well; which is kept is decided elsewhere. */
    bool ok = library_set_take(&j->library_set, code, &why) != LIBRARY_REFUSED;
    if (!ok) {
        add_number(&j->refused, at);
        tell_refused(j, code, at, &why);
    }
    buf_free(&why);
    return ok;
}

/* In the second pass. */
static bool was_fine(void *arg, struct slice code, uint64_t at)
{
    (void)code;
    return !has_number(&((struct job *)arg)->refused, at);
}

static void end_libraries(struct job *j)
{
    library_set_end(&j->library_set);
    buf_free(&j->refused);
}

/* ---- the first pass ---- */

static bool note_record(void *arg, const struct rescued *r)
{
    struct job *j = arg;
    rdb_tell_record(&j->tell, r);
    if (r->kind == RDB_REC_KEY || r->kind == RDB_REC_FUNCTION)
        key_feed_add(&j->feed[where_to(j, r)], r->hash, r->from);
    return true;
}

/* A server refuses the part of a value as well when an element is in it twice. */
static uint64_t count_part(struct job *j, const struct rescued *r, struct partial_key *p)
{
    partial_begin(p, NULL);
    bool distinct = rescue_again(&j->rescue, r, &p->sink);
    return distinct && partial_some(p) ? p->elements : 0;
}

static void note_broken(void *arg, const struct rescued *r)
{
    struct job *j = arg;
    struct partial_key p;
    if (count_part(j, r, &p))
        key_feed_add(&j->feed[j->opt->keep_partial ? TO_OUT : TO_DOUBTFUL], r->hash,
                     r->from | PARTIAL_BIT);
}

static void tell_hole(void *arg, const struct rescue_hole *h)
{
    rdb_tell_hole(&((struct job *)arg)->tell, h);
}

static void tell_span(void *arg, const struct rdb_span *s, uint64_t keys, bool holes)
{
    rdb_tell_span(&((struct job *)arg)->tell, s, keys, holes);
}

static void tell_at(void *arg, uint64_t at)
{
    struct job *j = arg;
    progress_bar_at(&j->tool->progress, j->copying ? at + j->file.image.end : at);
}

/* ---- keys that are there twice ---- */

struct choice {
    struct job *job;
    unsigned file;
    struct diff_sort *places; /* what becomes of them, by place */
    uint64_t hash, kept;
    size_t all, whole; /* of this hash, until now */
};

static void decide(struct choice *c, uint64_t at, enum twin what)
{
    uint8_t place[8], is = (uint8_t)what;
    store_be64(place, at);
    diff_sort_add(c->places, slice(place, sizeof place), slice(&is, 1));
}

/* Those of one hash come by place; parts of keys last. The one to keep is decided among whole
 * keys. */
static void choose(struct choice *c, const struct twice_key *key)
{
    bool whole = !(key->at & PARTIAL_BIT);
    if (c->all == 0 || key->hash != c->hash) {
        c->hash = key->hash;
        c->all = c->whole = 0;
    }
    c->whole += whole;
    if (c->all++ == 0) {
        c->kept = key->at;
    } else if (whole && c->job->policy == POLICY_BOTH && c->file == TO_OUT) {
        if (c->whole == 2)
            decide(c, c->kept, TWIN_DOUBTFUL);
        decide(c, key->at, TWIN_DOUBTFUL);
    } else if (whole && c->job->policy == POLICY_LAST) {
        decide(c, c->kept, TWIN_LEFT_OUT);
        c->kept = key->at;
    } else {
        decide(c, key->at, TWIN_LEFT_OUT);
    }
}

static bool find_twice(struct job *j, unsigned file, struct diff_sort *places, struct fault *f)
{
    struct choice c = {.job = j, .file = file, .places = places};
    struct twice_key key;
    bool ok = key_twice_find(j->twice[file], f);
    while (ok && key_twice_next(j->twice[file], &key, f))
        choose(&c, &key);
    key_twice_free(j->twice[file]);
    return ok && !fault_is(f);
}

static void put_twins(struct job *j, struct diff_sort *places, struct fault *f)
{
    struct diff_record r;
    diff_sort_end(places);
    j->twins = sorted_map_new();
    while (diff_sort_next(places, &r))
        sorted_map_append(j->twins, load_be64(r.key.data), (uint8_t)r.payload.data[0]);
    sorted_map_end(j->twins);
    if (fault_is(diff_sort_fault(places)))
        *f = *diff_sort_fault(places);
    else if (fault_is(sorted_map_fault(j->twins)))
        *f = *sorted_map_fault(j->twins);
}

static bool find_twins(struct job *j, struct fault *f)
{
    struct diff_sort *places = diff_sort_new(PLACES_HELD);
    for (int i = 0; i < 2; i++)
        key_feed_end(&j->feed[i]);
    bool ok = find_twice(j, TO_OUT, places, f);
    ok = find_twice(j, TO_DOUBTFUL, places, f) && ok;
    if (ok)
        put_twins(j, places, f);
    diff_sort_free(places);
    return ok && !fault_is(f);
}

static enum twin twin_at(const struct job *j, uint64_t at)
{
    const uint64_t *twin = sorted_map_find(j->twins, at);
    return twin ? (enum twin)*twin : TWIN_KEPT;
}

/* What could not be searched may be what a server refuses. */
static bool all_searched(const struct job *j, struct fault *f)
{
    if (fault_is(&j->search.fault))
        *f = j->search.fault;
    else if (fault_is(&j->rescue.pending.fault))
        *f = j->rescue.pending.fault;
    return !fault_is(f);
}

static bool first_pass(struct job *j, struct fault *f)
{
    static const struct rescue_ops ops = {.record = note_record, .broken = note_broken,
                                          .hole = tell_hole, .span = tell_span,
                                          .library = look_at_library, .at = tell_at};
    for (int i = 0; i < 2; i++) {
        j->twice[i] = key_twice_new(TWICE_HELD / 2);
        key_feed_begin(&j->feed[i], j->twice[i]);
    }
    j->rescue = (struct rescue){.image = &j->file.image, .plan = &j->plan, .ops = &ops, .arg = j,
                                .search = &j->search.ops,
                                .databases = (unsigned)j->opt->databases};
    rdb_borders_find(&j->borders, &j->rescue);
    j->rescue.borders = &j->borders;
    rescue_run(&j->rescue);
    rdb_tell_borders(&j->tell, &j->borders);
    rdb_tell_end(&j->tell, &j->rescue, &j->file.cut);
    rescue_free(&j->rescue);
    return find_twins(j, f) && all_searched(j, f);
}

/* ---- the second pass ---- */

static void copy_to(struct job *j, unsigned file, const struct rescued *r)
{
    if (j->has_out[file])
        rdb_copy_record(&j->out[file], r);
}

/* Of a name that comes more than once: what becomes of this one. */
static void name_twin(struct job *j, const struct rescued *r, enum twin twin)
{
    bool library = r->kind == RDB_REC_FUNCTION;
    char db[24] = "";
    if (!library)
        snprintf(db, sizeof db, "db %u, ", r->db);
    say_row(&j->tool->say, "duplicates",
            FIELDS(SAY_U64("db", library ? 0 : r->db), SAY_TEXT("key", r->key),
                   SAY_U64("offset", r->from), SAY_BOOL("library", library)),
            "offset %" PRIu64 ", %s%s '%s': %s", r->from, db,
            library ? "library of functions" : "key", r->key,
            twin == TWIN_LEFT_OUT ? "another of this name is kept"
                                  : "it comes more than once, and is not in OUT");
}

/* False: it is none, or the one that is kept. */
static bool set_aside_twin(struct job *j, const struct rescued *r, uint64_t *doubtful)
{
    enum twin twin = twin_at(j, r->from);
    if (twin == TWIN_KEPT)
        return false;
    if (twin == TWIN_LEFT_OUT || j->twin_keys + j->twin_libraries < TWINS_SAID_MAX)
        name_twin(j, r, twin);
    j->left_out += twin == TWIN_LEFT_OUT;
    *doubtful += twin == TWIN_DOUBTFUL;
    if (twin == TWIN_DOUBTFUL)
        copy_to(j, TO_DOUBTFUL, r);
    return true;
}

static void copy_key(struct job *j, const struct rescued *r)
{
    unsigned file = where_to(j, r);
    if (set_aside_twin(j, r, &j->twin_keys))
        return;
    if (r->doubtful)
        rdb_tell_doubtful(&j->tell, r);
    j->doubtful += r->doubtful;
    j->kept += file == TO_OUT;
    copy_to(j, file, r);
}

static void copy_library(struct job *j, const struct rescued *r)
{
    unsigned file = where_to(j, r);
    if (set_aside_twin(j, r, &j->twin_libraries))
        return;
    if (r->doubtful)
        rdb_tell_library(&j->tell, r);
    j->libraries += file == TO_OUT;
    copy_to(j, file, r);
}

static bool copy_record(void *arg, const struct rescued *r)
{
    struct job *j = arg;
    bool sure = j->rescue.span->trust != SPAN_DOUBTFUL || j->opt->keep_doubtful;
    switch (r->kind) {
    case RDB_REC_KEY:
        copy_key(j, r);
        break;
    case RDB_REC_DB:
    case RDB_REC_RESIZE:
        break;
    case RDB_REC_FUNCTION:
        copy_library(j, r);
        break;
    case RDB_REC_MODULE_AUX:
        copy_to(j, sure ? TO_OUT : TO_DOUBTFUL, r);
        break;
    default: /* AUX; and what keys in both files may rest upon */
        if (!r->integrity) {
            copy_to(j, TO_OUT, r);
            copy_to(j, TO_DOUBTFUL, r);
        }
        break;
    }
    return !(j->has_out[TO_OUT] && rdb_writer_bad(&j->out[TO_OUT].w));
}

static void copy_broken(void *arg, const struct rescued *r)
{
    struct job *j = arg;
    struct partial_key p;
    unsigned file = j->opt->keep_partial ? TO_OUT : TO_DOUBTFUL;
    uint64_t elements = count_part(j, r, &p);
    if (!elements || twin_at(j, r->from | PARTIAL_BIT) != TWIN_KEPT)
        return;
    j->partial++;
    j->partial_elements += elements;
    rdb_tell_partial(&j->tell, r, elements);
    if (!j->has_out[file])
        return;
    partial_begin(&p, &j->out[file].w.sink);
    rescue_again(&j->rescue, r, &p.sink);
    partial_end(&p);
    j->out[file].keys++;
}

static bool open_outputs(struct job *j, struct fault *f)
{
    const struct salvage *o = j->opt;
    const char *paths[2] = {j->tool->args[1], o->doubtful};
    for (int i = 0; i < 2 && paths[i]; i++) {
        struct rdb_copy_options opt = {.with_parts = o->keep_partial == (i == TO_OUT)};
        j->has_out[i] = rdb_copy_begin(&j->out[i], paths[i], &j->file.image, &j->plan, &opt, f);
        if (!j->has_out[i])
            break;
    }
    return j->has_out[TO_OUT] && (!o->doubtful || j->has_out[TO_DOUBTFUL]);
}

static bool close_outputs(struct job *j, bool ok, struct fault *f)
{
    for (int i = 1; i >= 0; i--) { /* OUT last: when it is there, all is */
        if (!j->has_out[i])
            continue;
        if (ok)
            ok = rdb_copy_end(&j->out[i], f);
        else
            rdb_copy_drop(&j->out[i]);
    }
    return ok;
}

static bool second_pass(struct job *j, struct fault *f)
{
    static const struct rescue_ops ops = {.record = copy_record, .broken = copy_broken,
                                          .library = was_fine, .at = tell_at};
    j->copying = 1;
    j->rescue = (struct rescue){.image = &j->file.image, .plan = &j->plan, .ops = &ops, .arg = j,
                                .digests = true, .search = &j->search.ops,
                                .borders = &j->borders,
                                .databases = (unsigned)j->opt->databases};
    bool ok = open_outputs(j, f);
    if (ok)
        rescue_run(&j->rescue);
    if (ok && fault_is(sorted_map_fault(j->twins))) { /* some were taken for the only ones */
        *f = *sorted_map_fault(j->twins);
        ok = false;
    }
    ok = ok && all_searched(j, f);
    ok = close_outputs(j, ok, f);
    rescue_free(&j->rescue);
    return ok;
}

/* ---- the answer ---- */

static bool commands_begin(struct rdb_image *m)
{
    char head[16];
    ssize_t got = image_read(m, 0, m->end, head, sizeof head);
    return got > 0 && rdb_commands_begin(slice(head, (size_t)got));
}

static void say_libraries(struct job *j)
{
    struct say *s = &j->tool->say;
    const struct rdb_tell *t = &j->tell;
    say_fields(s, FIELDS(SAY_U64("libraries_doubtful", t->libraries_doubtful),
                         SAY_U64("libraries_lost", t->libraries_lost),
                         SAY_U64("libraries_refused", j->refused.len / sizeof(uint64_t)),
                         SAY_BOOL("libraries_unsure", t->libraries_unsure)), NULL);
    if (t->libraries_lost)
        say_line(s, "%" PRIu64 " libraries of functions are lost", t->libraries_lost);
    if (t->libraries_unsure)
        say_line(s, "Whether %s libraries of functions are lost can't be told: damage lies where "
                 "they stand, in front of all keys", t->libraries_lost ? "more" : "any");
    if (t->libraries_doubtful)
        say_line(s, "%" PRIu64 " libraries of functions are doubtful%s", t->libraries_doubtful,
                 j->opt->keep_doubtful ? "; they are in it"
                 : j->opt->doubtful    ? ""
                                       : "; --doubtful FILE keeps them");
}

/* Under both-to-doubtful. */
static void say_twins(struct job *j)
{
    struct say *s = &j->tool->say;
    const char *where = j->opt->doubtful ? "in the doubtful file" : "left out; --doubtful FILE "
                                                                    "keeps them";
    say_fields(s, FIELDS(SAY_U64("duplicates_doubtful", j->twin_keys)),
               j->twin_keys ? "%" PRIu64 " keys have a name that comes more than once: they are %s"
                            : NULL, j->twin_keys, where);
    say_fields(s, FIELDS(SAY_U64("duplicate_libraries_doubtful", j->twin_libraries)),
               j->twin_libraries ? "%" PRIu64 " libraries of functions have a name that comes more "
                                   "than once: they are %s"
                                 : NULL, j->twin_libraries, where);
    if (j->twin_keys + j->twin_libraries)
        j->findings.worst = tool_worse(j->findings.worst,
                                       j->opt->doubtful ? TOOL_DAMAGED : TOOL_LOSS);
}

static void say_sum(struct job *j)
{
    struct say *s = &j->tool->say;
    say_fields(s, FIELDS(SAY_U64("keys", j->kept), SAY_U64("libraries", j->libraries)),
               "%" PRIu64 " keys are in %s", j->kept, j->tool->args[1]);
    say_fields(s, FIELDS(SAY_U64("doubtful", j->doubtful)), j->doubtful ? "%s%" PRIu64
               " keys are doubtful: they can be read, but a checksum or the bytes beside them are "
               "wrong%s" : NULL, "", j->doubtful,
               j->opt->keep_doubtful ? "; they are in it"
               : j->opt->doubtful    ? ""
                                     : "; --doubtful FILE keeps them");
    say_twins(j);
    say_libraries(j);
    say_fields(s, FIELDS(SAY_U64("partial", j->partial),
                         SAY_U64("partial_elements", j->partial_elements)), NULL);
    say_fields(s, FIELDS(SAY_U64("left_out", j->left_out)), NULL);
    /* Only block records tell how many keys there were. */
    bool known = blocks_count(&j->plan.list) > 0 || j->findings.count == 0;
    struct say_field lost = {known ? SAY_KIND_U64 : SAY_KIND_NULL, "keys_lost",
                             {.u = j->tell.keys_lost}};
    say_fields(s, FIELDS(lost), NULL);
    bool index;
    uint64_t end = j->rescue.ended ? plan_end(&j->plan, &j->file.image, j->rescue.end_at, &index)
                                   : j->file.image.end;
    uint64_t behind = j->file.image.end - end;
    enum rdb_behind is = behind ? rdb_behind_look(j->file.image.fd, end, j->file.image.end)
                                : RDB_BEHIND_NOTHING;
    bool commands = is == RDB_BEHIND_COMMANDS;
    say_fields(s, FIELDS(SAY_U64("bytes_behind", behind),
                         SAY_BOOL("commands_behind", commands || j->logs)),
               !behind    ? NULL
               : commands ? "%" PRIu64 " bytes behind the RDB are left out: the commands of a log, "
                            "which holdfast fix keeps"
                          : "%" PRIu64 " bytes behind the RDB are left out", behind);
    if (is != RDB_BEHIND_NOTHING)
        j->findings.worst = tool_worse(j->findings.worst, commands ? TOOL_LOSS : TOOL_DAMAGED);
}

static enum tool_exit salvage_file(struct job *j)
{
    struct fault f = {0};
    struct tool *t = j->tool;
    rdb_tell_begin(&j->tell, &j->findings, &j->file.image, &j->plan, j->name);
    progress_bar_begin(&t->progress, "salvage", j->file.image.end * 2);
    rdb_tell_file(&j->tell);
    bool ok = first_pass(j, &f) && second_pass(j, &f);
    progress_bar_end(&t->progress);
    if (!ok)
        return tool_fault(t, &f);
    say_sum(j);
    if (j->left_out)
        j->findings.worst = tool_worse(j->findings.worst, TOOL_DAMAGED);
    if (j->logs)
        j->findings.worst = tool_worse(j->findings.worst, TOOL_LOSS);
    enum tool_exit worst = findings_end(&j->findings);
    return worst == TOOL_GOOD && j->plan.corrections.len ? TOOL_REPAIRED : worst;
}

static bool is_stream(struct job *j, struct fault *f)
{
    char head[80];
    ssize_t got = image_read(&j->file.image, 0, j->file.image.end, head, sizeof head);
    return got > 0 && !source_is_file(j->name, slice(head, (size_t)got), f);
}

static bool has_commands(const struct source *s, size_t i)
{
    struct log_part *p = mem_alloc(sizeof *p);
    struct log_reader *r = mem_alloc(sizeof *r);
    struct fault none = {0};
    enum log_item what = LOG_END;
    must(i < s->count);
    if (!s->parts[i].missing && log_part_open(p, s, i, &none)) {
        log_read_open(r, &p->bytes, p->start, &p->options);
        do
            what = log_read_next(r);
        while (what != LOG_END && what != LOG_UNIT);
        log_read_close(r);
        log_part_close(p);
    }
    mem_free(p);
    mem_free(r);
    return what == LOG_UNIT;
}

/* They are not this verb's, and are no fault of the base; but who takes OUT for all is wrong. */
static void tell_logs(struct job *j, const struct source *s)
{
    for (size_t i = 0; i < s->count; i++)
        j->logs += has_commands(s, i);
    if (j->logs)
        say_line(&j->tool->say, "The commands behind it, in %zu files, are not in OUT", j->logs);
}

/* The RDB that a word means: the file itself, or what a server would load from a directory. Of a
 * log that is its base; the commands behind it are not this verb's. For mem_free; NULL with f. */
static char *rdb_of(struct job *j, const char *word, enum tool_exit *missing, struct fault *f)
{
    struct tool *t = j->tool;
    struct source s;
    char *path = NULL;
    if (!source_is_place(word))
        return mem_strdup(word);
    if (!source_find(&s, word, &(struct source_options){0}, f))
        return NULL;
    *missing = log_line_missing(t, &s);
    for (size_t i = 0; i < s.count && !path; i++)
        if (s.kind == SOURCE_RDB || s.parts[i].begins_with_rdb)
            path = mem_strdup(s.parts[i].path);
    if (!path)
        fault_set(f, *missing == TOOL_GOOD ? FAULT_INVALID : FAULT_FORMAT,
                  "There is no RDB in %s: holdfast fix mends logs", word);
    else
        say_line(&t->say, "%s: %s%s", word, path, s.kind == SOURCE_RDB ? "" : ", the base of the "
                 "log; holdfast fix --base puts what is saved in its place");
    if (path && s.kind != SOURCE_RDB)
        tell_logs(j, &s);
    source_free(&s);
    return path;
}

static int run(struct tool *t, void *state)
{
    const struct salvage *o = state;
    struct job j = {.tool = t, .opt = o, .policy = policy_of(o->duplicates)};
    enum tool_exit missing = TOOL_GOOD;
    struct fault f = {0};
    if (j.policy == POLICY_UNKNOWN)
        return tool_usage(t, "--duplicates %s: first, last or both-to-doubtful", o->duplicates);
    if (o->doubtful && strcmp(o->doubtful, t->args[1]) == 0)
        return tool_usage(t, "--doubtful %s: another file than OUT", o->doubtful);
    char *path = rdb_of(&j, t->args[0], &missing, &f);
    if (!path || !rdb_file_open(&j.file, path, &f)) {
        mem_free(path);
        return tool_fault(t, &f);
    }
    j.name = j.file.input.name;
    findings_begin(&j.findings, t);
    library_set_begin(&j.library_set, t->env);
    element_search_begin(&j.search);
    say_list(&t->say, "duplicates");
    say_list(&t->say, "partial_keys");
    say_list(&t->say, "doubtful_keys");
    say_list(&t->say, "doubtful_libraries");
    say_list(&t->say, "lost_libraries");
    say_list(&t->say, "corrections");
    enum tool_exit code;
    if (commands_begin(&j.file.image)) {
        code = tool_usage(t, "%s is an append log and holds no RDB: use holdfast fix", j.name);
    } else if (is_stream(&j, &f)) {
        code = tool_fault(t, &f);
    } else if (j.file.image.end < RESCUE_MAGIC + 1) {
        bool damaged = j.file.cut.code == FAULT_FORMAT; /* around it */
        fault_set(&f, damaged ? FAULT_FORMAT : FAULT_EOF, "%s%s", j.name, damaged ?
                  ": its compression is damaged from its front on" : " is too short to hold a key");
        code = tool_fault(t, &f);
    } else {
        plan_make(&j.plan, &j.file.image, t->threads);
        code = salvage_file(&j);
    }
    end_libraries(&j);
    element_search_end(&j.search);
    sorted_map_free(j.twins);
    rdb_borders_free(&j.borders);
    plan_free(&j.plan);
    rdb_file_close(&j.file);
    mem_free(path);
    return tool_worse(code, missing);
}

/* Keys that are doubtful are a product, too. */
static const char *product_to(const struct tool *t, const void *state)
{
    const struct salvage *o = state;
    bool doubtful = o->doubtful && strcmp(o->doubtful, "-") == 0;
    return doubtful ? o->doubtful : t->argc > 1 ? t->args[1] : NULL;
}

const struct verb verb_salvage = {
    .name = "salvage",
    .does = "a clean RDB with every undamaged key of a damaged one",
    .args = "FILE|DIR OUT.rdb",
    .example = "  holdfast salvage dump.rdb clean.rdb --doubtful doubtful.rdb\n"
               "  holdfast salvage dump.rdb.gz clean.rdb --keep-partial --json\n",
    .text = "FILE is read only (of a directory: the dump, or the base of the log, that a server\n"
            "would load); OUT must not exist. Commands behind an RDB, in its file or in others\n"
            "of the log, are not in OUT, which is said (exit code 5): holdfast fix mends logs.\n"
            "Where a checksum is enough to tell which bit was flipped, it is flipped back, and\n"
            "nothing is lost. With block\n"
            "checksums (our redis-server writes them) every key outside a damaged\n"
            "block is kept, and none that was not there. Without them reading goes on where\n"
            "several records in a row look right,\n"
            "and a changed byte inside a value can't be seen.\n",
    .options = options,
    .state_size = sizeof(struct salvage),
    .args_min = 2,
    .args_max = 2,
    .product_to = product_to,
    .run = run,
};
