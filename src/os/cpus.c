/* SPDX-License-Identifier: BSD-3-Clause */
#include "os/cpus.h"

#include <ctype.h>
#include <errno.h>
#include <sched.h>
#include <string.h>

/* Digits at *at, moved past; -1 when there are none or too many. */
static long take_number(const char **at)
{
    long n = 0;
    int digits = 0;
    for (; isdigit((unsigned char)**at) && digits < 6; digits++)
        n = n * 10 + (*(*at)++ - '0');
    return digits ? n : -1;
}

bool cpus_parse(const char *list, bool *set, size_t size)
{
    memset(set, 0, size * sizeof *set);
    while (*list) {
        long first = take_number(&list), last = first, step = 1;
        if (*list == '-') {
            list++;
            last = take_number(&list);
        }
        if (*list == ':') {
            list++;
            step = take_number(&list);
        }
        if (first < 0 || last < first || step < 1 || (*list && *list != ','))
            return false;
        for (long cpu = first; cpu <= last && (size_t)cpu < size; cpu += step)
            set[cpu] = true;
        if (*list == ',' && !*++list)
            return false;
    }
    return true;
}

int cpus_pin_self(const char *list)
{
#ifdef __linux__
    bool wanted[CPU_SETSIZE];
    cpu_set_t set;
    if (!cpus_parse(list, wanted, CPU_SETSIZE))
        return -EINVAL;
    CPU_ZERO(&set);
    for (int i = 0; i < CPU_SETSIZE; i++)
        if (wanted[i])
            CPU_SET(i, &set);
    return sched_setaffinity(0, sizeof set, &set) < 0 ? -errno : 0;
#else
    (void)list;
    return -ENOTSUP;
#endif
}
