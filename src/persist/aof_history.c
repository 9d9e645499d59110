/* SPDX-License-Identifier: BSD-3-Clause */
#include "persist/aof_history.h"

#include <errno.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/must.h"
#include "base/num.h"
#include "os/clock.h"
#include "os/file.h"
#include "os/worker.h"
#include "persist/aof_file.h"
#include "persist/aof_names.h"
#include "persist/aof_state.h"

enum { LOOK_EVERY_MS = 10 * 60 * 1000 };

bool aof_history_parse(struct slice text, uint64_t *generations, int64_t *seconds)
{
    enum { HOUR = 3600, DAY = 24 * HOUR, MANY = 100000 };
    uint64_t n;
    char unit = text.len ? text.data[text.len - 1] : '\0';
    bool time = unit == 'd' || unit == 'h';
    if (!num_parse_u64(slice(text.data, text.len - (size_t)time), &n) || n > MANY)
        return false;
    *generations = time ? 0 : n;
    *seconds = time ? (int64_t)n * (unit == 'd' ? DAY : HOUR) : 0;
    return true;
}

/* ---- what stays ---- */

/* A generation ends when the next base gets its name: that base's file tells when. */
static int64_t replaced_s(const struct aof *a, const struct manifest_file *next_base)
{
    struct stat st;
    must(next_base->name);
    char *path = aof_path(a, next_base->name);
    int err = file_stat(path, &st);
    mem_free(path);
    return err == 0 ? (int64_t)st.st_mtim.tv_sec : 0;
}

static bool is_base(const struct manifest_file *file)
{
    must(file->name);
    return strstr(file->name, ".base.") != NULL;
}

/* The number of the first increment that a kept generation needs; INT64_MAX: nothing is kept. Goes
 * from the newest base back: history is in that order. *oldest: its base's number. */
static int64_t kept_from(const struct aof *a, int64_t *oldest)
{
    const struct manifest *m = &a->manifest;
    const struct manifest_file *next = &m->base;
    uint64_t generations = 0;
    int64_t from = INT64_MAX, seconds, now_s = clock_wall_s();
    uint64_t want;
    must(aof_history_parse(slice_str(a->keep_history), &want, &seconds));
    *oldest = INT64_MAX;
    for (size_t i = 0; next->name && i < m->history.count; i++) {
        const struct manifest_file *file = &m->history.files[i];
        if (!is_base(file))
            continue;
        bool young = seconds > 0 && now_s - replaced_s(a, next) <= seconds;
        if (file->from == 0 || next->from == 0 || (++generations > want && !young))
            break;
        from = file->from;
        *oldest = file->seq;
        next = file;
    }
    return from;
}

/* ---- deleting ---- */

struct collect_job {
    struct worker_job job;
    struct aof *aof;
    bool kept; /* one could not be removed */
    size_t count;
    char *paths[];
};

static void run_collect(struct worker_job *job)
{
    struct collect_job *c = (struct collect_job *)(void *)job;
    must(c->count > 0 && !c->kept);
    for (size_t i = 0; i < c->count; i++) {
        int err = file_unlink(c->paths[i]);
        if (err == 0 || err == -ENOENT)
            continue;
        c->kept = true;
        log_warning("Can't remove the history file %s: errno %d", c->paths[i], -err);
    }
}

static void free_collect(struct collect_job *c)
{
    for (size_t i = 0; i < c->count; i++)
        mem_free(c->paths[i]);
    mem_free(c);
}

/* The manifest without them. Is one of them still there, which must not be a file that nobody
 * names? Then the next round takes it all. */
static void collect_done(struct worker_job *job)
{
    struct collect_job *c = (struct collect_job *)(void *)job;
    struct aof *a = c->aof;
    struct manifest next = {0};
    struct fault f = {0};
    must(c->count > 0 && a->collecting);
    a->collecting = false;
    if (!c->kept && !a->freeing) {
        manifest_copy(&next, &a->manifest);
        for (size_t i = 0; i < c->count; i++)
            manifest_forget_history(&next, strrchr(c->paths[i], '/') + 1);
        if (next.history.count < a->manifest.history.count && !aof_put_manifest(a, &next, &f))
            log_warning("%s", f.what);
        manifest_free(&next);
    }
    free_collect(c);
    if (a->collect_again && !a->freeing) {
        a->collect_again = false;
        aof_history_collect(a);
    }
}

/* A crash half way: the next start goes on with it. One round at a time. */
void aof_history_collect(struct aof *a)
{
    const struct manifest_list *history = &a->manifest.history;
    struct fault f = {0};
    int64_t oldest, from = kept_from(a, &oldest);
    if (a->collecting)
        a->collect_again = true; /* what holds files may have let go of some since */
    if (a->disable_auto_gc || a->collecting || history->count == 0)
        return;
    struct collect_job *c = mem_zalloc(sizeof *c + history->count * sizeof *c->paths);
    for (size_t i = 0; i < history->count; i++) {
        const struct manifest_file *file = &history->files[i];
        bool kept = file->seq >= (is_base(file) ? oldest : from);
        if (!kept && !(a->held && a->held(a->held_arg, file->name)))
            c->paths[c->count++] = aof_path(a, file->name);
    }
    /* A manifest that is not durable yet: the one before may still need them. */
    if (c->count == 0 || !aof_sync_manifest(a, &f)) {
        free_collect(c);
        return;
    }
    must(!a->manifest_unsure);
    c->job.run = run_collect;
    c->job.done = collect_done;
    c->aof = a;
    a->collecting = true;
    worker_give(a->sync.worker, &c->job);
}

void aof_history_tick(struct aof *a, int64_t mono_ms)
{
    must(mono_ms >= a->history_seen_ms);
    if (a->state != AOF_ON || mono_ms - a->history_seen_ms < LOOK_EVERY_MS)
        return;
    a->history_seen_ms = mono_ms;
    aof_history_collect(a);
}
