/* SPDX-License-Identifier: BSD-3-Clause */
/* What holdfast salvage saves: each data set is written with and without block checksums, damaged
 * in each of several ways at random places, and salvaged; what comes out is compared key by key
 * with what was there.
 *
 *   salvage_matrix [-n TRIALS] [-S SEED] [-o RESULTS.md] [-k FILE] NAME=FILE.rdb ...
 *
 * Invented is a key in OUT that was not there, or has another value. Doubtful are keys in the file
 * for these. Fails when a key is invented where there are block checksums, when OUT is not whole,
 * or when a single flipped bit costs anything. Last line: "N passed, M failed". */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/hash.h"
#include "base/mem.h"
#include "base/must.h"
#include "os/file.h"
#include "tools/rdb_copy.h"
#include "tools/rdb_file.h"
#include "tools/verbs.h"

/* ---- a data set as a set of hashes ---- */

struct entry {
    uint64_t key; /* of database and name */
    struct hash128 value;
};
struct contents {
    struct buf entries; /* struct entry, ascending */
    bool whole;         /* nothing in the file is wrong */
};

static int by_key(const void *a, const void *b)
{
    const struct entry *x = a, *y = b;
    return (x->key > y->key) - (x->key < y->key);
}

static size_t entries(const struct contents *c)
{
    return c->entries.len / sizeof(struct entry);
}

static bool take(void *arg, const struct rescued *r)
{
    struct entry e = {.key = r->hash, .value = r->digest};
    if (r->kind == RDB_REC_KEY)
        buf_append(&((struct contents *)arg)->entries, &e, sizeof e);
    return true;
}

static bool read_contents(struct contents *c, const char *path)
{
    static const struct rescue_ops ops = {.record = take};
    struct rdb_file file;
    struct rdb_plan plan;
    struct fault f = {0};
    *c = (struct contents){0};
    if (!rdb_file_open(&file, path, &f))
        return false;
    plan_make(&plan, &file.image, 1);
    struct rescue x = {.image = &file.image, .plan = &plan, .ops = &ops, .arg = c, .digests = true};
    rescue_run(&x);
    c->whole = x.ended && plan.corrections.len == 0 && x.doubtful == 0 && plan.list.bad == 0;
    rescue_free(&x);
    plan_free(&plan);
    rdb_file_close(&file);
    if (c->entries.len)
        qsort(c->entries.data, entries(c), sizeof(struct entry), by_key);
    return true;
}

static const struct entry *find(const struct contents *c, uint64_t key)
{
    struct entry want = {.key = key};
    return c->entries.len ? bsearch(&want, c->entries.data, entries(c), sizeof want, by_key) : NULL;
}

/* ---- a file with or without block checksums ---- */

struct making {
    struct rdb_copy copy;
};

static bool make_record(void *arg, const struct rescued *r)
{
    bool goes = r->kind != RDB_REC_DB && r->kind != RDB_REC_RESIZE && !r->integrity;
    if (goes)
        rdb_copy_record(&((struct making *)arg)->copy, r);
    return true;
}

static bool make_variant(const char *from, const char *to, bool blocks, int *version)
{
    static const struct rescue_ops ops = {.record = make_record};
    struct rdb_file file;
    struct rdb_plan plan;
    struct making m;
    struct fault f = {0};
    if (!rdb_file_open(&file, from, &f))
        return false;
    plan_make(&plan, &file.image, 1);
    *version = plan.version;
    struct rdb_copy_options opt = {.no_blocks = !blocks};
    bool ok = !(blocks && plan.version < RDB_VERSION_AUX) &&
              rdb_copy_begin(&m.copy, to, &file.image, &plan, &opt, &f);
    if (ok) {
        struct rescue x = {.image = &file.image, .plan = &plan, .ops = &ops, .arg = &m,
                           .digests = true};
        rescue_run(&x);
        ok = x.ended && rdb_copy_end(&m.copy, &f);
        rescue_free(&x);
    }
    plan_free(&plan);
    rdb_file_close(&file);
    return ok;
}

/* ---- damage ---- */

static uint64_t seed = 1;
static uint64_t random_below(uint64_t n)
{
    seed = seed * 6364136223846793005u + 1442695040888963407u;
    return (seed >> 33) % (n ? n : 1);
}

enum fault_kind { FLIP, BURST, ZERO_SECTOR, ZERO_PAGE, RANDOM_PAGE, LOST_PAGE, DOUBLED_PAGE, CUT,
                  TWO_FLIPS, TWO_FAULTS, KINDS };
static const char *const kind_names[KINDS] = {
    "bit flip", "3 bits in 2 bytes", "zeroed 512 B", "zeroed 4 KiB page", "random 4 KiB page",
    "lost page", "doubled page", "truncation", "two bit flips", "two faults"};
enum { PAGE = 4096, SECTOR = 512 };

static void overwrite(struct buf *b, size_t unit, bool zeros)
{
    size_t at = (size_t)random_below((b->len + unit - 1) / unit) * unit;
    for (size_t i = at; i < at + unit && i < b->len; i++)
        b->data[i] = zeros ? 0 : (char)random_below(256);
}

static void move_page(struct buf *b, bool twice)
{
    size_t at = (size_t)random_below((b->len + PAGE - 1) / PAGE) * PAGE;
    size_t n = b->len - at < PAGE ? b->len - at : PAGE;
    struct buf out = {0};
    buf_append(&out, b->data, at + (twice ? n : 0));
    buf_append(&out, b->data + at + (twice ? 0 : n), b->len - at - (twice ? 0 : n));
    buf_free(b);
    *b = out;
}

static void damage(struct buf *b, enum fault_kind kind)
{
    size_t at = (size_t)random_below(b->len);
    if (b->len == 0)
        return;
    switch (kind) {
    case FLIP:
        b->data[at] ^= (char)(1 << random_below(8));
        break;
    case BURST:
        b->data[at] ^= (char)0x81;
        if (at + 1 < b->len)
            b->data[at + 1] ^= 1;
        break;
    case ZERO_SECTOR:
        overwrite(b, SECTOR, true);
        break;
    case ZERO_PAGE:
        overwrite(b, PAGE, true);
        break;
    case RANDOM_PAGE:
        overwrite(b, PAGE, false);
        break;
    case LOST_PAGE:
        move_page(b, false);
        break;
    case DOUBLED_PAGE:
        move_page(b, true);
        break;
    case CUT:
        b->len = at + 1;
        break;
    case TWO_FLIPS:
        damage(b, FLIP);
        damage(b, FLIP);
        break;
    default:
        damage(b, (enum fault_kind)random_below(CUT + 1));
        damage(b, (enum fault_kind)random_below(CUT + 1));
        break;
    }
}

/* ---- a trial ---- */

struct figures {
    uint64_t trials, unhurt; /* all keys came out */
    uint64_t keys, recovered, doubtful, lost, invented, invented_trials;
    uint64_t not_whole;
};

struct files {
    char bad[600], out[600], doubtful[600];
};

/* A tool draws a secret of its own; what is compared here must be hashed alike. */
static const uint64_t hash_key[2] = {1, 2};

static void salvage(const struct files *f)
{
    char *argv[] = {"salvage", "--quiet", "--threads", "1", "--doubtful", (char *)f->doubtful,
                    (char *)f->bad, (char *)f->out, NULL};
    unlink(f->out);
    unlink(f->doubtful);
    tool_run(&verb_salvage, 8, argv, &(struct tool_env){0});
    hash_init(hash_key);
}

static void compare(struct figures *to, const struct contents *was, const struct files *f)
{
    struct contents out, doubtful;
    bool some = read_contents(&out, f->out), more = read_contents(&doubtful, f->doubtful);
    uint64_t right = 0, wrong = 0, unsure = 0;
    for (size_t i = 0; some && i < entries(&out); i++) {
        const struct entry *e = (const struct entry *)(void *)out.entries.data + i;
        const struct entry *old = find(was, e->key);
        bool same = old && old->value.low == e->value.low && old->value.high == e->value.high;
        right += same;
        wrong += !same;
    }
    for (size_t i = 0; i < entries(was); i++) {
        const struct entry *e = (const struct entry *)(void *)was->entries.data + i;
        unsure += !(some && find(&out, e->key)) && more && find(&doubtful, e->key);
    }
    to->trials++;
    to->keys += entries(was);
    to->recovered += right;
    to->invented += wrong;
    to->invented_trials += wrong > 0;
    to->doubtful += unsure;
    uint64_t known = right + unsure;
    to->lost += known < entries(was) ? entries(was) - known : 0;
    to->unhurt += right == entries(was) && wrong == 0;
    to->not_whole += some && !out.whole;
    buf_free(&out.entries);
    buf_free(&doubtful.entries);
}

static bool write_file(const char *path, const struct buf *b)
{
    FILE *f = fopen(path, "wb");
    bool ok = f && (b->len == 0 || fwrite(b->data, 1, b->len, f) == b->len);
    return f && fclose(f) == 0 && ok;
}

/* ---- the table ---- */

static FILE *each; /* rows of each data set */
enum { LARGE = 1 << 20, SIZES = 2 };
static int passed, failed;

static void put_row(FILE *to, const char *what, bool blocks, const char *fault,
                    const struct figures *f)
{
    double keys = (double)f->keys / 100;
    fprintf(to, "| %s | %s | %s | %" PRIu64 " | %" PRIu64 " | %.3f | %.3f | %.3f | %" PRIu64
            " in %" PRIu64 " |\n", what, blocks ? "yes" : "no", fault, f->trials, f->unhurt,
            (double)f->recovered / keys, (double)f->doubtful / keys, (double)f->lost / keys,
            f->invented, f->invented_trials);
    fflush(to);
}

static void put_columns(FILE *to, const char *title)
{
    fprintf(to, "\n## %s\n\n"
            "| data set | blocks | fault | trials | unhurt | recovered | doubtful | lost | "
            "invented |\n|---|---|---|---|---|---|---|---|---|\n", title);
}

static void add_figures(struct figures *to, const struct figures *f)
{
    uint64_t *sum = (uint64_t *)to;
    const uint64_t *more = (const uint64_t *)f;
    for (size_t i = 0; i < sizeof *f / sizeof *sum; i++)
        sum[i] += more[i];
}

static void judge(const char *name, int version, bool blocks, enum fault_kind kind,
                  const struct figures *f)
{
    bool ok = f->not_whole == 0 && (!blocks || f->invented == 0) &&
              (kind != FLIP || version < RDB_VERSION_CRC || f->unhurt == f->trials);
    passed += ok;
    failed += !ok;
    if (!ok)
        fprintf(stderr, "FAIL %s, %s blocks, %s: %" PRIu64 " invented, %" PRIu64 " not whole, %"
                PRIu64 " of %" PRIu64 " unhurt\n", name, blocks ? "with" : "without",
                kind_names[kind], f->invented, f->not_whole, f->unhurt, f->trials);
}

static const char *keep_bad; /* where a file goes that keys were invented from */

static void run_kind(struct figures *f, const struct buf *good, const struct contents *was,
                     const struct files *files, enum fault_kind kind, uint64_t trials)
{
    for (uint64_t i = 0; i < trials; i++) {
        struct buf bad = {0};
        buf_add(&bad, buf_slice(good));
        damage(&bad, kind);
        must(write_file(files->bad, &bad));
        salvage(files);
        uint64_t before = f->invented;
        compare(f, was, files);
        if (keep_bad && f->invented > before)
            must(write_file(keep_bad, &bad));
        buf_free(&bad);
    }
}

static struct figures totals[SIZES][2][KINDS]; /* sets from LARGE bytes on; blocks */

static void run_set(const char *name, const char *path, bool blocks, const char *dir,
                    uint64_t trials)
{
    struct files files;
    struct contents was;
    struct buf good = {0};
    struct fault f = {0};
    char variant[600];
    int version;
    snprintf(variant, sizeof variant, "%s/good.rdb", dir);
    snprintf(files.bad, sizeof files.bad, "%s/bad.rdb", dir);
    snprintf(files.out, sizeof files.out, "%s/out.rdb", dir);
    snprintf(files.doubtful, sizeof files.doubtful, "%s/doubtful.rdb", dir);
    unlink(variant);
    if (!make_variant(path, variant, blocks, &version))
        return; /* an old version has no place for blocks */
    must(read_contents(&was, variant) && was.whole);
    must(file_slurp(variant, (size_t)1 << 30, &good, &f));
    struct figures all = {0};
    char label[64];
    snprintf(label, sizeof label, "%s (RDB %d)", name, version);
    for (int k = 0; k < KINDS && entries(&was); k++) {
        struct figures figures = {0};
        run_kind(&figures, &good, &was, &files, (enum fault_kind)k, trials);
        judge(name, version, blocks, (enum fault_kind)k, &figures);
        add_figures(&totals[good.len >= LARGE][blocks][k], &figures);
        add_figures(&all, &figures);
    }
    if (all.trials)
        put_row(each, label, blocks, "all of these", &all);
    unlink(files.bad);
    unlink(files.out);
    unlink(files.doubtful);
    unlink(variant);
    buf_free(&was.entries);
    buf_free(&good);
}

static void put_head(FILE *to, uint64_t trials, uint64_t first_seed)
{
    fprintf(to,
            "# What salvage saves\n\n"
            "Made by `salvage_matrix` (%" PRIu64 " trials of each fault and data set, seed %" PRIu64
            "). Each data\nset is written with and without block checksums and damaged at random "
            "places. Unhurt: trials after\nwhich every key was there. Recovered, doubtful (in the "
            "second file), lost: per cent of the keys.\nInvented: keys in OUT that were not there "
            "or have another value, and the number of trials that had\nany. A file that is shorter "
            "than the fault is long is gone.\n", trials, first_seed);
}

static void put_totals(FILE *to, int large, const char *title)
{
    put_columns(to, title);
    for (int blocks = 1; blocks >= 0; blocks--)
        for (int k = 0; k < KINDS; k++)
            if (totals[large][blocks][k].trials)
                put_row(to, "all", blocks, kind_names[k], &totals[large][blocks][k]);
}

static void put_all(FILE *to, uint64_t trials, uint64_t first_seed)
{
    char part[4096];
    size_t n;
    put_head(to, trials, first_seed);
    put_totals(to, 1, "Sets of a MiB and more, by fault");
    put_totals(to, 0, "Smaller sets, by fault");
    put_columns(to, "Each data set");
    rewind(each);
    while ((n = fread(part, 1, sizeof part, each)) > 0)
        fwrite(part, 1, n, to);
}

int main(int argc, char **argv)
{
    uint64_t trials = 10;
    const char *to = NULL;
    char dir[] = "/tmp/salvage-matrix-XXXXXX";
    int c;
    while ((c = getopt(argc, argv, "n:S:o:k:")) != -1) {
        if (c == 'n')
            trials = strtoull(optarg, NULL, 10);
        else if (c == 'S')
            seed = strtoull(optarg, NULL, 10);
        else if (c == 'o')
            to = optarg;
        else if (c == 'k')
            keep_bad = optarg;
    }
    hash_init(hash_key);
    each = tmpfile();
    uint64_t first_seed = seed;
    must(each && mkdtemp(dir));
    for (int i = optind; i < argc; i++) {
        char *equals = strchr(argv[i], '=');
        must(equals);
        *equals = 0;
        for (int blocks = 1; blocks >= 0; blocks--)
            run_set(argv[i], equals + 1, blocks, dir, trials);
    }
    FILE *table = to ? fopen(to, "w") : stdout;
    must(table);
    put_all(table, trials, first_seed);
    if (to)
        fclose(table);
    fclose(each);
    rmdir(dir);
    printf("%d passed, %d failed\n", passed, failed);
    return failed > 0;
}
