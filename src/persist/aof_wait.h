/* SPDX-License-Identifier: BSD-3-Clause */
/* The log as a place where copies are kept (server/progress.h): WAITAOF waits for it. */
#ifndef PERSIST_AOF_WAIT_H
#define PERSIST_AOF_WAIT_H

struct aof;

void aof_wait_init(struct aof *a);
/* durable or state changed: who may go on? */
void aof_wait_check(struct aof *a);

#endif
