/* SPDX-License-Identifier: BSD-3-Clause */
/* The link to the primary as those see it who show it, and primary_link.c. */
#ifndef REPLICATION_LINK_PARTS_H
#define REPLICATION_LINK_PARTS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "os/resolve.h"
#include "replication/apply.h"
#include "replication/handshake.h"
#include "replication/link_socket.h"
#include "replication/primary_heir.h"
#include "replication/replica_admit.h"
#include "replication/sync_in.h"

struct link_find;
struct worker;

enum link_state {
    LINK_NONE,       /* it leads */
    LINK_DUE,        /* at due_us */
    LINK_FINDING,    /* the addresses of host */
    LINK_CONNECTING,
    LINK_TALKING,
    LINK_SYNCING,    /* sync.phase */
    LINK_ONLINE,     /* stream.client */
};

struct primary_link {
    struct repl *repl;
    struct replica_admit admit;
    enum link_state state;
    char *host;              /* NULL: nobody's replica */
    int64_t port;
    bool follow_empty;       /* replica-follow-empty */
    char *source;            /* bind-source-addr; NULL: any */
    bool chosen;             /* REPLICAOF has named it, and no data set of it has come yet */
    struct primary_heir heir; /* answered NULL: none, or it has answered */
    bool heir_asked, heir_leads; /* it may have heard the question; it leads, and did hear it */
    bool no_history;         /* what is here is of no history: everything is asked for */
    bool had_keys;           /* when the full synchronisation began */
    int64_t due_us, down_since_us; /* monotonic; down_since_us 0: it was never up */
    struct buf fault;        /* of the last full synchronisation; empty: it went well */
    struct link_socket socket;
    struct handshake talk;
    struct apply stream;
    struct sync_in sync;
    /* private */
    struct resolved addresses;
    int address;             /* which of them is tried */
    struct link_find *find;
    struct worker *finder, *checker;
    struct loop_timer tick;
    struct handshake_facts facts;
    struct buf user, password, ip;
    char asked_id[HANDSHAKE_ID + 1];
    char *room;              /* what is read goes there; NULL between */
};

#endif
