/* SPDX-License-Identifier: BSD-3-Clause */
/* Making durable what is written, and what waits for it.
 *
 *   always, inline   write, fdatasync, replies: all in one turn of the loop; when many write, the
 *                    turn before may be left without a sync (group commit)
 *   always, worker   write, hand over; the loop runs the next commands, whose bytes and replies
 *                    wait; the sync is over: its replies leave, the next write and sync begin
 *   everysec         a worker, so that nothing waits longer than a second; at once when WAITAOF
 *                    waits for it
 *   no               only when WAITAOF waits
 *
 * Which way always goes is found by trying (sync_choice.h). Both have the same gate, "up to what is
 * durable", which holds reads as well when they read what is not durable, and the same end: after a
 * failed sync what the kernel holds cannot be known any more, the unsynced bytes are cut off, the
 * server stops with the replies unsent.
 *
 * While a worker syncs, nothing is written: write() to a file that is being synced may take as long
 * as the sync. What commands log meanwhile waits in memory. A healthy disk never lets that become
 * much; from a sick one we protect ourselves: over aof-max-pending, when the sync has already taken
 * SLOW_US, or at once over twice as much, write commands are refused until it has drained. */
#include "persist/aof_sync.h"

#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "base/must.h"
#include "os/clock.h"
#include "os/file.h"
#include "os/loop.h"
#include "persist/aof_error.h"
#include "persist/aof_file.h"
#include "persist/aof_state.h"
#include "persist/aof_wait.h"
#include "persist/reserve.h"
#include "server/hooks.h"
#include "server/server.h"
#include "server/shutdown.h"
#include "server/spikes.h"
#include "server/stats.h"

enum { SYNC_EVERY_US = 1000000, SPARE_US = 50000, SLOW_US = 2000000, GROUP_FROM_US = 40 };

static bool sync_held_back(const struct aof *a)
{
    return a->no_fsync_on_rewrite && a->persist->child_kind;
}

/* ---- results ---- */

/* Bytes behind the last sync go: nobody got a reply for them, and the next start would take pages
 * for durable that a later sync does not write any more. */
void aof_stop_unsent(struct aof *a, const char *what, int err)
{
    if (a->sync.failed)
        return;
    const struct aof_open *o = &a->open;
    must(err > 0 && o->fd >= 0);
    uint64_t keep = o->durable_size > o->answered_size ? o->durable_size : o->answered_size;
    must(keep <= o->size);
    int cut = file_truncate(a->open.fd, (off_t)keep);
    if (cut < 0)
        log_warning("Can't cut the append-only file back to what is durable: %s", strerror(-cut));
    log_warning("Can't recover from AOF %s error when the AOF fsync policy is 'always': %s. "
                "Exiting...",
                what, strerror(err));
    a->sync.failed = true;
    shutdown_fail(a->persist->server);
}

/* The kernel tells of a failed write-back once: a later success says nothing about those pages. So
 * after a failure nothing counts as durable until a rewrite has put the data set into new files. */
void aof_synced(struct aof *a, int result, uint64_t position)
{
    must(result <= 0 && position <= a->write.written);
    if (result < 0) {
        if (!a->sync.lost)
            log_warning("Fail to fsync the AOF file: %s. Writes are refused until the log was "
                        "rewritten.",
                        strerror(-result));
        a->sync.lost = true;
        aof_note_error(a, "fsync", -result);
        reserve_give_up(a->persist->reserve, -result); /* for the rewrite */
    } else if (!a->sync.lost) {
        a->sync.last_s = clock_wall_s();
        if (position > a->sync.durable)
            a->sync.durable = position;
        if (position == a->write.written)
            a->sync.commands_durable = a->write.commands_written;
        else if (position == a->sync.job.position)
            a->sync.commands_durable = a->sync.job.commands;
        must(a->sync.commands_durable <= a->write.commands_written);
        aof_wait_check(a);
    }
}

/* ---- in this thread ---- */

/* The worker's jobs are over and have told their results. */
void aof_drain(struct aof *a)
{
    worker_drain(a->sync.worker);
    workers_collect(server_workers(a->persist->server));
}

bool aof_sync_all(struct aof *a, int *result)
{
    aof_drain(a);
    must(!a->sync.job.running && a->open.fd >= 0);
    a->sync.began_us = clock_mono_us();
    *result = file_fdatasync(a->open.fd);
    a->sync.took_us = clock_mono_us() - a->sync.began_us;
    if (a->policy == AOF_ALWAYS)
        spikes_note(server_spikes(a->persist->server), SPIKE_AOF_FSYNC_ALWAYS, a->sync.took_us);
    if (*result < 0)
        aof_file_failed(a);
    return *result == 0 && !a->sync.lost && !a->sync.failed;
}

bool aof_sync_now(struct aof *a)
{
    int result;
    if (a->open.fd < 0)
        return true;
    uint64_t position = a->write.written, size = a->open.size;
    bool ok = aof_sync_all(a, &result);
    if (ok)
        aof_file_is_durable(a, size);
    if (result < 0 && a->policy == AOF_ALWAYS)
        aof_stop_unsent(a, "fsync", -result);
    aof_synced(a, result, position);
    must(!ok || a->sync.durable >= position);
    return ok;
}

/* ---- on the worker ---- */

static void run_sync(struct worker_job *job)
{
    struct aof_sync_job *s = (struct aof_sync_job *)(void *)job;
    int64_t began_us = clock_mono_us();
    s->result = file_fdatasync(s->fd);
    s->took_us = clock_mono_us() - began_us;
}

static void note_choice(struct aof *a)
{
    if (a->policy == AOF_ALWAYS)
        sync_choice_note(&a->group.choice, clock_mono_us(),
                         server_stats(a->persist->server)->commands);
}

static void sync_done(struct worker_job *job)
{
    struct aof_sync_job *s = (struct aof_sync_job *)(void *)job;
    struct aof *a = s->aof;
    must(s->running && s->position <= a->write.appended);
    s->running = s->told = false;
    if (a->freeing)
        return;
    a->sync.took_us = s->took_us;
    if (s->strict)
        spikes_note(server_spikes(a->persist->server), SPIKE_AOF_FSYNC_ALWAYS, s->took_us);
    if (s->result < 0 && s->fd == a->open.fd)
        aof_file_failed(a);
    if (s->result < 0 && s->strict)
        aof_stop_unsent(a, "fsync", -s->result);
    aof_synced(a, s->result, s->position);
    if (s->result == 0 && !a->sync.lost && a->open.fd == s->fd)
        aof_file_is_durable(a, s->size);
    note_choice(a);
}

void aof_sync_begin(struct aof *a)
{
    struct aof_sync_job *s = &a->sync.job;
    must(!s->running && a->open.fd >= 0);
    s->fd = a->open.fd;
    s->position = a->write.written;
    s->size = a->open.size;
    s->commands = a->write.commands_written;
    s->began_us = a->sync.began_us = clock_mono_us();
    s->strict = a->policy == AOF_ALWAYS;
    s->running = true;
    worker_give(a->sync.worker, &s->job);
}

bool aof_sync_in_worker(const struct aof *a)
{
    if (a->policy != AOF_ALWAYS)
        return a->policy == AOF_EVERYSEC;
    return a->way == SYNC_WAY_AUTO ? a->group.choice.worker : a->way == SYNC_WAY_WORKER;
}

/* ---- waiting for a sync that runs ---- */

bool aof_write_waits(struct aof *a)
{
    struct aof_sync_job *s = &a->sync.job;
    if (!s->running)
        return false;
    if (!s->told && aof_sync_is_slow(a)) {
        s->told = true;
        a->sync.delayed++;
        log_notice("Asynchronous AOF fsync is taking too long (disk is busy?). What is written "
                   "meanwhile waits in memory: %zu bytes so far.",
                   a->batch.pending.len);
    }
    return true;
}

bool aof_sync_is_slow(const struct aof *a)
{
    return a->sync.job.running && clock_mono_us() - a->sync.job.began_us >= SLOW_US;
}

/* ---- group commit ---- */

/* Always, inline: a sync serves all who wait for it, so where many clients write it is worth to
 * look once more who has come, as long as anybody has, and for no longer than a sync takes. Replies
 * go out one after the other, so the clients they wake come back one after the other; without this
 * the last ones would always be late, and make a sync of their own. A reader counts, too: its work
 * need not wait for the sync, and its next command may be a write. */
bool aof_sync_waits_for_group(struct aof *a)
{
    if (a->policy != AOF_ALWAYS || !a->group.choice.group || aof_sync_in_worker(a) ||
        !a->write.ok || a->sync.took_us < GROUP_FROM_US)
        return false;
    int64_t now_us = clock_mono_us();
    uint64_t commands = server_stats(a->persist->server)->commands;
    if (!a->group.began_us)
        a->group.began_us = now_us;
    else if (commands == a->group.commands || now_us - a->group.began_us >= a->sync.took_us) {
        a->group.began_us = 0;
        return false;
    }
    a->group.commands = commands;
    loop_stay_awake(server_loop(a->persist->server));
    return true;
}

/* ---- when ---- */

/* Everysec: the oldest byte that waits may have come right behind the beginning of the last sync,
 * and is to be durable a second later. So the next one begins so much earlier as the last one took,
 * and a bit. On a disk that takes longer than that, one sync follows the other. */
static int64_t until_due_us(const struct aof *a)
{
    int64_t early_us = a->sync.took_us + SPARE_US;
    if (early_us > SYNC_EVERY_US / 2)
        early_us = SYNC_EVERY_US / 2;
    return a->sync.began_us + SYNC_EVERY_US - early_us - clock_mono_us();
}

/* Nothing else need wake the loop when it is. */
static bool sync_is_due(struct aof *a)
{
    if (a->sync.wanted)
        return true;
    if (a->policy != AOF_EVERYSEC)
        return false;
    int64_t left_us = until_due_us(a);
    if (left_us > 0 && !a->sync.timer.place)
        loop_timer_start(server_loop(a->persist->server), &a->sync.timer, left_us);
    return left_us <= 0;
}

static void timer_due(void *arg)
{
    (void)arg; /* the stage before the next sleep looks */
}

enum sync_step aof_sync_next(struct aof *a)
{
    if (sync_held_back(a)) /* the user wants replies without a sync: those bytes count */
        aof_file_is_answered(a);
    if (a->open.fd < 0 || a->sync.failed || a->sync.lost || a->sync.job.running ||
        a->write.written == a->sync.durable || (sync_held_back(a) && !a->sync.wanted))
        return SYNC_NOTHING;
    must(a->write.written > a->sync.durable);
    if (a->policy == AOF_ALWAYS && !aof_sync_in_worker(a))
        return SYNC_HERE;
    return a->policy == AOF_ALWAYS || sync_is_due(a) ? SYNC_BEHIND : SYNC_NOTHING;
}

void aof_sync_turn(struct aof *a)
{
    aof_sync_now(a);
    note_choice(a);
}

static uint64_t gate(void *arg)
{
    const struct aof *a = arg;
    if (a->policy != AOF_ALWAYS && !a->sync.failed)
        return UINT64_MAX;
    return sync_held_back(a) && !a->sync.failed ? a->write.written : a->sync.durable;
}

void aof_gate_set(struct aof *a)
{
    struct hooks *hooks = server_hooks(a->persist->server);
    hooks_off_gate(hooks, a);
    if (a->policy == AOF_ALWAYS)
        hooks_on_gate(hooks, gate, a);
}

void aof_sync_restart(struct aof *a, uint64_t position)
{
    must(!a->sync.job.running);
    a->sync.durable = a->sync.job.position = position;
    a->sync.commands_durable = a->sync.job.commands = 0; /* the last job's are of another log */
    a->sync.lost = false;
    a->sync.began_us = clock_mono_us();
}

void aof_sync_lose(struct aof *a)
{
    must(a->state == AOF_ON && !a->sync.lost);
    a->sync.lost = true;
}

void aof_sync_heal(struct aof *a, uint64_t position, uint64_t size)
{
    must(a->sync.lost && !a->open.failed);
    a->sync.lost = false;
    aof_file_is_durable(a, size);
    aof_synced(a, 0, position);
    must(!a->sync.lost && a->sync.durable >= position);
}

void aof_sync_free(struct aof *a)
{
    aof_drain(a); /* its jobs point here */
    must(!a->sync.job.running);
    loop_timer_stop(server_loop(a->persist->server), &a->sync.timer);
}

void aof_sync_init(struct aof *a)
{
    a->sync.job.aof = a;
    a->sync.job.job.run = run_sync;
    a->sync.job.job.done = sync_done;
    a->sync.timer = (struct loop_timer){.due = timer_due};
    a->sync.worker = worker_new(server_workers(a->persist->server), "aof-fsync");
}
