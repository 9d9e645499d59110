/* SPDX-License-Identifier: BSD-3-Clause */
/* Two data sets compared by what they mean. Three steps: which keys differ (diff_keys.h), what in
 * them (diff_detail.h), said and written (diff_tell.h); each in bounded memory. */
#include <inttypes.h>
#include <string.h>

#include "base/mem.h"
#include "tools/dataset.h"
#include "tools/diff_detail.h"
#include "tools/diff_keys.h"
#include "tools/diff_patch.h"
#include "tools/diff_tell.h"
#include "tools/out_file.h"
#include "tools/verbs.h"

enum { DETAIL_MEMORY = 4 << 20 };

struct diff {
    struct key_filter filter;
    bool patch, values, ignore_expiry, restore, dump;
    uint64_t rows;
};

static const struct tool_option options[] = {
    KEY_FILTER_OPTIONS(struct diff, filter),
    TOOL_OPTION("--values", FLAG, NULL, struct diff, values,
                "say what elements hold, too (their first 1024 bytes)"),
    TOOL_OPTION("--ignore-ttl", FLAG, NULL, struct diff, ignore_expiry,
                "keys that differ only in when they expire are the same"),
    TOOL_OPTION("--rows", U64, "N", struct diff, rows,
                "so many keys are listed, the others counted (default 1000)"),
    TOOL_OPTION("--patch", FLAG, NULL, struct diff, patch,
                "write the commands that turn A into B, to stdout or --output"),
    TOOL_OPTION("--restore", FLAG, NULL, struct diff, restore,
                "values that a patch writes anew by RESTORE (7.0 and later), but for strings"),
    TOOL_OPTION("--dump", FLAG, NULL, struct diff, dump,
                "of a data directory with both, its dump and not its log"),
    {0}};

struct work {
    struct tool *t;
    struct diff *d;
    bool functions;
    struct dataset sets[DIFF_SIDES];
    struct diff_counts counts;
    struct diff_sort *wanted[DIFF_SIDES];
    struct out_file output;
    struct diff_patch patch;
};

static bool differs(const struct diff_counts *c)
{
    return c->added || c->removed || c->changed || c->expiry || c->functions;
}

static bool read_set(void *arg, struct sink *to, struct fault *f)
{
    return dataset_read(arg, to, f);
}

static bool find_keys(struct work *w, struct fault *f)
{
    struct diff_keys *k = diff_keys_new(&w->d->filter, w->functions);
    bool ok = true;
    for (int side = 0; ok && side < DIFF_SIDES; side++)
        ok = diff_keys_read(k, side, read_set, &w->sets[side], f);
    ok = ok && diff_keys_match(k, w->d->ignore_expiry, &w->counts, w->wanted, f);
    diff_keys_free(k);
    mem_purge();
    return ok;
}

static bool look_closer(struct work *w, struct fault *f)
{
    struct diff_patch *patch = w->d->patch ? &w->patch : NULL;
    struct diff_sort *rows = diff_sort_new(DETAIL_MEMORY);
    struct diff_detail_options detail = {.filter = &w->d->filter, .functions = w->functions,
                                         .values = w->d->values, .patch = patch};
    struct diff_tell_options tell = {.rows = w->d->rows,
                                     .values = w->d->values, .patch = patch,
                                     .ignore_expiry = w->d->ignore_expiry};
    bool ok = true;
    for (int side = 0; ok && side < DIFF_SIDES; side++)
        ok = diff_detail_read(&detail, side, read_set, &w->sets[side], w->wanted[side], rows,
                              f);
    diff_sort_end(rows);
    ok = ok && diff_tell(w->t, &tell, rows, f);
    diff_sort_free(rows);
    return ok;
}

static void say_counts(struct work *w)
{
    const struct diff_counts *c = &w->counts;
    say_fields(&w->t->say,
               FIELDS(SAY_U64("keys_a", c->keys[DIFF_A]), SAY_U64("keys_b", c->keys[DIFF_B]),
                      SAY_U64("same", c->same), SAY_U64("added", c->added),
                      SAY_U64("removed", c->removed), SAY_U64("changed", c->changed),
                      SAY_U64("expiry", c->expiry), SAY_U64("functions_differ", c->functions)),
               "%" PRIu64 " keys here, %" PRIu64 " there: %" PRIu64 " the same, %" PRIu64
               " added, %" PRIu64 " removed, %" PRIu64 " changed, %" PRIu64 " only in expiry",
               c->keys[DIFF_A], c->keys[DIFF_B], c->same, c->added, c->removed, c->changed,
               c->expiry);
    if (c->functions)
        say_line(&w->t->say, "%" PRIu64 " libraries of functions differ", c->functions);
}

/* Nothing of a patch is left where it could not be finished. */
static bool end_output(struct work *w, bool ok, struct fault *f)
{
    diff_patch_free(&w->patch);
    if (!ok && w->output.path) {
        out_file_drop(&w->output);
        return false;
    }
    struct fault late = {0};
    bool written = out_file_end(&w->output, &late);
    if (ok && !written)
        *f = late;
    return ok && written;
}

static enum tool_exit compare(struct work *w)
{
    struct fault f = {0};
    const char *to = w->t->output ? w->t->output : "-";
    struct out_file_options opt = {.compression = compression_of_name(to)};
    say_list(&w->t->say, "differences");
    say_list(&w->t->say, "elements");
    say_list(&w->t->say, "functions");
    if (w->d->patch && !out_file_open(&w->output, to, &opt, &f))
        return tool_fault(w->t, &f);
    if (w->d->patch)
        diff_patch_init(&w->patch, &w->output.out);
    w->patch.restore_all = w->d->restore;
    bool ok = find_keys(w, &f) && (!differs(&w->counts) || look_closer(w, &f));
    if (w->d->patch)
        ok = end_output(w, ok, &f);
    diff_sort_free(w->wanted[DIFF_A]);
    diff_sort_free(w->wanted[DIFF_B]);
    if (!ok)
        return tool_fault(w->t, &f);
    say_counts(w);
    enum tool_exit is = differs(&w->counts) ? TOOL_DIFFERS : TOOL_GOOD;
    return w->d->patch ? tool_worse(is, unsaid_tell(&w->patch.unsaid, w->t, "--restore")) : is;
}

static enum tool_exit open_and_compare(struct work *w)
{
    struct fault f = {0};
    enum tool_exit code;
    const struct key_filter *filter = &w->d->filter;
    const struct dataset_options opt = {.source.dump = w->d->dump, .again = true,
                                        .filter = key_filter_takes_all(filter) ? NULL : filter};
    for (int side = 0; side < DIFF_SIDES; side++)
        if (!dataset_open(&w->sets[side], w->t, w->t->args[side], &opt, &f)) {
            code = tool_fault(w->t, &f);
            if (side)
                dataset_close(&w->sets[DIFF_A]);
            return code;
        }
    /* What may be there cannot be told to be missing. */
    for (int side = 0; side < DIFF_SIDES; side++)
        w->functions &= !w->sets[side].server.libraries_hidden;
    code = compare(w);
    for (int side = 0; side < DIFF_SIDES; side++)
        code = tool_worse(code, w->sets[side].worst);
    dataset_close(&w->sets[DIFF_A]);
    dataset_close(&w->sets[DIFF_B]);
    return code;
}

static int run(struct tool *t, void *state)
{
    struct diff *d = state;
    struct work w = {.t = t, .d = d, .functions = key_filter_takes_all(&d->filter)};
    if (t->output && !d->patch)
        return tool_usage(t, "--output names the file of a --patch");
    if (strcmp(t->args[0], "-") == 0 && strcmp(t->args[1], "-") == 0)
        return tool_usage(t, "standard input can be one of the two");
    if (!key_filter_begin(&d->filter, t))
        return TOOL_FAILED;
    enum tool_exit code = open_and_compare(&w);
    key_filter_end(&d->filter);
    return code;
}

static void defaults(void *state)
{
    ((struct diff *)state)->rows = DIFF_ROWS;
}

static const char *product_to(const struct tool *t, const void *state)
{
    const struct diff *d = state;
    return !d->patch ? NULL : t->output ? t->output : "-";
}

const struct verb verb_diff = {
    .name = "diff",
    .does = "compares two data sets, whatever form they have, and writes the patch",
    .args = "A B",
    .example = "  holdfast diff before.rdb after.rdb\n"
               "  holdfast diff dump.rdb 127.0.0.1:6379 --match 'user:*' --values\n"
               "  holdfast diff dump.rdb /var/lib/redis --patch | redis-cli --pipe",
    .text = "A and B: an RDB, a log, a data directory, or a running server, in any combination. "
            "Values are\ncompared by what they mean: encodings, and the order of what has none, do "
            "not count.\nAdded is what only B has. Idle times, frequencies, and when consumers "
            "were seen are not\ncompared. A running server is copied first, to a file without a "
            "name in TMPDIR (/var/tmp),\nwhere what is compared is sorted, too.\n"
            "Marks: + added, - removed, ~ changed, t only the expiry.\n"
            "A patch sets, adds and removes what differs of sets, hashes and sorted sets; other "
            "values are\nwritten anew. It means what it says only for a server that has A. What a "
            "group of a stream\nholds of entries that were deleted, only RESTORE can say: where "
            "there are some, their number is said\n(exit code 6).",
    .options = options,
    .state_size = sizeof(struct diff),
    .args_min = 2,
    .args_max = 2,
    .takes_output = true,
    .product_to = product_to,
    .defaults = defaults,
    .run = run,
};
