/* SPDX-License-Identifier: BSD-3-Clause */
/* A client: who it is, what it said and what it is to be told. Clients without a socket (io.fd -1)
 * run commands from the append log and from scripts.
 *
 * Ends of life: client_close_soon asks (the client is freed before the loop sleeps, when nobody
 * holds it), CLIENT_CLOSE_AFTER_REPLY waits until what it is owed has been sent. Nobody frees a
 * client while one of its commands runs. */
#ifndef SERVER_CLIENT_H
#define SERVER_CLIENT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/link.h"
#include "format/resp.h"
#include "os/loop.h"
#include "os/wire.h"
#include "server/output.h"
#include "store/offer.h"

struct acl_user;
struct block;
struct client_feed;
struct clients;
struct command_entry;
struct db;
struct held_command;
struct multi;
struct pushed;
struct server;
struct str;

enum {
    CLIENT_CLOSE_SOON = 1 << 0, CLIENT_CLOSE_AFTER_REPLY = 1 << 1,
    CLIENT_UNIX = 1 << 2, CLIENT_AUTHENTICATED = 1 << 3, CLIENT_IN_MULTI = 1 << 4,
    CLIENT_DIRTY_EXEC = 1 << 5,   /* a queued command was refused: EXEC will fail */
    CLIENT_DIRTY_CAS = 1 << 6,    /* a watched key was touched */
    CLIENT_REPLY_OFF = 1 << 7, CLIENT_REPLY_SKIP = 1 << 8, CLIENT_REPLY_SKIP_NEXT = 1 << 9,
    CLIENT_NO_EVICT = 1 << 10, CLIENT_NO_TOUCH = 1 << 11,
    CLIENT_PAUSED = 1 << 12,      /* has a held command and waits for the end of a pause */
    CLIENT_BLOCKED = 1 << 13,     /* a blocking command waits: no input is looked at */
    CLIENT_REPLICA = 1 << 14,
    CLIENT_PRIMARY = 1 << 15,     /* the link to our primary */
    CLIENT_PUBSUB = 1 << 16,      /* subscribed: RESP2 allows few commands */
    CLIENT_MONITOR = 1 << 17, CLIENT_FAKE = 1 << 18, CLIENT_READONLY = 1 << 19,
    CLIENT_TRACKING = 1 << 20, CLIENT_PROTOCOL_ERROR = 1 << 21,
    CLIENT_WRITE_WATCHED = 1 << 22, /* the socket was full */
    CLIENT_IN_HAND = 1 << 23,     /* its input is being worked on: nobody else looks at it */
    CLIENT_RESTRICTED = 1 << 24,  /* its user may not do everything: acl.h */
    CLIENT_TRACKING_BCAST = 1 << 25, CLIENT_TRACKING_BROKEN = 1 << 26,
    CLIENT_EXCEPTED = 1 << 27,    /* CLIENT CACHING */
    /* None of its commands runs. */
    CLIENT_STOPPED = CLIENT_CLOSE_SOON | CLIENT_CLOSE_AFTER_REPLY | CLIENT_BLOCKED | CLIENT_PAUSED,
};

/* Replies in front of the place end in out show what the log holds at position. */
struct client_stamp {
    uint64_t position, end;
};

struct client {
    struct link link;    /* all clients */
    struct link pending; /* those with replies to send before the loop sleeps; or held */
    struct link closing;
    uint64_t id;
    struct server *server;
    struct db *db;
    uint64_t flags;      /* CLIENT_*; from bit 32 on they are macros: enumerators are ints */
    int resp;            /* 2 or 3 */
    int busy;            /* a command of it runs: do not free */
    struct loop_io io;   /* fd -1: none */
    struct wire wire;    /* plain unless whoever let it in says otherwise */
    struct buf in;       /* input that is not yet a whole command */
    struct resp parser;
    struct str *big;     /* a large bulk is being read into it; NULL: none */
    struct output out;     /* replies */
    uint64_t released_end; /* in front of this place they may leave, by the gates */
    struct client_stamp *stamps; /* only while a gate is registered */
    size_t stamp_count, stamp_cap;
    uint64_t write_position;     /* of the log, behind the last thing it wrote */
    struct multi *multi; /* NULL until MULTI or WATCH */
    struct held_command *held;
    struct block *block; /* NULL: it does not wait */
    struct pushed *pushed; /* NULL: nothing was ever pushed to it; see push.h */
    struct client_feed *feed; /* NULL: none. Its owner's */
    void **slots;        /* features' state: see slots.h; NULL: none has any */
    struct command_entry *last_command;
    struct acl_user *user; /* NULL: the default user */
    int64_t created_us, active_us;   /* monotonic, as all that is waited by */
    int64_t soft_limit_since_us; /* 0: below */
    uint64_t redirect;   /* CLIENT_TRACKING: who is told in its place; 0: nobody */
    char *name, *lib_name, *lib_ver; /* NULL: none. client_set_text's */
    char *peer, *local;  /* "ip:port", made at accept */
    size_t text_bytes;   /* of these five */
    struct offer bigs;   /* large bulks, come whole, of the command that is being cut or runs */
};

struct client *client_new(struct clients *cs, int fd); /* fd -1: a fake one */
void client_free(struct client *c);
void client_close_soon(struct client *c);
/* Or behind the reply that it is owed for what it does just now. */
void client_close_answered(struct client *c);
/* Its output, or its feed, got bytes: they are sent before the loop sleeps. */
void client_want_send(struct client *c);
/* RESET: back to what a new connection is. */
void client_reset(struct client *c);
static inline void client_clear(struct client *c, uint64_t flags)
{
    c->flags &= ~flags;
}
void client_select(struct client *c, unsigned db);
size_t client_output_bytes(const struct client *c); /* not yet sent */
size_t client_memory(const struct client *c);
bool client_is_local(const struct client *c); /* loopback or unix socket */
/* A name or library word may hold no blanks and no unprintable bytes. */
bool client_name_ok(struct slice name);
void client_set_text(struct client *c, char **to, struct slice text); /* to: a text of c's */

#endif
