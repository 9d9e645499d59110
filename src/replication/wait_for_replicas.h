/* SPDX-License-Identifier: BSD-3-Clause */
/* Nobody hears of a write before so many replicas have it: wait-for-replicas for all, CLIENT
 * WAIT-FOR-REPLICAS for one connection, the larger of both. Neither the one who wrote, nor who
 * reads what was written; a client need not say WAIT, and cannot forget to.
 *
 * A write is refused (-NOREPLICAS) when so many are not online. One whose acknowledgements do not
 * come within wait-for-replicas-timeout is done here all the same, and may be lost with this
 * server: who waits for its reply hears -NOREPLICAS in its place, and is closed. With
 * wait-for-replicas-disk yes a replica counts when its disk holds it, as for WAITAOF.
 *
 * What was here when it is switched on counts as held. Nothing is held back on a replica. */
#ifndef REPLICATION_WAIT_FOR_REPLICAS_H
#define REPLICATION_WAIT_FOR_REPLICAS_H

#include <stdbool.h>
#include <stdint.h>

#include "server/command.h"

struct repl;
struct wait_for_replicas; /* opaque */

struct wait_for_replicas *wait_for_replicas_new(struct repl *r);
void wait_for_replicas_free(struct wait_for_replicas *w);
/* Somebody waits: replicas are to be asked to acknowledge. */
bool wait_for_replicas_is_on(const struct wait_for_replicas *w);
uint64_t wait_for_replicas_given_up(const struct wait_for_replicas *w); /* connections so far */

#endif
