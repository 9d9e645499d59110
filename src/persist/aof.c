/* SPDX-License-Identifier: BSD-3-Clause */
/* States of the bytes of one batch:
 *
 *   appended   in pending, has a position                         (COMMIT hook)
 *   written    the kernel has them                                (stage LOG)
 *   durable    fdatasync said so                                  (stage SYNC, or the worker)
 *
 * appended >= written >= durable, always. A write that fails half way is cut off again, so the file
 * ends with a whole batch; if even that fails, broken_tail keeps the missing rest first in pending.
 * A failed fdatasync under always ends the process with the replies unsent: what the kernel holds
 * cannot be known any more. Otherwise writes are refused until writing and syncing work again. */
#include "persist/aof.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/must.h"
#include "format/aof_write.h"
#include "os/clock.h"
#include "os/file.h"
#include "persist/aof_config.h"
#include "server/commit.h"
#include "server/hooks.h"
#include "server/server.h"

enum { SYNC_EVERY_US = 1000000, POSTPONE_MAX_US = 2000000, LOG_ERROR_EVERY_S = 30 };

/* ---- refusing and failing ---- */

const char *aof_refusal(struct aof *a)
{
    if (a->state == AOF_OFF || (a->write_ok && a->sync_ok))
        return NULL;
    snprintf(a->refusal, sizeof a->refusal, "MISCONF Errors writing to the AOF file: %s",
             strerror(a->write_errno));
    return a->refusal;
}

/* Under always: what the kernel holds cannot be known any more. The gate stays shut. Bytes behind
 * the last sync go: nobody got a reply for them, and the next start would take pages for durable
 * that a later sync does not write any more. */
static void stop_unsent(struct aof *a, const char *what, int err)
{
    int cut = file_truncate(a->fd, (off_t)a->durable_size);
    if (cut < 0)
        log_warning("Can't cut the append-only file back to what is durable: %s", strerror(-cut));
    log_warning("Can't recover from AOF %s error when the AOF fsync policy is 'always': %s. "
                "Exiting...",
                what, strerror(err));
    a->failed = true;
    server_fail(a->persist->server);
}

static void write_failed(struct aof *a, int err, size_t written, size_t wanted)
{
    int64_t now_s = clock_wall_ms() / 1000;
    if (now_s - a->error_logged_s >= LOG_ERROR_EVERY_S || a->write_ok) {
        log_warning("Short write while writing to the AOF file: %s, (nwritten=%zu, expected=%zu)",
                    strerror(err), written, wanted);
        a->error_logged_s = now_s;
    }
    a->write_ok = false;
    a->write_errno = err;
}

/* ---- writing ---- */

/* Takes a partly written batch back, so that the file ends with a whole one. */
static void cut_back(struct aof *a, size_t written)
{
    int err = file_truncate(a->fd, (off_t)a->incr_size);
    if (err == 0)
        return;
    log_warning("Could not remove short write from the append-only file: %s", strerror(-err));
    a->broken_tail = true;
    a->incr_size += written;
    a->total_size += written;
    buf_drop_front(&a->pending, written);
}

static bool write_pending(struct aof *a)
{
    size_t written = 0, wanted = a->pending.len;
    int err = file_write_all(a->fd, a->pending.data, wanted, &written);
    if (err < 0) {
        write_failed(a, -err, written, wanted);
        if (written)
            cut_back(a, written);
        return false;
    }
    if (!a->write_ok)
        log_notice("AOF write error looks solved. The server can write again.");
    a->write_ok = true;
    a->broken_tail = false;
    a->incr_size += wanted;
    a->total_size += wanted;
    a->written = a->appended;
    enum { KEEP_CAP_MAX = 4 << 20 };
    if (a->pending.cap > KEEP_CAP_MAX)
        buf_free(&a->pending);
    else
        buf_clear(&a->pending);
    return true;
}

/* Under everysec: does a running sync make us wait? At most two seconds, then the stall is taken.
 */
static bool postpone(struct aof *a)
{
    if (a->policy != AOF_EVERYSEC || !a->sync.running)
        return false;
    int64_t now = clock_mono_us();
    if (!a->postponed_since_us) {
        a->postponed_since_us = now;
        return true;
    }
    if (now - a->postponed_since_us < POSTPONE_MAX_US)
        return true;
    a->delayed_fsync++;
    log_notice("Asynchronous AOF fsync is taking too long (disk is busy?). Writing the AOF buffer "
               "without waiting for fsync to complete, this may slow down the server.");
    return false;
}

bool aof_flush(struct aof *a, bool force)
{
    if (a->pending.len == 0 || a->fd < 0 || a->failed)
        return a->pending.len == 0;
    if (!force && postpone(a))
        return false;
    a->postponed_since_us = 0;
    bool written = write_pending(a);
    if (!written && a->policy == AOF_ALWAYS)
        stop_unsent(a, "write", a->write_errno);
    return written;
}

/* ---- syncing ---- */

static bool sync_held_back(const struct aof *a)
{
    return a->no_fsync_on_rewrite && a->persist->child_kind != CHILD_NONE;
}

/* The kernel tells of a failed write-back once: a later success says nothing about those pages. So
 * after a failure nothing counts as durable until a rewrite has put the data set into new files. */
void aof_synced(struct aof *a, int result, uint64_t position)
{
    a->last_sync_us = clock_mono_us();
    if (result < 0) {
        if (!a->lost_sync)
            log_warning("Fail to fsync the AOF file: %s. Writes are refused until the log was "
                        "rewritten.",
                        strerror(-result));
        a->lost_sync = true;
        a->sync_ok = false;
        a->write_errno = -result;
    } else if (!a->lost_sync && position > a->durable) {
        a->durable = position;
    }
}

/* The worker's jobs are over and have told their results. */
static void drain(struct aof *a)
{
    worker_drain(a->worker);
    workers_collect(server_workers(a->persist->server));
}

static bool sync_all(struct aof *a, int *result)
{
    drain(a);
    *result = file_fdatasync(a->fd);
    return *result == 0 && !a->lost_sync;
}

bool aof_sync_now(struct aof *a)
{
    int result;
    if (a->fd < 0)
        return true;
    uint64_t position = a->written, size = a->incr_size;
    bool ok = sync_all(a, &result);
    if (ok)
        a->durable_size = size;
    if (result < 0 && a->policy == AOF_ALWAYS)
        stop_unsent(a, "fsync", -result);
    aof_synced(a, result, position);
    return ok;
}

static void run_sync(struct worker_job *job)
{
    struct aof_sync *s = (struct aof_sync *)(void *)job;
    int64_t began = clock_mono_us();
    s->result = file_fdatasync(s->fd);
    s->took_us = clock_mono_us() - began;
}

static void sync_done(struct worker_job *job)
{
    struct aof_sync *s = (struct aof_sync *)(void *)job;
    s->running = false;
    aof_synced(s->aof, s->result, s->position);
}

static void sync_in_background(struct aof *a)
{
    a->sync.fd = a->fd;
    a->sync.position = a->written;
    a->sync.running = true;
    worker_give(a->worker, &a->sync.job);
}

/* ---- hooks ---- */

static void on_commit(void *arg, const struct commit_batch *batch)
{
    struct aof *a = arg;
    if (a->timestamp && batch->now_ms / 1000 != a->last_timestamp_s) {
        a->last_timestamp_s = batch->now_ms / 1000;
        aof_put_timestamp(&a->pending, a->last_timestamp_s);
    }
    buf_add(&a->pending, batch->bytes);
    a->appended = batch->position;
}

static void stage_log(void *arg)
{
    struct aof *a = arg;
    if (a->pending.len && a->fd >= 0)
        aof_flush(a, false);
}

static void stage_sync(void *arg)
{
    struct aof *a = arg;
    if (sync_held_back(a)) /* the user wants replies without a sync: those bytes count */
        a->durable_size = a->incr_size;
    if (a->fd < 0 || a->failed || a->lost_sync || a->written == a->durable || sync_held_back(a))
        return;
    if (a->policy == AOF_ALWAYS)
        aof_sync_now(a);
    else if (a->policy == AOF_EVERYSEC && !a->sync.running &&
             clock_mono_us() - a->last_sync_us >= SYNC_EVERY_US)
        sync_in_background(a);
}

static uint64_t gate(void *arg)
{
    const struct aof *a = arg;
    if (a->policy != AOF_ALWAYS && !a->failed)
        return UINT64_MAX;
    return sync_held_back(a) && !a->failed ? a->written : a->durable;
}

void aof_tick(struct aof *a, int64_t now_ms)
{
    if (a->state == AOF_OFF) {
        rewrite_tick(a, now_ms);
        return;
    }
    if (a->pending.len)
        aof_flush(a, false);
    rewrite_tick(a, now_ms);
}

/* ---- on and off ---- */

void aof_listen(struct aof *a, enum aof_state state)
{
    struct hooks *hooks = server_hooks(a->persist->server);
    struct commit *commit = server_commit(a->persist->server);
    must(a->fd >= 0);
    /* What the open unit did so far is in memory, so it will be in the base: it must not be logged
     * as well. */
    commit_end(commit, clock_wall_ms());
    a->appended = a->written = a->durable = commit_position(commit);
    a->write_ok = a->sync_ok = true;
    a->lost_sync = false;
    a->last_sync_us = clock_mono_us();
    a->state = state;
    commit_reselect(commit);
    hooks_on_commit(hooks, on_commit, a);
    if (a->policy == AOF_ALWAYS)
        hooks_on_gate(hooks, gate, a);
}

void aof_close_log(struct aof *a)
{
    struct hooks *hooks = server_hooks(a->persist->server);
    if (a->fd < 0)
        return;
    commit_end(server_commit(a->persist->server), clock_wall_ms());
    aof_flush(a, true);
    aof_sync_now(a);
    if (a->failed)
        return; /* the gate stays shut */
    file_close(a->fd);
    a->fd = -1;
    a->state = AOF_OFF;
    a->incr_size = a->durable_size = 0;
    buf_free(&a->pending);
    hooks_off_commit(hooks, a);
    hooks_off_gate(hooks, a);
}

bool aof_policy_changed(struct aof *a, struct fault *f)
{
    struct hooks *hooks = server_hooks(a->persist->server);
    int result = 0;
    if (a->state == AOF_OFF)
        return true;
    /* From here on all is durable, whatever the policy was: or the change is refused. */
    if (a->pending.len && (a->failed || !write_pending(a))) {
        fault_set(f, FAULT_IO, "the append log can't be written now");
        return false;
    }
    if (!sync_all(a, &result)) {
        fault_io(f, result ? -result : EIO, "fsync", "the append log can't be synced now");
        return false;
    }
    aof_synced(a, 0, a->written);
    a->durable_size = a->incr_size;
    hooks_off_gate(hooks, a);
    if (a->policy == AOF_ALWAYS)
        hooks_on_gate(hooks, gate, a);
    return true;
}

struct aof *aof_new(struct persist *p)
{
    struct aof *a = mem_zalloc(sizeof *a);
    struct hooks *hooks = server_hooks(p->server);
    a->persist = p;
    a->fd = -1;
    a->write_ok = a->sync_ok = a->last_rewrite_ok = true;
    a->last_rewrite_s = -1;
    a->sync.aof = a;
    a->sync.job.run = run_sync;
    a->sync.job.done = sync_done;
    a->worker = worker_new(server_workers(p->server), "aof-fsync");
    aof_config_register(a, server_config(p->server));
    hooks_on_stage(hooks, STAGE_LOG, stage_log, a);
    hooks_on_stage(hooks, STAGE_SYNC, stage_sync, a);
    return a;
}

void aof_free(struct aof *a)
{
    a->freeing = true;
    drain(a); /* its jobs point here */
    if (a->fd >= 0)
        file_close(a->fd);
    manifest_free(&a->manifest);
    buf_free(&a->pending);
    mem_free(a->filename);
    mem_free(a->dirname);
    mem_free(a->home);
    mem_free(a->dir);
    mem_free(a);
}
