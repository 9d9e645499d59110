/* SPDX-License-Identifier: BSD-3-Clause */
/* A file that can be handed on: everything in its place, and nothing of what it says. */
#include <inttypes.h>
#include <string.h>

#include "base/mem.h"
#include "base/must.h"
#include "base/rand.h"
#include "os/file.h"
#include "tools/anon_log.h"
#include "tools/anon_rdb.h"
#include "tools/log_line.h"
#include "tools/new_dir.h"
#include "tools/rdb_file.h"
#include "tools/source.h"
#include "tools/verbs.h"

struct anonymise {
    const char *key_file;
    bool keep_names, dump;
    uint64_t keep_prefix;
};

static const struct tool_option options[] = {
    TOOL_OPTION("--key-file", TEXT, "FILE", struct anonymise, key_file,
                "the secret, of 16 bytes or more: the same content becomes the same each time"),
    TOOL_OPTION("--keep-names", FLAG, NULL, struct anonymise, keep_names,
                "names of keys stay"),
    TOOL_OPTION("--keep-prefix", U64, "N", struct anonymise, keep_prefix,
                "the first N bytes of names of keys stay"),
    TOOL_OPTION("--dump", FLAG, NULL, struct anonymise, dump,
                "of a data directory with both, its dump and not its log"),
    {0}};

struct totals {
    struct anon_counts counts;
    uint64_t keys, commands, holes, hole_bytes, libraries, libraries_left, bytes;
    bool differs;
};

static bool read_secret(const struct anonymise *o, uint8_t secret[ANON_SECRET], struct fault *f)
{
    enum { KEY_FILE_MAX = 64 << 10 };
    struct buf key = {0};
    if (!o->key_file) {
        rand_secure(secret, ANON_SECRET);
        return true;
    }
    bool ok = file_slurp(o->key_file, KEY_FILE_MAX, &key, f);
    if (ok && key.len < ANON_SECRET) {
        fault_set(f, FAULT_INVALID, "%s is shorter than %d bytes", o->key_file, ANON_SECRET);
        ok = false;
    }
    struct hash128 h = hash_fixed128(key.data, key.len, 0);
    memcpy(secret, &h, sizeof h);
    buf_free(&key);
    return ok;
}

static void add_counts(struct totals *to, const struct anon_counts *c)
{
    to->counts.content += c->content;
    to->counts.left += c->left;
    to->counts.unsorted += c->unsorted;
    to->counts.whole += c->whole;
}

/* The RDB that a part is or begins with. Where it ends; 0: no end was found. */
static uint64_t replace_rdb(struct tool *t, const struct anonymise *o, struct anon *a,
                            struct rdb_image *image, struct anon_file *work, struct totals *to)
{
    struct anon_rdb x = {.a = a, .in = image, .work = work, .threads = t->threads,
                         .keep_prefix = o->keep_prefix, .keep_names = o->keep_names,
                         .progress = &t->progress};
    anon_rdb_run(&x);
    uint64_t end = x.end_at;
    add_counts(to, &x.counts);
    to->keys += x.keys;
    to->holes += x.holes;
    to->hole_bytes += x.hole_bytes;
    to->libraries += x.libraries;
    to->libraries_left += x.libraries_left;
    to->differs |= !x.same;
    anon_rdb_free(&x);
    return end;
}

static void replace_log(const struct anonymise *o, struct anon *a, const struct rdb_image *in,
                        struct anon_file *work, uint64_t start, uint64_t id, struct totals *to)
{
    struct anon_log x = {.a = a, .in_fd = in->fd, .size = in->end, .work = work, .start = start,
                         .id = id, .keep_names = o->keep_names, .keep_prefix = o->keep_prefix};
    anon_log_run(&x);
    add_counts(to, &x.counts);
    to->commands += x.commands;
    to->holes += x.holes;
    to->hole_bytes += x.hole_bytes;
    anon_log_free(&x);
}

static bool write_part(struct anon_file *work, const char *path, struct totals *to,
                       struct fault *f)
{
    struct out_file out;
    if (fault_is(&work->fault)) {
        *f = work->fault;
        return false;
    }
    if (!out_file_open(&out, path, &(struct out_file_options){.compression =
                                                              compression_of_name(path)}, f))
        return false;
    to->bytes += work->size;
    if (!anon_file_write(work, &out)) {
        *f = work->fault;
        out_file_drop(&out);
        return false;
    }
    return out_file_end(&out, f);
}

static bool do_part(struct tool *t, const struct anonymise *o, struct anon *a,
                    const struct source *s, size_t i, const char *path, struct totals *to,
                    struct fault *f)
{
    struct rdb_file file;
    struct anon_file work;
    const struct source_part *part = &s->parts[i];
    const struct manifest_file *line = log_part_line(s, i);
    bool rdb = s->kind == SOURCE_RDB || part->begins_with_rdb;
    if (!rdb_file_open_part(&file, part, f))
        return false;
    file.image.open_end = rdb && s->kind != SOURCE_RDB;
    uint64_t size = file.image.end;
    if (anon_file_copy(&work, file.image.fd, size)) {
        progress_bar_begin(&t->progress, "anonymise", size);
        uint64_t start = rdb ? replace_rdb(t, o, a, &file.image, &work, to) : 0;
        if (s->kind != SOURCE_RDB && (start || !rdb) && start < size)
            replace_log(o, a, &file.image, &work, start, line && !rdb ? line->id : 0, to);
        else if (rdb && start && start < size)
            anon_text_runs(a, &work, start, size);
        progress_bar_end(&t->progress);
    }
    bool ok = write_part(&work, path, to, f);
    anon_file_close(&work);
    rdb_file_close(&file);
    return ok;
}

/* A directory: the manifest as it is, and each file it names that is there. */
static bool do_set(struct tool *t, const struct anonymise *o, struct anon *a,
                   const struct source *s, const char *out, struct totals *to, struct fault *f)
{
    struct new_dir d;
    const char *slash = strrchr(s->path, '/');
    if (!new_dir_begin(&d, out, NULL, f))
        return false;
    bool ok = true;
    for (size_t i = 0; ok && i < s->count; i++) {
        if (s->parts[i].missing)
            continue;
        char *path = new_dir_path(&d, s->parts[i].name);
        ok = do_part(t, o, a, s, i, path, to, f);
        mem_free(path);
    }
    ok = ok && new_dir_copy(&d, s->path, slash ? slash + 1 : s->path, f);
    if (ok)
        return new_dir_end(&d, f);
    new_dir_drop(&d);
    return false;
}

static void say_totals(struct tool *t, const char *out, const struct totals *x)
{
    struct say *say = &t->say;
    say_fields(say,
               FIELDS(SAY_TEXT("to", out), SAY_U64("bytes", x->bytes), SAY_U64("keys", x->keys),
                      SAY_U64("commands", x->commands), SAY_U64("content", x->counts.content),
                      SAY_U64("content_left", x->counts.left),
                      SAY_U64("blocks_left", x->counts.whole),
                      SAY_U64("blocks_unsorted", x->counts.unsorted),
                      SAY_U64("holes", x->holes), SAY_U64("hole_bytes", x->hole_bytes),
                      SAY_U64("functions", x->libraries),
                      SAY_U64("functions_left", x->libraries_left), SAY_BOOL("same", !x->differs)),
               "%s: %" PRIu64 " bytes, %" PRIu64 " keys, %" PRIu64 " commands; %" PRIu64
               " bytes of content replaced", out, x->bytes, x->keys, x->commands,
               x->counts.content - x->counts.left);
    if (x->counts.left)
        say_line(say, "  %" PRIu64 " bytes of compressed content stay as they were: there they "
                 "are parts of the structure, too", x->counts.left);
    if (x->counts.whole)
        say_line(say, "  %" PRIu64 " compressed blocks could not be changed at all",
                 x->counts.whole);
    if (x->counts.unsorted)
        say_line(say, "  %" PRIu64 " compressed sorted sets are no longer in the order of their "
                 "members' names", x->counts.unsorted);
    if (x->holes)
        say_line(say, "  %" PRIu64 " holes of %" PRIu64 " bytes in all can't be read: what looks "
                 "like text in them was replaced, all else stays", x->holes, x->hole_bytes);
    if (x->libraries_left)
        say_line(say, "  %" PRIu64 " libraries of functions have no room for code that loads",
                 x->libraries_left);
    if (x->differs)
        say_line(say, "  what comes out does not read as what went in: other keys or holes are "
                 "found in it");
}

static int run(struct tool *t, void *state)
{
    const struct anonymise *o = state;
    struct source s;
    struct fault f = {0};
    struct totals totals = {0};
    uint8_t secret[ANON_SECRET];
    struct anon a;
    if (!read_secret(o, secret, &f) ||
        !source_find(&s, t->args[0], &(struct source_options){.dump = o->dump}, &f))
        return tool_fault(t, &f);
    anon_init(&a, secret);
    enum tool_exit missing = log_line_missing(t, &s);
    bool ok = source_some(&s, &f) &&
              (s.kind == SOURCE_SET ? do_set(t, o, &a, &s, t->args[1], &totals, &f)
                                    : do_part(t, o, &a, &s, 0, t->args[1], &totals, &f));
    anon_free(&a);
    source_free(&s);
    if (!ok)
        return tool_fault(t, &f);
    say_totals(t, t->args[1], &totals);
    return (int)tool_worse(missing, totals.differs ? TOOL_DIFFERS : TOOL_GOOD);
}

static const char *product_to(const struct tool *t, const void *state)
{
    (void)state;
    return t->argc > 1 ? t->args[1] : NULL;
}

const struct verb verb_anonymise = {
    .name = "anonymise",
    .does = "a file to hand on: the same in structure, size and damage, with other content",
    .args = "FILE|DIR OUT",
    .example = "  holdfast anonymise dump.rdb to-show.rdb\n"
               "  holdfast anonymise /var/lib/redis/appendonlydir to-show --keep-prefix 4\n"
               "  holdfast anonymise dump.rdb to-show.rdb --key-file secret --keep-names",
    .text = "Names, values, elements, fields and members are replaced in place by others that are\n"
            "as long, told by a secret of this run, which is kept nowhere, or of --key-file. The\n"
            "same content becomes the same everywhere, except inside packed blocks that lie\n"
            "compressed: there, single literals are replaced, and what is copied into lengths or\n"
            "scores stays, and is counted. Integers become others with as many digits.\n"
            "What stays: types, encodings, sizes, counts, expiry and other times, scores of\n"
            "sorted sets (and so the places of GEOADD), IDs of streams, numbers of\n"
            "modules and arrays,\n"
            "HyperLogLogs, the file's AUX fields of versions, times and replication; in logs\n"
            "command names, options, and the numbers that are no keys, values or members.\n"
            "A library of functions becomes one with one function that does nothing, and a name\n"
            "of letters; scripts become comments: what they did when they were called is gone.\n"
            "Checksums that were right are right in the result, wrong ones are wrong. Of what\n"
            "can't be read, runs of four or more bytes that look like text are replaced.\n"
            "A file that the manifest names and that is not there is named, and missing in OUT as\n"
            "well (exit code 5). OUT is read again: where damage does not read as it did, because\n"
            "other bytes stand behind it, that is said (exit code 8).\n"
            "A file inside gzip, zstd or an envelope is unpacked; OUT is packed if its name says\n"
            "so.",
    .options = options,
    .state_size = sizeof(struct anonymise),
    .args_min = 2,
    .args_max = 2,
    .product_to = product_to,
    .run = run,
};
