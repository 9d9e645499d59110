/* SPDX-License-Identifier: BSD-3-Clause */
/* The report of a crash: on SIGSEGV, SIGBUS, SIGFPE, SIGILL and SIGABRT the log gets the reason,
 * the stack, the registers and what reporters tell; then the signal does what it would have done.
 *
 *   crash_add_reporter("INFO OUTPUT", tell_info, s);
 *
 * A reporter runs in the crashed thread and must expect anything to be broken: one that crashes in
 * turn is left in the middle, the next one follows; all of them together have CRASH_SECONDS. */
#ifndef SERVER_CRASH_H
#define SERVER_CRASH_H

enum { CRASH_REPORTERS = 8, CRASH_SECONDS = 60 };

void crash_catch(void);
/* No report; why an assertion failed, or that there was no memory, is a line of the log still. */
void crash_ignore(void);
/* title is static. In the order in which they were added, at most CRASH_REPORTERS. */
void crash_add_reporter(const char *title, void (*tell)(void *arg), void *arg);
/* None tells any more: what they tell of goes. */
void crash_drop_reporters(void);
#endif
