/* SPDX-License-Identifier: BSD-3-Clause */
/* States of the bytes of one batch:
 *
 *   appended   in pending, has a position          (COMMIT hook)           aof_batch.c
 *   written    the kernel has them                 (stage LOG)
 *   durable    fdatasync said so                   (stage SYNC, worker)    aof_sync.c
 *
 * appended >= written >= durable, always. A write that fails half way is cut off again, so the file
 * ends with a whole batch; if even that fails, broken_tail keeps the missing rest first in pending.
 * A failed fdatasync under always ends the process with the replies unsent: what the kernel holds
 * cannot be known any more. Otherwise writes are refused until writing and syncing work again. */
#include "persist/aof.h"

#include <errno.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/must.h"
#include "os/clock.h"
#include "os/file.h"
#include "os/loop.h"
#include "persist/aof_batch.h"
#include "persist/aof_error.h"
#include "persist/aof_file.h"
#include "persist/aof_gone.h"
#include "persist/aof_names.h"
#include "persist/aof_sync.h"
#include "persist/aof_wait.h"
#include "persist/reserve.h"
#include "server/commit.h"
#include "server/conn.h"
#include "server/hooks.h"
#include "server/server.h"
#include "server/spikes.h"

enum { WRITE_RETRY_US = 1000000 };

/* ---- refusing and failing ---- */

static int64_t next_try_s(const struct aof *a)
{
    int64_t left_s = a->sync.lost ? a->rewrite.retry_mono_s - clock_mono_s()
                                  : (a->write.retry_us - clock_mono_us() + 999999) / 1000000;
    return left_s > 0 ? left_s : 0;
}

/* Called before each write command. */
static bool too_much_waits(struct aof *a)
{
    uint64_t waits = a->batch.pending.len, bound = (uint64_t)a->max_pending;
    if (a->write.overfull || waits <= bound || !a->sync.job.running)
        return a->write.overfull;
    if (waits <= bound * 2 && !aof_sync_is_slow(a))
        return false;
    a->write.overfull = true;
    log_warning("The AOF fsync does not end and %llu bytes wait in memory, more than "
                "aof-max-pending: writes are refused until they are written.",
                (unsigned long long)waits);
    return true;
}

const char *aof_refusal(struct aof *a)
{
    if (a->state == AOF_OFF)
        return NULL;
    if (!a->write.ok || a->sync.lost)
        return aof_refuse_failed(a, next_try_s(a));
    return too_much_waits(a) ? aof_refuse_slow(a) : NULL;
}

static void write_failed(struct aof *a, int err, size_t written, size_t wanted)
{
    must(err > 0 && written < wanted);
    aof_note_short_write(a, err, written, wanted);
    a->write.ok = false;
    a->write.retry_us = clock_mono_us() + WRITE_RETRY_US;
}

/* ---- writing ---- */

/* Takes a partly written batch back, so that the file ends with a whole one. */
static void cut_back(struct aof *a, size_t written)
{
    must(written < a->batch.pending.len);
    int err = file_truncate(a->open.fd, (off_t)a->open.size);
    if (err == 0)
        return;
    log_warning("Could not remove short write from the append-only file: %s", strerror(-err));
    a->write.broken_tail = true;
    aof_file_grew(a, written);
    aof_batch_wrote(a, written);
}

/* A write may have waited for the disk, which somebody else kept busy. */
static void note_spike(struct aof *a, int64_t took_us)
{
    struct spikes *spikes = server_spikes(a->persist->server);
    enum spike_event beside = a->sync.job.running     ? SPIKE_AOF_WRITE_PENDING_FSYNC
                              : a->persist->child_kind ? SPIKE_AOF_WRITE_ACTIVE_CHILD
                                                       : SPIKE_AOF_WRITE_ALONE;
    spikes_note(spikes, SPIKE_AOF_WRITE, took_us);
    spikes_note(spikes, beside, took_us);
}

static bool write_pending(struct aof *a)
{
    must(a->open.fd >= 0 && !a->sync.failed);
    aof_batch_seal(a);
    size_t written = 0, wanted = a->batch.pending.len;
    int64_t began_us = spikes_begin(server_spikes(a->persist->server));
    int err = file_write_all(a->open.fd, a->batch.pending.data, wanted, &written);
    if (began_us)
        note_spike(a, clock_mono_us() - began_us);
    if (err < 0) {
        write_failed(a, -err, written, wanted);
        if (written)
            cut_back(a, written);
        return false;
    }
    must(written == wanted && wanted > 0);
    if (!a->write.ok)
        log_notice("AOF write error looks solved. The server can write again.");
    if (a->write.overfull)
        log_notice("What waited for the AOF fsync is written. Writes are accepted again.");
    a->write.ok = true;
    a->write.broken_tail = a->write.overfull = false;
    aof_file_grew(a, wanted);
    a->write.written = a->write.appended;
    a->write.commands_written = a->write.commands_appended;
    aof_batch_wrote_all(a);
    return true;
}

bool aof_flush(struct aof *a, bool force)
{
    if (force && a->open.fd >= 0 && !a->sync.failed)
        aof_batch_sum_up(a);
    if (a->batch.pending.len == 0 || a->open.fd < 0 || a->sync.failed)
        return a->batch.pending.len == 0;
    if (!force && (aof_write_waits(a) || (!a->write.ok && clock_mono_us() < a->write.retry_us)))
        return false;
    bool written = write_pending(a);
    if (!written && reserve_give_up(a->persist->reserve, a->error.err))
        written = write_pending(a);
    if (!written && a->policy == AOF_ALWAYS)
        aof_stop_unsent(a, "write", a->error.err);
    must(!written || a->batch.pending.len == 0);
    return written;
}

/* Small batches so far are summed up, if nothing is pending. */
static void flush_sum(struct aof *a)
{
    if (a->batch.pending.len == 0 && aof_batch_sum_up(a))
        aof_flush(a, false);
}

/* ---- hooks ---- */

static void on_commit(void *arg, const struct commit_batch *batch)
{
    struct aof *a = arg;
    must(batch->position >= a->write.appended);
    aof_batch_add(a, batch);
    a->write.appended = batch->position;
    a->write.commands_appended += batch->log_commands;
}

static void stage_log(void *arg)
{
    struct aof *a = arg;
    aof_batch_turn(a);
    if (a->batch.pending.len && a->open.fd >= 0 && !aof_sync_waits_for_group(a))
        aof_flush(a, false);
    aof_must_hold(a);
}

static void stage_sync(void *arg)
{
    struct aof *a = arg;
    switch (aof_sync_next(a)) {
    case SYNC_NOTHING:
        return;
    case SYNC_HERE:
        conn_flush_all(server_clients(a->persist->server)); /* what need not wait for it */
        aof_sync_turn(a);
        break;
    case SYNC_BEHIND:
        flush_sum(a);
        aof_sync_begin(a);
        break;
    }
    aof_must_hold(a);
}

/* Where no sync comes for which that would be done. */
static void sum_up_old(struct aof *a, int64_t mono_ms)
{
    enum { OLD_MS = 1000 };
    if (a->write.small_seen_at != a->batch.small_at) {
        a->write.small_seen_at = a->batch.small_at;
        a->write.small_seen_ms = mono_ms;
    } else if (mono_ms - a->write.small_seen_ms >= OLD_MS) {
        flush_sum(a);
    }
}

void aof_tick(struct aof *a, int64_t mono_ms)
{
    if (a->state == AOF_OFF)
        return;
    if (a->batch.pending.len)
        aof_flush(a, false);
    sum_up_old(a, mono_ms);
    aof_wait_check(a);
    aof_must_hold(a);
}

/* ---- on and off ---- */

void aof_begin_log(struct aof *a, enum aof_state state, const struct aof_chain *chain)
{
    struct hooks *hooks = server_hooks(a->persist->server);
    struct commit *commit = server_commit(a->persist->server);
    must(a->state == AOF_OFF && a->open.fd >= 0 && a->batch.pending.len == 0);
    must((state == AOF_WAIT_REWRITE) == a->open.aside);
    must(!chain || !chain->open || chain->id == a->log_id);
    /* What the open unit did so far is in memory, so it will be in the base: it must not be logged
     * as well. */
    commit_end_log(commit, clock_wall_ms());
    a->write = (struct aof_write){.ok = true, .broken_tail = a->write.broken_tail};
    a->write.appended = a->write.written = commit_position(commit);
    aof_sync_restart(a, a->write.written);
    aof_names_are_back(a);
    a->state = state;
    if (a->notes.arg && a->started)
        a->notes.broken(a->notes.arg);
    aof_batch_begin(a, chain);
    commit_reselect(commit);
    hooks_on_commit(hooks, TO_LOG, on_commit, a);
    persist_may_refuse(a->persist, MAY_REFUSE_LOG, true);
    aof_gate_set(a);
    aof_must_hold(a);
}

void aof_close_log(struct aof *a)
{
    struct hooks *hooks = server_hooks(a->persist->server);
    if (a->open.fd < 0)
        return;
    commit_end_log(server_commit(a->persist->server), clock_wall_ms());
    aof_flush(a, true);
    aof_sync_now(a);
    if (a->sync.failed)
        return; /* the gate stays shut */
    must(!a->sync.job.running); /* it would sync whatever gets this descriptor next */
    file_close(a->open.fd);
    aof_drop_file(a);
    a->state = AOF_OFF;
    aof_id_is(a, 0); /* what is switched on later is another log */
    aof_batch_free(a);
    hooks_off_commit(hooks, a);
    hooks_off_gate(hooks, a);
    persist_may_refuse(a->persist, MAY_REFUSE_LOG, false);
    aof_wait_check(a);
    aof_must_hold(a);
}

bool aof_open_log(struct aof *a, struct fault *f)
{
    if (!aof_open_newest(a, f)) {
        must(fault_is(f) && a->open.fd < 0);
        return false;
    }
    aof_begin_log(a, AOF_ON, NULL);
    return true;
}

void aof_is_in_force(struct aof *a)
{
    must(a->state == AOF_WAIT_REWRITE && !a->open.aside);
    a->state = AOF_ON;
}

static bool make_all_durable(struct aof *a, struct fault *f)
{
    int result = 0;
    aof_drain(a);
    aof_batch_sum_up(a);
    if (a->batch.pending.len && (a->sync.failed || !write_pending(a))) {
        fault_set(f, FAULT_IO, "the append log can't be written now");
        return false;
    }
    if (!aof_sync_all(a, &result)) {
        if (result < 0) /* it is told once: the next sync says nothing about these bytes */
            aof_synced(a, result, a->write.written);
        fault_io(f, result ? -result : EIO, "fsync", "the append log can't be synced now");
        return false;
    }
    aof_synced(a, 0, a->write.written);
    aof_file_is_durable(a, a->open.size);
    must(a->sync.durable == a->write.appended && a->batch.pending.len == 0);
    return true;
}

bool aof_policy_changed(struct aof *a, struct fault *f)
{
    if (a->state == AOF_OFF)
        return true;
    /* From here on all is durable, whatever the policy was: or the change is refused. */
    bool durable = make_all_durable(a, f);
    must(durable || fault_is(f));
    if (durable)
        aof_gate_set(a);
    aof_must_hold(a);
    return durable;
}

struct aof *aof_new(struct persist *p)
{
    struct aof *a = mem_zalloc(sizeof *a);
    struct hooks *hooks = server_hooks(p->server);
    a->persist = p;
    aof_drop_file(a);
    a->write.ok = true;
    hooks_on_stage(hooks, STAGE_LOG, stage_log, a);
    aof_sync_init(a);
    hooks_on_stage(hooks, STAGE_SYNC, stage_sync, a);
    aof_wait_init(a);
    return a;
}

void aof_free(struct aof *a)
{
    a->freeing = true;
    aof_sync_free(a);
    aof_file_free(a);
    aof_batch_free(a);
    mem_free(a->filename);
    mem_free(a->dirname);
    mem_free(a->keep_history);
    mem_free(a);
}
