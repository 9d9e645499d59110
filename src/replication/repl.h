/* SPDX-License-Identifier: BSD-3-Clause */
/* What the parts of replication share. Bytes flow one way:
 *
 *   primary:  commit -> repl_stream (backlog) -> replicas, each a cursor in it
 *   replica:  link -> apply -> repl_stream (the same bytes, for replicas of its own)
 *
 * The stream is the one history of data that this server tells of: ids and offset stand in role.h,
 * its latest bytes in the backlog. Whoever adds bytes goes through repl_stream.h; nobody else moves
 * the offset. */
#ifndef REPLICATION_REPL_H
#define REPLICATION_REPL_H

#include <stdbool.h>
#include <stdint.h>

struct backlog;
struct client;
struct failover;
struct full_send;
struct log_notes;
struct migrate_links;
struct persist;
struct primary_link;
struct repl_aux;
struct repl_config;
struct repl_stream;
struct replicas;
struct role;
struct server;
struct wait_for_replicas;

/* Of the primary's stream, while it is run: a command, or a transaction. */
struct repl_unit {
    const struct client *client;
    int64_t from, to; /* offsets: in front of it, and with its last byte */
    unsigned db;      /* selected in front of it */
};

struct repl {
    struct server *server;
    struct persist *persist;
    struct role *role;
    struct repl_config *config;
    struct backlog *backlog;     /* backlog.h */
    struct repl_stream *stream;  /* repl_stream.h */
    unsigned stream_db; /* of a replica: what its primary's stream has selected last. Whoever takes
                         * a copy of the data set there must know */
    const struct repl_unit *unit; /* that is run, and of which nothing was logged yet; or NULL */
    bool strayed;        /* of a replica: its data set may be another than that of its history at
                          * its offset, by writes of its own or by what was evicted. Until it takes
                          * a copy, or leads: then the history is its own */
    struct replicas *replicas;   /* replicas.h: those who follow this server */
    struct full_send *full_send; /* full_send.h */
    struct migrate_links *migrate; /* migrate_link.h */
    struct repl_aux *aux;        /* repl_aux.h */
    struct log_notes *log_notes; /* log_notes.h */
    struct wait_for_replicas *wait_for; /* wait_for_replicas.h */
    struct failover *failover;   /* failover.h */
    struct primary_link *link;   /* primary_link.h: whom this server follows; it is always there */
};

#endif
