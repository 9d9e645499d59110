/* SPDX-License-Identifier: BSD-3-Clause */
/* LATENCY: what took latency-monitor-threshold milliseconds or more, by kind of event: the last
 * SPIKES_KEPT seconds in which there was one, with the worst of each, and the worst ever.
 *
 *   int64_t began_us = spikes_begin(sp);        // 0 while nobody wants to know
 *   ... what may take long ...
 *   spikes_end(sp, SPIKE_FORK, began_us);
 *
 * With a threshold of 0, which is the default, nothing is measured and each place costs the test
 * of a number; commands are then not observed at all. An event takes 2.5 KB from its first spike
 * on. */
#ifndef SERVER_SPIKES_H
#define SERVER_SPIKES_H

#include <stdbool.h>
#include <stdint.h>

#include "base/slice.h"
#include "os/clock.h"

struct server;

enum spike_event {
    SPIKE_COMMAND, SPIKE_FAST_COMMAND, SPIKE_FORK, SPIKE_EXPIRE_CYCLE, SPIKE_EVICTION_CYCLE,
    SPIKE_EVICTION_DEL, SPIKE_AOF_WRITE, SPIKE_AOF_WRITE_PENDING_FSYNC,
    SPIKE_AOF_WRITE_ACTIVE_CHILD, SPIKE_AOF_WRITE_ALONE, SPIKE_AOF_FSYNC_ALWAYS,
    SPIKE_AOF_RENAME, SPIKE_RDB_UNLINK, SPIKE_WHILE_BLOCKED,
    SPIKE_COMMAND_UNBLOCKING,
    SPIKE_EVENTS
};

struct spike {
    int64_t time_s; /* wall clock */
    int64_t ms;     /* the worst of that second */
};
enum { SPIKES_KEPT = 160 };
struct spike_series {
    struct spike kept[SPIKES_KEPT]; /* a ring */
    unsigned count, next;
    int64_t worst_ms;
};
struct spikes {
    int64_t threshold_ms; /* the option; 0: off */
    struct server *server; /* for spikes_option.c */
    struct spike_series *series[SPIKE_EVENTS]; /* NULL: none yet */
};

struct spikes *spikes_new(void);
void spikes_free(struct spikes *sp);
/* Whatever the threshold. */
void spikes_add(struct spikes *sp, enum spike_event e, int64_t ms, int64_t now_s);

static inline void spikes_note(struct spikes *sp, enum spike_event e, int64_t us)
{
    if (__builtin_expect(sp->threshold_ms != 0, 0) && us / 1000 >= sp->threshold_ms)
        spikes_add(sp, e, us / 1000, clock_wall_s());
}
static inline int64_t spikes_begin(const struct spikes *sp)
{
    return __builtin_expect(sp->threshold_ms != 0, 0) ? clock_mono_us() : 0;
}
static inline void spikes_end(struct spikes *sp, enum spike_event e, int64_t began_us)
{
    if (__builtin_expect(began_us != 0, 0))
        spikes_note(sp, e, clock_mono_us() - began_us);
}

/* As 7.2 calls them: "fast-command". */
const char *spikes_name(enum spike_event e);
bool spikes_event(struct slice name, enum spike_event *e); /* false: there is none of that name */
/* NULL: no spike since the last reset. */
const struct spike_series *spikes_of(const struct spikes *sp, enum spike_event e);
/* From the oldest, 0, on. */
const struct spike *spikes_nth(const struct spike_series *series, unsigned i);
bool spikes_reset(struct spikes *sp, enum spike_event e); /* false: there was nothing */

#endif
