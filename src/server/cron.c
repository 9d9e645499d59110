/* SPDX-License-Identifier: BSD-3-Clause */
/* Active expiry takes the keys that are due (store/expire), at most a quarter of a period in all,
 * more with effort; what is left over is gone on with in the next. */
#include "server/cron.h"

#include "base/mem.h"
#include "base/must.h"
#include "os/clock.h"
#include "os/loop.h"
#include "server/clients.h"
#include "server/exec.h"
#include "server/hooks.h"
#include "server/server.h"
#include "server/settings.h"
#include "server/spikes.h"
#include "server/stats.h"
#include "server/tidy.h"
#include "store/db.h"

enum { HZ_MIN = 1, HZ_MAX = 500, CLIENTS_A_TICK = 200, SAMPLE_US = 100000, EXPIRE_BATCH = 64 };

struct cron {
    struct server *server;
    struct loop_timer timer;
    int64_t hz, started_us, sampled_us;
    unsigned next_db; /* expiry goes on here */
    struct tidy tidy;
};

struct cron *cron_new(struct server *s)
{
    struct cron *c = mem_zalloc(sizeof *c);
    c->server = s;
    c->hz = 10;
    c->started_us = clock_mono_us();
    tidy_init(&c->tidy, s);
    return c;
}

void cron_free(struct cron *c)
{
    loop_timer_stop(server_loop(c->server), &c->timer);
    tidy_stop(&c->tidy);
    mem_free(c);
}

int64_t cron_hz(const struct cron *c)
{
    return c->hz;
}

int64_t cron_uptime_s(const struct cron *c)
{
    return (clock_mono_us() - c->started_us) / 1000000;
}

static void choose_hz(struct cron *c)
{
    struct settings *st = server_settings(c->server);
    int64_t hz = st->hz < HZ_MIN ? HZ_MIN : st->hz > HZ_MAX ? HZ_MAX : st->hz;
    unsigned clients = server_clients(c->server)->count;
    st->hz = hz;
    while (st->dynamic_hz && clients / (uint64_t)hz > CLIENTS_A_TICK && hz < HZ_MAX)
        hz *= 2;
    c->hz = hz < HZ_MAX ? hz : HZ_MAX;
    must(c->hz >= HZ_MIN && c->hz <= HZ_MAX);
}

static void expire(struct cron *c)
{
    struct settings *st = server_settings(c->server);
    struct keyspace *ks = server_keyspace(c->server);
    struct stats *stats = server_stats(c->server);
    if (ks->expire_mode != EXPIRE_DELETE || st->active_expire_off)
        return;
    int64_t share = 25 + 2 * (st->active_expire_effort - 1), began = clock_mono_us();
    int64_t budget = 1000000 / c->hz * share / 100;
    bool in_time = true;
    exec_begin_loose(server_exec(c->server));
    for (unsigned i = 0; i < ks->open_count && in_time; i++, c->next_db++) {
        struct db *db = ks->open[c->next_db % ks->open_count];
        must(db->keyspace == ks);
        while (db->expires.count && in_time && db_expire_due(db, EXPIRE_BATCH) == EXPIRE_BATCH) {
            in_time = clock_mono_us() - began < budget;
            exec_loose_step(server_exec(c->server));
        }
    }
    ks->expired_time_cap += !in_time;
    exec_end_loose(server_exec(c->server));
    int64_t took = clock_mono_us() - began;
    stats->expire_us += (uint64_t)took;
    spikes_note(server_spikes(c->server), SPIKE_EXPIRE_CYCLE, took);
}

static void sample(struct cron *c)
{
    struct stats *st = server_stats(c->server);
    struct loop_stats loop;
    int64_t now = clock_now.mono_us;
    size_t used = mem_used();
    if (used > st->peak_memory) {
        st->peak_memory = used;
        st->peak_time_s = clock_now.wall_ms / 1000;
    }
    if (now - c->sampled_us < SAMPLE_US)
        return;
    c->sampled_us = now;
    loop_get_stats(server_loop(c->server), &loop);
    stats_rate_sample(&st->ops, st->commands, now);
    stats_rate_sample(&st->input, st->input_bytes, now);
    stats_rate_sample(&st->output, st->output_bytes, now);
    stats_rate_sample(&st->replication_input, st->replication_input_bytes, now);
    stats_rate_sample(&st->replication_output, st->replication_output_bytes, now);
    stats_rate_sample(&st->cycles, loop.turns, now);
    stats_rate_sample(&st->cycle_us, loop.busy_us, now);
}

static void tick(void *arg)
{
    struct cron *c = arg;
    choose_hz(c);
    loop_timer_start(server_loop(c->server), &c->timer, 1000000 / c->hz);
    if (server_settings(c->server)->paused) {
        tidy_stop(&c->tidy);
        return;
    }
    sample(c);
    clients_tick(server_clients(c->server), (unsigned)c->hz);
    if (!server_is_loading(c->server)) {
        expire(c);
        tidy_tick(&c->tidy);
    }
    hooks_tick(server_hooks(c->server), clock_mono_us() / 1000);
}

void cron_start(struct cron *c)
{
    c->timer = (struct loop_timer){.due = tick, .arg = c};
    loop_timer_start(server_loop(c->server), &c->timer, 1000);
}

bool cron_apply_hz(void *owner, struct fault *f)
{
    struct settings *st = owner;
    (void)f;
    choose_hz(server_cron(st->server));
    return true;
}
