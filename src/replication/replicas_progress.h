/* SPDX-License-Identifier: BSD-3-Clause */
/* What WAIT and WAITAOF wait for (server/progress.h): replicas that acknowledged a position, and
 * those whose disks hold it. */
#ifndef REPLICATION_REPLICAS_PROGRESS_H
#define REPLICATION_REPLICAS_PROGRESS_H

struct repl;

void replicas_progress_init(struct repl *r);

#endif
