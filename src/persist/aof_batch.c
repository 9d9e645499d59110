/* SPDX-License-Identifier: BSD-3-Clause */
/* What waits to be written, as it will stand in the file. With aof-checksum it is cut into batches
 * (format/aof_sum.h):
 *
 *   #LOG line   gap body   gap body   body small-line   body small-line   gap   gap body ...
 *               sealed     sealed                                               open: grows
 *
 * A gap is room for a batch's line, filled when the batch ends: when it is about to be written,
 * when it is long enough, and before a time annotation. What is sealed stays as it is, also when
 * writing it fails and is tried again; later commits begin a batch behind it. A small batch gets
 * only a short line, behind it, unless each write is synced. Before the next sync, or when that
 * does not come for a second, an empty batch follows, whose line tells more. The #LOG line is put
 * in front of the first batch after a file was opened, not before: a server that is started and
 * stopped leaves its log as it was.
 *
 * The setting acts between units (aof_batch_turn), so that no unit is half inside of a batch. */
#include "persist/aof_batch.h"

#include "base/must.h"
#include "format/aof_write.h"
#include "persist/aof_names.h"
#include "persist/aof_state.h"
#include "server/commit.h"
#include "server/server.h"

static uint64_t end_of_file(const struct aof *a)
{
    return a->incr_size + a->pending.len;
}

void aof_batch_restart(struct aof *a)
{
    must(!a->batch_open);
    a->chain = (struct aof_chain){0};
    a->small_at = 0;
}

static void begin_session(struct aof *a)
{
    const struct manifest_list *incr = &a->manifest.incr;
    bool named = !a->aside && incr->count;
    struct aof_session s = {.id = aof_id(a), .offset = end_of_file(a)};
    s.seq = (uint32_t)(named ? incr->files[incr->count - 1].seq : a->aside_is.seq);
    aof_chain_begin(&a->chain, &s, &a->pending);
}

static void put_gap(struct aof *a)
{
    memset(buf_reserve(&a->pending, AOF_SUM_LINE), ' ', AOF_SUM_LINE);
    a->pending.len += AOF_SUM_LINE;
    a->batch_gap = true;
}

/* The batch is not, or will not be, a small one. Until now it was. */
static void make_gap(struct aof *a)
{
    char body[AOF_SMALL_BYTES];
    size_t len = a->pending.len - a->batch_at;
    if (a->batch_gap)
        return;
    must(len <= sizeof body);
    if (len)
        memcpy(body, a->pending.data + a->batch_at, len);
    a->pending.len = a->batch_at;
    put_gap(a);
    buf_append(&a->pending, body, len);
}

static void begin_batch(struct aof *a)
{
    if (!a->chain.open)
        begin_session(a);
    a->batch_at = a->pending.len;
    a->batch_open = true;
    a->batch_gap = false;
    if (a->policy == AOF_ALWAYS)
        put_gap(a);
}

void aof_batch_seal(struct aof *a)
{
    char line[AOF_SMALL_LINE];
    if (!a->batch_open)
        return;
    struct slice body = slice_from(buf_slice(&a->pending), a->batch_at);
    uint64_t at = a->incr_size + a->batch_at;
    a->batch_open = false;
    if (!a->batch_gap && aof_small_takes(body)) {
        aof_small_seal(&a->chain, line, body);
        buf_append(&a->pending, line, sizeof line);
        a->small_at = a->small_at ? a->small_at : at;
        return;
    }
    make_gap(a);
    body = slice_from(buf_slice(&a->pending), a->batch_at + AOF_SUM_LINE);
    aof_chain_seal(&a->chain, a->pending.data + a->batch_at, body, at, a->durable_size);
    a->small_at = 0;
}

bool aof_batch_sum_up(struct aof *a)
{
    aof_batch_seal(a);
    if (!a->small_at)
        return false;
    begin_batch(a);
    make_gap(a);
    aof_batch_seal(a);
    return true;
}

void aof_batch_add(struct aof *a, const struct commit_batch *batch)
{
    int64_t now_s = batch->now_ms / 1000;
    bool annotate = a->timestamp && now_s != a->last_timestamp_s;
    if (annotate)
        aof_batch_seal(a);
    if (a->summing && !a->batch_open)
        begin_batch(a);
    size_t len = a->pending.len - a->batch_at + batch->log.len;
    if (a->batch_open && !a->batch_gap &&
        (annotate || len > AOF_SMALL_BYTES || aof_begins_with_select(batch->log)))
        make_gap(a);
    if (annotate) {
        a->last_timestamp_s = now_s;
        aof_put_timestamp(&a->pending, now_s);
    }
    buf_add(&a->pending, batch->log);
    if (a->batch_open && a->pending.len - a->batch_at >= AOF_SUM_LINE + AOF_BATCH_BYTES)
        aof_batch_seal(a);
}

void aof_batch_turn(struct aof *a)
{
    bool wanted = a->checksum && end_of_file(a) < AOF_SUMMED_MAX;
    if (a->summing == wanted)
        return;
    aof_batch_sum_up(a);
    a->summing = wanted;
    aof_batch_restart(a);
    /* Readers of bare bytes look for it. */
    commit_reselect(server_commit(a->persist->server), TO_LOG);
}
