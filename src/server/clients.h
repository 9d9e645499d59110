/* SPDX-License-Identifier: BSD-3-Clause */
/* All clients, what they have in common, and what is done with them as a whole: found by id, looked
 * through from cron, freed before the loop sleeps, limited by their class. */
#ifndef SERVER_CLIENTS_H
#define SERVER_CLIENTS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/link.h"
#include "containers/table.h"
#include "server/client.h"

struct config;

/* What is kept for a client that must still say who it is; it is closed, too, when what it is owed
 * cannot leave at once. resp.h bounds what it may send, of which there is room for a command, and
 * for what is read at a time. */
enum { CLIENT_UNAUTH_OUTPUT_MAX = 64 * 1024, CLIENT_UNAUTH_INPUT_MAX = 192 * 1024 };

enum { CLIENT_GIVE_BACK_MS = 2000 };

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
    unsigned timed_count; /* of the blocked: for a time */
    char *shared_in;      /* one read's worth of input, for clients that keep none */
    const struct client *shared_by; /* whose lies there now, and how much; NULL: nobody's */
    size_t shared_len;
    struct buf more_input; /* ids of those whose wire holds input already */
    struct buf unheard;    /* the rest of replies that nobody will get; empty between commands */
    /* settings */
    int64_t max_clients, timeout_s, query_buffer_limit, bulk_max;
    struct client_limit limits[3];
    int64_t replica_limit_least; /* what is kept for replicas anyway (repl-backlog-size): a lower
                                  * limit of their class counts as that */
    /* The default user, which all are that do not say otherwise (acl.c): it is off or has a
     * password, so that they must; it has none; it may not do everything. */
    bool login, nopass, restricted;
    const struct ctx *running; /* the command that runs, and whose; NULL: none */
    const struct ctx *inner; /* the one that it runs, of a transaction or a script; NULL: none */
    bool over;            /* the server ends: see clients_end_service */
    /* Buffers of who was idle so long are given back. Negative, or kept: not at all. */
    int64_t give_back_ms;
    bool keeps_buffers;
};
struct clients *clients_new(struct server *s);
void clients_free(struct clients *cs);
void clients_config(struct clients *cs, struct config *cfg);

struct client *clients_find(const struct clients *cs, uint64_t id);
static inline bool client_must_auth(const struct clients *cs, const struct client *c)
{
    return cs->login && !(c->flags & (CLIENT_AUTHENTICATED | CLIENT_FAKE));
}

/* Before sleep: frees what may go. From cron: timeouts, soft limits, buffers given back. */
void clients_free_closing(struct clients *cs);
void clients_tick(struct clients *cs, unsigned share);
/* The server ends. No command of any client is run from here on, also not the rest of what was read
 * already; what they are owed may still be sent. */
void clients_end_service(struct clients *cs);

/* ---- classes ---- */
enum client_class client_class(const struct client *c);
/* Closes the client when its output, and more bytes that are about to come, is over its class'
 * limit, or over CLIENT_UNAUTH_OUTPUT_MAX before it has said who it is. True when it did. */
bool client_check_output_limit(struct client *c, size_t more);

#endif
