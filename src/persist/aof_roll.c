/* SPDX-License-Identifier: BSD-3-Clause */
#include "persist/aof_roll.h"

#include <errno.h>

#include "base/mem.h"
#include "base/must.h"
#include "os/file.h"
#include "os/worker.h"
#include "persist/aof.h"
#include "persist/aof_batch.h"
#include "persist/aof_file.h"
#include "persist/aof_names.h"
#include "persist/aof_sync.h"
#include "server/commit.h"
#include "server/server.h"

char *aof_aside_path(const struct aof *a)
{
    return aof_path_around(a, "temp-", ".incr");
}

struct close_job {
    struct worker_job job;
    struct aof *aof;
    int fd, result;
    uint64_t position;
};

static void run_close(struct worker_job *job)
{
    struct close_job *c = (struct close_job *)(void *)job;
    c->result = file_fdatasync(c->fd);
    file_close(c->fd);
}

static void close_done(struct worker_job *job)
{
    struct close_job *c = (struct close_job *)(void *)job;
    aof_synced(c->aof, c->result, c->position);
    mem_free(c);
}

/* The worker takes its jobs in order: a later sync of the new file tells of the old one too. */
static void close_behind(struct aof *a, int fd)
{
    must(fd >= 0 && a->write.written >= a->sync.durable);
    struct close_job *c = mem_zalloc(sizeof *c);
    c->job.run = run_close;
    c->job.done = close_done;
    c->aof = a;
    c->fd = fd;
    c->position = a->write.written;
    worker_give(a->sync.worker, &c->job);
}

static void take_over(struct aof *a, const struct aof_incr *incr, bool aside)
{
    must(incr->fd >= 0 && incr->fd != a->open.fd);
    must(a->batch.pending.len == 0); /* it is the old file's */
    close_behind(a, a->open.fd);
    aof_take_file(a, incr->fd, incr->size, aside ? &incr->is : NULL);
    a->open.begun_size = incr->size;
    aof_batch_restart(a, &incr->chain);
    commit_reselect(server_commit(a->persist->server));
}

/* The increment that is named together with the base begins anew with each try. */
static bool fresh_temp_increment(struct aof *a, struct fault *f)
{
    struct aof_incr incr;
    char *path = aof_aside_path(a);
    int64_t seq = aof_free_incr(a, f);
    file_unlink(path); /* the old one stays with its descriptor only */
    bool ok = seq > 0 && aof_create_incr(a, path, seq, &incr, f);
    mem_free(path);
    must(ok || fault_is(f));
    if (ok)
        take_over(a, &incr, true);
    if (ok && a->notes.arg)
        a->notes.broken(a->notes.arg);
    return ok;
}

/* Added to the manifest, which tells of the one before how long it was in the end. */
static bool named_increment(struct aof *a, struct fault *f)
{
    struct manifest next = {0};
    struct aof_incr incr;
    int64_t seq = aof_free_incr(a, f), size = file_size(a->open.fd);
    must(!a->open.aside && !a->sync.lost);
    if (seq == 0)
        return false;
    char *name = manifest_incr_name(a->filename, seq), *path = aof_path(a, name);
    bool created = aof_create_incr(a, path, seq, &incr, f);
    manifest_copy(&next, &a->manifest);
    if (next.incr.count)
        next.incr.files[next.incr.count - 1].size = size < 0 ? -1 : size;
    manifest_add_incr(&next, name, seq);
    next.incr.files[next.incr.count - 1].id = incr.is.id;
    bool ok = created && aof_sync_dir(a, f) && aof_put_manifest(a, &next, f);
    if (ok) {
        take_over(a, &incr, false);
    } else if (created) {
        file_close(incr.fd);
        file_unlink(path);
    }
    /* After a loss of power no manifest may name it: nothing that goes there counts. */
    if (ok && a->manifest_unsure) {
        aof_synced(a, -EIO, a->write.written);
        fault_io(f, EIO, "fsync", "The manifest can't be made durable");
        ok = false;
    }
    must(ok || fault_is(f));
    manifest_free(&next);
    mem_free(name);
    mem_free(path);
    return ok;
}

/* The old increment is durable before the manifest names a newer one: a torn file that is
 * not the last would be damage, not a torn tail. After a lost sync that cannot be had. */
bool aof_roll(struct aof *a, struct fault *f)
{
    if (a->state == AOF_OFF)
        return true;
    bool lost = a->sync.lost;
    if (!aof_flush(a, true) || (!lost && !aof_sync_now(a))) {
        fault_set(f, FAULT_IO, "The append log can't be written now");
        return false;
    }
    return a->open.aside || lost ? fresh_temp_increment(a, f) : named_increment(a, f);
}
