/* SPDX-License-Identifier: BSD-3-Clause */
/* The link to the server whose replica this one is: found, connected, asked for what is missing,
 * and asked again when it was lost, until somebody says otherwise.
 *
 *   NONE  --follow-->  DUE -> FINDING -> CONNECTING -> TALKING --CONTINUE--> ONLINE
 *                       ^                                | FULLRESYNC           |
 *                       |                              SYNCING --loaded-------->|
 *                       +---------- whatever goes wrong, a second later --------+
 *
 * The history goes on over a lost link, a restart and a promotion: the primary is asked for what is
 * behind it first, and for everything only when it does not have that any more.
 *
 * On a full synchronisation what is here goes for nothing less than a whole and right data set
 * (sync_in.h), nor for an empty one, which a primary that has lost its data has: then it stays and
 * is served as stale, INFO and the log say so, and the primary is asked again. An empty one is
 * followed all the same
 *   - with replica-follow-empty yes;
 *   - when it is of the history that is here (the primary was flushed, and says the same id), and
 *     not older than that;
 *   - the first time after REPLICAOF has named a server: whoever says that wants its data. */
#ifndef REPLICATION_PRIMARY_LINK_H
#define REPLICATION_PRIMARY_LINK_H

#include <stdbool.h>
#include <stdint.h>

#include "base/fault.h"
#include "base/slice.h"

struct primary_heir; /* primary_heir.h */
struct primary_link; /* opaque; its parts: link_parts.h */
struct repl;

struct primary_link *primary_link_new(struct repl *r);
void primary_link_free(struct primary_link *l);

/* Whom it follows from here on; told again, nothing happens. False, f: not now, a data set is being
 * loaded. The role changes at once, the link comes later. */
bool primary_link_follow(struct primary_link *l, struct slice host, int port, struct fault *f);
/* It leads. The same. */
bool primary_link_lead(struct primary_link *l, struct fault *f);
/* The same for a replica of this server that is to lead in its place: PSYNC says so to it. Its
 * answer comes once, from the loop, unless primary_link_lead is called before: it leads, and is
 * followed; or it does not, why says what it said, and the caller leads again, from in there. What
 * is lost with a connection is asked again. */
bool primary_link_hand_over(struct primary_link *l, struct slice host, int port,
                            const struct primary_heir *heir, struct fault *f);
/* NULL: it leads. */
const char *primary_link_host(const struct primary_link *l);
int primary_link_port(const struct primary_link *l);

#endif
