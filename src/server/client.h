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
#include "containers/table.h"
#include "format/resp.h"
#include "os/loop.h"
#include "os/wire.h"
#include "server/output.h"
#include "store/offer.h"

struct block;
struct client_feed;
struct command_entry;
struct config;
struct db;
struct held_command;
struct multi;
struct pushed;
struct server;
struct str;

enum {
    CLIENT_CLOSE_SOON = 1 << 0,
    CLIENT_CLOSE_AFTER_REPLY = 1 << 1,
    CLIENT_UNIX = 1 << 2,
    CLIENT_AUTHENTICATED = 1 << 3,
    CLIENT_IN_MULTI = 1 << 4,
    CLIENT_DIRTY_EXEC = 1 << 5,   /* a queued command was refused: EXEC will fail */
    CLIENT_DIRTY_CAS = 1 << 6,    /* a watched key was touched */
    CLIENT_REPLY_OFF = 1 << 7,
    CLIENT_REPLY_SKIP = 1 << 8,   /* this command's reply is dropped */
    CLIENT_REPLY_SKIP_NEXT = 1 << 9,
    CLIENT_NO_EVICT = 1 << 10,
    CLIENT_NO_TOUCH = 1 << 11,
    CLIENT_PAUSED = 1 << 12,      /* has a held command and waits for the end of a pause */
    CLIENT_BLOCKED = 1 << 13,     /* a blocking command waits: no input is looked at */
    CLIENT_REPLICA = 1 << 14,
    CLIENT_PRIMARY = 1 << 15,     /* the link to our primary */
    CLIENT_PUBSUB = 1 << 16,      /* subscribed: RESP2 allows few commands */
    CLIENT_MONITOR = 1 << 17,
    CLIENT_FAKE = 1 << 18,
    CLIENT_READONLY = 1 << 19,
    CLIENT_TRACKING = 1 << 20,
    CLIENT_PROTOCOL_ERROR = 1 << 21,
    CLIENT_WRITE_WATCHED = 1 << 22, /* the socket was full */
};

/* Replies in front of the place end in out show what the log holds at position. */
struct client_stamp {
    uint64_t position, end;
};

enum { CLIENT_SLOTS_MAX = 16 };

struct client {
    struct link link;    /* all clients */
    struct link pending; /* those with replies to send before the loop sleeps; or held */
    struct link closing;
    uint64_t id;
    struct server *server;
    struct db *db;
    uint32_t flags;
    int resp;            /* 2 or 3 */
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
    int64_t created_us, active_us;   /* monotonic, as all that is waited by */
    int64_t soft_limit_since_us; /* 0: below */
    char *name, *lib_name, *lib_ver; /* NULL: none */
    char *peer, *local;  /* "ip:port", made at accept */
    size_t argv_bytes;   /* of the command that runs or is held */
    int busy;            /* a command of it runs: do not free */
    struct offer bigs;   /* large bulks, come whole, of the command that is being cut or runs */
};

/* What is kept for a client that must still say who it is; it is closed, too, when what it is owed
 * cannot leave at once. resp.h bounds what it may send, of which there is room for a command, and
 * for what is read at a time. */
enum { CLIENT_UNAUTH_OUTPUT_MAX = 64 * 1024, CLIENT_UNAUTH_INPUT_MAX = 192 * 1024 };

/* ---- all of them ---- */
enum client_class { CLIENT_CLASS_NORMAL, CLIENT_CLASS_REPLICA, CLIENT_CLASS_PUBSUB,
                    CLIENT_CLASS_PRIMARY, CLIENT_CLASSES };
struct client_limit {
    int64_t hard, soft, soft_s;
};
struct clients {
    struct server *server;
    struct link all, pending, closing;
    struct table by_id;    /* the same as all */
    struct link woken;     /* struct block's: their waiting is over */
    struct link pushed;    /* struct pushed's: got messages in the unit that is open */
    struct link held;      /* like pending, but gates hold the rest back */
    uint64_t held_released; /* what the gates said then */
    uint64_t next_id;
    unsigned count, fakes, blocked_count;
    char *shared_in;      /* one read's worth of input, for clients that keep none */
    struct buf more_input; /* ids of those whose wire holds input already */
    struct buf unheard;    /* the rest of replies that nobody will get; empty between commands */
    /* settings */
    int64_t max_clients, timeout_s, query_buffer_limit, bulk_max;
    struct client_limit limits[3];
    struct buf password;  /* requirepass, any bytes; empty: none */
    struct client *current; /* whose command runs */
    bool over;            /* the server ends: see clients_end_service */
};
struct clients *clients_new(struct server *s);
void clients_free(struct clients *cs);
void clients_config(struct clients *cs, struct config *cfg);

struct client *client_new(struct clients *cs, int fd); /* fd -1: a fake one */
void client_free(struct client *c);
void client_close_soon(struct client *c);
/* Its output, or its feed, got bytes: they are sent before the loop sleeps. */
void client_want_send(struct client *c);
/* RESET: back to what a new connection is. */
void client_reset(struct client *c);
static inline bool client_must_auth(const struct clients *cs, const struct client *c)
{
    return cs->password.len && !(c->flags & (CLIENT_AUTHENTICATED | CLIENT_FAKE));
}
void client_select(struct client *c, unsigned db);
struct client *clients_find(const struct clients *cs, uint64_t id);
enum client_class client_class(const struct client *c);
const char *client_class_name(enum client_class k);
size_t client_output_bytes(const struct client *c); /* not yet sent */
size_t client_memory(const struct client *c);
bool client_is_local(const struct client *c); /* loopback or unix socket */
/* One line of CLIENT LIST, without its end. */
void client_describe(const struct client *c, struct buf *out);
/* A name or library word may hold no blanks and no unprintable bytes. */
bool client_name_ok(struct slice name);
void client_set_text(char **to, struct slice text);

/* Before sleep: frees what may go. From cron: timeouts, soft limits, buffers given back. */
void clients_free_closing(struct clients *cs);
void clients_tick(struct clients *cs, unsigned share);
/* The server ends. No command of any client is run from here on, also not the rest of what was read
 * already; what they are owed may still be sent. */
void clients_end_service(struct clients *cs);
/* Closes the client when its output, and more bytes that are about to come, is over its class'
 * limit, or over CLIENT_UNAUTH_OUTPUT_MAX before it has said who it is. True when it did. */
bool client_check_output_limit(struct client *c, size_t more);

#endif
