/* SPDX-License-Identifier: BSD-3-Clause */
/* The history of data as bytes: ids, offset, and what of it the backlog still has.
 *
 * A primary that never had a replica keeps no history: what it changes moves no offset and costs
 * nothing. It begins one, under a new id, with the first replica, and ends it repl-backlog-ttl
 * after the last has gone. A replica keeps its primary's. */
#ifndef REPLICATION_REPL_STREAM_H
#define REPLICATION_REPL_STREAM_H

#include <stdbool.h>
#include <stdint.h>

#include "base/slice.h"

struct commit_batch;
struct repl;

void repl_stream_init(struct repl *r); /* makes it and the backlog, hangs on */
void repl_stream_free(struct repl *r);
/* Called when those who follow the history have to ask again how to go on: before it breaks. In the
 * order of registration. */
enum { REPL_STREAM_BREAKS_MAX = 4 };
void repl_stream_on_break(struct repl *r, void (*f)(void *arg), void *arg);

/* Called when one begins that is this server's own. One may ask for that. */
void repl_stream_on_begin(struct repl *r, void (*f)(void *arg), void *arg);

bool repl_stream_is_kept(const struct repl *r);
bool repl_stream_is_own(const struct repl *r); /* kept, and what is committed here goes to it */
/* Of a primary that keeps none: a history of its own from here on. */
void repl_stream_begin(struct repl *r);
/* Of a primary without replicas: it is forgotten, with its id. */
void repl_stream_end(struct repl *r);

/* These bytes are the next ones of the history: the offset moves behind them, the backlog has them,
 * replicas get them at the end of the turn. A primary's come from commit, a replica's are its
 * primary's, byte for byte. Copies once, however many replicas there are. */
void repl_stream_add(struct repl *r, struct slice bytes);
/* Replicas only, not in the log: PING, REPLCONF GETACK. Only of a history that is its own. */
void repl_stream_say(struct repl *r, int argc, const struct slice *argv);

/* A data set came from a primary (full synchronisation): the history is that one from here on. What
 * the backlog has is dropped, replicas of this server are to begin anew. */
void repl_stream_adopt(struct repl *r, const char *id, int64_t offset);
/* The primary goes on under another id (PSYNC's CONTINUE with an id): the old one stays good up to
 * the present offset; replicas of this server hear of it by reconnecting. */
void repl_stream_rename(struct repl *r, const char *id);
/* This server leads from here on: a new id of its own, the one before stays good up to here. */
void repl_stream_lead(struct repl *r);
/* For tests: it goes on under a new id, and has no other. Who follows it now hears nothing of that,
 * and can't go on from here when it asks again. */
void repl_stream_change_id(struct repl *r);
/* Of a replica: the id that its primary knows the history by. */
const char *repl_stream_primary_id(const struct repl *r);
/* From an RDB that was loaded at start: what was known then. Of a primary it is the old id, good up
 * to there; a replica may go on where it was. */
void repl_stream_restore(struct repl *r, const char *id, int64_t offset);

/* May somebody who has all before offset (the next byte he wants) of the history id go on from the
 * backlog? */
bool repl_stream_has(const struct repl *r, struct slice id, int64_t offset);

/* Is that a name of this history as far as this offset? */
bool repl_stream_is_named(const struct repl *r, struct slice id, int64_t offset);
/* The offset in front of a batch that is being committed, whether the history has it by now or
 * not. Only of one that is its own. */
int64_t repl_stream_before(const struct repl *r, const struct commit_batch *batch);
/* How many batches it got that tell of other changes than the log does. */
uint64_t repl_stream_apart(const struct repl *r);

/* Whoever acknowledged so much of the history has all that was logged up to position. */
int64_t repl_stream_needed(const struct repl *r, uint64_t position);
/* Whoever acknowledged so much of the history has all that was logged up to the position. */
uint64_t repl_stream_held(const struct repl *r, int64_t offset);
/* The offset up to which replicas may have it now: what a gate holds back (appendfsync always),
 * they do not get. */
int64_t repl_stream_sendable(struct repl *r);

#endif
