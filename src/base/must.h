/* SPDX-License-Identifier: BSD-3-Clause */
/* Asserts that stay on in release builds: must(x) states what can only be false through a bug.
 *
 * A failed must() prints the expression and its place and calls abort(); the server's crash
 * handler turns that into a report. Never use it on input: bad input is a fault (fault.h). */
#ifndef BASE_MUST_H
#define BASE_MUST_H

#define must(x) (__builtin_expect(!!(x), 1) ? (void)0 : must_failed(#x, __FILE__, __LINE__))

_Noreturn void must_failed(const char *expression, const char *file, int line);

/* Called before abort() with the text of the failure, e.g. to log it. NULL: stderr. */
void must_set_reporter(void (*report)(const char *expression, const char *file, int line));

#endif
