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

/* ---- files ---- */

static char *join(const char *dir, const char *name)
{
    struct buf path = {0};
    buf_printf(&path, "%s/%s", dir, name);
    buf_cstr(&path);
    return path.data;
}


static void run_nothing(struct worker_job *job)
{
    (void)job;
}

bool aof_settle(struct aof *a, struct fault *f)
{
    char cwd[PATH_MAX];
    if (!getcwd(cwd, sizeof cwd)) {
        fault_io(f, errno, "getcwd", "Can't tell the working directory");
        return false;
    }
    a->home = mem_strdup(cwd);
    a->dir = join(cwd, a->dirname);
    /* The worker's thread starts now, not beside a fork: a starting thread holds locks of the
     * allocator, and a child would find them held for ever. */
    struct worker_job first = {.run = run_nothing};
    worker_give(a->worker, &first);
    worker_drain(a->worker);
    return true;
}

char *aof_path(const struct aof *a, const char *name)
{
    return join(a->dir, name);
}

bool aof_make_dir(struct aof *a, struct fault *f)
{
    int err = file_mkdir(a->dir, 0755);
    if (err == -EEXIST)
        return true;
    if (err == 0)
        err = file_sync_dir(a->home);
    if (err < 0)
        fault_io(f, -err, "mkdir", "Can't open or create append-only dir %s", a->dir);
    return err == 0;
}

bool aof_put_manifest(struct aof *a, struct manifest *m, struct fault *f)
{
    struct buf text = {0}, stem = {0};
    manifest_print(m, &text);
    buf_printf(&stem, "%s.manifest", a->filename);
    char *path = aof_path(a, buf_cstr(&stem));
    buf_clear(&stem);
    buf_printf(&stem, "temp-%s.manifest", a->filename);
    char *tmp = aof_path(a, buf_cstr(&stem));
    bool synced = file_replace(tmp, path, buf_slice(&text), f);
    bool renamed = synced || strcmp(f->doing, "fsync-directory") == 0;
    mem_free(tmp);
    mem_free(path);
    buf_free(&stem);
    buf_free(&text);
    if (!renamed)
        return false;
    if (!synced) {
        char line[512];
        log_warning("%s", fault_text(f, line, sizeof line));
        fault_clear(f);
    }
    a->manifest_unsure = !synced;
    manifest_free(&a->manifest);
    a->manifest = *m;
    *m = (struct manifest){0};
    return true;
}

static uint64_t size_of(const struct aof *a, const char *name)
{
    struct stat st;
    char *path = aof_path(a, name);
    uint64_t size = file_stat(path, &st) == 0 ? (uint64_t)st.st_size : 0;
    mem_free(path);
    return size;
}

void aof_measure(struct aof *a)
{
    const struct manifest *m = &a->manifest;
    a->total_size = m->base.name ? size_of(a, m->base.name) : 0;
    for (size_t i = 0; i < m->incr.count; i++)
        a->total_size += size_of(a, m->incr.files[i].name);
}

static bool add_first_incr(struct aof *a, struct fault *f)
{
    struct manifest next = {0};
    int64_t seq = manifest_next_incr(&a->manifest);
    char *name = manifest_incr_name(a->filename, seq);
    char *path = aof_path(a, name);
    int fd = file_open(path, O_WRONLY | O_CREAT | O_TRUNC, 0644);
    int err = fd < 0 ? fd : file_close(fd);
    if (err == 0)
        err = file_sync_dir(a->dir); /* the name first, then the manifest that tells of it */
    if (err < 0)
        fault_io(f, -err, "open", "Can't make the append-only file %s", path);
    manifest_copy(&next, &a->manifest);
    manifest_add_incr(&next, name, seq);
    mem_free(path);
    mem_free(name);
    bool ok = err == 0 && aof_put_manifest(a, &next, f);
    manifest_free(&next);
    return ok;
}

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

/* The log may end in an annotation that was cut off. Its line ends here, or it would swallow the
 * command that comes behind it. */
static int end_last_line(int fd)
{
    char last;
    int64_t size = file_size(fd);
    ssize_t got = size > 0 ? file_pread(fd, &last, 1, (off_t)size - 1) : 0;
    if (size < 0 || got < 0)
        return size < 0 ? (int)size : (int)got;
    return got == 1 && last != '\n' ? file_write_all(fd, "\n", 1, NULL) : 0;
}

bool aof_open_log(struct aof *a, struct fault *f)
{
    if (a->manifest.incr.count == 0 && !add_first_incr(a, f))
        return false;
    const char *name = a->manifest.incr.files[a->manifest.incr.count - 1].name;
    char *path = aof_path(a, name);
    a->fd = file_open(path, O_RDWR | O_APPEND | O_CREAT, 0644);
    if (a->fd < 0)
        fault_io(f, -a->fd, "open", "Can't open the append-only file %s", path);
    mem_free(path);
    if (a->fd < 0)
        return false;
    /* What was loaded from it will be shown, so it is made durable: a process that was killed may
     * have left bytes that the kernel only holds. */
    int err = end_last_line(a->fd);
    if (err == 0)
        err = file_fdatasync(a->fd);
    if (err < 0) {
        fault_io(f, -err, "fsync", "Can't sync the append-only file %s", name);
        file_close(a->fd);
        a->fd = -1;
        return false;
    }
    int64_t size = file_size(a->fd);
    a->incr_size = a->durable_size = size > 0 ? (uint64_t)size : 0;
    aof_measure(a);
    a->base_size = a->total_size;
    aof_listen(a, AOF_ON);
    return true;
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
