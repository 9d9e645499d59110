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
    return a->open.size + a->batch.pending.len;
}

void aof_batch_restart(struct aof *a, const struct aof_chain *chain)
{
    must(!a->batch.open);
    a->batch.chain = chain ? *chain : (struct aof_chain){0};
    a->batch.small_at = 0;
    a->batch.fresh = true;
}

void aof_batch_begin(struct aof *a, const struct aof_chain *chain)
{
    a->batch.summing = a->checksum && a->open.size < AOF_SUMMED_MAX;
    if (!a->batch.summing && a->notes.arg)
        a->notes.broken(a->notes.arg);
    aof_batch_restart(a, chain);
}

void aof_batch_wrote(struct aof *a, size_t n)
{
    must(!a->batch.open && n <= a->batch.pending.len);
    buf_drop_front(&a->batch.pending, n);
}

void aof_batch_wrote_all(struct aof *a)
{
    enum { KEEP_CAP_MAX = 4 << 20 };
    must(!a->batch.open);
    if (a->batch.pending.cap > KEEP_CAP_MAX)
        buf_free(&a->batch.pending);
    else
        buf_clear(&a->batch.pending);
}

void aof_batch_free(struct aof *a)
{
    buf_free(&a->batch.pending);
    buf_free(&a->batch.notes);
}

static int64_t seq_of_open(const struct aof *a)
{
    const struct manifest_list *incr = &a->manifest.incr;
    bool named = !a->open.aside && incr->count;
    return named ? incr->files[incr->count - 1].seq : a->open.is.seq;
}

static void begin_session(struct aof *a)
{
    size_t before = a->batch.pending.len;
    struct aof_session s = {.id = aof_id(a), .offset = end_of_file(a)};
    s.seq = (uint32_t)seq_of_open(a);
    must(s.id != 0 && a->batch.small_at == 0);
    aof_chain_begin(&a->batch.chain, &s, &a->batch.pending);
    must(a->batch.chain.open && a->batch.pending.len - before == AOF_LOG_LINE);
}

static void put_gap(struct aof *a)
{
    must(a->batch.pending.len == a->batch.at); /* in front of the batch's bytes */
    memset(buf_reserve(&a->batch.pending, AOF_SUM_LINE), ' ', AOF_SUM_LINE);
    a->batch.pending.len += AOF_SUM_LINE;
    a->batch.gap = true;
}

/* The batch is not, or will not be, a small one. Until now it was. */
static void make_gap(struct aof *a)
{
    char body[AOF_SMALL_BYTES];
    size_t len = a->batch.pending.len - a->batch.at;
    if (a->batch.gap)
        return;
    must(len <= sizeof body);
    if (len)
        memcpy(body, a->batch.pending.data + a->batch.at, len);
    a->batch.pending.len = a->batch.at;
    put_gap(a);
    buf_append(&a->batch.pending, body, len);
}

static void begin_batch(struct aof *a)
{
    must(!a->batch.open);
    if (!a->batch.chain.open)
        begin_session(a);
    a->batch.at = a->batch.pending.len;
    a->batch.open = true;
    a->batch.gap = false;
    if (a->policy == AOF_ALWAYS)
        put_gap(a);
}

void aof_batch_seal(struct aof *a)
{
    char line[AOF_SMALL_LINE];
    if (!a->batch.open)
        return;
    must(a->batch.chain.open && a->batch.at <= a->batch.pending.len);
    struct slice body = slice_from(buf_slice(&a->batch.pending), a->batch.at);
    uint64_t at = a->open.size + a->batch.at;
    a->batch.open = false;
    if (!a->batch.gap && aof_small_takes(body)) {
        aof_small_seal(&a->batch.chain, line, body);
        buf_append(&a->batch.pending, line, sizeof line);
        a->batch.small_at = a->batch.small_at ? a->batch.small_at : at;
        return;
    }
    make_gap(a);
    must(a->batch.pending.len - a->batch.at >= AOF_SUM_LINE);
    body = slice_from(buf_slice(&a->batch.pending), a->batch.at + AOF_SUM_LINE);
    aof_chain_seal(&a->batch.chain, a->batch.pending.data + a->batch.at, body, at,
                   a->open.durable_size);
    a->batch.small_at = 0;
}

bool aof_batch_sum_up(struct aof *a)
{
    aof_batch_seal(a);
    if (!a->batch.small_at)
        return false;
    begin_batch(a);
    make_gap(a);
    aof_batch_seal(a);
    must(a->batch.small_at == 0 && !a->batch.open);
    return true;
}

/* Of the temporary increment nobody knows yet whether it will ever count. Without checksums the
 * files are as older servers write them. */
static bool takes_notes(const struct aof *a)
{
    return a->notes.arg && a->batch.summing && !a->open.aside;
}

static bool ask_for_notes(struct aof *a, const struct commit_batch *batch)
{
    bool fresh = a->batch.fresh;
    must(a->notes.arg && a->notes.write);
    if (!takes_notes(a))
        return false;
    buf_clear(&a->batch.notes);
    a->batch.fresh = false;
    a->notes.write(a->notes.arg, batch, fresh, &a->batch.notes);
    return a->batch.notes.len > 0;
}

/* They begin the open batch. */
static void tell_place(struct aof *a)
{
    struct aof_place place = {.seq = seq_of_open(a), .at = a->open.size + a->batch.at,
                              .chain = a->batch.chain};
    must(a->batch.open && a->batch.chain.open);
    a->notes.place(a->notes.arg, &place, &a->batch.notes);
}

void aof_batch_end_notes(struct aof *a)
{
    if (!takes_notes(a))
        return;
    buf_clear(&a->batch.notes);
    a->notes.end(a->notes.arg, a->batch.fresh, &a->batch.notes);
    if (!a->batch.notes.len)
        return;
    a->batch.fresh = false;
    aof_batch_seal(a);
    begin_batch(a);
    make_gap(a);
    tell_place(a);
    buf_add(&a->batch.pending, buf_slice(&a->batch.notes));
    aof_batch_seal(a);
}

void aof_batch_add(struct aof *a, const struct commit_batch *batch)
{
    int64_t now_s = batch->now_ms / 1000;
    bool timed = a->timestamp && now_s != a->batch.timestamp_s;
    bool noted = a->notes.wanted && ask_for_notes(a, batch), annotate = timed || noted;
    if (annotate)
        aof_batch_seal(a);
    if (a->batch.summing && !a->batch.open)
        begin_batch(a);
    size_t len = a->batch.pending.len - a->batch.at + batch->log.len;
    if (a->batch.open && !a->batch.gap &&
        (annotate || len > AOF_SMALL_BYTES || aof_begins_with_select(batch->log)))
        make_gap(a);
    if (noted)
        tell_place(a);
    if (timed) {
        a->batch.timestamp_s = now_s;
        aof_put_timestamp(&a->batch.pending, now_s);
    }
    if (noted)
        buf_add(&a->batch.pending, buf_slice(&a->batch.notes));
    buf_add(&a->batch.pending, batch->log);
    if (a->batch.open && a->batch.pending.len - a->batch.at >= AOF_SUM_LINE + AOF_BATCH_BYTES)
        aof_batch_seal(a);
}

void aof_batch_turn(struct aof *a)
{
    bool wanted = a->checksum && end_of_file(a) < AOF_SUMMED_MAX;
    if (a->batch.summing == wanted)
        return;
    aof_batch_sum_up(a);
    a->batch.summing = wanted;
    if (a->notes.arg)
        a->notes.broken(a->notes.arg);
    aof_batch_restart(a, NULL);
    /* Readers of bare bytes look for it. */
    commit_reselect(server_commit(a->persist->server));
}
