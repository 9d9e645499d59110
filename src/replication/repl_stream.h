/* SPDX-License-Identifier: BSD-3-Clause */
/* The history of data as bytes: ids, offset, and what of it the backlog still has. */
#ifndef REPLICATION_REPL_STREAM_H
#define REPLICATION_REPL_STREAM_H

#include <stdbool.h>
#include <stdint.h>

#include "base/slice.h"

struct repl;

/* These bytes are the next ones of the history: the offset moves behind them, the backlog has them,
 * replicas get them at the end of the turn. A primary's come from commit, a replica's are its
 * primary's, byte for byte. Copies once, however many replicas there are. */
void repl_stream_add(struct repl *r, struct slice bytes);
/* Replicas only, not in the log: PING, REPLCONF GETACK. Not of a server that is a replica. */
void repl_stream_say(struct repl *r, int argc, const struct slice *argv);

/* A data set came from a primary (full synchronisation): the history is that one from here on. What
 * the backlog has is dropped, replicas of this server are to begin anew. */
void repl_stream_adopt(struct repl *r, const char *id, int64_t offset);
/* The primary goes on under another id (PSYNC's CONTINUE with an id): the old one stays good up to
 * the present offset; replicas of this server hear of it by reconnecting. */
void repl_stream_rename(struct repl *r, const char *id);
/* This server leads from here on: a new id of its own, the one before stays good up to here. */
void repl_stream_lead(struct repl *r);
/* From an RDB or the log that was loaded at start: what was known then. */
void repl_stream_restore(struct repl *r, const char *id, int64_t offset);

/* May somebody who has all before offset (the next byte he wants) of the history id go on from the
 * backlog? */
bool repl_stream_has(const struct repl *r, struct slice id, int64_t offset);

#endif
