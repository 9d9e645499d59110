/* SPDX-License-Identifier: BSD-3-Clause */
/* A full synchronisation coming in, from behind the primary's FULLRESYNC to a data set that is
 * loaded. One at a time; the struct is its owner's.
 *
 *   HEAD -> RECEIVING -> CHECKING -> LOADING     by way of the disk (repl-diskless-load disabled)
 *   HEAD -> RECEIVING (its first bytes) -> LOADING     straight from the socket
 *
 *   sync_in_begin(&s, &spec);
 *   sync_in_feed(&s, data, len);        what came; it may be over then
 *   ... spec.ended(arg, how, f), from there, or later from the loop between its turns ...
 *   sync_in_drop(&s)                    instead; not while it loads
 *
 * What is here goes for nothing less than a whole and right data set, nor for an empty one unless
 * spec.empty_ok. From the socket it is loaded beside what is here, and judged at its end. A file is
 * tried before (received.h), so that there need not be memory for two: then what is here goes
 * first. Only when the trial was not sure is it loaded beside, too. What is left then to go wrong
 * between the trial and the end of the load is a disk that does not give back what it took, and
 * a server that is stopped: it ends, and the next start finds what the disk has. */
#ifndef REPLICATION_SYNC_IN_H
#define REPLICATION_SYNC_IN_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/fault.h"
#include "format/in.h"
#include "os/loop.h"
#include "replication/sync_frame.h"

struct link_socket;
struct received;
struct repl;
struct worker;

enum sync_phase { SYNC_NONE, SYNC_HEAD, SYNC_RECEIVING, SYNC_CHECKING, SYNC_LOADING };
enum sync_how {
    SYNC_LOADED,
    SYNC_KEPT,    /* it was faulty: what was there is there */
    SYNC_REFUSED, /* the same; it was right, and empty */
    SYNC_LOST,    /* it was faulty, and what was there is gone */
};

struct sync_in_spec {
    struct repl *repl;
    struct link_socket *socket;
    struct worker *checker;
    bool empty_ok; /* an empty data set may take the place of one that is not */
    bool serve;    /* while it comes from the socket: what is here is of the same history */
    void (*ended)(void *arg, enum sync_how how, const struct fault *f);
    void *arg;
};

struct sync_in { /* zero it; read only */
    struct sync_in_spec spec;
    enum sync_phase phase;
    uint64_t read; /* bytes of it that came */
    struct buf behind; /* of the stream, came with its last bytes: the owner's when it ended */
    /* private */
    struct sync_frame frame;
    bool to_disk, had_keys, refused;
    struct received *file;
    bool unsure;      /* of the file: the load may find a fault */
    struct buf first; /* from the socket: what came in front of the load */
    size_t first_at;
    struct in in;     /* and all of it */
    bool readable;
    struct loop_work load;
    bool load_asked;
};

void sync_in_begin(struct sync_in *s, const struct sync_in_spec *spec);
void sync_in_feed(struct sync_in *s, const char *data, size_t len);
/* The socket is ready, while it loads from there. */
void sync_in_ready(struct sync_in *s);
void sync_in_drop(struct sync_in *s);
int64_t sync_in_total(const struct sync_in *s); /* bytes; -1: not known */

#endif
