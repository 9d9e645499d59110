/* SPDX-License-Identifier: BSD-3-Clause */
/* Every part of every data set that is named, each by who knows its kind; and of a set of files
 * whether they are those that its manifest means. */
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/must.h"
#include "format/aof_parts.h"
#include "format/digest.h"
#include "os/file.h"
#include "tools/check_log_part.h"
#include "tools/check_rdb_part.h"
#include "tools/log_part.h"
#include "tools/log_set.h"
#include "tools/verbs.h"

struct check {
    bool dump;
    uint64_t databases;
};

static const struct tool_option options[] = {
    TOOL_OPTION("--dump", FLAG, NULL, struct check, dump,
                "of a data directory with both, its dump and not its log"),
    TOOL_OPTION("--databases", U64, "N", struct check, databases,
                "a key of database N or above is a fault: a server with N refuses it"),
    {0}};

/* Order, ids and sizes: what no part tells by itself. */
static void check_set(struct findings *to, const struct source *s)
{
    bool missing = false;
    for (size_t i = 0; i < s->count; i++) {
        if (!s->parts[i].missing)
            continue;
        missing = true;
        finding_add(to, &(struct finding){.cost = TOOL_LOSS, .file = s->parts[i].name,
                                          .unit = "manifest",
                                          .what = "The manifest names this file, and it is "
                                                  "not there"});
    }
    if (missing)
        return;
    struct buf what = {0};
    enum tool_exit is = log_set_check(s, &what);
    if (is != TOOL_GOOD)
        finding_add(to, &(struct finding){.cost = is, .file = s->path, .unit = "manifest",
                                          .what = buf_cstr(&what)});
    buf_free(&what);
}

struct strays {
    const struct source *source;
    struct findings *to;
    char stem[512];
};

static bool look_at_name(void *arg, const char *name)
{
    struct strays *x = arg;
    void *source = (void *)(uintptr_t)x->source;
    struct fault f = {0};
    if (!manifest_names(&x->source->manifest, name) && aof_part_kind(x->stem, name) &&
        aof_part_is_stray(&x->source->manifest, x->stem, name, log_set_look, source, &f))
        finding_add(x->to, &(struct finding){.cost = TOOL_DAMAGED, .file = name,
                                             .unit = "manifest", .what = f.what});
    return true;
}

/* appendonly.aof.manifest: the log's files are called appendonly.aof.N... */
static void check_strays(struct findings *to, const struct source *s)
{
    static const char end[] = ".manifest";
    struct strays x = {.source = s, .to = to};
    const char *slash = strrchr(s->path, '/'), *name = slash ? slash + 1 : s->path;
    size_t len = strlen(name);
    if (len <= sizeof end - 1 || len >= sizeof x.stem ||
        strcmp(name + len - (sizeof end - 1), end) != 0)
        return;
    memcpy(x.stem, name, len - (sizeof end - 1));
    file_each(s->dir, look_at_name, &x);
}

/* A server takes an empty base for one without commands and starts; but what it writes under that
 * name is an RDB, and that never is empty. */
static bool is_emptied(const struct source *s, size_t part)
{
    const struct source_part *p = &s->parts[part];
    const struct manifest_file *line = log_part_line(s, part);
    size_t n = strlen(p->name);
    return p->kind == PART_BASE && p->size == 0 && n > 4 && strcmp(p->name + n - 4, ".rdb") == 0 &&
           !(line && line->size > 0); /* then the manifest tells */
}

static void check_part(struct tool *t, const struct check *c, struct findings *to,
                       const struct source *s, size_t part, struct check_totals *totals)
{
    const struct check_rdb_options opt = {.databases = (unsigned)c->databases};
    if (s->parts[part].missing)
        return;
    if (is_emptied(s, part))
        finding_add(to, &(struct finding){
            .cost = TOOL_LOSS, .file = s->parts[part].name, .unit = "file",
            .what = "It is empty, and a base written as an RDB never is",
            .costs = "a server starts with it, and without the keys that were in it"});
    bool rdb = s->kind == SOURCE_RDB || s->parts[part].begins_with_rdb;
    if (!rdb || check_rdb_part(t, to, s, part, &opt, totals))
        check_log_part(t, to, s, part, totals);
}

/* What rewrites replaced: no server loads it, so none of its faults loses any of the data; but who
 * goes back over them should know. */
static void check_history(struct tool *t, const struct check *c, struct findings *to,
                          const struct source *s)
{
    uint64_t before = to->count;
    struct check_totals apart = {0};
    to->history = true;
    for (size_t i = s->count; i < s->count + s->history; i++)
        check_part(t, c, to, s, i, &apart);
    to->history = false;
    if (to->count > before)
        say_line(&t->say, "The last %" PRIu64 " faults are of history: only going back to an "
                 "earlier moment needs those files (fix --salvage mends commands in them; salvage "
                 "of such a base by itself saves what is whole in it)", to->count - before);
}

static void check_source(struct tool *t, const struct check *c, struct findings *to,
                         const struct source *s, struct check_totals *totals)
{
    if (*s->why)
        say_line(&t->say, "%s: %s", s->path, s->why);
    struct fault f = {0};
    if (!source_some_unnamed(s, &f)) {
        finding_fault(to, s->parts[0].name, &f);
        return;
    }
    if (s->kind == SOURCE_SET) {
        check_set(to, s);
        check_strays(to, s);
    }
    for (size_t i = 0; i < s->count; i++)
        check_part(t, c, to, s, i, totals);
    check_history(t, c, to, s);
}

static const char *verdict(enum tool_exit e)
{
    static const char *const words[] = {
        [TOOL_GOOD] = "good: nothing is wrong",
        [TOOL_FAILED] = "failed",
        [TOOL_CANNOT_OPEN] = "not all could be read",
        [TOOL_TRUNCATED] = "truncated: the end is missing, as after a write that was cut off",
        [TOOL_DAMAGED] = "damaged, and nothing of the data is lost: salvage or fix mends it",
        [TOOL_LOSS] = "damaged, and some of the data is lost: salvage or fix keeps the rest",
        [TOOL_NEWER] = "of a newer version, or with values this program can't read",
        [TOOL_REPAIRED] = "repaired",
        [TOOL_DIFFERS] = "differs"};
    return words[e];
}

static void say_totals(struct tool *t, const struct check_totals *x)
{
    char hex[DIGEST_HEX];
    struct digest d;
    digest_init(&d);
    digest_add(&d, x->digest);
    say_fields(&t->say,
               FIELDS(SAY_U64("bytes", x->bytes), SAY_U64("parts", x->parts),
                      SAY_U64("keys", x->keys), SAY_U64("expires", x->expires),
                      SAY_U64("already_expired", x->already_expired),
                      SAY_U64("functions", x->functions), SAY_U64("blocks", x->blocks),
                      SAY_U64("blocks_bad", x->blocks_bad),
                      SAY_TEXT("digest", x->digests == 1 ? digest_text(&d, hex) : NULL),
                      SAY_U64("commands", x->commands), SAY_U64("transactions", x->transactions),
                      SAY_U64("annotations", x->annotations), SAY_U64("batches", x->batches),
                      SAY_U64("batches_bad", x->batches_bad), SAY_U64("unchecked", x->unchecked),
                      SAY_U64("load_ms", x->load_us / 1000), SAY_U64("memory", x->memory_bytes)),
               NULL);
}

static int run(struct tool *t, void *state)
{
    const struct check *c = state;
    struct check_totals totals = {0};
    struct findings to;
    enum tool_exit code = TOOL_GOOD;
    findings_begin(&to, t);
    say_list(&t->say, "files");
    for (size_t i = 0; i < t->argc; i++) {
        struct source s;
        struct fault f = {0};
        if (!source_find(&s, t->args[i], &(struct source_options){.dump = c->dump}, &f)) {
            code = tool_worse(code, tool_fault(t, &f));
            continue;
        }
        if (source_keep(&s, &f)) /* commands may follow an RDB */
            check_source(t, c, &to, &s, &totals);
        else
            code = tool_worse(code, tool_fault(t, &f));
        source_free(&s);
    }
    say_totals(t, &totals);
    code = tool_worse(code, findings_end(&to));
    say_fields(&t->say, FIELDS(SAY_TEXT("verdict", verdict(code))), "%s", verdict(code));
    return code;
}

const struct verb verb_check = {
    .name = "check",
    .does = "every fault of a dump, a log or a data directory, and what a load of it takes",
    .args = "FILE|DIRECTORY...",
    .example = "  holdfast check dump.rdb\n"
               "  holdfast check /var/lib/redis --json\n"
               "  zcat dump.rdb.gz | holdfast check -\n",
    .text = "Checksums of blocks, batches and whole files, the digest of the data set, the\n"
            "structure of every value, keys that are there twice, libraries of functions, order\n"
            "and ids of the parts of a log. Reading goes on behind damage. Nothing is changed.\n"
            "History that a log keeps (aof-keep-history) is read too; what is wrong with it loses\n"
            "none of the data set, and is said apart.\n",
    .options = options,
    .state_size = sizeof(struct check),
    .args_min = 1,
    .args_max = SIZE_MAX,
    .run = run,
};
