/* SPDX-License-Identifier: BSD-3-Clause */
/* maxmemory: keys are evicted by policy before a command runs, and commands that would need more
 * memory are refused while there is none. Hangs on through ADMIT; the log sees each evicted key as
 * DEL, in front of the command and apart from it.
 *
 * Keys do not make way for memory that evicting them cannot free: what features tell with
 * memory_exempt (the log's buffer), and what clients hold, up to a share that clients have
 * together: maxmemory-clients, or, when that is not set, a quarter of maxmemory. Beyond it clients
 * are closed, those that hold most first: of those that have not authenticated; then of all, when
 * maxmemory-clients is set. When it is not, memory must be full, and of the others only replies
 * that are not read count against the share: their input makes keys go. */
#ifndef SERVER_MEMORY_LIMIT_H
#define SERVER_MEMORY_LIMIT_H

#include <stddef.h>

struct memory_limit;
struct server;

struct memory_limit *memory_limit_new(struct server *s);
void memory_limit_free(struct memory_limit *m);
size_t memory_limit_bytes(const struct memory_limit *m); /* maxmemory; 0: none */
/* bytes(arg) of what is used do not count. It is asked for every command while memory is full. */
void memory_exempt(struct memory_limit *m, size_t (*bytes)(const void *arg), const void *arg);

#endif
