/* SPDX-License-Identifier: BSD-3-Clause */
/* CPU affinity lists as taskset writes them: "0,2,3", "0-3", "0-7:2". */
#ifndef OS_CPUS_H
#define OS_CPUS_H

#include <stdbool.h>
#include <stddef.h>

/* Marks set[i] for each CPU of the list; others are cleared. False: the list makes no sense. */
bool cpus_parse(const char *list, bool *set, size_t size);
/* Pins the calling thread. 0 or -errno; -ENOTSUP where there is no such thing. */
int cpus_pin_self(const char *list);

#endif
