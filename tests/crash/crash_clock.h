/* SPDX-License-Identifier: BSD-3-Clause */
/* The wall clock of the servers that a crash program runs, which the program may move while they
 * live. The linker puts it in the place of clock_gettime (--wrap); the monotonic clock runs on. */
#ifndef TESTS_CRASH_CRASH_CLOCK_H
#define TESTS_CRASH_CRASH_CLOCK_H

#include <stdint.h>

/* All servers of this program, those that are started later too; until then none is moved. */
void crash_clock_move(int64_t seconds);

#endif
