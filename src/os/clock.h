/* SPDX-License-Identifier: BSD-3-Clause */
/* Time. Wall time (may jump) for expiry, logs and names; monotonic time for durations and timers.
 *
 * clock_now is the clock as it was at the last clock_refresh: the event loop refreshes it once a
 * turn, so that nobody pays for a system call; exec adds the time that passed since
 * (exec_read_clock). It belongs to the loop's thread; workers read the real clock. */
#ifndef OS_CLOCK_H
#define OS_CLOCK_H

#include <stdbool.h>
#include <stdint.h>

struct buf;

int64_t clock_mono_us(void);
int64_t clock_wall_us(void);
/* clock_mono_us, give or take a few microseconds, at half its price where the processor has a
 * counter that the kernel trusts. For the loop's thread. Never goes back. */
int64_t clock_near_us(void);
static inline int64_t clock_wall_s(void)
{
    return clock_wall_us() / 1000000;
}
static inline int64_t clock_wall_ms(void)
{
    return clock_wall_us() / 1000;
}

static inline int64_t clock_mono_s(void) /* since some moment: for waits and durations */
{
    return clock_mono_us() / 1000000;
}

struct clock_cache {
    int64_t wall_us, wall_ms;
    int64_t mono_us;
    struct clock_counter {
        enum { CLOCK_UNKNOWN, CLOCK_LEARNS, CLOCK_COUNTS, CLOCK_REFUSED } state;
        int64_t base_us, said_us;
        uint64_t ticks, per_tick; /* at base_us; microseconds, times 2^38 */
        int64_t from_us;          /* since when its pace is being measured */
        uint64_t from_ticks;
    } counter;                    /* clock_near_us's */
};
extern struct clock_cache clock_now;
void clock_refresh(void);

/* What the kernel reads the time from, as it calls it: "tsc", appended. False: it does not tell. */
#define CLOCK_SOURCE_FILE "/sys/devices/system/clocksource/clocksource0/current_clocksource"
bool clock_source(struct buf *name);

/* CPU time used, in microseconds. */
struct clock_cpu {
    int64_t user_us, system_us;
};
enum clock_whose { CLOCK_OF_PROCESS, CLOCK_OF_CHILDREN, CLOCK_OF_THREAD };
struct clock_cpu clock_cpu_used(enum clock_whose whose);

#endif
