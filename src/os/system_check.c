/* SPDX-License-Identifier: BSD-3-Clause */
#include "os/system_check.h"

#include <stdint.h>
#include <string.h>
#include <time.h>

#include "base/buf.h"
#include "os/clock.h"
#include "os/file.h"

#define OVERCOMMIT "/proc/sys/vm/overcommit_memory"
#define HUGE_PAGES "/sys/kernel/mm/transparent_hugepage/enabled"

/* A setting that the kernel shows as a small file; false: there is none. */
static bool read_setting(const char *path, struct buf *value)
{
    struct fault none = {0};
    return file_slurp(path, 4096, value, &none) && value->len;
}

static int64_t thread_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

/* A clock that is read inside the kernel costs many times one that is not, at each command. The
 * quickest of some rounds counts: the machine may be busy. */
static enum system_state slow_clock(struct buf *why)
{
    enum { ROUNDS = 5, READS = 20000, SLOW_NS = 150 };
    struct timespec now;
    struct buf source = {0};
    int64_t best_ns = INT64_MAX;
    for (int round = 0; round < ROUNDS; round++) {
        int64_t began_ns = thread_ns();
        for (int i = 0; i < READS; i++)
            if (clock_gettime(CLOCK_MONOTONIC, &now) < 0)
                return SYSTEM_UNKNOWN;
        int64_t took_ns = (thread_ns() - began_ns) / READS;
        best_ns = took_ns < best_ns ? took_ns : best_ns;
    }
    if (best_ns < SLOW_NS)
        return SYSTEM_OK;
    clock_source(&source);
    buf_printf(why, "Slow system clocksource detected: reading the time takes %lld ns. The clock "
               "source is %s; see whether " CLOCK_SOURCE_FILE " may be tsc or kvm-clock",
               (long long)best_ns, source.len ? buf_cstr(&source) : "unknown");
    buf_free(&source);
    return SYSTEM_WARNING;
}

static enum system_state xen_clock(struct buf *why)
{
    struct buf source = {0};
    bool known = clock_source(&source), xen = slice_eq_str(buf_slice(&source), "xen");
    buf_free(&source);
    if (!xen)
        return known ? SYSTEM_OK : SYSTEM_UNKNOWN;
    buf_add(why, SLICE_LIT("Your system is configured to use the 'xen' clocksource, which is slow: "
                           "write tsc to " CLOCK_SOURCE_FILE));
    return SYSTEM_WARNING;
}

static enum system_state overcommit(struct buf *why)
{
    struct buf value = {0};
    bool known = read_setting(OVERCOMMIT, &value), on = slice_eq_str(buf_slice(&value), "1\n");
    buf_free(&value);
    if (!known || on)
        return known ? SYSTEM_OK : SYSTEM_UNKNOWN;
    buf_add(why, SLICE_LIT("Memory overcommit must be enabled! Otherwise a child that saves may "
                           "not be had while memory is short, though it would need little: "
                           "sysctl vm.overcommit_memory=1, and the same as a line in "
                           "/etc/sysctl.conf"));
    return SYSTEM_WARNING;
}

static enum system_state huge_pages(struct buf *why)
{
    struct buf value = {0};
    bool known = read_setting(HUGE_PAGES, &value), always = strstr(buf_cstr(&value), "[always]");
    buf_free(&value);
    if (!always)
        return known ? SYSTEM_OK : SYSTEM_UNKNOWN;
    buf_add(why, SLICE_LIT("You have Transparent Huge Pages (THP) support enabled in your kernel: "
                           "while a child lives, each write copies 2 MiB. Set disable-thp yes, or "
                           "write madvise to " HUGE_PAGES));
    return SYSTEM_WARNING;
}

const struct system_check *system_checks(void)
{
    static const struct system_check checks[] = {
        {.name = "slow-clocksource", .look = slow_clock, .slow = true},
        {.name = "xen-clocksource", .look = xen_clock},
        {.name = "overcommit", .look = overcommit},
        {.name = "THP", .look = huge_pages, .about_huge_pages = true},
        {.name = NULL}};
    return checks;
}
