/* SPDX-License-Identifier: BSD-3-Clause */
/* Clients that wait while the server is ended: BLPOP of a list, BLMOVE from one list to another,
 * XREADGROUP in a group; and one that pushes number n to each of them, in a unit, when n - 1 was
 * acknowledged. What a waiter was given left the server when it was as durable as any write: so it
 * is popped, moved, pending at the next start, and at most one thing more, whose reply was on its
 * way. */
#ifndef TESTS_CRASH_WAITERS_H
#define TESTS_CRASH_WAITERS_H

#include "tests/crash/crash_client.h"

enum { WAIT_POP, WAIT_MOVE, WAIT_GROUP, WAITERS };

struct waiters {
    struct client_conn c[WAITERS + 1]; /* the last one pushes */
    bool asked[WAITERS + 1], gone[WAITERS + 1];
    bool renamed;               /* MULTI, RPUSH, INCR, EXEC begin with an x */
    int replies;                /* of the unit under way */
    uint64_t sent, pushed;      /* units */
    uint64_t received[WAITERS]; /* how many things each was given */
    uint64_t served;            /* things given, ever: a figure */
    struct buf text, out;
};

/* On a server that has just started, in this database. False: no connection. */
bool waiters_open(struct waiters *w, const char *socket, const char *db, bool renamed);
/* Before the first round: is all there that must be? strict: all that was acknowledged. What is
 * there counts from here on. NULL, or what is wrong. */
const char *waiters_check(struct waiters *w, bool strict);
/* Says what is to be said, and takes what has come within timeout_ms. NULL, or what is wrong. */
const char *waiters_round(struct waiters *w, int timeout_ms);
/* The server has ended: what was on its way counts. */
const char *waiters_close(struct waiters *w);
/* There is an empty data set. */
void waiters_forget(struct waiters *w);
void waiters_free(struct waiters *w);

#endif
