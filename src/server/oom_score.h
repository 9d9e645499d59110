/* SPDX-License-Identifier: BSD-3-Clause */
/* Whom the kernel ends first when memory runs out: oom-score-adj, oom-score-adj-values.
 *
 *   struct oom_score *o = oom_score_new(server);   // registers the options and the FORK hook
 *   oom_score_start(o);                            // configured: acts from here on
 *
 * values are those of a primary, a replica and a child that saves, so that the child, which can be
 * made again, goes before the data. relative adds them to what the process began with, absolute
 * puts them in its place; "no" goes back to that. On systems without /proc nothing can be set: an
 * error for CONFIG SET, a line in the log at start. */
#ifndef SERVER_OOM_SCORE_H
#define SERVER_OOM_SCORE_H

struct oom_score; /* opaque */
struct server;

struct oom_score *oom_score_new(struct server *s);
void oom_score_start(struct oom_score *o);
void oom_score_free(struct oom_score *o);

#endif
