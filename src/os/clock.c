/* SPDX-License-Identifier: BSD-3-Clause */
/* clock_gettime goes through the vDSO: about 20 ns, no kernel entry. */
#include "os/clock.h"

#include <sys/resource.h>
#include <time.h>

struct clock_cache clock_now; /* one writer: the loop's thread */

static int64_t read_us(clockid_t id)
{
    struct timespec ts;
    clock_gettime(id, &ts);
    return (int64_t)ts.tv_sec * 1000000 + ts.tv_nsec / 1000;
}

int64_t clock_mono_us(void)
{
    return read_us(CLOCK_MONOTONIC);
}

int64_t clock_wall_us(void)
{
    return read_us(CLOCK_REALTIME);
}

void clock_refresh(void)
{
    clock_now.wall_us = clock_wall_us();
    clock_now.wall_ms = clock_now.wall_us / 1000;
    clock_now.mono_us = clock_mono_us();
}

static int64_t timeval_us(struct timeval t)
{
    return (int64_t)t.tv_sec * 1000000 + t.tv_usec;
}

struct clock_cpu clock_cpu_used(enum clock_whose whose)
{
    struct rusage ru = {0};
    int who = whose == CLOCK_OF_CHILDREN ? RUSAGE_CHILDREN : RUSAGE_SELF;
#ifdef RUSAGE_THREAD
    if (whose == CLOCK_OF_THREAD)
        who = RUSAGE_THREAD;
#endif
    getrusage(who, &ru);
    return (struct clock_cpu){timeval_us(ru.ru_utime), timeval_us(ru.ru_stime)};
}
