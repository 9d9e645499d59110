/* SPDX-License-Identifier: BSD-3-Clause */
/* open -> (closing, when asked) -> freed before the loop sleeps. A client that runs a command
 * (busy) stays in the closing list until it does not. */
#include "server/client.h"


#include "base/mem.h"
#include "base/must.h"
#include "os/clock.h"
#include "os/socket.h"
#include "server/blocked.h"
#include "server/clients.h"
#include "server/conn.h"
#include "server/ctx.h"
#include "server/hooks.h"
#include "server/feed.h"
#include "server/held.h"
#include "server/multi.h"
#include "server/pushed.h"
#include "server/server.h"
#include "server/slots.h"
#include "store/db.h"
#include "store/str.h"

static void name_ends(struct client *c)
{
    char name[SOCKET_NAME_MAX];
    c->peer = mem_strdup(c->io.fd < 0 ? "" : socket_peer_name(c->io.fd, name));
    c->local = mem_strdup(c->io.fd < 0 ? "" : socket_local_name(c->io.fd, name));
    c->text_bytes = mem_usable(c->peer) + mem_usable(c->local);
}

/* All begin as the default user. Who came while that had no password has proved enough; one that is
 * set later asks those who come later. */
static uint64_t first_flags(const struct clients *cs)
{
    return (cs->login ? 0 : CLIENT_AUTHENTICATED) | (cs->restricted ? CLIENT_RESTRICTED : 0);
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
    must(!table_find(&cs->by_id, slice(&c->id, sizeof c->id)));
    table_add(&cs->by_id, c);
    name_ends(c);
    if (fd < 0) {
        c->flags = CLIENT_FAKE | CLIENT_AUTHENTICATED;
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
    must(!c->busy && (!cs->running || cs->running->client != c));
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
    const void *removed = table_remove(&cs->by_id, slice(&c->id, sizeof c->id));
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

void client_close_answered(struct client *c)
{
    if (c->busy)
        c->flags |= CLIENT_CLOSE_AFTER_REPLY;
    else
        client_close_soon(c);
}

void client_want_send(struct client *c)
{
    if (c->io.fd >= 0 && !link_linked(&c->pending) && !(c->flags & CLIENT_CLOSE_SOON))
        link_push_back(&server_clients(c->server)->pending, &c->pending);
}

void client_reset(struct client *c)
{
    multi_discard(c);
    slots_drop_all(c);
    client_clear(c, CLIENT_AUTHENTICATED | CLIENT_REPLY_OFF | CLIENT_REPLY_SKIP |
                        CLIENT_REPLY_SKIP_NEXT | CLIENT_NO_EVICT | CLIENT_NO_TOUCH |
                        CLIENT_MONITOR | CLIENT_PUBSUB | CLIENT_TRACKING | CLIENT_READONLY |
                        CLIENT_RESTRICTED);
    c->user = NULL;
    c->flags |= first_flags(server_clients(c->server));
    client_select(c, 0);
    c->resp = 2;
    client_set_text(c, &c->name, (struct slice){0});
}

void client_select(struct client *c, unsigned db)
{
    c->db = keyspace_db(server_keyspace(c->server), db);
}

/* ---- what it is ---- */
bool client_is_local(const struct client *c)
{
    return c->io.fd < 0 || socket_is_local(c->io.fd);
}

size_t client_output_bytes(const struct client *c)
{
    size_t fed = c->feed ? c->feed->pending(c->feed->arg) : 0;
    return output_unsent(&c->out) + pushed_bytes(c) + fed + wire_owed(&c->wire);
}

size_t client_memory(const struct client *c)
{
    return sizeof *c + c->in.cap + (c->big ? c->big->cap : 0) + offer_memory(&c->bigs) +
           output_memory(&c->out) + resp_memory(&c->parser) + multi_memory(c) +
           pushed_memory(c) + slots_memory(c) + c->text_bytes +
           c->stamp_cap * sizeof *c->stamps + (c->held ? c->held->bytes : 0) +
           (c->block ? c->block->bytes : 0) + wire_look(&c->wire).memory;
}

bool client_name_ok(struct slice name)
{
    for (size_t i = 0; i < name.len; i++)
        if (name.data[i] < '!' || name.data[i] > '~')
            return false;
    return true;
}

void client_set_text(struct client *c, char **to, struct slice text)
{
    if (*to) {
        must(c->text_bytes >= mem_usable(*to));
        c->text_bytes -= mem_usable(*to);
        mem_free(*to);
    }
    *to = text.len ? mem_dup(text.data, text.len) : NULL;
    c->text_bytes += *to ? mem_usable(*to) : 0;
}
