/* SPDX-License-Identifier: BSD-3-Clause */
/* What is done about replicas as time goes by: who has something to be sent, signs of life, who
 * says nothing any more, what a shutdown waits for. */
#ifndef REPLICATION_REPLICAS_WATCH_H
#define REPLICATION_REPLICAS_WATCH_H

struct repl;

/* Hangs on: stage, tick, shutdown. */
void replicas_watch_init(struct repl *r);

#endif
