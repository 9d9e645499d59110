/* SPDX-License-Identifier: BSD-3-Clause */
/* The replica's side put together: the link, REPLICAOF and its option, who may write, and what the
 * rest of the server asks through role.h.
 *
 *   replica_init(r);      options and stream are there, and the head of INFO's section
 *   replica_end(r); */
#ifndef REPLICATION_REPLICA_H
#define REPLICATION_REPLICA_H

struct repl;

void replica_init(struct repl *r);
void replica_end(struct repl *r);

#endif
