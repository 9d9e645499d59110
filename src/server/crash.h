/* SPDX-License-Identifier: BSD-3-Clause */
/* The report of a crash: on SIGSEGV, SIGBUS, SIGFPE, SIGILL and SIGABRT the log gets the reason,
 * the stack, registers of interest and what the state functions tell; then the signal does what it
 * would have done. */
#ifndef SERVER_CRASH_H
#define SERVER_CRASH_H

void crash_catch(void);
void crash_ignore(void);
/* tell is called once, in the crashed thread: it may log, and must expect anything to be broken (a
 * second fault ends the report). At most CRASH_REPORTERS. */
enum { CRASH_REPORTERS = 4 };
void crash_add_reporter(void (*tell)(void *arg), void *arg);

#endif
