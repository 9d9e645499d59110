/* SPDX-License-Identifier: BSD-3-Clause */
/* The history in the append log: lines that tell how the stream of replicas goes along with it
 * (log_stream.h), written while this server leads and keeps a history, where the two have gone
 * apart and every LOG_NOTES_EVERY bytes; and the places where they stand (log_places.h), so that a
 * replica can go on from there (log_send.h).
 *
 * At start they are read: a primary's log whose end is exactly known names the history up to there,
 * and replicas that have no more than that go on over the restart. A change that only one of the
 * two got (redis.set_repl) ends what the log can tell; behind it, it begins anew. */
#ifndef REPLICATION_LOG_NOTES_H
#define REPLICATION_LOG_NOTES_H

#include <stdbool.h>
#include <stdint.h>

#include "replication/log_places.h"

struct repl;
struct log_notes; /* opaque */

enum { LOG_NOTES_EVERY = 1 << 20 };

struct log_notes *log_notes_new(struct repl *r); /* before anything is loaded */
void log_notes_free(struct log_notes *n);
/* Where to read so as to come to this offset. False: the log does not tell. */
bool log_notes_find(struct log_notes *n, int64_t offset, struct log_place *found);
/* The offset behind what was logged last; -1: the log does not tell. */
int64_t log_notes_end(const struct log_notes *n);
/* What is known so far was wrong, or can't be read. */
void log_notes_forget(struct log_notes *n);
bool log_notes_reach_back(const struct log_notes *n); /* some place is known */

#endif
