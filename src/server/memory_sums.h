/* SPDX-License-Identifier: BSD-3-Clause */
/* What the memory in use goes to, added up: for INFO, MEMORY STATS and MEMORY DOCTOR.
 *
 * overhead is what is not the data set: what the server took at its start, clients, the tables of
 * keys and of expiry, the buffer of the append log, scripts and functions. Cost: a walk over the
 * clients, and what the allocator takes to count. */
#ifndef SERVER_MEMORY_SUMS_H
#define SERVER_MEMORY_SUMS_H

#include <stddef.h>
#include <stdint.h>

#include "base/mem.h"

struct server;

struct memory_sums {
    size_t total, peak, startup;
    size_t clients, replicas; /* what they hold, or is held for them */
    size_t backlog;           /* of replication */
    unsigned client_count, replica_count;
    size_t log_buffer, scripts, functions, tables;
    size_t overhead, dataset;
    uint64_t keys, cached_scripts;
    struct mem_stats allocator;
};

void memory_sums_take(struct server *s, struct memory_sums *out);
/* Bytes without what the server took at its start. */
size_t memory_sums_net(const struct memory_sums *m);

#endif
