/* SPDX-License-Identifier: BSD-3-Clause */
/* WAITAOF and WAIT: clients that wait until their last write is durable, or replicas have it. */
#ifndef PERSIST_AOF_WAIT_H
#define PERSIST_AOF_WAIT_H

struct aof;
struct ctx;

void aof_wait_init(struct aof *a);
void aof_wait_end(struct aof *a);
/* durable or state changed: who may go on? */
void aof_wait_check(struct aof *a);

void cmd_wait(struct ctx *c);
void cmd_waitaof(struct ctx *c); /* ctx.arg: the struct persist */

#endif
