/* SPDX-License-Identifier: BSD-3-Clause */
#include "persist/aof_state.h"

#include "base/must.h"
#include "format/aof_sum.h"

static void open_must_hold(const struct aof_open *o)
{
    must(o->durable_size <= o->size && o->answered_size <= o->size);
    must(o->fd >= 0 || (o->size == 0 && !o->aside && !o->failed));
    must(!o->aside || o->is.seq > 0);
}

static void batch_must_hold(const struct aof_pending *b)
{
    must(!b->open || b->at <= b->pending.len);
    must(!b->open || !b->gap || b->pending.len - b->at >= AOF_SUM_LINE);
    must(!b->open || (b->summing && b->chain.open));
    must(b->small_at == 0 || b->chain.open);
}

void aof_must_hold(const struct aof *a)
{
    const struct aof_sync_job *job = &a->sync.job;
    open_must_hold(&a->open);
    batch_must_hold(&a->batch);
    must((a->state == AOF_OFF) == (a->open.fd < 0));
    must(a->state == AOF_OFF || (a->home && a->dir));
    /* While it waits for its first base, the file is the temporary one, or a base was named by a
     * manifest that may not be durable; beside a log that is on, one is only after a lost sync. */
    must(a->state != AOF_WAIT_REWRITE || a->open.aside || a->manifest.base.name);
    must(a->state != AOF_ON || !a->open.aside || a->sync.lost);
    must(a->sync.durable <= a->write.written && a->write.written <= a->write.appended);
    must(a->sync.commands_durable <= a->write.commands_written);
    must(a->write.commands_written <= a->write.commands_appended);
    must(!job->running || job->position <= a->write.written);
    must(!job->running || job->commands <= a->write.commands_written);
    must(a->state == AOF_OFF || a->write.written == a->write.appended || a->batch.pending.len > 0);
    must(a->state != AOF_OFF || (a->batch.pending.len == 0 && !a->batch.open));
    must(a->state == AOF_OFF || !a->write.overfull || a->batch.pending.len > 0);
    must(!a->names.gone || a->sync.lost);
    must(!a->open.failed || a->sync.lost);
    must((a->write.ok && !a->sync.lost) || a->error.err > 0);
    must(a->rewrite.failures == 0 || !a->rewrite.last_ok);
}
