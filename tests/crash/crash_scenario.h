/* SPDX-License-Identifier: BSD-3-Clause */
/* Runs of a server that are recorded: what is done to it, and what the client knows meanwhile. */
#ifndef TESTS_CRASH_SCENARIO_H
#define TESTS_CRASH_SCENARIO_H

#include "tests/crash/crash_client.h"

enum { UNITS_MAX = 600 };

struct run {
    struct trace *trace;
    char dir[PATH_TEXT], socket[PATH_TEXT], log[PATH_TEXT], before[PATH_TEXT];
    struct args args; /* of the server that runs, and of the starts behind a crash */
    struct client_conn c;
    struct buf text, out;
    pid_t pid; /* 0: none */
    uint64_t next; /* units sent so far */
    uint64_t seed;
    bool bad; /* something answered other than it should */
    bool longer;
};

struct scenario {
    const char *name, *what;
    bool log; /* there may be an append log to repair */
    /* How old an acknowledged unit may be that no sync has covered; 0: any. */
    int64_t unsynced_max_us;
    /* Fills dir (recorded from then on) and args; NULL: nothing. */
    void (*prepare)(struct run *r);
    void (*play)(struct run *r);
};
extern const struct scenario scenarios[]; /* ends with a NULL name */

/* Prepares, begins the trace, plays, kills what still runs. r->before holds a copy of the directory
 * as it was when the trace began. False when the server did not do as it should. */
bool scenario_run(const struct scenario *s, struct run *r, struct trace *trace,
                  const char *scratch, const struct trace_plan *plan);
void scenario_done(struct run *r);

#endif
