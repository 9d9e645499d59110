/* SPDX-License-Identifier: BSD-3-Clause */
/* The last part of a crash report: the process' own memory is tested, for broken memory is what
 * some crashes come from. crash-memcheck-enabled switches it off. */
#ifndef SERVER_CRASH_MEMCHECK_H
#define SERVER_CRASH_MEMCHECK_H

#include <stdbool.h>

/* on: looked at when the crash has come. */
void crash_memcheck_register(const bool *on);

#endif
