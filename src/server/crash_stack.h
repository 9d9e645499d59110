/* SPDX-License-Identifier: BSD-3-Clause */
/* Where a thread stands, into the log, from inside a signal handler: nothing here allocates, for
 * the signal may have come inside the allocator. context: as the handler got it. */
#ifndef SERVER_CRASH_STACK_H
#define SERVER_CRASH_STACK_H

#include "base/log.h"

/* Before the first signal: what is needed is loaded now rather than in a handler. */
void crash_stack_warm(void);
/* The instruction that the signal met; NULL where that cannot be told. */
void *crash_stack_place(void *context);
/* place (may be NULL), then the calls that led here, a line each: file(function+offset)[address].
 * Of a function that is not exported the file's offset is told: addr2line takes it. put: log_raw,
 * or log_raw_signal. */
typedef void crash_stack_put(enum log_level level, const char *text);
void crash_stack_log(void *place, crash_stack_put *put);
/* Not what lies on the stack: that may be a password. */
void crash_stack_registers(void *context);

#endif
