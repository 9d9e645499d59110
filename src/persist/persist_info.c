/* SPDX-License-Identifier: BSD-3-Clause */
#include "persist/persist_info.h"

#include "base/mem.h"
#include "base/must.h"
#include "os/clock.h"
#include "persist/aof_state.h"
#include "persist/aof_sync.h"
#include "persist/persist.h"
#include "persist/snapshot.h"
#include "persist/snapshot_info.h"
#include "server/commit.h"
#include "server/info.h"
#include "server/server.h"

static const char *ok_or_err(bool ok)
{
    return ok ? "ok" : "err";
}

static int64_t seconds_since(int64_t began_mono_s, bool running)
{
    return running ? clock_mono_s() - began_mono_s : -1;
}

static void aof_info(struct persist *p, struct info_out *o)
{
    const struct aof *a = p->aof;
    bool rewriting = p->child_kind == &child_rewrite;
    info_i64(o, "aof_enabled", a->state != AOF_OFF);
    info_i64(o, "aof_rewrite_in_progress", rewriting);
    info_i64(o, "aof_rewrite_scheduled", a->rewrite.scheduled);
    info_i64(o, "aof_last_rewrite_time_sec", a->rewrite.last_s);
    info_i64(o, "aof_current_rewrite_time_sec", seconds_since(a->rewrite.began_mono_s, rewriting));
    info_str(o, "aof_last_bgrewrite_status", ok_or_err(a->rewrite.last_ok));
    info_u64(o, "aof_rewrites", a->rewrite.count);
    info_u64(o, "aof_rewrites_consecutive_failures", a->rewrite.failures);
    info_str(o, "aof_last_write_status", ok_or_err(a->write.ok && !a->sync.lost));
    info_u64(o, "aof_load_errors_skipped", a->load_errors_skipped);
    info_u64(o, "aof_last_cow_size", a->rewrite.cow_bytes);
}

static void aof_size_info(const struct aof *a, struct info_out *o)
{
    must(a->sync.durable <= a->write.appended);
    must(a->sync.commands_durable <= a->write.commands_appended);
    info_u64(o, "aof_current_size", a->total_size);
    info_u64(o, "aof_base_size", a->base_size);
    info_i64(o, "aof_pending_rewrite", a->rewrite.scheduled);
    info_u64(o, "aof_buffer_length", a->batch.pending.len);
    info_u64(o, "aof_pending_bio_fsync", a->sync.job.running);
    info_u64(o, "aof_delayed_fsync", a->sync.delayed);
    info_u64(o, "aof_position", a->write.appended);
    info_u64(o, "aof_durable_position", a->sync.durable);
    info_u64(o, "aof_bytes_at_risk", a->write.appended - a->sync.durable);
    info_u64(o, "aof_commands_at_risk", a->write.commands_appended - a->sync.commands_durable);
    info_u64(o, "aof_pending_bytes", a->batch.pending.len);
    info_i64(o, "aof_last_sync_time", a->sync.last_s);
    info_i64(o, "aof_last_sync_latency_us", a->sync.took_us);
    info_i64(o, "aof_sync_in_worker", aof_sync_in_worker(a));
    info_str(o, "aof_last_error", a->error.text);
}

static void loading_info(const struct persist *p, struct info_out *o)
{
    int64_t elapsed = clock_mono_s() - p->load_began_mono_s;
    uint64_t done = p->load_done_bytes, total = p->load_total_bytes;
    if (!total) /* of a stream without an end: what it took where it comes from, as Redis has it */
        total = p->load_rdb_used_mem ? p->load_rdb_used_mem : 1;
    int64_t eta = done ? (int64_t)((double)elapsed *
                                   (double)(total - (done < total ? done : total)) / (double)done)
                       : -1;
    info_i64(o, "loading_start_time", p->load_began_s);
    info_u64(o, "loading_total_bytes", p->load_total_bytes);
    info_u64(o, "loading_rdb_used_mem", p->load_rdb_used_mem);
    info_u64(o, "loading_loaded_bytes", done);
    info_f(o, "loading_loaded_perc", "%.2f", (double)done / (double)total * 100);
    info_i64(o, "loading_eta_seconds", eta);
}

void persist_info(void *arg, struct info_out *o)
{
    struct persist *p = arg;
    info_i64(o, "loading", server_is_loading(p->server));
    info_i64(o, "async_loading", server_loads_beside(p->server));
    snapshot_child_info(p, o);
    snapshot_info(p, o);
    aof_info(p, o);
    info_i64(o, "module_fork_in_progress", 0);
    info_i64(o, "module_fork_last_cow_size", 0);
    if (p->aof->state != AOF_OFF)
        aof_size_info(p->aof, o);
    if (p->loading || p->beside)
        loading_info(p, o);
}

uint64_t persist_log_buffer(const void *arg)
{
    return ((const struct persist *)arg)->aof->batch.pending.cap;
}
