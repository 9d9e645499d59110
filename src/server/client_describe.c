/* SPDX-License-Identifier: BSD-3-Clause */
#include "server/client_describe.h"

#include <limits.h>
#include <string.h>

#include "base/must.h"
#include "os/clock.h"
#include "server/acl_user.h"
#include "server/blocked.h"
#include "server/clients.h"
#include "server/command.h"
#include "server/conn.h"
#include "server/ctx.h"
#include "server/held.h"
#include "server/multi.h"
#include "server/pubsub.h"
#include "server/server.h"
#include "store/db.h"
#include "store/str.h"

static size_t put_flags(const struct client *c, char out[24])
{
    static const struct {
        uint64_t flag;
        char mark;
    } marks[] = {
        {CLIENT_PRIMARY, 'M'}, {CLIENT_PUBSUB, 'P'}, {CLIENT_IN_MULTI, 'x'},
        {CLIENT_BLOCKED | CLIENT_PAUSED, 'b'}, {CLIENT_TRACKING, 't'},
        {CLIENT_TRACKING_BROKEN, 'R'}, {CLIENT_TRACKING_BCAST, 'B'}, {CLIENT_DIRTY_CAS, 'd'},
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

/* Bytes of the words of the command that it runs, or that is held for it or waits. */
static size_t argv_bytes(const struct client *c)
{
    const struct ctx *running = server_clients(c->server)->running;
    size_t bytes = (c->held ? c->held->bytes : 0) + (c->block ? c->block->bytes : 0);
    if (running && running->client == c)
        for (int i = 0; i < running->argc; i++)
            bytes += running->argv[i].len;
    else
        bytes += offer_memory(&c->bigs); /* of which words of a running command are */
    return bytes;
}

static void describe_input(const struct client *c, struct buf *out)
{
    const struct clients *cs = server_clients(c->server);
    size_t used = c->in.len, room = c->in.cap;
    if (cs->shared_by == c) {
        used += cs->shared_len;
        room += CONN_READ_SIZE;
    }
    if (c->big) { /* a large word is read into a block of its own */
        used += c->big->len;
        room += c->big->cap;
    }
    must(used <= room);
    buf_printf(out, "qbuf=%zu qbuf-free=%zu argv-mem=%zu ", used, room - used, argv_bytes(c));
}

static void describe(const struct client *c, int most, struct buf *out)
{
    char flags[24], events[3] = "";
    int64_t now_us = clock_now.mono_us;
    put_flags(c, flags);
    if (c->io.watched & LOOP_READ)
        strcat(events, "r");
    if (c->io.watched & LOOP_WRITE)
        strcat(events, "w");
    buf_printf(out, "id=%llu addr=%s laddr=%s fd=%d name=%.*s age=%lld idle=%lld flags=%s db=%u ",
               (unsigned long long)c->id, c->peer, c->local, c->io.fd, most,
               c->name ? c->name : "",
               (long long)((now_us - c->created_us) / 1000000),
               (long long)((now_us - c->active_us) / 1000000), flags,
               c->db->id);
    const struct pubsub *ps = server_pubsub(c->server);
    buf_printf(out, "sub=%zu psub=%zu ssub=%zu multi=%d ",
               pubsub_of_client(ps, c, PUBSUB_CHANNEL), pubsub_of_client(ps, c, PUBSUB_PATTERN),
               pubsub_of_client(ps, c, PUBSUB_SHARD), multi_length(c));
    describe_input(c, out);
    buf_printf(out, "multi-mem=%zu ", multi_memory(c));
    describe_output(c, out);
    buf_printf(out, "tot-mem=%zu events=%s ", client_memory(c), events);
    buf_printf(out, "cmd=%s user=%.*s redir=%lld resp=%d lib-name=%.*s lib-ver=%.*s",
               c->last_command ? c->last_command->name : "NULL",
               most, c->user ? c->user->name : "default",
               c->flags & CLIENT_TRACKING ? (long long)c->redirect : -1LL, c->resp,
               most, c->lib_name ? c->lib_name : "", most, c->lib_ver ? c->lib_ver : "");
}

void client_describe(const struct client *c, struct buf *out)
{
    describe(c, INT_MAX, out);
}

void client_describe_short(const struct client *c, struct buf *out)
{
    describe(c, CLIENT_WORD_SHORT, out);
}
