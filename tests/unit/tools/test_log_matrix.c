/* SPDX-License-Identifier: BSD-3-Clause */
/* How much of a damaged log fix --salvage keeps, beside what cutting it at the first fault does
 * (redis-check-aof --fix): each kind of damage, with and without checksums.
 *
 *   RESULTS=tests/tools/RESULTS-log.md build/unit/tools/test_log_matrix     writes the table */
#include <stdlib.h>

#include "base/hash.h"
#include "format/aof_read.h"
#include "tests/unit/tools/log_make.h"
#include "tests/unit/unit.h"
#include "tools/log_read.h"

enum { UNITS = 1000 };
static struct made made;

struct kept {
    size_t written;  /* units that were written, each once and in their order */
    size_t other;    /* others: a value changed, two pieces put together */
    size_t evil;     /* text of values */
};

static size_t number_of(struct slice text, size_t from)
{
    for (size_t i = from; i < made.units; i++)
        if (slice_eq(text, slice(made.text.data + made.from[i], made.to[i] - made.from[i])))
            return i;
    return SIZE_MAX;
}

static void count(struct slice text, uint64_t id, bool doubtful, struct kept *n)
{
    static const char evil[] = "*3\r\n$3\r\nSET\r\n$4\r\nevil\r\n";
    struct log_bytes b;
    struct log_reader r;
    enum log_item what;
    size_t next = 0;
    log_bytes_memory(&b, text);
    log_read_open(&r, &b, 0, &(struct log_options){.id = id, .keep_doubtful = doubtful});
    while ((what = log_read_next(&r)) != LOG_END) {
        if (what != LOG_UNIT)
            continue;
        struct slice unit = log_bytes_at(&b, r.from, (size_t)(r.to - r.from));
        size_t i = number_of(unit, next);
        bool is_evil = unit.len >= sizeof evil - 1 &&
                       memcmp(unit.data, evil, sizeof evil - 1) == 0;
        next = i == SIZE_MAX ? next : i + 1;
        n->written += i != SIZE_MAX;
        n->evil += i == SIZE_MAX && is_evil;
        n->other += i == SIZE_MAX && !is_evil;
    }
    log_read_close(&r);
    log_bytes_close(&b);
}

/* What a cut at the first fault leaves. */
static void count_cut(struct slice text, struct kept *n)
{
    struct in in;
    struct aof_reader r;
    in_init_memory(&in, text);
    aof_open(&r, &in, &(struct aof_limits){.loose = true});
    aof_read_all(&r);
    struct slice good = slice(text.data, (size_t)r.good_end);
    aof_close(&r);
    count(good, 0, false, n);
}

static const struct {
    const char *name;
    enum made_kind kind;
    bool doubtful; /* something may be */
} kinds[] = {
    {"none", MADE_PLAIN, true},          {"long batches", MADE_LONG, false},
    {"small batches", MADE_SMALL, false}, {"both kinds", MADE_MIXED, false},
    {"small, one second", MADE_SECOND, true},
};
enum { KINDS = sizeof kinds / sizeof *kinds };
static const char *const faults[] = {"bit flip", "zeroed page", "lost page", "doubled page",
                                     "truncation", "two bit flips", "two zeroed pages",
                                     "bit flip and lost page"};
enum { CASES = sizeof faults / sizeof *faults };

static void damage(struct buf *text, int which, uint64_t *seed)
{
    static const enum made_fault of[CASES][2] = {
        {FLIP, MADE_FAULTS}, {ZEROED, MADE_FAULTS}, {LOST, MADE_FAULTS}, {DOUBLED, MADE_FAULTS},
        {CUT_OFF, MADE_FAULTS}, {FLIP, FLIP}, {ZEROED, ZEROED}, {FLIP, LOST}};
    for (int i = 0; i < 2; i++)
        if (of[which][i] != MADE_FAULTS)
            made_damage(text, of[which][i], seed);
}

static void put_row(FILE *to, int kind, int which, size_t all, const struct kept *cut,
                    const struct kept *salvage, const struct kept *doubtful)
{
    double share = 100.0 / (double)all;
    if (!to)
        return;
    fprintf(to, "| %s | %s | %.2f | %.2f | %zu | %zu |", kinds[kind].name, faults[which],
            (double)cut->written * share, (double)salvage->written * share, salvage->other,
            salvage->evil);
    if (kinds[kind].doubtful)
        fprintf(to, " %.2f | %zu | %zu |\n", (double)doubtful->written * share, doubtful->other,
                doubtful->evil);
    else
        fprintf(to, " | | |\n");
}

static void run_case(int kind, int which, int runs, uint64_t *seed, FILE *to)
{
    struct kept cut = {0}, salvage = {0}, doubtful = {0};
    struct buf text = {0};
    size_t all = 0;
    enum made_kind made_kind = kinds[kind].kind;
    for (int run = 0; run < runs; run++) {
        uint64_t id = made_kind == MADE_PLAIN ? 0 : MADE_ID;
        made_log(&made, made_kind, UNITS, seed, run % 2);
        buf_clear(&text);
        buf_add(&text, buf_slice(&made.text));
        damage(&text, which, seed);
        count_cut(buf_slice(&text), &cut);
        count(buf_slice(&text), id, false, &salvage);
        if (kinds[kind].doubtful)
            count(buf_slice(&text), id, true, &doubtful);
        all += made.units;
    }
    buf_free(&text);
    put_row(to, kind, which, all, &cut, &salvage, &doubtful);
    CHECK(salvage.written + salvage.other >= cut.written);
    if (made_kind != MADE_PLAIN)
        CHECK_INT((int64_t)(salvage.other + salvage.evil), 0);
    if (which <= 2 && made_kind != MADE_PLAIN)
        CHECK(salvage.written * 100 > all * 90);
}

static void matrix(void)
{
    const char *path = getenv("RESULTS");
    FILE *to = path ? fopen(path, "w") : NULL;
    int runs = to ? 400 : 12;
    uint64_t seed = to ? 1 : unit_seed();
    if (to)
        fprintf(to, "# What is kept of a damaged append log\n\n"
                "Made by `RESULTS=%s build/unit/tools/test_log_matrix`: %d runs a row, logs of %d "
                "units (a command, or a\ntransaction of 2 to 4), about 160 KiB. Kept: units in per "
                "cent of those written. \"Changed\": units that are kept and\nwere not written so "
                "(a flipped bit in a value; without checksums nobody can know). \"Text\": commands "
                "that are\nkept, but stood inside a value; in half of the runs every third value "
                "holds such text.\n"
                "\"Small, one second\": each unit is a batch, and no long line stands among "
                "them.\n\n"
                "| checksums | damage | cut at the first fault | fix --salvage | changed | text | "
                "with --keep-doubtful | changed | text |\n"
                "|---|---|---|---|---|---|---|---|---|\n", path, runs, UNITS);
    for (int kind = 0; kind < KINDS; kind++)
        for (int which = 0; which < CASES; which++)
            run_case(kind, which, runs, &seed, to);
    if (to)
        fclose(to);
}

int main(void)
{
    hash_init(NULL);
    return UNIT_RUN(UNIT(matrix));
}
