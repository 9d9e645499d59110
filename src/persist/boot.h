/* SPDX-License-Identifier: BSD-3-Clause */
/* Loading at start, and again for DEBUG RELOAD and LOADAOF. */
#ifndef PERSIST_BOOT_H
#define PERSIST_BOOT_H

#include <stdbool.h>
#include <stdint.h>

#include "format/rdb_read.h"
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
 * Clients are served now and then, unless p->no_turns, and get -LOADING; when it is loaded into
 * another keyspace than the server's they may go on with that (serve).
 *
 * When all was read and before any of it counts judge is asked: what only the whole can tell, and
 * what stands behind it. Libraries of functions and the like of either data set count with the
 * keys: a judge that says yes has put those where they belong. */
struct boot_source {
    const char *name;        /* for the log */
    uint64_t total_bytes;    /* for progress; 0: unknown */
    bool drop_expired;       /* keys whose time is over; else they stay for now */
    bool turns_loop;         /* its reader does: no other thread may read it */
    struct keyspace *into;   /* NULL: the server's */
    bool serve;              /* into another: clients go on with the server's meanwhile */
    /* False, f: it is not taken, as after a fault of the bytes. No turns of the loop. NULL: yes */
    bool (*judge)(void *arg, const struct boot_source *src, struct fault *f);
    void *arg;
    /* out */
    uint64_t keys, expired;
    enum rdb_trailer_state trailer;
};
bool boot_read(struct persist *p, struct in *in, struct boot_source *src, struct fault *f);

#endif
