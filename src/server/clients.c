/* SPDX-License-Identifier: BSD-3-Clause */
#include "server/clients.h"

#include "base/log.h"
#include "base/mem.h"
#include "base/must.h"
#include "os/clock.h"
#include "server/client_describe.h"
#include "server/conn.h"
#include "server/gate.h"
#include "server/server.h"
#include "server/stats.h"

enum { TICK_MIN = 5 };

static struct slice id_of(const void *item)
{
    const struct client *c = item;
    return slice(&c->id, sizeof c->id);
}

static const struct table_type by_id_type = {.key = id_of};

struct clients *clients_new(struct server *s)
{
    struct clients *cs = mem_zalloc(sizeof *cs);
    cs->server = s;
    link_init(&cs->all);
    table_init(&cs->by_id, &by_id_type);
    link_init(&cs->pending);
    link_init(&cs->held);
    link_init(&cs->woken);
    link_init(&cs->pushed);
    link_init(&cs->closing);
    cs->next_id = 1;
    cs->give_back_ms = CLIENT_GIVE_BACK_MS;
    cs->shared_in = mem_alloc(CONN_READ_SIZE);
    return cs;
}

void clients_free(struct clients *cs)
{
    while (!link_empty(&cs->all))
        client_free(LINK_OF(cs->all.next, struct client, link));
    must(cs->count + cs->fakes == 0 && cs->by_id.count == 0);
    must(cs->blocked_count == 0 && link_empty(&cs->closing));
    table_release(&cs->by_id);
    buf_free(&cs->unheard);
    buf_free(&cs->more_input);
    mem_free(cs->shared_in);
    mem_free(cs);
}

struct client *clients_find(const struct clients *cs, uint64_t id)
{
    return table_find(&cs->by_id, slice(&id, sizeof id));
}

void clients_free_closing(struct clients *cs)
{
    if (server_gates(cs->server)->shut & GATE_BUSY) /* a peek: somebody may stand at one of them */
        return;
    LINK_FOR_SAFE(pos, &cs->closing) {
        struct client *c = LINK_OF(pos, struct client, closing);
        must(c->flags & CLIENT_CLOSE_SOON);
        if (!c->busy)
            client_free(c);
    }
}

/* ---- classes ---- */

enum client_class client_class(const struct client *c)
{
    if (c->flags & CLIENT_PRIMARY)
        return CLIENT_CLASS_PRIMARY;
    if (c->flags & CLIENT_REPLICA && !(c->flags & CLIENT_MONITOR))
        return CLIENT_CLASS_REPLICA;
    return c->flags & CLIENT_PUBSUB ? CLIENT_CLASS_PUBSUB : CLIENT_CLASS_NORMAL;
}

static int64_t at_least(int64_t n, int64_t least)
{
    return n > least ? n : least;
}

bool client_check_output_limit(struct client *c, size_t more)
{
    struct clients *cs = server_clients(c->server);
    enum client_class k = client_class(c);
    size_t bytes = client_output_bytes(c) + more;
    if (k == CLIENT_CLASS_PRIMARY || c->flags & (CLIENT_CLOSE_SOON | CLIENT_FAKE))
        return false;
    must((size_t)k < sizeof cs->limits / sizeof *cs->limits);
    const struct client_limit *limit = &cs->limits[k];
    int64_t now_us = clock_now.mono_us, least = k == CLIENT_CLASS_REPLICA ? cs->replica_limit_least
                                                                          : 0;
    bool hard = limit->hard && (int64_t)bytes >= at_least(limit->hard, least);
    if (!limit->soft || (int64_t)bytes < at_least(limit->soft, least))
        c->soft_limit_since_us = 0;
    else if (!c->soft_limit_since_us)
        c->soft_limit_since_us = now_us;
    int64_t over_s = c->soft_limit_since_us ? (now_us - c->soft_limit_since_us) / 1000000 : -1;
    if (bytes > CLIENT_UNAUTH_OUTPUT_MAX && client_must_auth(cs, c)) {
        log_verbose("Client closed: it is owed too much for one that has not authenticated");
        server_stats(c->server)->output_buffer_limit++;
        client_close_soon(c);
        return true;
    }
    if (!hard && (over_s < 0 || over_s <= limit->soft_s))
        return false;
    struct buf line = {0};
    client_describe_short(c, &line);
    log_warning("Client %s scheduled to be closed ASAP for overcoming of output buffer limits "
                "(client-output-buffer-limit): %zu bytes", buf_cstr(&line), bytes);
    buf_free(&line);
    server_stats(c->server)->output_buffer_limit++;
    client_close_soon(c);
    return true;
}

/* ---- from cron ---- */

static void tick_one(struct clients *cs, struct client *c)
{
    int64_t idle_ms = (clock_now.mono_us - c->active_us) / 1000, idle_s = idle_ms / 1000;
    bool exempt = c->flags & (CLIENT_REPLICA | CLIENT_PRIMARY | CLIENT_BLOCKED | CLIENT_PUBSUB |
                              CLIENT_MONITOR | CLIENT_FAKE);
    if (c->flags & CLIENT_CLOSE_SOON || c->io.fd < 0)
        return;
    if (cs->timeout_s && !exempt && idle_s > cs->timeout_s) {
        log_verbose("Client closed: idle for longer than timeout");
        client_close_soon(c);
        return;
    }
    if (client_check_output_limit(c, 0))
        return;
    if (!cs->keeps_buffers && cs->give_back_ms >= 0 && idle_ms >= cs->give_back_ms) {
        if (!c->in.len)
            buf_free(&c->in);
        if (!output_unsent(&c->out))
            output_free(&c->out);
    }
}

/* A part of all each time, so that each is looked at about once a second. */
void clients_tick(struct clients *cs, unsigned share)
{
    unsigned n = (cs->count + share - 1) / share, total = cs->count + cs->fakes;
    n = n < TICK_MIN ? TICK_MIN : n;
    n = n > total ? total : n;
    for (unsigned i = 0; i < n; i++) {
        must(!link_empty(&cs->all)); /* the counts are those of the list */
        struct client *c = LINK_OF(cs->all.next, struct client, link);
        link_remove(&c->link); /* to the end: next time others are first */
        link_push_back(&cs->all, &c->link);
        tick_one(cs, c);
    }
}

/* ---- the end ---- */

/* A flag that is looked at in front of each command anyway. */
void clients_end_service(struct clients *cs)
{
    bool inside = server_gates(cs->server)->shut & GATE_BUSY; /* of a command that goes on */
    cs->over = true;
    LINK_FOR(pos, &cs->all) {
        struct client *c = LINK_OF(pos, struct client, link);
        if (inside && c->busy) /* what it does from here on is not kept, nor acknowledged */
            client_close_soon(c);
        else if (!(c->flags & CLIENT_FAKE))
            c->flags |= CLIENT_CLOSE_AFTER_REPLY;
    }
}
