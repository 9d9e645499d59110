/* SPDX-License-Identifier: BSD-3-Clause */
/* INFO replication, what other sections say of replicas, and ROLE (cmd_replication.h). A replica's
 * own lines stand between the first and the others: who has them adds to the section between
 * repl_info_begin and repl_info_rest. */
#ifndef REPLICATION_REPL_INFO_H
#define REPLICATION_REPL_INFO_H

#include <stddef.h>

struct repl;

void repl_info_begin(struct repl *r);
void repl_info_rest(struct repl *r);
/* Bytes of the backlog and of what replicas have still to get; arg: the struct repl. */
size_t repl_buffer_bytes(const void *arg);

#endif
