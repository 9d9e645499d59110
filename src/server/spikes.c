/* SPDX-License-Identifier: BSD-3-Clause */
#include "server/spikes.h"

#include "base/mem.h"
#include "base/must.h"

static const char *const names[SPIKE_EVENTS] = {
    [SPIKE_COMMAND] = "command",
    [SPIKE_FAST_COMMAND] = "fast-command",
    [SPIKE_FORK] = "fork",
    [SPIKE_EXPIRE_CYCLE] = "expire-cycle",
    [SPIKE_EVICTION_CYCLE] = "eviction-cycle",
    [SPIKE_EVICTION_DEL] = "eviction-del",
    [SPIKE_AOF_WRITE] = "aof-write",
    [SPIKE_AOF_WRITE_PENDING_FSYNC] = "aof-write-pending-fsync",
    [SPIKE_AOF_WRITE_ACTIVE_CHILD] = "aof-write-active-child",
    [SPIKE_AOF_WRITE_ALONE] = "aof-write-alone",
    [SPIKE_AOF_FSYNC_ALWAYS] = "aof-fsync-always",
    [SPIKE_AOF_RENAME] = "aof-rename",
    [SPIKE_RDB_UNLINK] = "rdb-unlink-temp-file",
    [SPIKE_WHILE_BLOCKED] = "while-blocked-cron",
    [SPIKE_COMMAND_UNBLOCKING] = "command-unblocking",
};

const char *spikes_name(enum spike_event e)
{
    must((size_t)e < SPIKE_EVENTS && names[e]);
    return names[e];
}

bool spikes_event(struct slice name, enum spike_event *e)
{
    for (int i = 0; i < SPIKE_EVENTS; i++) {
        if (slice_eq_str(name, names[i])) {
            *e = (enum spike_event)i;
            return true;
        }
    }
    return false;
}

const struct spike_series *spikes_of(const struct spikes *sp, enum spike_event e)
{
    must((size_t)e < SPIKE_EVENTS);
    must(!sp->series[e] || sp->series[e]->count > 0);
    return sp->series[e];
}

const struct spike *spikes_nth(const struct spike_series *series, unsigned i)
{
    must(i < series->count);
    return &series->kept[(series->next + SPIKES_KEPT - series->count + i) % SPIKES_KEPT];
}

void spikes_add(struct spikes *sp, enum spike_event e, int64_t ms, int64_t now_s)
{
    must((size_t)e < SPIKE_EVENTS && ms >= 0);
    struct spike_series *series = sp->series[e];
    if (!series)
        series = sp->series[e] = mem_zalloc(sizeof *series);
    if (ms > series->worst_ms)
        series->worst_ms = ms;
    struct spike *last = &series->kept[(series->next + SPIKES_KEPT - 1) % SPIKES_KEPT];
    if (series->count && last->time_s == now_s) {
        last->ms = ms > last->ms ? ms : last->ms;
        return;
    }
    series->kept[series->next] = (struct spike){now_s, ms};
    series->next = (series->next + 1) % SPIKES_KEPT;
    series->count += series->count < SPIKES_KEPT;
}

bool spikes_reset(struct spikes *sp, enum spike_event e)
{
    bool any = spikes_of(sp, e) != NULL;
    mem_free(sp->series[e]);
    sp->series[e] = NULL;
    return any;
}

struct spikes *spikes_new(void)
{
    return mem_zalloc(sizeof(struct spikes));
}

void spikes_free(struct spikes *sp)
{
    for (int i = 0; i < SPIKE_EVENTS; i++)
        mem_free(sp->series[i]);
    mem_free(sp);
}
