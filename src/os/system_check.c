/* SPDX-License-Identifier: BSD-3-Clause */
#include "os/system_check.h"

#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/must.h"

#define CLOCK_SOURCE "/sys/devices/system/clocksource/clocksource0/current_clocksource"
#define OVERCOMMIT "/proc/sys/vm/overcommit_memory"
#define HUGE_PAGES "/sys/kernel/mm/transparent_hugepage/enabled"

/* The beginning of a small file without its line end; false: there is none. */
static bool read_text(const char *path, char *to, size_t size)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    must(size > 1);
    if (fd < 0)
        return false;
    ssize_t got = read(fd, to, size - 1);
    close(fd);
    to[got > 0 ? got : 0] = '\0';
    to[strcspn(to, "\n")] = '\0';
    return got > 0;
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
    char source[64] = "unknown";
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
    read_text(CLOCK_SOURCE, source, sizeof source);
    buf_printf(why, "Slow system clocksource detected: reading the time takes %lld ns. The clock "
               "source is %s; see whether " CLOCK_SOURCE " may be tsc or kvm-clock",
               (long long)best_ns, source);
    return SYSTEM_WARNING;
}

static enum system_state xen_clock(struct buf *why)
{
    char source[64];
    if (!read_text(CLOCK_SOURCE, source, sizeof source))
        return SYSTEM_UNKNOWN;
    if (strcmp(source, "xen") != 0)
        return SYSTEM_OK;
    buf_add(why, SLICE_LIT("Your system is configured to use the 'xen' clocksource, which is slow: "
                           "write tsc to " CLOCK_SOURCE));
    return SYSTEM_WARNING;
}

static enum system_state overcommit(struct buf *why)
{
    char value[16];
    if (!read_text(OVERCOMMIT, value, sizeof value))
        return SYSTEM_UNKNOWN;
    if (strcmp(value, "1") == 0)
        return SYSTEM_OK;
    buf_add(why, SLICE_LIT("Memory overcommit must be enabled! Otherwise a child that saves may "
                           "not be had while memory is short, though it would need little: "
                           "sysctl vm.overcommit_memory=1, and the same as a line in "
                           "/etc/sysctl.conf"));
    return SYSTEM_WARNING;
}

static enum system_state huge_pages(struct buf *why)
{
    char value[64];
    if (!read_text(HUGE_PAGES, value, sizeof value))
        return SYSTEM_UNKNOWN;
    if (!strstr(value, "[always]"))
        return SYSTEM_OK;
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
