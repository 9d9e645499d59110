/* SPDX-License-Identifier: BSD-3-Clause */
/* open -> (closing, when asked) -> freed before the loop sleeps. A client that runs a command
 * (busy) stays in the closing list until it does not. */
#include "server/client.h"

#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/must.h"
#include "os/clock.h"
#include "os/socket.h"
#include "server/command.h"
#include "server/conn.h"
#include "server/hooks.h"
#include "server/feed.h"
#include "server/held.h"
#include "server/multi.h"
#include "server/pushed.h"
#include "server/server.h"
#include "server/slots.h"
#include "server/stats.h"
#include "store/db.h"

enum { IDLE_GIVE_BACK_S = 2, TICK_MIN = 5 };

/* ---- all of them ---- */
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
    buf_free(&cs->password);
    buf_free(&cs->unheard);
    buf_free(&cs->more_input);
    mem_free(cs->shared_in);
    mem_free(cs);
}

struct client *clients_find(const struct clients *cs, uint64_t id)
{
    return table_find(&cs->by_id, slice(&id, sizeof id));
}

static void name_ends(struct client *c)
{
    char name[SOCKET_NAME_MAX];
    c->peer = mem_strdup(c->io.fd < 0 ? "" : socket_peer_name(c->io.fd, name));
    c->local = mem_strdup(c->io.fd < 0 ? "" : socket_local_name(c->io.fd, name));
}

/* Who came while there was no password has proved enough; one that is set later asks those who come
 * later. */
static uint32_t first_flags(const struct clients *cs)
{
    return cs->password.len ? 0 : CLIENT_AUTHENTICATED;
}

struct client *client_new(struct clients *cs, int fd)
{
    struct client *c = mem_zalloc(sizeof *c);
    c->id = cs->next_id++;
    c->server = cs->server;
    c->db = keyspace_db(server_keyspace(cs->server), 0);
    c->resp = 2;
    c->flags = first_flags(cs);
    c->io.fd = fd;
    c->created_us = c->active_us = clock_now.mono_us;
    resp_init(&c->parser, cs->bulk_max);
    link_init(&c->pending);
    link_init(&c->closing);
    link_push_back(&cs->all, &c->link);
    must(!clients_find(cs, c->id));
    table_add(&cs->by_id, c);
    name_ends(c);
    if (fd < 0) {
        c->flags |= CLIENT_FAKE;
        cs->fakes++;
        return c;
    }
    cs->count++;
    if (socket_is_unix(fd))
        c->flags |= CLIENT_UNIX;
    hooks_client(server_hooks(cs->server), c, true);
    return c;
}

void client_free(struct client *c)
{
    struct clients *cs = server_clients(c->server);
    must(!c->busy && cs->current != c);
    if (c->flags & CLIENT_FAKE) {
        must(cs->fakes > 0);
        cs->fakes--;
    } else {
        must(cs->count > 0);
        hooks_client(server_hooks(c->server), c, false);
        cs->count--;
        loop_unwatch(server_loop(c->server), &c->io);
        wire_close(&c->wire, c->io.fd);
        socket_close(c->io.fd);
    }
    must(!c->block && !c->held);
    slots_drop_all(c);
    multi_free(c);
    const void *removed = table_remove(&cs->by_id, id_of(c));
    must(removed == c);
    link_remove(&c->link);
    link_remove(&c->pending);
    link_remove(&c->closing);
    resp_free(&c->parser);
    mem_free(c->big);
    offer_free(&c->bigs);
    buf_free(&c->in);
    output_free(&c->out);
    pushed_drop(c);
    mem_free(c->stamps);
    mem_free(c->name);
    mem_free(c->lib_name);
    mem_free(c->lib_ver);
    mem_free(c->peer);
    mem_free(c->local);
    mem_free(c);
}

void client_close_soon(struct client *c)
{
    if (c->flags & (CLIENT_CLOSE_SOON | CLIENT_FAKE))
        return;
    must(!link_linked(&c->closing));
    c->flags |= CLIENT_CLOSE_SOON;
    link_remove(&c->pending);
    link_push_back(&server_clients(c->server)->closing, &c->closing);
    loop_unwatch(server_loop(c->server), &c->io);
}

void client_want_send(struct client *c)
{
    if (c->io.fd >= 0 && !link_linked(&c->pending) && !(c->flags & CLIENT_CLOSE_SOON))
        link_push_back(&server_clients(c->server)->pending, &c->pending);
}

void clients_free_closing(struct clients *cs)
{
    LINK_FOR_SAFE(pos, &cs->closing) {
        struct client *c = LINK_OF(pos, struct client, closing);
        must(c->flags & CLIENT_CLOSE_SOON);
        if (!c->busy)
            client_free(c);
    }
}

void client_reset(struct client *c)
{
    multi_discard(c);
    slots_drop_all(c);
    c->flags &= ~(uint32_t)(CLIENT_AUTHENTICATED | CLIENT_REPLY_OFF | CLIENT_REPLY_SKIP |
                            CLIENT_REPLY_SKIP_NEXT | CLIENT_NO_EVICT | CLIENT_NO_TOUCH |
                            CLIENT_MONITOR | CLIENT_PUBSUB | CLIENT_TRACKING | CLIENT_READONLY);
    c->flags |= first_flags(server_clients(c->server));
    client_select(c, 0);
    c->resp = 2;
    mem_free(c->name);
    c->name = NULL;
}

void client_select(struct client *c, unsigned db)
{
    c->db = keyspace_db(server_keyspace(c->server), db);
}

/* ---- what it is ---- */
enum client_class client_class(const struct client *c)
{
    if (c->flags & CLIENT_PRIMARY)
        return CLIENT_CLASS_PRIMARY;
    if (c->flags & CLIENT_REPLICA && !(c->flags & CLIENT_MONITOR))
        return CLIENT_CLASS_REPLICA;
    return c->flags & CLIENT_PUBSUB ? CLIENT_CLASS_PUBSUB : CLIENT_CLASS_NORMAL;
}

const char *client_class_name(enum client_class k)
{
    static const char *const names[] = {"normal", "slave", "pubsub", "master"};
    return k < CLIENT_CLASSES ? names[k] : "normal";
}

bool client_is_local(const struct client *c)
{
    return c->io.fd < 0 || socket_is_local(c->io.fd);
}

size_t client_output_bytes(const struct client *c)
{
    size_t fed = c->feed ? c->feed->pending(c->feed->arg) : 0;
    return output_unsent(&c->out) + pushed_bytes(c) + fed;
}

size_t client_memory(const struct client *c)
{
    return sizeof *c + c->in.cap + (c->big ? c->big->cap : 0) + offer_memory(&c->bigs) +
           output_memory(&c->out) + resp_memory(&c->parser) + multi_memory(c) +
           pushed_memory(c) + c->stamp_cap * sizeof *c->stamps + (c->held ? c->held->bytes : 0);
}

static size_t put_flags(const struct client *c, char out[24])
{
    static const struct {
        uint32_t flag;
        char mark;
    } marks[] = {
        {CLIENT_PRIMARY, 'M'}, {CLIENT_PUBSUB, 'P'}, {CLIENT_IN_MULTI, 'x'},
        {CLIENT_BLOCKED | CLIENT_PAUSED, 'b'}, {CLIENT_TRACKING, 't'}, {CLIENT_DIRTY_CAS, 'd'},
        {CLIENT_CLOSE_AFTER_REPLY, 'c'}, {CLIENT_CLOSE_SOON, 'A'}, {CLIENT_UNIX, 'U'},
        {CLIENT_READONLY, 'r'}, {CLIENT_NO_EVICT, 'e'}, {CLIENT_NO_TOUCH, 'T'},
    };
    size_t n = 0;
    if (c->flags & CLIENT_MONITOR)
        out[n++] = 'O';
    else if (c->flags & CLIENT_REPLICA)
        out[n++] = 'S';
    for (size_t i = 0; i < sizeof marks / sizeof *marks; i++)
        if (c->flags & marks[i].flag)
            out[n++] = marks[i].mark;
    if (!n)
        out[n++] = 'N';
    must(n < 24);
    out[n] = '\0';
    return n;
}

/* As those who read CLIENT LIST know it: a first buffer of 16 KiB, and behind it a list of blocks
 * of that size. */
static void describe_output(const struct client *c, struct buf *out)
{
    enum { FIRST = 16 * 1024 };
    size_t bytes = client_output_bytes(c), first = bytes < FIRST ? bytes : FIRST;
    size_t memory = output_memory(&c->out), room = memory < FIRST ? memory : FIRST;
    buf_printf(out, "rbs=%zu rbp=%zu obl=%zu oll=%zu omem=%zu ", room, room, first,
               (bytes - first + FIRST - 1) / FIRST, bytes - first);
}

void client_describe(const struct client *c, struct buf *out)
{
    char flags[24], events[3] = "";
    int64_t now_us = clock_now.mono_us;
    put_flags(c, flags);
    if (c->io.watched & LOOP_READ)
        strcat(events, "r");
    if (c->io.watched & LOOP_WRITE)
        strcat(events, "w");
    buf_printf(out, "id=%llu addr=%s laddr=%s fd=%d name=%s age=%lld idle=%lld flags=%s db=%u ",
               (unsigned long long)c->id, c->peer, c->local, c->io.fd, c->name ? c->name : "",
               (long long)((now_us - c->created_us) / 1000000),
               (long long)((now_us - c->active_us) / 1000000), flags,
               c->db->id);
    buf_printf(out, "sub=0 psub=0 ssub=0 multi=%d qbuf=%zu qbuf-free=%zu argv-mem=%zu ",
               multi_length(c), c->in.len, c->in.cap - c->in.len, c->argv_bytes);
    buf_printf(out, "multi-mem=%zu ", multi_memory(c));
    describe_output(c, out);
    buf_printf(out, "tot-mem=%zu events=%s ", client_memory(c), events);
    buf_printf(out, "cmd=%s user=default redir=-1 resp=%d lib-name=%s lib-ver=%s",
               c->last_command ? c->last_command->name : "NULL", c->resp,
               c->lib_name ? c->lib_name : "", c->lib_ver ? c->lib_ver : "");
}

bool client_name_ok(struct slice name)
{
    for (size_t i = 0; i < name.len; i++)
        if (name.data[i] < '!' || name.data[i] > '~')
            return false;
    return true;
}

void client_set_text(char **to, struct slice text)
{
    mem_free(*to);
    *to = text.len ? mem_dup(text.data, text.len) : NULL;
}

/* ---- limits ---- */
bool client_check_output_limit(struct client *c, size_t more)
{
    struct clients *cs = server_clients(c->server);
    enum client_class k = client_class(c);
    size_t bytes = client_output_bytes(c) + more;
    if (k == CLIENT_CLASS_PRIMARY || c->flags & (CLIENT_CLOSE_SOON | CLIENT_FAKE))
        return false;
    must((size_t)k < sizeof cs->limits / sizeof *cs->limits);
    const struct client_limit *limit = &cs->limits[k];
    int64_t now_us = clock_now.mono_us;
    bool hard = limit->hard && (int64_t)bytes >= limit->hard;
    if (!limit->soft || (int64_t)bytes < limit->soft)
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
    client_describe(c, &line);
    log_warning("Client closed: its output is over client-output-buffer-limit: %s",
                buf_cstr(&line));
    buf_free(&line);
    server_stats(c->server)->output_buffer_limit++;
    client_close_soon(c);
    return true;
}

static void tick_one(struct clients *cs, struct client *c)
{
    int64_t idle_s = (clock_now.mono_us - c->active_us) / 1000000;
    bool exempt = c->flags & (CLIENT_REPLICA | CLIENT_PRIMARY | CLIENT_BLOCKED | CLIENT_PUBSUB |
                              CLIENT_FAKE);
    if (c->flags & CLIENT_CLOSE_SOON || c->io.fd < 0)
        return;
    if (cs->timeout_s && !exempt && idle_s > cs->timeout_s) {
        log_verbose("Client closed: idle for longer than timeout");
        client_close_soon(c);
        return;
    }
    if (client_check_output_limit(c, 0))
        return;
    if (idle_s >= IDLE_GIVE_BACK_S) {
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
    cs->over = true;
    LINK_FOR(pos, &cs->all) {
        struct client *c = LINK_OF(pos, struct client, link);
        if (!(c->flags & CLIENT_FAKE))
            c->flags |= CLIENT_CLOSE_AFTER_REPLY;
    }
}
