/* SPDX-License-Identifier: BSD-3-Clause */
#include "os/clock.h"

#include <time.h>

#include "tests/unit/unit.h"

static void clocks_agree_with_the_system(void)
{
    int64_t before = clock_mono_us();
    int64_t from_s = time(NULL), ms = clock_wall_ms(), us = clock_wall_us();
    CHECK(from_s <= ms / 1000 && ms <= us / 1000);
    CHECK(us / 1000000 <= (int64_t)time(NULL) + 1); /* time() may be a tick behind */
    struct timespec t = {.tv_nsec = 2000000};
    nanosleep(&t, NULL);
    CHECK(clock_mono_us() - before >= 2000);
}

static void the_cache_stands_until_refreshed(void)
{
    clock_refresh();
    int64_t was = clock_now.mono_us;
    struct timespec t = {.tv_nsec = 2000000};
    nanosleep(&t, NULL);
    CHECK_INT(clock_now.mono_us, was);
    clock_refresh();
    CHECK(clock_now.mono_us >= was + 2000);
    CHECK_INT(clock_now.wall_ms, clock_now.wall_us / 1000);
}

static void cpu_time_grows(void)
{
    struct clock_cpu before = clock_cpu_used(CLOCK_OF_PROCESS), now;
    volatile unsigned x = 0;
    do {
        for (int i = 0; i < 1000000; i++)
            x = x * 3 + 1;
        now = clock_cpu_used(CLOCK_OF_PROCESS);
    } while (now.user_us + now.system_us <= before.user_us + before.system_us);
    CHECK(now.user_us >= before.user_us);
}

int main(void)
{
    return UNIT_RUN(UNIT(clocks_agree_with_the_system), UNIT(the_cache_stands_until_refreshed),
                    UNIT(cpu_time_grows));
}
