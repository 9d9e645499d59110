/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/crash/crash_clock.h"

#include <stddef.h>
#include <sys/mman.h>
#include <time.h>

#include "base/must.h"

static volatile int64_t *moved_s; /* shared with the servers */

int __real_clock_gettime(clockid_t id, struct timespec *t);
int __wrap_clock_gettime(clockid_t id, struct timespec *t);

int __wrap_clock_gettime(clockid_t id, struct timespec *t)
{
    int rc = __real_clock_gettime(id, t);
    if (rc == 0 && id == CLOCK_REALTIME && moved_s)
        t->tv_sec += *moved_s;
    return rc;
}

void crash_clock_move(int64_t seconds)
{
    if (!moved_s) {
        moved_s = mmap(NULL, sizeof *moved_s, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
                       -1, 0);
        must(moved_s != MAP_FAILED);
    }
    *moved_s = seconds;
}
