/* SPDX-License-Identifier: BSD-3-Clause */
/* clock_gettime goes through the vDSO: about 20 ns, no kernel entry, but it waits for all that is
 * under way in the processor. That is much beside a command of 200 ns, so near such ones the
 * processor's counter is read itself: the time since the kernel was asked last, BASE_TICKS ago at
 * most. How fast it counts is measured against the kernel's clock all the time.
 *
 * Where a machine is moved to another host while it runs, the counter may jump: by BASE_TICKS at
 * most before the kernel is asked, which shows it.
 *
 *   UNKNOWN -> LEARNS its pace -> COUNTS   REFUSED: the kernel has another clock, or it ran away */
#include "os/clock.h"

#include <stdlib.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#if defined __x86_64__ && defined __linux__
#include <x86intrin.h>
#endif

#include "base/buf.h"
#include "base/must.h"
#include "os/file.h"

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

bool clock_source(struct buf *name)
{
    struct fault none = {0};
    size_t before = name->len;
    if (!file_slurp(CLOCK_SOURCE_FILE, 4096, name, &none))
        name->len = before;
    if (name->len > before && name->data[name->len - 1] == '\n')
        name->len--;
    must(name->len >= before);
    return name->len > before;
}

/* ---- near ---- */
#if defined __x86_64__ && defined __linux__
enum {
    SHIFT = 38,
    BASE_BITS = 25,
    BASE_TICKS = 1 << BASE_BITS, /* 7 to 20 ms */
    READ_TICKS = 4096, /* more between two readings: something else ran in between */
    LEARN_US = 50000,
    ASTRAY_US = 50, ASTRAY_PARTS = 1000, /* wrong by that and a part of the time: not to be used */
};

static bool same_or_before(const struct timespec *a, const struct timespec *b)
{
    return a->tv_sec != b->tv_sec ? a->tv_sec < b->tv_sec : a->tv_nsec <= b->tv_nsec;
}

/* Nobody stands between us and the kernel's clock: who does, a test that holds it still, is to be
 * heard. */
static bool clock_is_the_kernels(void)
{
    struct timespec before, now, after;
    return syscall(SYS_clock_gettime, CLOCK_MONOTONIC, &before) == 0 &&
           clock_gettime(CLOCK_MONOTONIC, &now) == 0 &&
           syscall(SYS_clock_gettime, CLOCK_MONOTONIC, &after) == 0 &&
           same_or_before(&before, &now) && same_or_before(&now, &after);
}

/* The kernel's clock is made of the processor's counter: on the machine itself, under KVM, under
 * Hyper-V. */
static bool kernel_counts(void)
{
    static const char *const COUNTED[] = {"tsc", "kvm-clock", "hyperv_clocksource_tsc_page"};
    struct buf name = {0};
    bool yes = false;
    if (clock_source(&name))
        for (size_t i = 0; i < sizeof COUNTED / sizeof *COUNTED; i++)
            yes = yes || slice_eq_str(buf_slice(&name), COUNTED[i]);
    buf_free(&name);
    return yes;
}

static int64_t counted_us(const struct clock_counter *c, uint64_t ticks)
{
    must(c->per_tick > 0);
    return (int64_t)((unsigned __int128)ticks * c->per_tick >> SHIFT);
}

/* Its pace since it was measured last; what is as it was the time before is believed. */
static void learn(struct clock_counter *c, uint64_t ticks, int64_t now_us)
{
    int64_t us = now_us - c->from_us;
    uint64_t passed = ticks - c->from_ticks;
    must(c->from_us > 0 && c->state != CLOCK_REFUSED);
    if (us < LEARN_US || !passed)
        return;
    uint64_t pace = (uint64_t)(((unsigned __int128)us << SHIFT) / passed);
    uint64_t other = pace > c->per_tick ? pace - c->per_tick : c->per_tick - pace;
    bool steady = other <= pace / ASTRAY_PARTS;
    bool usable = pace && !(pace >> (64 - BASE_BITS)); /* or what is counted would not fit */
    c->per_tick = pace;
    c->from_ticks = ticks;
    c->from_us = now_us;
    c->state = !usable ? CLOCK_REFUSED : steady ? CLOCK_COUNTS : CLOCK_LEARNS;
}

/* What the kernel says, from where on it is counted. */
static int64_t __attribute__((noinline)) ask_kernel(struct clock_counter *c)
{
    if (c->state == CLOCK_UNKNOWN)
        c->state = kernel_counts() ? CLOCK_LEARNS : CLOCK_REFUSED;
    if (c->state == CLOCK_REFUSED)
        return clock_mono_us();
    uint64_t before = __rdtsc();
    int64_t now_us = clock_mono_us();
    uint64_t ticks = __rdtsc(), passed = ticks - c->ticks;
    if (ticks - before > READ_TICKS)
        return now_us;
    int64_t us = now_us - c->base_us;
    if (c->state == CLOCK_COUNTS &&
        llabs(counted_us(c, passed) - us) > ASTRAY_US + us / ASTRAY_PARTS) {
        c->state = CLOCK_REFUSED;
        return now_us;
    }
    c->ticks = ticks;
    c->base_us = now_us;
    if (!c->from_us) {
        c->from_ticks = ticks;
        c->from_us = now_us;
    }
    learn(c, ticks, now_us);
    if (c->state == CLOCK_COUNTS && !clock_is_the_kernels())
        c->state = CLOCK_REFUSED;
    return now_us;
}

static inline int64_t near_us(struct clock_counter *c)
{
    if (__builtin_expect(c->state == CLOCK_COUNTS, 1)) {
        uint64_t passed = __rdtsc() - c->ticks;
        if (__builtin_expect(passed < BASE_TICKS, 1))
            return c->base_us + (int64_t)(passed * c->per_tick >> SHIFT);
    }
    return ask_kernel(c);
}
#else
static int64_t near_us(struct clock_counter *c)
{
    (void)c;
    return clock_mono_us();
}
#endif

/* The kernel may say a little less than was counted. */
int64_t clock_near_us(void)
{
    struct clock_counter *c = &clock_now.counter;
    int64_t us = near_us(c);
    if (__builtin_expect(us > c->said_us, 1))
        c->said_us = us;
    must(c->said_us > 0);
    return c->said_us;
}

void clock_refresh(void)
{
    clock_now.wall_us = clock_wall_us();
    clock_now.wall_ms = clock_now.wall_us / 1000;
    clock_now.mono_us = clock_near_us();
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
