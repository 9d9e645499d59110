/* SPDX-License-Identifier: BSD-3-Clause */
/* A replica that was away for longer than the backlog lasts goes on from the append log: what it
 * lacks is made from there (log_stream.h), offset by offset, until the backlog has the rest. It
 * hears CONTINUE as from the backlog and needs to know nothing of this, whoever's server it is. It
 * hears that when the first bytes are there, and empty lines before: to come to them may take long,
 * where of a part of the log only its beginning is known, and behind CONTINUE nothing may be said.
 *
 *   REPLICA_RECEIVES (this is its source) -> ONLINE
 *
 * The files are read as fast as it takes what they give, LOG_SEND_CHUNK at a time, checksums
 * verified; memory is that chunk, a reader's block and what the longest unit needs. No child is
 * made. Parts are open from the beginning on, or from when they came, so that no rewrite takes them
 * away. What a gate holds back does not leave from here either.
 *
 * When a part can't be read, is damaged, or does not tell all that replicas got, the link is cut,
 * the log of the server says why, and what was known of the log is forgotten: the replica asks
 * again, from where it is then, and gets a copy of the data set. */
#ifndef REPLICATION_LOG_SEND_H
#define REPLICATION_LOG_SEND_H

#include <stdbool.h>
#include <stdint.h>

struct replica;

enum { LOG_SEND_CHUNK = 128 << 10 };

/* It follows, and has all up to and with this offset, of the history as it is named here; what it
 * is to hear before the first byte is told. False: the log does not tell what is behind it; nothing
 * has changed. */
bool log_send_begin(struct replica *rep, int64_t offset, void (*tell)(struct replica *rep));

#endif
