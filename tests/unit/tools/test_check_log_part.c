/* SPDX-License-Identifier: BSD-3-Clause */
/* Every fault of a log is named, with its cost; what is good is counted. */
#include "tools/check_log_part.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/hash.h"
#include "os/file.h"
#include "tests/unit/tools/log_make.h"
#include "tests/unit/unit.h"

static const struct verb verb_none = {.name = "check", .args = ""};

struct checked {
    struct findings found;
    struct check_totals totals;
    char text[64 << 10]; /* what was said */
};

/* The file bytes, alone. */
static void check(struct checked *c, struct slice bytes)
{
    static int n;
    struct tool t = {.verb = &verb_none};
    struct source s;
    struct fault f = {0};
    char path[256];
    snprintf(path, sizeof path, "%s/%d.aof", unit_tmpdir(), n++);
    FILE *to = fopen(path, "wb");
    fwrite(bytes.data, 1, bytes.len, to);
    fclose(to);
    to = tmpfile();
    say_begin(&t.say, to, false, false, "check");
    progress_bar_init(&t.progress, false, true);
    *c = (struct checked){0};
    findings_begin(&c->found, &t);
    CHECK(source_find(&s, path, &(struct source_options){0}, &f));
    check_log_part(&t, &c->found, &s, 0, &c->totals);
    source_free(&s);
    say_free(&t.say);
    rewind(to);
    size_t len = fread(c->text, 1, sizeof c->text - 1, to);
    c->text[len] = '\0';
    fclose(to);
}

static struct checked c;
static struct made made;

static void good_logs(void)
{
    uint64_t seed = unit_seed();
    for (int kind = 0; kind < MADE_KINDS; kind++) {
        made_log(&made, (enum made_kind)kind, 200, &seed, true);
        check(&c, buf_slice(&made.text));
        CHECK_INT(c.found.worst, TOOL_GOOD);
        CHECK_INT((int64_t)c.found.count, 0);
        CHECK(c.totals.commands >= 200 && c.totals.bytes == made.text.len);
        CHECK((c.totals.batches > 0) == (kind != MADE_PLAIN));
        CHECK((c.totals.unchecked == 0) == (kind != MADE_PLAIN));
        CHECK(c.totals.load_us > 0);
    }
}

/* Three flips far from one another are three faults, where batches verify what lies between. */
static void each_fault(void)
{
    uint64_t seed = unit_seed();
    for (int kind = MADE_LONG; kind < MADE_KINDS; kind++) {
        made_log(&made, (enum made_kind)kind, 600, &seed, false);
        for (int i = 1; i <= 3; i++)
            memset(made.text.data + made.from[i * 150] + 14, 0, 3); /* no single byte */
        check(&c, buf_slice(&made.text));
        CHECK_INT((int64_t)c.found.count, 3);
        CHECK_INT(c.found.worst, TOOL_LOSS);
        CHECK_INT((int64_t)c.totals.batches_bad, 3);
    }
}

#define PING "*1\r\n$4\r\nPING\r\n"

static void kinds_of_faults(void)
{
    static const struct {
        const char *text;
        enum tool_exit worst;
        unsigned count;
        const char *says;
    } rows[] = {
        {PING PING, TOOL_GOOD, 0, ""},
        {"", TOOL_GOOD, 0, ""},
        {PING "*2\r\n$3\r\nGET\r\n$1", TOOL_TRUNCATED, 1, "inside a command"},
        {PING "*1\r\n$5\r\nMULTI\r\n" PING, TOOL_TRUNCATED, 1, "without its EXEC"},
        {PING "*1\r\n$4\r\nEXEC\r\n" PING, TOOL_DAMAGED, 1, "without its MULTI"},
        {PING "*1\r\n$4\r\nNONE\r\n*1\r\n$3\r\nSET\r\n" PING, TOOL_DAMAGED, 2, "fix --skip"},
        {PING "*-1\r\n" PING, TOOL_DAMAGED, 1, "number of arguments"},
        {PING "garbage\r\n" PING PING, TOOL_LOSS, 1, "No command begins here"},
        {PING "*1\r\n$4\r\nPINGxx" PING, TOOL_LOSS, 1, "does not end where"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        check(&c, slice_str(rows[i].text));
        CHECK_INT((int64_t)(c.found.worst * 100 + i), (int64_t)(rows[i].worst * 100 + i));
        CHECK_INT((int64_t)c.found.count, rows[i].count);
        CHECK(strstr(c.text, rows[i].says) != NULL);
    }
}

int main(void)
{
    hash_init(NULL);
    return UNIT_RUN(UNIT(good_logs), UNIT(each_fault), UNIT(kinds_of_faults));
}
