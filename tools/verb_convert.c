/* SPDX-License-Identifier: BSD-3-Clause */
/* One or several data sets into one: filtered, renamed, split, in another form or version. Each is
 * read twice: first to find what the target cannot hold and which keys come twice, then to
 * write. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/must.h"
#include "base/num.h"
#include "os/file.h"
#include "tools/adapt.h"
#include "tools/check.h"
#include "tools/convert_out.h"
#include "tools/dataset.h"
#include "tools/key_filter.h"
#include "tools/key_twice.h"
#include "tools/library_text.h"
#include "tools/live.h"
#include "tools/sift.h"
#include "tools/sorted_map.h"
#include "tools/verbs.h"

struct convert {
    struct key_filter filter;
    const char *to, *split, *twice;
    struct tool_texts rename, map;
    uint64_t version, level;
    bool explain, drop, plain, uncompressed, dump;
};

static const struct tool_option options[] = {
    TOOL_OPTION("--to", TEXT, "rdb|aof|log", struct convert, to,
                "an RDB (default), a file of commands, or a directory with an append log"),
    TOOL_OPTION("--version", U64, "9|10|11", struct convert, version,
                "of the RDB: 9 (Redis 5.0 to 6.2), 10 (7.0), 11 (7.2, Valkey to 8.1; default)"),
    TOOL_OPTION("--explain", FLAG, NULL, struct convert, explain,
                "write nothing: list what the target cannot hold, key by key"),
    TOOL_OPTION("--drop", FLAG, NULL, struct convert, drop,
                "leave out what the target cannot hold, and count it"),
    KEY_FILTER_OPTIONS(struct convert, filter),
    TOOL_OPTION("--rename", TEXTS, "OLD=NEW", struct convert, rename,
                "names that begin with OLD begin with NEW; again for more"),
    TOOL_OPTION("--map-db", TEXTS, "N=M", struct convert, map, "database N becomes M"),
    TOOL_OPTION("--split", TEXT, "db|N", struct convert, split,
                "a file for each database, or for each of N ranges of slots"),
    TOOL_OPTION("--twice", TEXT, "refuse|first|last", struct convert, twice,
                "a key that comes twice: refused (default), or which of them counts"),
    TOOL_OPTION("--plain", FLAG, NULL, struct convert, plain,
                "without block sums, digest and index: byte for byte what other servers know"),
    TOOL_OPTION("--no-lzf", FLAG, NULL, struct convert, uncompressed, "strings are not compressed"),
    TOOL_OPTION("--dump", FLAG, NULL, struct convert, dump,
                "of a data directory with both, its dump and not its log"),
    {0}};

/* A library of functions, by its name: which of the inputs' is written. It is told by its number
 * among those of its name: a running server may have others besides at the second reading. */
struct library {
    char *name;
    struct hash128 is;
    uint64_t come, chosen; /* of this name, in this pass; from 1 */
    bool refused;          /* the chosen one does not load */
};

struct work {
    struct tool *t;
    struct convert *c;
    struct convert_options out_options;
    enum adapt_target target;
    const char *out_path;
    struct dataset *sets;     /* open from the first pass on */
    size_t inputs, open;
    struct buf name;          /* a renamed one */
    /* first pass */
    struct key_feed feed;
    uint64_t ordinal, concerned;
    struct sorted_map *twice; /* by hash, of what comes twice: how often */
    struct library *libraries;
    size_t library_count;
    uint64_t libraries_twice; /* of one name, and not the same */
    void *library_set;        /* those that load so far, beside one another; NULL: none was met */
    uint64_t libraries_refused;
    bool writing;
    uint64_t left_out_twice;
};

/* ---- changes ---- */

static const char *equals_in(const char *text)
{
    return strchr(text, '=');
}

static void rename_key(struct work *w, struct key_event *key)
{
    for (size_t i = 0; i < w->c->rename.count; i++) {
        const char *old = w->c->rename.texts[i], *equals = equals_in(old);
        size_t n = (size_t)(equals - old);
        if (key->name.len < n || memcmp(key->name.data, old, n) != 0)
            continue;
        struct slice rest = slice_from(key->name, n);
        buf_clear(&w->name);
        buf_add(&w->name, slice_str(equals + 1));
        buf_add(&w->name, rest);
        key->name = buf_slice(&w->name);
        return;
    }
}

static void map_db(struct work *w, struct key_event *key)
{
    uint64_t from, to;
    for (size_t i = 0; i < w->c->map.count; i++) {
        const char *text = w->c->map.texts[i], *equals = equals_in(text);
        must(num_parse_u64(slice(text, (size_t)(equals - text)), &from) &&
             num_parse_u64(slice_str(equals + 1), &to));
        if (key->db == from) {
            key->db = (unsigned)to;
            return;
        }
    }
}

/* The number beside a hash: how often it is to come; under "first" 0 once it came. */
static bool counts(struct work *w, uint64_t hash)
{
    uint64_t *twice = sorted_map_find(w->twice, hash);
    if (!twice)
        return true;
    bool last = w->c->twice && strcmp(w->c->twice, "last") == 0;
    bool yes = last ? *twice == 1 : *twice != 0;
    if (yes != last) {
        *twice = last ? *twice - 1 : 0;
        sorted_map_changed(w->twice);
    }
    w->left_out_twice += !yes;
    return yes;
}

static bool change(void *arg, struct key_event *key)
{
    struct work *w = arg;
    rename_key(w, key);
    map_db(w, key);
    uint64_t hash = key_twice_hash(key->name, key->db);
    if (w->writing)
        return counts(w, hash);
    key_feed_add(&w->feed, hash, w->ordinal++);
    return true;
}

/* ---- libraries ---- */

static struct library *find_library(struct work *w, struct slice name)
{
    for (size_t i = 0; i < w->library_count; i++)
        if (slice_eq_str(name, w->libraries[i].name))
            return &w->libraries[i];
    struct buf text = {0};
    buf_add(&text, name);
    w->libraries = mem_realloc(w->libraries, (w->library_count + 1) * sizeof *w->libraries);
    w->libraries[w->library_count] = (struct library){.name = mem_strdup(buf_cstr(&text))};
    buf_free(&text);
    return &w->libraries[w->library_count++];
}

static void tell_library(struct work *w, struct slice name, struct buf *why)
{
    struct buf what = {0}, shown = {0};
    buf_printf(&what, "library of functions '%s': it would not load: %s",
               say_text(&shown, name, FAULT_KEY_MAX), buf_cstr(why));
    if (w->c->explain || !w->c->drop)
        say_row(&w->t->say, "blocking",
                FIELDS(SAY_U64("db", 0), (struct say_field){SAY_KIND_NULL, "key", {.u = 0}},
                       SAY_BYTES("library", name), SAY_TEXT("what", buf_cstr(&what))),
                "%s", buf_cstr(&what));
    buf_free(&what);
    buf_free(&shown);
}

/* A server refuses all of a file for it. Behind those before it, or, when it takes the place of
 * one, by itself. */
static bool would_load(struct work *w, const struct library *l, struct slice source)
{
    const struct check_libraries *check = w->t->env ? w->t->env->libraries : NULL;
    struct buf why = {0};
    must(!w->writing);
    if (!check || w->target == ADAPT_RDB_9) /* which has none */
        return true;
    bool alone = l->chosen != 0;
    if (!alone && !w->library_set)
        w->library_set = check->begin();
    void *set = alone ? check->begin() : w->library_set;
    bool ok = check_library(check, set, source, &why);
    if (alone)
        check->end(set);
    if (!ok)
        tell_library(w, library_name(source), &why);
    buf_free(&why);
    return ok;
}

/* One and the same in two inputs is one; two of one name are as keys that come twice. */
static bool takes_library(void *arg, struct slice source)
{
    struct work *w = arg;
    struct library *l = find_library(w, library_name(source));
    uint64_t number = ++l->come;
    if (w->writing)
        return number == (l->chosen ? l->chosen : 1) && !l->refused;
    struct hash128 is = hash_fixed128(source.data, source.len, 0);
    bool known = l->chosen != 0;
    bool other = known && (is.low != l->is.low || is.high != l->is.high);
    w->libraries_twice += other;
    if (!known || (other && w->c->twice && strcmp(w->c->twice, "last") == 0)) {
        w->libraries_refused -= l->refused;
        l->refused = !would_load(w, l, source);
        w->libraries_refused += l->refused;
        l->chosen = number;
    }
    l->is = is;
    return !known && !l->refused;
}

/* ---- reading the inputs ---- */

static bool open_inputs(struct work *w, struct fault *f)
{
    const struct key_filter *filter = &w->c->filter;
    const struct dataset_options opt = {.source.dump = w->c->dump, .again = true,
                                        .filter = key_filter_takes_all(filter) ? NULL : filter};
    w->sets = mem_zalloc(w->inputs * sizeof *w->sets);
    for (; w->open < w->inputs; w->open++)
        if (!dataset_open(&w->sets[w->open], w->t, w->t->args[w->open], &opt, f))
            return false;
    return true;
}

static bool read_input(struct work *w, struct dataset *set, struct sink *to, uint64_t *left_out,
                       struct fault *f)
{
    struct sift sift;
    sift_init(&sift, &w->c->filter, to);
    sift.change = change;
    sift.takes_library = takes_library;
    sift.arg = w;
    bool ok = dataset_read(set, &sift.pass.sink, f);
    *left_out += sift.left_out + set->server.left_out;
    return ok;
}

static bool read_inputs(struct work *w, struct sink *to, uint64_t *left_out, struct fault *f)
{
    for (size_t i = 0; i < w->library_count; i++)
        w->libraries[i].come = 0;
    for (size_t i = 0; i < w->inputs; i++)
        if (!read_input(w, &w->sets[i], to, left_out, f))
            return false;
    return true;
}

/* ---- first pass ---- */

static void say_found(struct work *w, const char *what, const struct key_event *key,
                      struct slice library)
{
    struct buf hold = {0}, place = {0};
    const char *name = say_text(&hold, key ? key->name : library, FAULT_KEY_MAX);
    if (key)
        buf_printf(&place, "db %u, key '%s'", key->db, name);
    else
        buf_printf(&place, "library of functions '%s'", name);
    struct say_field of_key = {key ? SAY_KIND_BYTES : SAY_KIND_NULL, "key",
                               {.bytes = key ? key->name : (struct slice){0}}};
    struct say_field of_library = {key ? SAY_KIND_NULL : SAY_KIND_BYTES, "library",
                                   {.bytes = library}};
    say_row(&w->t->say, "blocking",
            FIELDS(SAY_U64("db", key ? key->db : 0), of_key, of_library, SAY_TEXT("what", what)),
            "%s: %s", buf_cstr(&place), what);
    buf_free(&hold);
    buf_free(&place);
}

static void found(void *arg, const char *what, const struct key_event *key, struct slice library)
{
    enum { SAID_MAX = 100000 };
    struct work *w = arg;
    if (w->concerned++ < SAID_MAX && (w->c->explain || !w->c->drop))
        say_found(w, what, key, library);
}

/* Groups of equal hashes become one entry each: how often it will come. */
static bool group_twice(struct work *w, struct key_twice *twice, struct fault *f)
{
    struct twice_key key;
    uint64_t hash = 0, n = 0;
    bool ok = key_twice_find(twice, f);
    w->twice = sorted_map_new();
    for (; ok && key_twice_next(twice, &key, f); n++) {
        if (n && key.hash != hash) {
            sorted_map_append(w->twice, hash, n);
            n = 0;
        }
        hash = key.hash;
    }
    if (n)
        sorted_map_append(w->twice, hash, n);
    sorted_map_end(w->twice);
    if (!fault_is(f))
        *f = *sorted_map_fault(w->twice);
    return !fault_is(f);
}

static bool first_pass(struct work *w, struct adapt *a, struct fault *f)
{
    struct key_twice *twice = key_twice_new(TWICE_HELD);
    uint64_t left_out = 0;
    adapt_init(a, w->target, NULL);
    a->found = found;
    a->arg = w;
    key_feed_begin(&w->feed, twice);
    bool ok = read_inputs(w, &a->pass.sink, &left_out, f);
    key_feed_end(&w->feed);
    ok = ok && group_twice(w, twice, f);
    key_twice_free(twice);
    return ok;
}

/* ---- second pass ---- */

static void tell_written(struct work *w, const struct convert_out *out, const struct adapt *a,
                         uint64_t left_out)
{
    uint64_t keys = 0, libraries = a->libraries + w->libraries_refused;
    for (size_t i = 0; i < out->count; i++) {
        const struct convert_file *file = out->files[i];
        keys += file->keys;
        say_row(&w->t->say, "files",
                FIELDS(SAY_TEXT("path", file->path), SAY_U64("keys", file->keys)),
                "%s: %" PRIu64 " keys", file->path, file->keys);
    }
    say_fields(&w->t->say,
               FIELDS(SAY_U64("keys", keys), SAY_U64("left_out", left_out - w->left_out_twice),
                      SAY_U64("left_out_twice", w->left_out_twice),
                      SAY_U64("dropped_keys", a->values),
                      SAY_U64("dropped_field_expiries", a->fields),
                      SAY_U64("dropped_pending", a->lost.lost),
                      SAY_U64("dropped_counters", a->counters),
                      SAY_U64("dropped_libraries", libraries)),
               a->keys + libraries
                   ? "%" PRIu64 " keys; left out: %" PRIu64 " by the filter, %" PRIu64 " that came "
                     "twice; not held: %" PRIu64 " values, %" PRIu64 " expiries of fields, %" PRIu64
                     " pending entries, %" PRIu64 " libraries, counters of %" PRIu64 " streams"
                   : "%" PRIu64 " keys; left out: %" PRIu64 " by the filter, %" PRIu64 " that came "
                     "twice", keys, left_out - w->left_out_twice, w->left_out_twice, a->values,
               a->fields, a->lost.lost, libraries, a->counters);
}

static enum tool_exit second_pass(struct work *w)
{
    struct convert_out out;
    struct adapt a;
    struct fault f = {0};
    uint64_t left_out = 0;
    w->writing = true;
    say_list(&w->t->say, "files");
    if (!convert_out_begin(&out, w->out_path, &w->out_options, &f)) {
        convert_out_free(&out);
        return tool_fault(w->t, &f);
    }
    adapt_init(&a, w->target, &out.pass.sink);
    bool ok = read_inputs(w, &a.pass.sink, &left_out, &f);
    if (ok && fault_is(sorted_map_fault(w->twice))) { /* some were taken for the only ones */
        f = *sorted_map_fault(w->twice);
        ok = false;
    }
    if (!ok)
        convert_out_drop(&out);
    else
        ok = convert_out_end(&out, &f);
    if (ok)
        tell_written(w, &out, &a, left_out);
    adapt_free(&a);
    convert_out_free(&out);
    return ok ? TOOL_GOOD : tool_fault(w->t, &f);
}

/* A library that does not load is damage of the input, whatever the target is. */
static enum tool_exit hindrance(const struct work *w)
{
    return w->concerned ? TOOL_NEWER : w->libraries_refused ? TOOL_LOSS : TOOL_GOOD;
}

/* Then what comes twice is damage of the one input, and not what was asked for. */
static bool is_as_it_came(const struct work *w)
{
    return w->inputs == 1 && !w->c->rename.count && !w->c->map.count;
}

/* What may be written, and what must be said first. */
static enum tool_exit convert(struct work *w)
{
    struct adapt a;
    struct fault f = {0};
    say_list(&w->t->say, "blocking");
    bool ok = open_inputs(w, &f);
    if (!ok)
        return tool_fault(w->t, &f);
    ok = first_pass(w, &a, &f);
    uint64_t concerned = w->concerned + w->libraries_refused;
    if (ok && fault_is(&a.lost.fault)) {
        f = a.lost.fault;
        ok = false;
    }
    adapt_free(&a);
    if (!ok)
        return tool_fault(w->t, &f);
    uint64_t twice = sorted_map_count(w->twice) + w->libraries_twice;
    say_fields(&w->t->say, FIELDS(SAY_U64("cannot_hold", concerned), SAY_U64("keys_twice", twice)),
               NULL);
    if (w->c->explain) {
        say_line(&w->t->say, "%" PRIu64 " keys or libraries that the target cannot hold",
                 concerned);
        return hindrance(w);
    }
    if (concerned && !w->c->drop) {
        bool newest = w->c->version == 0 || w->c->version == 11;
        fault_set(&f, tool_exit_fault(hindrance(w)), "%" PRIu64 " keys or libraries are more than "
                  "the target can hold: --explain names them, --drop leaves out what it cannot%s",
                  concerned, newest ? "" : ", a later --version may hold more");
        return tool_fault(w->t, &f);
    }
    if (twice && (!w->c->twice || strcmp(w->c->twice, "refuse") == 0)) {
        fault_set(&f, is_as_it_came(w) ? FAULT_REFUSED : FAULT_INVALID, "%" PRIu64 " keys or "
                  "libraries come twice: --twice first or --twice last says which of them counts",
                  twice);
        return tool_fault(w->t, &f);
    }
    return second_pass(w);
}

/* ---- the words ---- */

/* Is it told before what becomes of the same? */
static bool told_before(const struct tool_texts *texts, size_t i)
{
    const char *text = texts->texts[i];
    size_t n = (size_t)(equals_in(text) - text) + 1;
    for (size_t k = 0; k < i; k++)
        if (strncmp(texts->texts[k], text, n) == 0)
            return true;
    return false;
}

static bool pairs_fine(struct tool *t, const struct tool_texts *texts, const char *option,
                       bool numbers)
{
    for (size_t i = 0; i < texts->count; i++) {
        const char *text = texts->texts[i], *equals = equals_in(text);
        uint64_t n;
        bool fine = equals && (!numbers ||
                               (num_parse_u64(slice(text, (size_t)(equals - text)), &n) &&
                                num_parse_u64(slice_str(equals + 1), &n) && n < INT32_MAX));
        if (!fine) {
            tool_usage(t, "%s %s: it is written %s", option, text, numbers ? "N=M" : "OLD=NEW");
            return false;
        }
        if (told_before(texts, i)) {
            tool_usage(t, "%s %s: another %s says what becomes of that", option, text, option);
            return false;
        }
    }
    return true;
}

static bool take_form(struct work *w)
{
    static const char *const forms[] = {"rdb", "aof", "log"};
    struct convert_options *o = &w->out_options;
    const char *to = w->c->to ? w->c->to : "rdb";
    unsigned form = 0;
    for (; form < 3 && strcmp(forms[form], to) != 0; form++)
        ;
    uint64_t version = w->c->version ? w->c->version : 11;
    o->form = (enum convert_form)form;
    o->version = (int)version;
    if (form == 3)
        tool_usage(w->t, "--to %s: rdb, aof or log", to);
    else if (version < 9 || version > 11)
        tool_usage(w->t, "--version %" PRIu64 ": 9, 10 or 11", version);
    else
        w->target = form == CONVERT_AOF ? ADAPT_COMMANDS : (enum adapt_target)(version - 9);
    return form < 3 && version >= 9 && version <= 11;
}

static bool take_split(struct work *w)
{
    struct convert_options *o = &w->out_options;
    uint64_t n = 0;
    if (!w->c->split)
        return true;
    o->split = strcmp(w->c->split, "db") == 0 ? SPLIT_DB : SPLIT_SLOTS;
    if (o->split == SPLIT_SLOTS && (!num_parse_u64(slice_str(w->c->split), &n) || n < 1 ||
                                    n > CONVERT_FILES_MAX)) {
        tool_usage(w->t, "--split %s: db, or a number up to %d", w->c->split, CONVERT_FILES_MAX);
        return false;
    }
    o->ranges = (unsigned)n;
    if (o->form == CONVERT_LOG) {
        tool_usage(w->t, "--to log cannot be split");
        return false;
    }
    return true;
}

static bool take_twice(struct work *w)
{
    const char *p = w->c->twice;
    if (!p || strcmp(p, "refuse") == 0 || strcmp(p, "first") == 0 || strcmp(p, "last") == 0)
        return true;
    tool_usage(w->t, "--twice %s: refuse, first or last", p);
    return false;
}

/* With --explain nothing is written; the OUT of the command that is to come may stand there. */
static bool names_out(struct tool *t, const struct convert *c)
{
    const char *last = t->argc > 1 ? t->args[t->argc - 1] : NULL;
    if (!c->explain)
        return true;
    if (!last || live_is_address(last) || strcmp(last, "-") == 0 || file_exists(last))
        return false;
    say_line(&t->say, "%s is not there: it is taken for OUT, which --explain does not write", last);
    return true;
}

static int run(struct tool *t, void *state)
{
    struct convert *c = state;
    struct work w = {.t = t, .c = c, .inputs = t->argc - names_out(t, c)};
    w.out_path = c->explain ? NULL : t->args[t->argc - 1];
    if (w.inputs == 0)
        return tool_usage(t, "it takes IN... OUT");
    if (!pairs_fine(t, &c->rename, "--rename", false) ||
        !pairs_fine(t, &c->map, "--map-db", true) || !take_form(&w) || !take_split(&w) ||
        !take_twice(&w) || !key_filter_begin(&c->filter, t))
        return TOOL_FAILED;
    w.out_options.plain = c->plain;
    w.out_options.uncompressed = c->uncompressed;
    if (w.out_path && w.out_options.split == SPLIT_NONE)
        w.out_options.file.compression = compression_of_name(w.out_path);
    enum tool_exit code = convert(&w);
    for (size_t i = 0; i < w.open; i++)
        code = tool_worse(code, w.sets[i].worst);
    key_filter_end(&c->filter);
    for (size_t i = 0; i < w.open; i++)
        dataset_close(&w.sets[i]);
    mem_free(w.sets);
    for (size_t i = 0; i < w.library_count; i++)
        mem_free(w.libraries[i].name);
    mem_free(w.libraries);
    if (w.library_set)
        t->env->libraries->end(w.library_set);
    buf_free(&w.name);
    sorted_map_free(w.twice);
    return code;
}

static const char *product_to(const struct tool *t, const void *state)
{
    const struct convert *c = state;
    return c->explain || t->argc < 2 ? NULL : t->args[t->argc - 1];
}

const struct verb verb_convert = {
    .name = "convert",
    .does = "writes data sets anew: filtered, merged, split, renamed, in another version or form",
    .args = "IN... OUT",
    .example = "  holdfast convert redis8.rdb --version 11 --explain\n"
               "  holdfast convert redis8.rdb redis72.rdb --version 11 --drop\n"
               "  holdfast convert dump.rdb users.rdb --match 'user:*' --rename user:=member:\n"
               "  holdfast convert a.rdb b.rdb both.rdb --twice first",
    .text = "Each input is read twice: what the target cannot hold, and keys that come twice, are "
            "found before\nanything is written. A library of functions that would not load, which "
            "makes a server refuse all of a file,\nis what no target can hold: refused by name, "
            "left out and counted under --drop; the exit code is 5,\nas it is damage of the "
            "input. Libraries come along whatever keys are asked for. OUT must not be there; .gz "
            "and .zst\ncompress it.",
    .options = options,
    .state_size = sizeof(struct convert),
    .args_min = 1,
    .args_max = SIZE_MAX,
    .product_to = product_to,
    .run = run,
};
