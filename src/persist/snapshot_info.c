/* SPDX-License-Identifier: BSD-3-Clause */
#include "persist/snapshot_info.h"

#include "os/clock.h"
#include "persist/persist.h"
#include "persist/reserve.h"
#include "persist/save_config.h"
#include "persist/scrub.h"
#include "persist/snapshot.h"
#include "persist/watchdog.h"
#include "server/commit.h"
#include "server/info.h"
#include "server/server.h"

void snapshot_child_info(struct persist *p, struct info_out *o)
{
    const struct child *c = &p->child;
    bool lives = p->child_kind != NULL;
    double part = lives && p->keys_at_fork ? (double)c->keys / (double)p->keys_at_fork * 100 : 0;
    info_u64(o, "current_cow_peak", lives ? c->cow_peak_bytes : 0);
    info_u64(o, "current_cow_size", lives ? c->cow_bytes : 0);
    info_i64(o, "current_cow_size_age",
             lives && c->cow_read_us ? (clock_mono_us() - c->cow_read_us) / 1000000 : 0);
    info_f(o, "current_fork_perc", "%.2f", part);
    info_u64(o, "current_save_keys_processed", lives ? c->keys : 0);
    info_u64(o, "current_save_keys_total", lives ? p->keys_at_fork : 0);
    info_i64(o, "current_fork_usec", lives ? c->fork_us : 0);
    info_u64(o, "child_timeouts", p->watchdog->timeouts);
}

static const char *const save_names[4] = {
    "rdb_current_bgsave_bytes", "rdb_current_bgsave_mb_per_s", "rdb_current_bgsave_eta_sec",
    "rdb_current_bgsave_phase"};
static const char *const rewrite_names[4] = {
    "aof_current_rewrite_bytes", "aof_current_rewrite_mb_per_s", "aof_current_rewrite_eta_sec",
    "aof_current_rewrite_phase"};

/* The child's way: names begin with what it is for. */
static void way_info(const struct persist *p, const struct child_kind *kind,
                     const char *const names[4], struct info_out *o)
{
    const struct watchdog *w = p->watchdog;
    bool it = p->child_kind == kind && w->pid == p->child.pid;
    info_u64(o, names[0], it ? w->written : 0);
    info_f(o, names[1], "%.2f", it ? watchdog_mb_per_s(w) : 0);
    info_i64(o, names[2], it ? watchdog_eta_s(w) : -1);
    info_str(o, names[3], it ? save_phase_name(w->phase) : "none");
}

static int64_t retry_in_s(const struct snapshot *s)
{
    int64_t left = s->retry_mono_s - clock_mono_s();
    return s->last_ok || !save_config_has_points(s->config) ? -1 : left > 0 ? left : 0;
}

void snapshot_info(struct persist *p, struct info_out *o)
{
    const struct snapshot *s = p->snapshot;
    bool saving = p->child_kind && p->child_kind->copies;
    int64_t lasts_s = saving ? (clock_mono_us() - p->child.began_us) / 1000000 : -1;
    info_u64(o, "rdb_changes_since_last_save", commit_dirty(server_commit(p->server)));
    info_i64(o, "rdb_bgsave_in_progress", saving);
    info_i64(o, "rdb_last_save_time", s->last_save_s);
    info_str(o, "rdb_last_bgsave_status", s->last_ok ? "ok" : "err");
    info_i64(o, "rdb_last_bgsave_time_sec", s->last_duration_s);
    info_i64(o, "rdb_current_bgsave_time_sec", lasts_s);
    info_u64(o, "rdb_saves", s->saves);
    info_u64(o, "rdb_last_cow_size", s->last_cow_bytes);
    info_u64(o, "rdb_last_load_keys_expired", p->load_keys_expired);
    info_u64(o, "rdb_last_load_keys_loaded", p->load_keys_loaded);
    way_info(p, &child_save, save_names, o);
    info_str(o, "rdb_last_bgsave_error", s->last_error);
    info_str(o, "rdb_last_error", s->error_story);
    info_u64(o, "rdb_bgsave_failures", s->failures);
    info_i64(o, "rdb_bgsave_retry_in_sec", retry_in_s(s));
    way_info(p, &child_rewrite, rewrite_names, o);
    scrub_info(p->scrub, o);
    reserve_info(p->reserve, o);
}
