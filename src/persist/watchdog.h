/* SPDX-License-Identifier: BSD-3-Clause */
/* Looks after the child that saves or rewrites: how fast it is, when it will be done, and whether
 * it still moves. One that has told neither keys nor bytes nor a new phase for child-timeout
 * seconds hangs (a dead disk, a stopped process): it is killed, so that the next one may try. */
#ifndef PERSIST_WATCHDOG_H
#define PERSIST_WATCHDOG_H

#include <stdint.h>
#include <sys/types.h>

struct persist;

struct watchdog {
    struct persist *persist;
    int64_t timeout_s; /* child-timeout; 0: never */
    uint64_t timeouts; /* children killed */
    /* the child that lives */
    pid_t pid;
    uint64_t keys, bytes;
    unsigned phase;
    int64_t changed_us, logged_us, looked_us;
    uint64_t written;   /* bytes of the file so far; stays when it is written */
    int64_t written_us; /* from the fork to the last of them */
};

struct watchdog *watchdog_new(struct persist *p);
void watchdog_free(struct watchdog *w);

double watchdog_mb_per_s(const struct watchdog *w);
/* Seconds until the keys that are left are written, at the speed so far; -1 unknown. */
int64_t watchdog_eta_s(const struct watchdog *w);

#endif
