/* SPDX-License-Identifier: BSD-3-Clause */
/* maxmemory: keys are evicted by policy before a command runs, and commands that would need more
 * memory are refused while there is none. Hangs on through ADMIT; the log sees each evicted key as
 * DEL. */
#ifndef SERVER_MEMORY_LIMIT_H
#define SERVER_MEMORY_LIMIT_H

struct memory_limit;
struct server;

struct memory_limit *memory_limit_new(struct server *s);
void memory_limit_free(struct memory_limit *m);

#endif
