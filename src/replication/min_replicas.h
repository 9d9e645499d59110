/* SPDX-License-Identifier: BSD-3-Clause */
/* min-replicas-to-write: with fewer good replicas than that, commands that write are refused. While
 * it is 0, as min-replicas-max-lag may be, nobody asks. */
#ifndef REPLICATION_MIN_REPLICAS_H
#define REPLICATION_MIN_REPLICAS_H

struct repl;

void min_replicas_init(struct repl *r);

#endif
