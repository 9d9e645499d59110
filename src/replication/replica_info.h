/* SPDX-License-Identifier: BSD-3-Clause */
/* What a replica says of itself: its part of INFO's section Replication, and ROLE. */
#ifndef REPLICATION_REPLICA_INFO_H
#define REPLICATION_REPLICA_INFO_H

struct ctx;
struct repl;

/* The lines of a replica come from here on in the section. */
void replica_info_init(struct repl *r);
/* The reply to ROLE: slave, host, port, state of the link, offset. */
void replica_role(const struct repl *r, struct ctx *c);

#endif
