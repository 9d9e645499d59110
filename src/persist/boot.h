/* SPDX-License-Identifier: BSD-3-Clause */
/* Loading at start, and again for DEBUG RELOAD and LOADAOF. */
#ifndef PERSIST_BOOT_H
#define PERSIST_BOOT_H

#include <stdbool.h>
#include <stdint.h>

#include "persist/persist.h"

struct in;
struct keyspace;

/* The dump file into the keyspace. exists (may be NULL) tells whether there was one; none is fine.
 */
bool boot_load_rdb(struct persist *p, bool *exists, struct fault *f);
/* The append log by its manifest; repairs a torn tail as configured. */
bool boot_load_aof(struct persist *p, struct fault *f);

/* An RDB from a stream, up to its end: a socket, a pipe. The stream may have read ahead. Keys that
 * are there already are a fault; what was read before a fault stays: the caller drops it.
 *
 *   in_init_callback(&in, file_in_read, &fd, IN_SIZE_UNKNOWN, 0);
 *   if (!boot_read(p, &in, &(struct boot_source){.name = "the pipe"}, &f)) ...
 *
 * While the server's own keyspace is loaded, clients get -LOADING, and are served now and then
 * unless p->no_turns. */
struct boot_source {
    const char *name;        /* for the log */
    uint64_t total_bytes;    /* for progress; 0: unknown */
    bool drop_expired;       /* keys whose time is over; else they stay for now */
    struct keyspace *into;   /* NULL: the server's; another is loaded without anybody noticing: AUX
                              * fields go to nobody, functions and modules' data are a fault */
    uint64_t keys, expired;  /* out */
};
bool boot_read(struct persist *p, struct in *in, struct boot_source *src, struct fault *f);

#endif
