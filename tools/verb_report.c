/* SPDX-License-Identifier: BSD-3-Clause */
/* What a data set is made of: read once, in bounded memory (report_collect.h), then shown. */
#include <inttypes.h>
#include <string.h>

#include "os/clock.h"
#include "tools/dataset.h"
#include "tools/key_filter.h"
#include "tools/report_html.h"
#include "tools/report_say.h"
#include "tools/sift.h"
#include "tools/verbs.h"

enum { TOP = 10 };

struct report_verb {
    struct key_filter filter;
    const char *html, *separator, *against;
    struct tool_texts limits;
    uint64_t top;
    bool dump;
};

static const struct tool_option options[] = {
    KEY_FILTER_OPTIONS(struct report_verb, filter),
    TOOL_OPTION("--html", TEXT, "FILE", struct report_verb, html,
                "write one page with charts, too, that needs no network"),
    TOOL_OPTION("--top", U64, "N", struct report_verb, top,
                "so many largest keys and prefixes (default 10, at most 1000)"),
    TOOL_OPTION("--separator", TEXT, "CHARS", struct report_verb, separator,
                "names are split at these (default: found by the names)"),
    TOOL_OPTION("--against", TEXT, "OTHER", struct report_verb, against,
                "what has grown since this one: an RDB, a log, a directory, a server"),
    TOOL_OPTION("--limit", TEXTS, "NAME=N", struct report_verb, limits,
                "a setting of the server, hash-max-listpack-entries=128 say; again for more"),
    TOOL_OPTION("--dump", FLAG, NULL, struct report_verb, dump,
                "of a data directory with both, its dump and not its log"),
    {0}};

static bool take_limits(const struct report_verb *v, struct report_limits *l, struct tool *t)
{
    report_limits_init(l);
    for (size_t i = 0; i < v->limits.count; i++)
        if (!report_limits_set(l, v->limits.texts[i])) {
            tool_usage(t, "--limit %s: it takes NAME=N, and the names of the limits of packed "
                       "encodings", v->limits.texts[i]);
            return false;
        }
    return true;
}

static bool collect(struct tool *t, const struct report_verb *v, const char *word,
                    struct report *r, enum tool_exit *worst, struct fault *f)
{
    struct dataset set;
    struct sift sift;
    if (!dataset_open(&set, t, word, &(struct dataset_options){.source.dump = v->dump}, f))
        return false;
    sift_init(&sift, &v->filter, &r->sink);
    bool ok = dataset_read(&set, &sift.pass.sink, f);
    *worst = tool_worse(*worst, set.worst);
    dataset_close(&set);
    report_end(r);
    return ok;
}

static enum tool_exit show(struct tool *t, const struct report_verb *v, const struct report *r,
                           const struct report *before, size_t top)
{
    struct fault f = {0};
    report_say(t, r, before, top, top);
    if (v->html && !report_html_write(t, v->html, r, before, top, &f))
        return tool_fault(t, &f);
    return TOOL_GOOD;
}

static enum tool_exit report(struct tool *t, const struct report_verb *v,
                             const struct report_limits *l)
{
    struct report now, before;
    struct fault f = {0};
    size_t top = (size_t)v->top;
    int64_t now_ms = clock_wall_ms();
    report_begin(&now, l, top, now_ms, v->separator);
    enum tool_exit worst = TOOL_GOOD;
    bool ok = collect(t, v, t->args[0], &now, &worst, &f);
    enum tool_exit code;
    if (ok && v->against) {
        report_begin(&before, l, 0, now_ms, now.tree.separators);
        ok = collect(t, v, v->against, &before, &worst, &f);
        code = ok ? show(t, v, &now, &before, top) : tool_fault(t, &f);
        report_free(&before);
    } else {
        code = ok ? show(t, v, &now, NULL, top) : tool_fault(t, &f);
    }
    report_free(&now);
    return tool_worse(code, worst);
}

static int run(struct tool *t, void *state)
{
    struct report_verb *v = state;
    struct report_limits limits;
    if (v->top < 1 || v->top > REPORT_TOP_MAX)
        return tool_usage(t, "--top %" PRIu64 ": 1 to %d", v->top, REPORT_TOP_MAX);
    if (v->separator && (!*v->separator || strlen(v->separator) > TREE_SEPARATORS))
        return tool_usage(t, "--separator takes 1 to %d characters", TREE_SEPARATORS);
    if (!take_limits(v, &limits, t) || !key_filter_begin(&v->filter, t))
        return TOOL_FAILED;
    enum tool_exit code = report(t, v, &limits);
    key_filter_end(&v->filter);
    return code;
}

static void defaults(void *state)
{
    ((struct report_verb *)state)->top = TOP;
}

static const char *product_to(const struct tool *t, const void *state)
{
    const struct report_verb *v = state;
    (void)t;
    return v->html;
}

const struct verb verb_report = {
    .name = "report",
    .does = "tells what a data set is made of, what takes the memory, and what could be better",
    .args = "FILE|DIR|HOST:PORT",
    .example = "  holdfast report dump.rdb\n"
               "  holdfast report dump.rdb --html report.html --top 50\n"
               "  holdfast report new.rdb --against old.rdb --match 'user:*'",
    .text = "Memory is an estimate of what a key takes in this server after a load, with its "
            "settings\nunless --limit tells others; bytes are those of names and values. Prefixes "
            "are found by\nthemselves: parts of a name that are numbers or ids count as one, *. "
            "Of very many the rare ones\ncount for those above them only. A prefix whose keys all "
            "lie in a longer one is left out.\n"
            "A log with commands behind its base is read by a server for a moment: that takes the "
            "memory of the\ndata set, and up to four times the largest value while it is read.",
    .options = options,
    .state_size = sizeof(struct report_verb),
    .args_min = 1,
    .args_max = 1,
    .product_to = product_to,
    .defaults = defaults,
    .run = run,
};
