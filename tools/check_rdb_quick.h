/* SPDX-License-Identifier: BSD-3-Clause */
/* redis-check-rdb of a large file that is in order, by all CPUs. Of anything else it says nothing:
 * the one reader, which goes from the first byte on, does. */
#ifndef TOOLS_CHECK_RDB_QUICK_H
#define TOOLS_CHECK_RDB_QUICK_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

struct check_libraries;

struct check_rdb_quick {
    int fd;
    uint64_t size;
    uint64_t threads;
    uint64_t step_bytes; /* rdb_quick.h */
    unsigned databases;
    const struct check_libraries *libraries;
};
/* True when it is in order: its lines are written, but for the first. */
bool check_rdb_quick(const struct check_rdb_quick *q, FILE *out);

#endif
