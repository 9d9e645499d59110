/* SPDX-License-Identifier: BSD-3-Clause */
/* What a client's socket is watched for, and output. Replies are stamped with the log position they
 * show while there is a gate; what may leave is found by walking the stamps. Before the loop sleeps
 * small replies of all clients go together (loop_send_all), the others one by one. */
#include <errno.h>
#include <string.h>

#include "base/log.h"
#include "base/must.h"
#include "server/clients.h"
#include "server/conn.h"
#include "server/conn_parts.h"
#include "server/feed.h"
#include "server/hooks.h"
#include "server/pause.h"
#include "server/pushed.h"
#include "server/server.h"
#include "server/stats.h"

enum {
    SEND_MAX = 1 << 20, /* a turn: one slow reader of much must not starve others */
    SEND_PARTS = 64, KEEP_OUT = 16 * 1024,
};

/* ---- what the socket is watched for ---- */
bool conn_is_full(const struct client *c)
{
    return c->in.len >= CLIENT_UNAUTH_INPUT_MAX && client_must_auth(server_clients(c->server), c);
}

/* Level-triggered: the socket of a client that must wait would wake us for ever. */
void conn_watch(struct client *c)
{
    unsigned what = 0;
    if (c->io.fd < 0 || c->flags & CLIENT_CLOSE_SOON)
        return;
    if (!(c->flags & CLIENT_STOPPED))
        what |= LOOP_READ;
    if (c->flags & CLIENT_WRITE_WATCHED)
        what |= LOOP_WRITE;
    /* A client that waits and hangs up must be noticed, and its end comes behind all it sent. */
    if (c->flags & (CLIENT_BLOCKED | CLIENT_PAUSED) && !conn_is_full(c))
        what |= LOOP_READ;
    loop_watch(server_loop(c->server), &c->io, wire_watch(&c->wire, what));
}

/* ---- output ---- */
/* The place up to which out may leave: its end, or that of what is stamped at or below what the
 * gates released. */
static uint64_t allowed_end(struct client *c, uint64_t released)
{
    size_t passed = 0;
    while (passed < c->stamp_count && c->stamps[passed].position <= released)
        passed++;
    if (passed) {
        c->released_end = c->stamps[passed - 1].end;
        c->stamp_count -= passed;
        memmove(c->stamps, c->stamps + passed, c->stamp_count * sizeof *c->stamps);
    }
    if (!c->stamp_count)
        return output_end(&c->out);
    must(c->stamps[0].end >= c->released_end);
    return c->released_end;
}

/* What was pushed in the unit that is still open, when a peek from inside it sends. */
static bool has_unsettled(const struct client *c)
{
    return __builtin_expect(c->pushed && link_linked(&c->pushed->link), 0);
}

enum sent { SENT_ALL, SENT_FULL, SENT_BUDGET, SENT_FAILED };

/* What came of sending n bytes; *put says how many the socket took. */
static enum sent note_sent(struct client *c, ssize_t got, size_t n, size_t *put)
{
    struct stats *st = server_stats(c->server);
    *put = got > 0 ? (size_t)got : 0;
    if (got < 0 && got != -EAGAIN) {
        log_verbose("Can't write to a client: %s", wire_why(&c->wire, (int)got));
        return SENT_FAILED;
    }
    st->writes++;
    st->output_bytes += *put;
    return *put == n ? SENT_ALL : SENT_FULL;
}

/* What the socket does not take of what the wire has taken. */
static enum sent send_owed(struct client *c)
{
    size_t put;
    int rc = wire_flush(&c->wire, c->io.fd);
    return rc < 0 ? note_sent(c, rc, 0, &put) : wire_owed(&c->wire) ? SENT_FULL : SENT_ALL;
}

static enum sent send_parts(struct client *c, const struct iovec *parts, int count, size_t *put)
{
    size_t n = 0;
    for (int i = 0; i < count; i++)
        n += parts[i].iov_len;
    enum sent sent = note_sent(c, wire_sendv(&c->wire, c->io.fd, parts, count), n, put);
    return sent == SENT_ALL && wire_owed(&c->wire) ? SENT_FULL : sent;
}

/* What may leave of its own output, within a turn's budget. */
static enum sent send_up_to(struct client *c, uint64_t end, size_t *budget)
{
    enum sent sent = SENT_ALL;
    while (sent == SENT_ALL && c->out.sent_total < end) {
        struct iovec parts[SEND_PARTS];
        uint64_t left = end - c->out.sent_total;
        size_t most = left < *budget ? (size_t)left : *budget, put;
        int count = output_parts(&c->out, most, parts, SEND_PARTS);
        if (!count)
            return SENT_BUDGET;
        sent = send_parts(c, parts, count, &put);
        output_sent(&c->out, put, KEEP_OUT);
        *budget -= put;
    }
    return sent;
}

static enum sent send_feed(struct client *c, size_t *budget)
{
    enum sent sent = SENT_ALL;
    while (sent == SENT_ALL) {
        struct iovec parts[SEND_PARTS];
        size_t put;
        if (!*budget)
            return SENT_BUDGET;
        int count = c->feed->parts(c->feed->arg, *budget, parts, SEND_PARTS);
        if (!count)
            return SENT_ALL;
        sent = send_parts(c, parts, count, &put);
        c->feed->sent(c->feed->arg, put);
        *budget -= put;
    }
    return sent;
}

static bool has_unsent(const struct client *c)
{
    return output_unsent(&c->out) || (c->feed && c->feed->pending(c->feed->arg)) ||
           wire_owed(&c->wire);
}

/* The place up to which it may be sent now. */
static uint64_t sendable_end(struct client *c)
{
    uint64_t end = allowed_end(c, hooks_released_to(server_hooks(c->server), c));
    struct stats *st = server_stats(c->server);
    if (has_unsettled(c) && c->pushed->from < end)
        end = c->pushed->from;
    must(end <= output_end(&c->out));
    if (output_unsent(&c->out) > st->recent_output_max)
        st->recent_output_max = output_unsent(&c->out);
    return end;
}

/* What is to do behind it. */
static void have_sent(struct client *c, enum sent sent)
{
    if (sent == SENT_FAILED) {
        client_close_soon(c);
        return;
    }
    /* What a gate holds back is asked about when it opens; a full socket tells itself. */
    bool write_watch = sent != SENT_ALL;
    if (write_watch && client_must_auth(server_clients(c->server), c)) {
        log_verbose("Client closed: it has not authenticated and does not read");
        client_close_soon(c);
        return;
    }
    bool all = !has_unsent(c);
    if (all && c->flags & CLIENT_CLOSE_AFTER_REPLY)
        client_close_soon(c);
    if (write_watch != !!(c->flags & CLIENT_WRITE_WATCHED)) {
        c->flags ^= CLIENT_WRITE_WATCHED;
        conn_watch(c);
    }
    if (output_unsent(&c->out) && sent == SENT_ALL && !link_linked(&c->pending) &&
        !has_unsettled(c))
        link_push_back(&server_clients(c->server)->held, &c->pending);
}

void conn_send(struct client *c)
{
    size_t budget = SEND_MAX;
    enum sent sent = __builtin_expect(c->wire.ops != NULL, 0) ? send_owed(c) : SENT_ALL;
    if (sent == SENT_ALL)
        sent = send_up_to(c, sendable_end(c), &budget);
    if (sent == SENT_ALL && c->feed && !output_unsent(&c->out) &&
        !(pause_what(server_pauses(c->server)) & PAUSE_REPLICAS))
        sent = send_feed(c, &budget);
    have_sent(c, sent);
}

/* What lies in one piece and has no layer in between goes together with that of others. */
struct together {
    struct client *clients[LOOP_SENDS_MAX];
    struct loop_send sends[LOOP_SENDS_MAX];
    int count;
};

static void send_together(struct clients *cs, struct together *t)
{
    loop_send_all(server_loop(cs->server), t->sends, t->count);
    for (int i = 0; i < t->count; i++) {
        struct client *c = t->clients[i];
        size_t put;
        enum sent sent = note_sent(c, t->sends[i].got, t->sends[i].len, &put);
        output_sent(&c->out, put, KEEP_OUT);
        have_sent(c, sent);
    }
    t->count = 0;
}

/* False: it is sent by itself. */
static bool joins(struct together *t, struct client *c)
{
    struct iovec part;
    if (!c->io.stream || c->feed)
        return false;
    uint64_t left = sendable_end(c) - c->out.sent_total;
    if (!left || left > OUTPUT_BLOCK || output_parts(&c->out, (size_t)left, &part, 1) != 1 ||
        part.iov_len != left)
        return false;
    t->clients[t->count] = c;
    t->sends[t->count++] = (struct loop_send){c->io.fd, part.iov_base, part.iov_len, 0};
    return true;
}

void conn_retry_held(struct clients *cs)
{
    while (!link_empty(&cs->held)) {
        struct link *l = cs->held.next;
        link_remove(l);
        link_push_back(&cs->pending, l);
    }
}

void conn_give_up(struct client *c, const char *error)
{
    uint64_t end = allowed_end(c, hooks_released_to(server_hooks(c->server), c));
    if (!c->stamp_count)
        return;
    must(!has_unsettled(c) && !c->busy);
    output_cut(&c->out, end);
    buf_printf(&c->out.open, "-%s\r\n", error);
    c->stamp_count = 0;
    c->flags |= CLIENT_CLOSE_AFTER_REPLY;
    if (link_linked(&c->pending)) /* with those that are held back */
        link_remove(&c->pending);
    client_want_send(c);
}

void conn_flush_all(struct clients *cs)
{
    uint64_t released = hooks_released(server_hooks(cs->server));
    if (released != cs->held_released) {
        cs->held_released = released;
        conn_retry_held(cs);
    }
    struct together together;
    struct link later; /* in a peek: the reply of a command that runs is not all there yet */
    together.count = 0;
    link_init(&later);
    while (!link_empty(&cs->pending)) {
        struct client *c = LINK_OF(cs->pending.next, struct client, pending);
        link_remove(&c->pending);
        if (c->busy)
            link_push_back(&later, &c->pending);
        else if (!joins(&together, c))
            conn_send(c);
        if (together.count == LOOP_SENDS_MAX)
            send_together(cs, &together);
    }
    send_together(cs, &together);
    while (!link_empty(&later)) {
        struct link *l = later.next;
        link_remove(l);
        link_push_back(&cs->pending, l);
    }
}

void conn_flush_last(struct clients *cs)
{
    LINK_FOR(pos, &cs->all) {
        struct client *c = LINK_OF(pos, struct client, link);
        size_t before;
        if (c->io.fd < 0)
            continue;
        do {
            before = client_output_bytes(c);
            if (!(c->flags & CLIENT_CLOSE_SOON) && before)
                conn_send(c);
        } while (client_output_bytes(c) < before);
    }
}
