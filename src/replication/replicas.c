/* SPDX-License-Identifier: BSD-3-Clause */
/* The feed gives one kind of bytes at a time: the head, else of the data set, else of the
 * stream. */
#include "replication/replicas.h"

#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/must.h"
#include "os/clock.h"
#include "os/socket.h"
#include "replication/repl.h"
#include "replication/repl_config.h"
#include "replication/repl_stream.h"
#include "server/client.h"
#include "server/progress.h"
#include "server/role.h"
#include "server/server.h"
#include "server/slots.h"
#include "server/stats.h"

static int64_t now_ms(void)
{
    return clock_now.mono_us / 1000;
}

int64_t replica_lag_s(const struct replica *rep)
{
    return (now_ms() - rep->ack_ms) / 1000;
}

void replicas_count_good(struct replicas *rs)
{
    unsigned good = 0;
    LINK_FOR(pos, &rs->all) {
        const struct replica *rep = LINK_OF(pos, struct replica, link);
        good += rep->state == REPLICA_ONLINE &&
                replica_lag_s(rep) <= rs->repl->config->min_replicas_max_lag_s;
    }
    rs->good = good;
}

/* ---- the feed ---- */
static size_t head_left(const struct replica *rep)
{
    return rep->head.len - rep->head_sent;
}

/* Of the stream, what may leave now. */
static size_t stream_room(const struct replica *rep)
{
    int64_t end = repl_stream_sendable(rep->repl) + 1;
    return end > rep->stream.offset ? (size_t)(end - rep->stream.offset) : 0;
}

/* What a gate holds back (appendfsync always) does not leave as a part of the data set either. */
static bool may_receive(const struct replica *rep)
{
    return repl_stream_sendable(rep->repl) >= rep->stream.offset - 1;
}

static int feed_parts(void *arg, size_t most, struct iovec *to, int max)
{
    struct replica *rep = arg;
    if (rep->client->flags & CLIENT_CLOSE_SOON)
        return 0;
    if (head_left(rep)) {
        to[0].iov_base = rep->head.data + rep->head_sent;
        to[0].iov_len = head_left(rep) < most ? head_left(rep) : most;
        return 1;
    }
    if (rep->state == REPLICA_RECEIVES)
        return may_receive(rep) ? rep->source->parts(rep, most, to, max) : 0;
    if (rep->state != REPLICA_ONLINE || !rep->stream_on)
        return 0;
    size_t room = stream_room(rep);
    return backlog_parts(rep->repl->backlog, &rep->stream, room < most ? room : most, to, max);
}

static void feed_sent(void *arg, size_t n)
{
    struct replica *rep = arg;
    server_stats(rep->client->server)->replication_output_bytes += n;
    if (head_left(rep)) {
        must(n <= head_left(rep));
        rep->head_sent += n;
        if (!head_left(rep)) {
            buf_free(&rep->head);
            rep->head_sent = 0;
        }
    } else if (rep->state == REPLICA_RECEIVES) {
        rep->source->sent(rep, n);
    } else {
        backlog_take(rep->repl->backlog, &rep->stream, n);
    }
}

/* Its own part: what others may hold, too, but has to wait for it. */
static size_t feed_pending(const void *arg)
{
    const struct replica *rep = arg;
    return head_left(rep) + backlog_left(rep->repl->backlog, &rep->stream);
}

bool replica_has_some(const struct replica *rep)
{
    if (head_left(rep))
        return true;
    if (rep->state == REPLICA_RECEIVES)
        return rep->source->has_some(rep) && may_receive(rep);
    return rep->stream_on && backlog_left(rep->repl->backlog, &rep->stream) > 0 &&
           stream_room(rep) > 0;
}

void replica_tell(struct replica *rep, struct slice bytes)
{
    buf_add(&rep->head, bytes);
    client_want_send(rep->client);
}

/* ---- states ---- */
void replica_enter(struct replica *rep, enum replica_state state)
{
    rep->state = state;
    rep->since_ms = now_ms();
}

void replica_go_online(struct replica *rep, bool wait)
{
    char name[REPLICA_NAME_MAX];
    replica_enter(rep, REPLICA_ONLINE);
    rep->ack_ms = now_ms();
    rep->stream_on = !wait;
    if (rep->rdb_only) {
        log_notice("%s has the data set, and wanted nothing else: it goes",
                   replica_name(rep, name));
        client_close_soon(rep->client);
        return;
    }
    log_notice(wait ? "Streamed replica %s: it has the data set, and is waited for to load it"
                    : "Synchronization with replica %s succeeded", replica_name(rep, name));
    replicas_count_good(rep->repl->replicas);
    client_want_send(rep->client);
}

void replica_acknowledge(struct replica *rep, int64_t offset, int64_t disk_offset)
{
    struct replicas *rs = rep->repl->replicas;
    int64_t end = rep->repl->role->offset;
    offset = offset < end ? offset : end; /* nobody has more than there is */
    disk_offset = disk_offset < end ? disk_offset : end;
    bool moved = offset > rep->ack_offset || disk_offset > rep->disk_offset;
    rep->ack_offset = offset > rep->ack_offset ? offset : rep->ack_offset;
    rep->disk_offset = disk_offset > rep->disk_offset ? disk_offset : rep->disk_offset;
    rep->ack_ms = now_ms();
    if (rep->state == REPLICA_ONLINE && !rep->stream_on) {
        rep->stream_on = true;
        client_want_send(rep->client);
        log_notice("Synchronization with replica %s succeeded",
                   replica_name(rep, (char[REPLICA_NAME_MAX]){0}));
    }
    replicas_count_good(rs);
    if (moved)
        progress_moved(server_progress(rep->repl->server));
}

static void come(struct replicas *rs, struct replica *rep)
{
    must(!link_linked(&rep->link));
    link_push_back(&rs->all, &rep->link);
    if (!rs->count++)
        rs->ping_ms = now_ms();
    rs->none_since_ms = 0;
}

static void go(struct replicas *rs, struct replica *rep)
{
    if (!link_linked(&rep->link))
        return;
    link_remove(&rep->link);
    must(rs->count > 0);
    if (--rs->count == 0)
        rs->none_since_ms = now_ms();
    replicas_count_good(rs);
}

void replica_follow(struct replica *rep)
{
    struct client *c = rep->client;
    rep->feed = (struct client_feed){.parts = feed_parts, .sent = feed_sent,
                                     .pending = feed_pending, .arg = rep};
    c->feed = &rep->feed;
    c->flags |= CLIENT_REPLICA | CLIENT_REPLY_OFF;
    if (rep->repl->config->disable_nodelay && !(c->flags & CLIENT_UNIX))
        socket_set_nodelay(c->io.fd, false);
    come(rep->repl->replicas, rep);
}

void replica_refuse(struct replica *rep, const char *error)
{
    struct buf line = {0};
    buf_printf(&line, "-%s\r\n", error);
    replica_tell(rep, buf_slice(&line));
    buf_free(&line);
    replica_enter(rep, REPLICA_SPEAKS);
    go(rep->repl->replicas, rep);
    rep->client->flags |= CLIENT_CLOSE_AFTER_REPLY;
}

/* What it holds of others'. */
static void let_go(struct replica *rep)
{
    rep->client->feed = NULL;
    if (rep->source)
        rep->source->leave(rep);
    backlog_release(rep->repl->backlog, &rep->stream);
    rep->stream_on = false;
    go(rep->repl->replicas, rep);
}

void replica_drop(struct replica *rep)
{
    let_go(rep);
    replica_enter(rep, REPLICA_SPEAKS);
    client_close_soon(rep->client);
}

/* ---- who it is ---- */
const char *replica_address(const struct replica *rep, char ip[64], int64_t *port)
{
    *port = rep->port;
    if (rep->address && *rep->address) {
        snprintf(ip, 64, "%.63s", rep->address);
        return ip;
    }
    const char *peer = rep->client->peer, *colon = strrchr(peer, ':');
    size_t len = colon ? (size_t)(colon - peer) : strlen(peer);
    bool bracketed = len > 2 && peer[0] == '[' && peer[len - 1] == ']';
    snprintf(ip, 64, "%.*s", bracketed ? (int)len - 2 : (int)len, peer + bracketed);
    return ip;
}

const char *replica_name(const struct replica *rep, char out[REPLICA_NAME_MAX])
{
    char ip[64];
    int64_t port;
    replica_address(rep, ip, &port);
    if (port)
        snprintf(out, REPLICA_NAME_MAX, strchr(ip, ':') ? "[%s]:%lld" : "%s:%lld", ip,
                 (long long)port);
    else
        snprintf(out, REPLICA_NAME_MAX, "client id #%llu", (unsigned long long)rep->client->id);
    return out;
}

struct replica *replica_peek(const struct replicas *rs, const struct client *c)
{
    return slot_peek(c, rs->slot);
}

struct replica *replica_of(struct replicas *rs, struct client *c)
{
    struct replica *rep = slot_get(c, rs->slot);
    if (!rep->client) {
        rep->client = c;
        rep->repl = rs->repl;
        link_init(&rep->link);
        rep->disk_offset = -1;
    }
    return rep;
}

/* Its client has gone, or is another's again (RESET). */
static void release(struct client *c, void *state)
{
    struct replica *rep = state;
    must(rep->client == c);
    if (link_linked(&rep->link)) {
        log_notice("Connection with replica %s lost",
                   replica_name(rep, (char[REPLICA_NAME_MAX]){0}));
        let_go(rep);
    }
    buf_free(&rep->head);
    mem_free(rep->address);
}

static size_t state_bytes(const void *state)
{
    const struct replica *rep = state;
    return rep->head.cap + rep->chunk.cap + (rep->address ? mem_usable(rep->address) : 0);
}

/* They are to ask again how to go on. */
static void disconnect_all(void *arg)
{
    struct replicas *rs = arg;
    if (rs->count)
        log_notice("Replicas are disconnected, %u: they are to ask again how to go on", rs->count);
    LINK_FOR_SAFE(pos, &rs->all)
        replica_drop(LINK_OF(pos, struct replica, link));
}

struct replicas *replicas_new(struct repl *r)
{
    struct replicas *rs = mem_zalloc(sizeof *rs);
    rs->repl = r;
    link_init(&rs->all);
    rs->asked_offset = -1;
    repl_stream_on_break(r, disconnect_all, rs);
    rs->slot = slots_reserve(server_slots(r->server), sizeof(struct replica), release);
    slots_measure(server_slots(r->server), rs->slot, state_bytes);
    return rs;
}

/* Slots are released with their clients, when this has gone. */
void replicas_free(struct replicas *rs)
{
    disconnect_all(rs);
    must(rs->count == 0);
    mem_free(rs);
}
