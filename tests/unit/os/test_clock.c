/* SPDX-License-Identifier: BSD-3-Clause */
#include "os/clock.h"

#include <string.h>
#include <time.h>

#include "base/buf.h"
#include "os/file.h"
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

/* On a system that tells: appended, without the end of the line. */
static void the_source_is_what_the_kernel_calls_it(void)
{
    struct buf name = {0}, text = {0};
    struct fault f = {0};
    buf_add(&name, SLICE_LIT("clock "));
    bool told = file_slurp(CLOCK_SOURCE_FILE, 4096, &text, &f);
    CHECK_INT(clock_source(&name), told);
    if (told)
        text.len--;
    CHECK(name.len >= 6 && memcmp(name.data, "clock ", 6) == 0);
    CHECK_SLICE(slice(name.data + 6, name.len - 6), buf_slice(&text));
    CHECK(!memchr(name.data, '\n', name.len));
    buf_free(&name);
    buf_free(&text);
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

enum { CLOSE_US = 200 };

static void rest_ms(int ms)
{
    struct timespec t = {.tv_nsec = ms * 1000000};
    nanosleep(&t, NULL);
}

/* How often the near clock said something else than the kernel's, or went back. */
static int wrong_for_ms(int ms)
{
    int wrong = 0;
    int64_t last = 0, before, until = clock_mono_us() + ms * 1000;
    while ((before = clock_mono_us()) < until) {
        int64_t near = clock_near_us();
        wrong += near < last || near < before - CLOSE_US || near > clock_mono_us() + CLOSE_US;
        last = near;
    }
    return wrong;
}

static void the_near_clock_keeps_to_the_kernels(void)
{
    CHECK_INT(wrong_for_ms(200), 0);
    CHECK(clock_now.counter.state != CLOCK_UNKNOWN);
    rest_ms(100); /* longer than it counts without asking */
    CHECK_INT(wrong_for_ms(50), 0);
    clock_refresh();
    CHECK(clock_near_us() >= clock_now.mono_us);
}

static void a_counter_that_runs_away_is_not_asked_again(void)
{
    wrong_for_ms(200); /* it has learned, if it can */
    if (clock_now.counter.state != CLOCK_COUNTS)
        return;
    clock_now.counter.per_tick /= 2;
    rest_ms(100);
    CHECK_INT(wrong_for_ms(50), 0);
    CHECK_INT(clock_now.counter.state, CLOCK_REFUSED);
}

/* The machine was moved to another host: no reading shows it. */
static void a_counter_that_jumps_is_not_asked_again(void)
{
    clock_now.counter.state = CLOCK_UNKNOWN;
    wrong_for_ms(200);
    if (clock_now.counter.state != CLOCK_COUNTS)
        return;
    clock_now.counter.ticks -= UINT64_C(1) << 40;
    CHECK_INT(wrong_for_ms(50), 0);
    CHECK_INT(clock_now.counter.state, CLOCK_REFUSED);
}

int main(void)
{
    return UNIT_RUN(UNIT(clocks_agree_with_the_system), UNIT(the_cache_stands_until_refreshed),
                    UNIT(the_near_clock_keeps_to_the_kernels),
                    UNIT(a_counter_that_runs_away_is_not_asked_again),
                    UNIT(a_counter_that_jumps_is_not_asked_again),
                    UNIT(the_source_is_what_the_kernel_calls_it), UNIT(cpu_time_grows));
}
