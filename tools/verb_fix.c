/* SPDX-License-Identifier: BSD-3-Clause */
/* holdfast fix: each file of the log by fix_part.c; then the result is given its place. In place, a
 * file is replaced by rename, when all new ones and what --undo needs are on the disk; a crash in
 * between leaves files of both kinds, which --undo tells apart. */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/must.h"
#include "os/clock.h"
#include "os/file.h"
#include "tools/check.h"
#include "tools/fix_leftovers.h"
#include "tools/fix_part.h"
#include "tools/log_line.h"
#include "tools/log_undo.h"
#include "tools/log_write.h"
#include "tools/new_dir.h"
#include "tools/rdb_file.h"
#include "tools/unfinished.h"
#include "tools/verbs.h"

struct options {
    bool tail, skip, salvage, undo, keep_doubtful;
    const char *base;
};
static const struct tool_option options[] = {
    TOOL_OPTION("--tail", FLAG, NULL, struct options, tail,
                "cut the end of the last file at its first fault (also without a mode)"),
    TOOL_OPTION("--skip", FLAG, NULL, struct options, skip,
                "leave out single commands that the server would not run"),
    TOOL_OPTION("--salvage", FLAG, NULL, struct options, salvage,
                "leave out what is damaged, go on behind it"),
    TOOL_OPTION("--keep-doubtful", FLAG, NULL, struct options, keep_doubtful,
                "keep what may as well be text in a value, or of another database"),
    TOOL_OPTION("--base", TEXT, "FILE.rdb", struct options, base,
                "put this RDB, as salvage made it, in the place of a damaged base"),
    TOOL_OPTION("--undo", FLAG, NULL, struct options, undo, "put back what --in-place replaced"),
    {0}};

struct job {
    struct fix fix;
    struct source source;
    struct new_dir dir; /* --output, of a set */
    char **made;        /* a file for each part; NULL: it stays */
    uint64_t *sizes;
    bool new_manifest;
    char *sub;
    int turn; /* the lock of who changes the log; -1 */
};

/* Those that are mended. History is read in one way only, as in no other anything but the end of
 * what a server loads is changed. */
static size_t parts_of(const struct job *j)
{
    const struct source *s = &j->source;
    return s->count + (j->fix.mode == FIX_SALVAGE ? s->history : 0);
}

/* ---- where new files go ---- */

static char *target(struct fix *fix, size_t part)
{
    struct job *j = (struct job *)fix; /* it stands first */
    const struct tool *t = fix->tool;
    const struct source_part *p = &fix->source->parts[part];
    if (t->in_place)
        return fix_mended_name(p->path);
    if (!t->output)
        return NULL;
    return j->source.kind == SOURCE_SET ? new_dir_path(&j->dir, p->name)
                                        : unfinished_name(t->output, ".new-");
}

static char *last_name(const char *path)
{
    char *real = realpath(path, NULL);
    const char *slash = real ? strrchr(real, '/') : NULL;
    char *out = mem_strdup(slash && slash[1] ? slash + 1 : "appendonlydir");
    free(real);
    return out;
}

/* ---- the manifest ---- */

static struct manifest_file *line_of(struct job *j, size_t part)
{
    return (struct manifest_file *)log_part_line(&j->source, part);
}

/* A base that does not say of which log it is must not be asked. */
static void update_base(struct job *j)
{
    struct manifest_file *base = &j->source.manifest.base;
    must(base->name);
    if (!j->fix.base_says.id && base->id) {
        base->id = 0;
        j->new_manifest = true;
    }
}

/* What it says of sizes is made true again. */
static void update_sizes(struct job *j)
{
    struct source *s = &j->source;
    if (j->fix.replaced)
        update_base(j);
    for (size_t i = 0; s->kind == SOURCE_SET && i < parts_of(j); i++) {
        struct manifest_file *line = line_of(j, i);
        bool lost_end = line && line->size > (int64_t)s->parts[i].size;
        if (!line || line->size < 0 || s->parts[i].compression || s->parts[i].missing)
            continue;
        if (lost_end)
            j->fix.worst = tool_worse(j->fix.worst, i < s->count ? TOOL_LOSS : TOOL_DAMAGED);
        if (j->made[i])
            line->size = (int64_t)j->sizes[i];
        else if (lost_end && j->fix.mode != FIX_SKIP)
            line->size = -1; /* they are gone, and that is accepted */
        else
            continue;
        j->new_manifest = true;
    }
}

static bool write_text(const char *path, struct slice text, struct fault *f)
{
    struct log_writer w;
    uint64_t size;
    if (!log_write_open(&w, path, f))
        return false;
    out_slice(&w.out, text);
    return log_write_end(&w, &size, f);
}

/* ---- the three ends ---- */

static bool end_output_set(struct job *j, struct fault *f)
{
    struct source *s = &j->source;
    struct buf text = {0};
    const char *slash = strrchr(s->path, '/');
    bool ok = true;
    for (size_t i = 0; ok && i < parts_of(j); i++)
        if (s->parts[i].missing)
            manifest_forget_history(&s->manifest, s->parts[i].name);
        else if (!j->made[i])
            ok = new_dir_copy(&j->dir, s->parts[i].path, s->parts[i].name, f);
    if (j->fix.mode != FIX_SALVAGE)
        manifest_drop_history(&s->manifest);
    manifest_print(&s->manifest, &text);
    const char *name = slash ? slash + 1 : s->path;
    ok = ok && new_dir_text(&j->dir, name, buf_slice(&text), f);
    buf_clear(&text);
    new_dir_options(&j->dir, name, &text);
    ok = ok && new_dir_end(&j->dir, f);
    if (ok && text.len)
        say_line(&j->fix.tool->say, "A server with %s as its dir needs: appendonly yes%s",
                 j->fix.tool->output, buf_cstr(&text));
    buf_free(&text);
    return ok;
}

struct change {
    const char *path;
    char *with;
};

/* What is replaced is kept first. */
static bool replace_all(struct job *j, const struct change *changes, size_t n, struct fault *f)
{
    must(n > 0);
    struct undo_file *files = mem_zalloc(n * sizeof *files);
    char *undo = undo_name(j->source.path, clock_wall_ms() / 1000);
    bool ok = true;
    for (size_t i = 0; ok && i < n; i++)
        ok = undo_compare(&files[i], changes[i].path, changes[i].with, f);
    ok = ok && undo_write(undo, files, n, f);
    for (size_t i = 0; ok && i < n; i++)
        ok = log_write_place(changes[i].with, changes[i].path, f);
    if (ok)
        say_fields(&j->fix.tool->say, FIELDS(SAY_TEXT("kept", undo)),
                   "What was replaced is kept in %s; holdfast fix --undo %s puts it back", undo,
                   undo);
    for (size_t i = 0; i < n; i++)
        mem_free(files[i].path);
    mem_free(files);
    mem_free(undo);
    return ok;
}

static bool end_in_place(struct job *j, struct fault *f)
{
    struct source *s = &j->source;
    struct change *changes = mem_zalloc((parts_of(j) + 1) * sizeof *changes);
    size_t n = 0;
    bool ok = true;
    for (size_t i = 0; i < parts_of(j); i++)
        if (j->made[i])
            changes[n++] = (struct change){s->parts[i].path, j->made[i]};
    char *manifest = NULL;
    if (j->new_manifest) {
        struct buf text = {0};
        manifest_print(&s->manifest, &text);
        manifest = fix_mended_name(s->path);
        ok = write_text(manifest, buf_slice(&text), f);
        changes[n++] = (struct change){s->path, manifest};
        buf_free(&text);
    }
    ok = ok && replace_all(j, changes, n, f);
    for (size_t i = 0; !ok && i < n; i++)
        file_unlink(changes[i].with);
    mem_free(manifest);
    mem_free(changes);
    return ok;
}

/* A file by itself was mended, and a manifest beside it may tell how large it was. */
static void tell_of_manifest(struct job *j)
{
    struct source set;
    struct fault none = {0};
    const struct source_part *p = &j->source.parts[0];
    must(j->source.count > 0);
    if (j->source.kind == SOURCE_SET ||
        !source_find(&set, j->source.dir, &(struct source_options){0}, &none))
        return;
    for (size_t i = 0; i < set.count + set.history; i++) {
        const struct manifest_file *line = log_part_line(&set, i);
        if (line && line->size >= 0 && strcmp(set.parts[i].name, p->name) == 0)
            say_line(&j->fix.tool->say, "%s tells the size that %s had: holdfast fix --salvage of "
                     "the directory puts that right", set.path, p->name);
    }
    source_free(&set);
}

/* ---- */

/* A server takes no manifest that names a file which is not there. False with f: it stays so. */
static bool forget_missing(struct job *j, struct fault *f)
{
    struct source *s = &j->source;
    enum tool_exit is = log_line_missing(j->fix.tool, s);
    size_t left = 0;
    for (size_t i = 0; i < s->count; i++)
        left += !s->parts[i].missing;
    if (is != TOOL_GOOD && (j->fix.mode != FIX_SALVAGE || left == 0))
        fault_set(f, FAULT_FORMAT, "%s: %s", s->path, left ? "--salvage goes on without what is "
                  "missing" : "all files that it names are missing");
    for (size_t i = 0; !fault_is(f) && i < s->count; i++)
        if (s->parts[i].missing)
            manifest_forget_part(&s->manifest, s->parts[i].name);
    j->fix.worst = tool_worse(j->fix.worst, is);
    j->new_manifest = j->new_manifest || is != TOOL_GOOD;
    return !fault_is(f);
}

/* A part of it that can't be read stays as it is: nothing of now needs it. */
static bool mend_history_part(struct job *j, size_t i, struct fault *f)
{
    struct fix *x = &j->fix;
    struct fault one = {0};
    char text[FAULT_TEXT_MAX];
    if (fix_part(x, i, &j->made[i], &j->sizes[i], &one))
        return true;
    if (one.code == FAULT_IO) {
        *f = one;
        return false;
    }
    x->stays = tool_worse(x->stays, tool_tell(x->tool, TOOL_DAMAGED, "%s",
                                              fault_text(&one, text, sizeof text)));
    x->worst = tool_worse(x->worst, TOOL_DAMAGED);
    return true;
}

/* Whatever is wrong with it, nothing of the data set is lost; and what is left out of one state
 * does not concern the next, which begins with its own base. */
static bool mend_history(struct job *j, struct fault *f)
{
    struct source *s = &j->source;
    struct fix *x = &j->fix;
    enum tool_exit now = x->worst;
    bool ok = true;
    x->worst = TOOL_GOOD;
    for (size_t i = s->count; ok && i < parts_of(j); i++) {
        if (i == s->count || strstr(s->parts[i].name, ".base.")) {
            log_taint_free(&x->taint);
            log_taint_begin(&x->taint);
        }
        ok = s->parts[i].missing || mend_history_part(j, i, f);
    }
    if (x->worst != TOOL_GOOD)
        say_line(&x->tool->say, "Of history nothing is lost that a server loads: going back to an "
                 "earlier moment needs it");
    x->worst = tool_worse(now, x->worst == TOOL_GOOD ? TOOL_GOOD : TOOL_DAMAGED);
    return ok;
}

static bool mend_all(struct job *j, struct fault *f)
{
    struct source *s = &j->source;
    if (!forget_missing(j, f))
        return false;
    for (size_t i = 0; i < s->count; i++)
        if (!s->parts[i].missing && !fix_part(&j->fix, i, &j->made[i], &j->sizes[i], f))
            return false;
    if (!mend_history(j, f))
        return false;
    update_sizes(j);
    return true;
}

static bool changed(const struct job *j)
{
    return j->new_manifest || j->fix.changes;
}

static bool finish(struct job *j, struct fault *f)
{
    const struct tool *t = j->fix.tool;
    must(changed(j) && !fault_is(f));
    if (t->in_place) {
        bool ok = end_in_place(j, f);
        if (ok)
            tell_of_manifest(j);
        return ok;
    }
    if (j->source.kind == SOURCE_SET)
        return end_output_set(j, f);
    if (file_exists(t->output)) {
        fault_set(f, FAULT_INVALID, "%s is there already: nothing is written over it", t->output);
        return false;
    }
    return log_write_place(j->made[0], t->output, f);
}

/* Nothing is wrong: who goes on with OUT finds all of it there. */
static bool copy_whole(struct job *j, struct fault *f)
{
    struct source *s = &j->source;
    const char *output = j->fix.tool->output;
    struct rdb_file in;
    struct log_writer w;
    struct log_bytes b;
    uint64_t size;
    if (s->kind == SOURCE_SET)
        return end_output_set(j, f);
    if (file_exists(output)) {
        fault_set(f, FAULT_INVALID, "%s is there already: nothing is written over it", output);
        return false;
    }
    if (!rdb_file_open_part(&in, &s->parts[0], f))
        return false;
    j->made[0] = target(&j->fix, 0);
    log_bytes_open(&b, in.image.fd, in.image.end);
    bool ok = log_write_open(&w, j->made[0], f);
    if (ok) {
        log_write_copy(&w, &b, 0, in.image.end);
        ok = log_write_end(&w, &size, f) && log_write_place(j->made[0], output, f);
    }
    log_bytes_close(&b);
    rdb_file_close(&in);
    return ok;
}

static void forget_made(struct job *j)
{
    for (size_t i = 0; i < parts_of(j); i++)
        if (j->made[i])
            file_unlink(j->made[i]);
    if (j->dir.out)
        new_dir_drop(&j->dir);
}

static uint64_t more(uint64_t n)
{
    return n > FIX_LINES_MAX ? n - FIX_LINES_MAX : 0;
}

/* What was not told one by one. */
static void say_more(const struct fix *x)
{
    uint64_t n = more(x->skipped) + more(x->keys) + more(x->functions) + more(x->dependents) +
                 more(x->mended);
    must(x->tool);
    if (n)
        say_line(&x->tool->say, "... and more, of which --json lists each: %" PRIu64 " ranges, %"
                 PRIu64 " keys left out, %" PRIu64 " libraries, %" PRIu64 " that depend on what "
                 "is missing", more(x->skipped), more(x->keys), more(x->functions),
                 more(x->dependents));
}

static void summary(struct job *j)
{
    struct fix *x = &j->fix;
    struct say *say = &x->tool->say;
    say_list(say, "mended");
    say_list(say, "skipped");
    say_list(say, "lost");
    say_list(say, "lost_functions");
    say_list(say, "dependents");
    say_more(x);
    if (x->mended)
        say_line(say, "%" PRIu64 " bytes are put right", x->mended);
    say_fields(say, FIELDS(SAY_U64("bytes_mended", x->mended), SAY_U64("ranges", x->skipped),
                           SAY_U64("bytes", x->bytes),
                           SAY_U64("commands", x->commands), SAY_U64("keys_lost", x->keys),
                           SAY_U64("functions_lost", x->functions),
                           SAY_U64("dependents_found", x->dependents),
                           SAY_U64("database_unknown", x->unknown_db),
                           SAY_BOOL("base_replaced", x->replaced),
                           SAY_BOOL("dependents_complete", !x->taint.full)),
               "%" PRIu64 " ranges are left out: %" PRIu64 " bytes, in which %" PRIu64
               " commands can be read; %" PRIu64 " later ones depend on what is missing",
               x->skipped, x->bytes, x->commands, x->dependents);
    if (x->taint.full)
        say_line(say, "(of more than %d keys, others were not followed)", LOG_TAINT_MAX);
}

static int run_job(struct tool *t, struct job *j, struct fault *f)
{
    bool set = j->source.kind == SOURCE_SET;
    if (t->output && set) {
        j->sub = last_name(j->source.dir);
        if (!new_dir_begin(&j->dir, t->output, j->sub, f))
            return tool_fault(t, f);
    }
    progress_bar_begin(&t->progress, "fix", source_bytes(&j->source));
    bool ok = mend_all(j, f);
    progress_bar_end(&t->progress);
    bool any = ok && changed(j), write = t->in_place || t->output;
    j->fix.worst = tool_worse(j->fix.worst, j->fix.judge.worst);
    if (ok && (any || j->fix.skipped || j->fix.mended || j->fix.replaced))
        summary(j);
    bool copies = ok && !any && t->output && j->fix.worst == TOOL_GOOD;
    if (any && write)
        ok = finish(j, f);
    else if (copies)
        ok = copy_whole(j, f);
    if (!ok || !(any || copies) || !write)
        forget_made(j);
    if (!ok)
        return tool_fault(t, f);
    if (!any && j->fix.worst == TOOL_GOOD) {
        say_line(&t->say, "There is nothing to mend%s%s%s", copies ? ": all that a server "
                 "loads of it is in " : "", copies ? t->output : "",
                 parts_of(j) < j->source.count + j->source.history
                     ? " (its history was not read: --salvage does)" : "");
        return TOOL_GOOD;
    }
    if (j->fix.judge.unloaded)
        say_line(&t->say, "%" PRIu64 " commands that the server does not load stay: --skip leaves "
                 "them out", j->fix.judge.unloaded);
    if (any && !write)
        say_line(&t->say, "Nothing is written: --output PATH makes a new %s, --in-place changes "
                 "this one", set ? "directory" : "file");
    else if (!any)
        say_line(&t->say, "Nothing is written: there is nothing that this way of mending changes");
    if (!any || !write)
        return j->fix.worst == TOOL_GOOD ? TOOL_DAMAGED : j->fix.worst;
    return j->fix.judge.unloaded || j->fix.stays ? j->fix.worst : TOOL_REPAIRED;
}

/* ---- the command line ---- */

/* In the name of what was kept, the end of the log's; NULL: it is no such name. */
static const char *kept_mark(const char *path)
{
    const char *slash = strrchr(path, '/'), *last = NULL;
    for (const char *at = slash ? slash + 1 : path; (at = strstr(at, UNDO_MARK)); at++)
        last = at;
    return last;
}

/* Does nobody write the log, or change it? Then others don't until turn is closed. */
static bool is_free(const char *log, int *turn, struct buf *why)
{
    must(*turn < 0);
    *turn = check_lock_turn(log, why);
    return why->len == 0 && check_lock_free(log, why);
}

/* The log whose files are kept there. For mem_free. */
static char *log_of(const char *kept)
{
    const char *mark = kept_mark(kept);
    must(mark);
    return mem_dup(kept, (size_t)(mark - kept));
}

/* Nothing was changed, as the log is another by now. */
static bool is_of_another(const struct fault *f)
{
    return f->code == FAULT_INVALID || f->code == FAULT_FORMAT || f->err == ENOENT;
}

/* From *found on to older ones (log NULL: that one alone), up to the first that is not undone yet;
 * *found is that then. What does not fit the log is passed by, and is the fault if nothing fits. */
static int undo_next(struct tool *t, const char *log, char **found)
{
    struct fault first = {0};
    size_t files = 0;
    char *done = NULL, *at = *found;
    while (at && files == 0) {
        struct fault f = {0};
        bool fits = undo_restore(at, &files, &f);
        if (!fits && (files || !is_of_another(&f))) {
            mem_free(done);
            *found = at;
            return (int)tool_fault(t, &f);
        }
        if (!fits && !fault_is(&first))
            first = f;
        if (!fits && done)
            say_line(&t->say, "%s is kept, too, from before: %s", at, f.what);
        char *older = log && files == 0 ? undo_find(log, at) : NULL;
        if (files || (fits && !done)) {
            mem_free(done);
            done = at;
        } else {
            mem_free(at);
        }
        at = older;
    }
    *found = done;
    if (!done)
        return (int)tool_fault(t, &first);
    say_fields(&t->say, FIELDS(SAY_U64("files", files), SAY_TEXT("kept", done)),
               "%zu files are as they were; %s can be removed", files, done);
    return files ? TOOL_REPAIRED : TOOL_GOOD;
}

static int undo(struct tool *t, const char *word)
{
    struct source s;
    struct fault f = {0};
    struct buf why = {0};
    int turn = -1;
    char *log = NULL;
    char *found = kept_mark(word) && file_exists(word) && !file_is_dir(word) ? mem_strdup(word)
                                                                              : NULL;
    if (!found) {
        if (!source_find(&s, word, &(struct source_options){0}, &f))
            return tool_fault(t, &f);
        log = mem_strdup(s.path);
        source_free(&s);
    } else {
        log = log_of(found);
    }
    bool named = found != NULL; /* that one, and no other */
    int code = TOOL_REPAIRED;
    bool is_ours = is_free(log, &turn, &why);
    if (!found)
        found = undo_find(log, NULL); /* the newest now that no other can come */
    if (!is_ours) {
        fault_set(&f, FAULT_NOT_NOW, "%s", buf_cstr(&why));
        code = (int)tool_fault(t, &f);
    } else if (!found) {
        code = (int)tool_usage(t, "there is nothing kept beside %s", word);
    } else {
        code = undo_next(t, named ? NULL : log, &found);
    }
    if (is_ours)
        fix_leftovers(t, log, true);
    if (turn >= 0)
        close(turn);
    mem_free(log);
    mem_free(found);
    buf_free(&why);
    return code;
}

/* May it be done so? */
static bool is_fit(struct tool *t, struct job *j)
{
    const struct source *s = &j->source;
    struct buf why = {0};
    struct fault f = {0};
    bool rdb_only = s->kind == SOURCE_RDB && !strstr(s->path, ".aof");
    bool no_base = j->fix.base && (s->kind != SOURCE_SET || !s->count ||
                                   s->parts[0].kind != PART_BASE);
    if (no_base)
        fault_set(&f, FAULT_INVALID, "--base: %s has no base of its own", s->path);
    if (rdb_only)
        fault_set(&f, FAULT_INVALID, "%s is an RDB: holdfast salvage mends it", s->path);
    for (size_t i = 0; i < parts_of(j) && t->in_place; i++)
        if (s->parts[i].compression)
            fault_set(&f, FAULT_INVALID, "%s is compressed: --output makes a new one",
                      s->parts[i].name);
        else if (s->parts[i].opened)
            fault_set(&f, FAULT_INVALID, "%s comes through a pipe: --output makes a file of it",
                      s->parts[i].name);
    if (t->output && strcmp(t->output, "-") == 0)
        fault_set(&f, FAULT_INVALID, "--output -: it is a file or a directory that is made");
    if (t->in_place && t->output)
        fault_set(&f, FAULT_INVALID, "--in-place or --output, not both");
    else if (t->in_place && !is_free(s->path, &j->turn, &why))
        fault_set(&f, FAULT_NOT_NOW, "%s", buf_cstr(&why));
    if (fault_is(&f))
        tool_fault(t, &f);
    buf_free(&why);
    return !fault_is(&f);
}

/* It may have been changed by who had the turn before. */
static int found_again(struct tool *t, struct job *j)
{
    struct fault f = {0};
    if (!t->in_place)
        return TOOL_GOOD;
    source_free(&j->source);
    memset(&j->source, 0, sizeof j->source);
    return source_find(&j->source, t->args[0], &(struct source_options){0}, &f)
               ? TOOL_GOOD : (int)tool_fault(t, &f);
}

static int run(struct tool *t, void *state)
{
    const struct options *o = state;
    struct fault f = {0};
    if (o->tail + o->skip + o->salvage + o->undo > 1)
        return (int)tool_usage(t, "--tail, --skip, --salvage or --undo: one of them");
    if (o->undo && o->base)
        return (int)tool_usage(t, "--undo puts the old base back by itself");
    if (o->undo)
        return undo(t, t->args[0]);
    struct job *j = mem_zalloc(sizeof *j);
    j->turn = -1;
    j->fix = (struct fix){.tool = t, .keep_doubtful = o->keep_doubtful, .base = o->base,
                          .target = target, .source = &j->source};
    j->fix.mode = o->skip ? FIX_SKIP : o->salvage ? FIX_SALVAGE : FIX_TAIL;
    int code = TOOL_FAILED;
    if (!source_find(&j->source, t->args[0], &(struct source_options){0}, &f) ||
        !source_some(&j->source, &f) || !source_keep(&j->source, &f)) {
        code = (int)tool_fault(t, &f);
    } else {
        if (is_fit(t, j) && (code = found_again(t, j)) == TOOL_GOOD) {
            fix_leftovers(t, j->source.path, t->in_place);
            if (o->base) /* it comes */
                j->source.parts[0].missing = false;
            j->made = mem_zalloc((parts_of(j) + 1) * sizeof *j->made);
            j->sizes = mem_zalloc((parts_of(j) + 1) * sizeof *j->sizes);
            log_taint_begin(&j->fix.taint);
            log_judge_begin(&j->fix.judge, t);
            code = run_job(t, j, &f);
            log_taint_free(&j->fix.taint);
            buf_free(&j->fix.judge.why);
        }
        for (size_t i = 0; j->made && i < parts_of(j); i++)
            mem_free(j->made[i]);
    }
    source_free(&j->source);
    if (j->turn >= 0)
        close(j->turn);
    mem_free(j->made);
    mem_free(j->sizes);
    mem_free(j->sub);
    mem_free(j);
    return code;
}

const struct verb verb_fix = {
    .name = "fix",
    .does = "mends an append log: cuts its torn end, leaves out what is damaged",
    .args = "FILE|DIR",
    .example = "  holdfast fix /var/lib/redis\n"
               "  holdfast fix --salvage /var/lib/redis --output /var/lib/redis-mended\n"
               "  holdfast fix --salvage --in-place appendonlydir\n"
               "  holdfast fix --base clean.rdb /var/lib/redis --output /var/lib/redis-mended\n"
               "  holdfast fix --undo appendonlydir",
    .text = "Without --output and --in-place it only tells what it would do. Of several that "
            "change a log in place at once the first goes on, the others are refused. Where there "
            "is nothing to mend, --output makes a copy of all that a server loads (exit code 0).\n"
            "--salvage keeps what can be shown to be commands. With checksums that is each batch "
            "that is whole; where single commands were written within a second and two faults lie "
            "among them, only if a value can't hold what is between. Without, a value may hold "
            "text that looks like commands: they are taken only where they lead to the end of the "
            "file without another fault. What else lies between two faults is left out unless "
            "--keep-doubtful. A transaction stays whole or goes. Where a SELECT may be among what "
            "is missing, and the file has several databases, commands are left out until the next "
            "SELECT.\n"
            "A damaged base is an RDB: salvage saves what is whole in it, and --base puts that, or "
            "another copy of the same base, in its place.\n"
            "It lists what is left out, the keys concerned as far as they can be read, and which "
            "later commands depend on what is missing (INCR, APPEND, LPUSH); SET and DEL heal.\n"
            "Of a set that has lost a file --salvage mends the others; the new manifest does not "
            "name it. --salvage reads the history of a set, too (aof-keep-history), and --output "
            "takes that along then; the other modes leave history alone.",
    .options = options,
    .state_size = sizeof(struct options),
    .args_min = 1,
    .args_max = 1,
    .takes_output = true,
    .takes_in_place = true,
    .run = run,
};
