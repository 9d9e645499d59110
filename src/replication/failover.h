/* SPDX-License-Identifier: BSD-3-Clause */
/* This primary hands over to one of its replicas, and nothing is lost by it: writes wait until that
 * replica has acknowledged all there is, then this server follows it, and says with PSYNC that it
 * is to lead.
 *
 *   NONE --begin--> WAITING --one has it all--> HANDING --it leads--> NONE, a replica
 *                      |                         |
 *                      +-- too late, abort ------+-- it does not, abort --> NONE, a primary
 *
 * Commands that are held while it waits run when it is over, here or in vain. While it hands over
 * it follows already, and refuses writes. An answer that is lost with its connection is asked for
 * again, and a server that leads by then is followed. */
#ifndef REPLICATION_FAILOVER_H
#define REPLICATION_FAILOVER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/slice.h"

struct failover; /* opaque */
struct repl;

struct failover_wish {
    struct slice host;  /* empty: whichever replica has it all first */
    int port;
    int64_t timeout_ms; /* for the waiting; 0: none */
    bool force;         /* when that is over: to host all the same, though it lacks something */
};

struct failover *failover_new(struct repl *r);
void failover_free(struct failover *fo);
/* Not while another one is under way. The rest happens from the loop. */
void failover_begin(struct failover *fo, const struct failover_wish *wish);
/* Of one that is under way; it leads from here on. */
void failover_abort(struct failover *fo, const char *why);
bool failover_is_under_way(const struct failover *fo);
const char *failover_state(const struct failover *fo); /* for INFO */

#endif
