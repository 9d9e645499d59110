/* SPDX-License-Identifier: BSD-3-Clause */
/* Full synchronisation: replicas that can't go on from the backlog wait (REPLICA_WAITS) until a
 * child is begun that copies the data set for as many of them as want the same, by file or, with
 * repl-diskless-sync, without one. The stream goes on for them where the child began. */
#ifndef REPLICATION_FULL_SEND_H
#define REPLICATION_FULL_SEND_H

struct full_send; /* opaque */
struct repl;

struct full_send *full_send_new(struct repl *r);
void full_send_free(struct full_send *fs);
/* Before the loop sleeps, outside of any unit: begins what is due. */
void full_send_stage(struct full_send *fs);
/* The child ends now, and those it works for are dropped. */
void full_send_stop(struct full_send *fs);

#endif
