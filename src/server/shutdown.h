/* SPDX-License-Identifier: BSD-3-Clause */
/* The end of the server, in two phases (hooks.h, SHUTDOWN). Everybody is asked whether it is ready.
 * While somebody still waits for something (replicas for the rest of the stream), the data set is
 * kept from changing and all are asked again, once a turn, for shutdown-timeout seconds at most;
 * that wait can be called off. Then all finish: the last writes. */
#ifndef SERVER_SHUTDOWN_H
#define SERVER_SHUTDOWN_H

#include <stdbool.h>

struct ctx;
struct server;
struct shutdown; /* opaque */

struct shutdown *shutdown_new(struct server *s);
void shutdown_free(struct shutdown *sd);

#define SHUTDOWN_ERROR "ERR Errors trying to SHUTDOWN. Check logs."
enum shutdown_end {
    SHUTDOWN_STOPS,  /* the last writes are done, no client is served any more, not in this turn of
                      * the loop either: what is replied until then leaves, for it is in them */
    SHUTDOWN_LASTS,  /* somebody is waited for */
    SHUTDOWN_FAILED, /* somebody refused, or could not finish: the log says why */
};
/* As SHUTDOWN and signals do: flags SHUTDOWN_*. While one is under way: its flags are these too,
 * and all are asked again. */
enum shutdown_end shutdown_begin(struct shutdown *sd, unsigned flags);
bool shutdown_is_under_way(const struct shutdown *sd);
/* The server goes on. False: none is under way. */
bool shutdown_abort(struct shutdown *sd);
/* SHUTDOWN's client waits for the end; it hears of it only when it does not come. False: this
 * client cannot wait. */
bool shutdown_may_wait(const struct ctx *c);
void shutdown_wait(struct shutdown *sd, struct ctx *c);

/* The environment failed in a way that nothing may be promised any more: the loop ends without
 * asking anybody, replies that a gate holds back are never sent, the exit code is 1. */
void shutdown_fail(struct server *s);

#endif
