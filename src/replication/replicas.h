/* SPDX-License-Identifier: BSD-3-Clause */
/* Who follows this server. A replica is a client that said SYNC or PSYNC (psync.c); what it gets
 * comes by its feed, behind what it was replied before:
 *
 *   head (the answer to PSYNC, signs of life) -> the data set (full_send.h) -> the stream
 *
 *   SPEAKS -> (PSYNC: it can go on) ------------------------------------> ONLINE
 *          -> (the log can tell it how, log_send.h) RECEIVES -> (the rest is there) ONLINE
 *          -> (it cannot) WAITS -> (a child began) RECEIVES -> (it has all) ONLINE
 *
 * The stream stands where the data set ends, as a cursor in the backlog, from the moment the child
 * began; it goes out once the replica is online and, where the data set had no length in front,
 * has acknowledged it for the first time. */
#ifndef REPLICATION_REPLICAS_H
#define REPLICATION_REPLICAS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/link.h"
#include "replication/backlog.h"
#include "server/feed.h"

struct client;
struct repl;

struct log_send;
struct replica;
struct transfer;
enum replica_state { REPLICA_SPEAKS, REPLICA_WAITS, REPLICA_RECEIVES, REPLICA_ONLINE };

/* What it said it can do (capa), and what of the data set it does not want (filter). */
enum { REPLICA_CAPA_EOF = 1, REPLICA_CAPA_PSYNC2 = 2 };
enum { REPLICA_WITHOUT_KEYS = 1, REPLICA_WITHOUT_FUNCTIONS = 2 };

/* Where the data set comes from that it receives (transfer.h). */
struct replica_source {
    int (*parts)(struct replica *rep, size_t most, struct iovec *to, int max);
    void (*sent)(struct replica *rep, size_t n);
    bool (*has_some)(const struct replica *rep); /* that could be sent now */
    bool (*begun)(const struct replica *rep); /* some was, or can be any time */
    void (*leave)(struct replica *rep); /* it wants nothing from there any more */
};

struct replica { /* a slot of its client; others than replicas.c, psync.c and full_send*.c read */
    struct link link; /* in replicas.all: not while it only speaks */
    struct repl *repl;
    struct client *client;
    enum replica_state state;
    /* as it said */
    int64_t port;      /* that it listens to; 0: it did not say */
    char *address;     /* NULL: the one it comes from */
    unsigned capa, filter;
    int version;       /* 0x070200 is 7.2.0; 0: it did not say */
    bool rdb_only;     /* it goes when it has the data set */
    bool old;          /* it said SYNC, and acknowledges nothing */
    /* what it gets */
    struct client_feed feed;
    struct buf head;
    size_t head_sent;
    const struct replica_source *source; /* RECEIVES; NULL otherwise */
    struct transfer *transfer;     /* the source's, or */
    struct log_send *log_send;     /* NULL: that is not the log */
    struct backlog_cursor received, stream;
    uint64_t file_sent; /* of a file: bytes of it, and of chunk */
    struct buf chunk;
    size_t chunk_sent;
    bool stream_on;     /* the stream may go out */
    int64_t since_ms;   /* it is in this state; monotonic, as all times here */
    int64_t moved_ms;   /* it took bytes of the data set last, or there were none for it */
    /* what it acknowledged */
    int64_t ack_offset, disk_offset; /* its disk: -1 as long as it does not tell */
    int64_t ack_ms;
};

struct replicas { /* read only */
    struct repl *repl;
    int slot;
    struct link all; /* struct replica's, oldest first */
    unsigned count, good; /* good: of min-replicas-max-lag */
    int64_t none_since_ms; /* there has been none since; 0: there are some */
    int64_t ping_ms, life_ms; /* said last; the first PING comes a period after the first replica */
    bool acks_wanted, disk_acks_wanted; /* somebody waits: they are asked to acknowledge */
    int64_t asked_offset; /* of the stream, behind the last GETACK; -1: none was said */
    int64_t said_offset;  /* behind what was not a GETACK */
};

struct replicas *replicas_new(struct repl *r);
void replicas_free(struct replicas *rs); /* the clients may live longer */

/* State of this client as a replica; made at the first call. */
struct replica *replica_of(struct replicas *rs, struct client *c);
struct replica *replica_peek(const struct replicas *rs, const struct client *c); /* NULL: none */
/* It follows from here on: gets its feed, and no replies any more. */
void replica_follow(struct replica *rep);
/* Bytes in front of all that its feed still holds. */
void replica_tell(struct replica *rep, struct slice bytes);
void replica_enter(struct replica *rep, enum replica_state state);
/* It has all up to the stream's cursor. wait: the stream is held until it acknowledges that. */
void replica_go_online(struct replica *rep, bool wait);
void replica_acknowledge(struct replica *rep, int64_t offset, int64_t disk_offset);
/* For logs: "127.0.0.1:6380", as it said it is reached. */
enum { REPLICA_NAME_MAX = 192 };
const char *replica_name(const struct replica *rep, char out[REPLICA_NAME_MAX]);
const char *replica_address(const struct replica *rep, char ip[64], int64_t *port);
/* It hears the error, and goes. */
void replica_refuse(struct replica *rep, const char *error);
/* It goes, and holds nothing any more. */
void replica_drop(struct replica *rep);

bool replica_has_some(const struct replica *rep); /* that may be sent now */
int64_t replica_lag_s(const struct replica *rep); /* since it acknowledged last */
/* Online and not further away than min-replicas-max-lag. */
void replicas_count_good(struct replicas *rs);

#endif
