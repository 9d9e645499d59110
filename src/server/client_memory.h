/* SPDX-License-Identifier: BSD-3-Clause */
/* What all clients hold together, and closing those that hold most; first of all those that must
 * still say who they are, with whatever they hold.
 *
 * Counting means a walk over all clients, so it is done only when enough has changed, and takes,
 * choosing whom to close with it, at most a twentieth of the time, unless memory changes by leaps.
 * Replicas and the primary, which have limits of their own, and who said CLIENT NO-EVICT are not
 * among them. */
#ifndef SERVER_CLIENT_MEMORY_H
#define SERVER_CLIENT_MEMORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct clients;

struct client_memory { /* zero it */
    size_t all, output;   /* bytes of those that stay; of these, replies not sent yet */
    size_t unproven;      /* of all: of those that have not authenticated */
    size_t closing;       /* of those that are about to be freed */
    size_t used_then;     /* mem_used at that time */
    int64_t counted_us, took_us;
};

/* Counts anew when memory in use has changed by step or a tenth of a second has passed. True when
 * it did. */
bool client_memory_look(struct client_memory *m, struct clients *cs, size_t step);
/* The next look counts: a limit has changed. */
static inline void client_memory_forget(struct client_memory *m)
{
    m->counted_us = 0;
}
/* Closes the clients that hold most until those that stay hold at most limit: of those that have
 * not authenticated (they keep a little for newcomers, when others hold all that), then of all.
 * outputs: of all, only what they do not read counts, and closes. */
void client_memory_limit(struct client_memory *m, struct clients *cs, size_t limit, bool outputs);

#endif
