/* SPDX-License-Identifier: BSD-3-Clause */
/* Input. What a client sends that has no half command left is run where the loop has received it,
 * or in one buffer shared by all: idle clients own no memory, and the bytes stay in the cache. What
 * is left of a half command is copied to the client's own buffer, and from then on it reads there
 * until nothing is left.
 *
 * Up to BATCH commands are cut before the first is run, and the memory of their keys is brought
 * closer together. A client that is blocked by one of them keeps the others: the parser is put back
 * to where they begin. A line of the inline form is cut alone, for cutting it changes its bytes. */
#include "server/conn.h"

#include <errno.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/must.h"
#include "os/clock.h"
#include "server/client_describe.h"
#include "server/clients.h"
#include "server/command.h"
#include "server/conn_parts.h"
#include "server/exec.h"
#include "server/gate.h"
#include "server/reply.h"
#include "server/server.h"
#include "server/stats.h"
#include "store/db.h"
#include "store/str.h"

enum {
    BATCH = 16,
    BIG_BULK = 32 * 1024,
    RESERVE_AT_ONCE = 1 << 20, PROVEN_TIMES = 15, /* of a bulk only announced so far */
    KEEP_IN = 64 * 1024,
    WORTH_READING = 1024,  /* before a read there is no less room than that */
};

struct planned {
    struct resp_command cut;
    struct command_entry *entry;
    size_t begin; /* offset of its first byte */
};

/* ---- large bulks ---- */
/* A bulk of OFFER_MIN bytes or more is read into a block of its own, of the kind a string value is
 * kept in, and taken over by the command that sets a key to it (store/offer.h). */
static size_t big_whole(const struct client *c)
{
    return (size_t)c->parser.bulk + 2; /* and the line's end */
}

/* A part of what was announced, that grows as it proves to come. */
static size_t big_room(const struct client *c, size_t got)
{
    size_t most = got < RESERVE_AT_ONCE ? RESERVE_AT_ONCE : got * PROVEN_TIMES;
    return big_whole(c) < most ? big_whole(c) : most;
}

/* What the client keeps ends in the middle of a large bulk: the bulk moves to its block. */
static void begin_big(struct client *c)
{
    const struct resp *r = &c->parser;
    if (r->missing == 0 || r->bulk < OFFER_MIN || c->big)
        return;
    size_t got = c->in.len - r->at;
    c->big = str_new(big_room(c, got));
    memcpy(c->big->bytes, c->in.data + r->at, got);
    c->big->len = got;
    c->in.len = r->at;
}

static ssize_t receive_to(struct client *c, void *to, size_t n)
{
    return c->io.stream ? loop_recv(server_loop(c->server), &c->io, to, n)
                        : wire_recv(&c->wire, c->io.fd, to, n);
}

static ssize_t receive_big(struct client *c)
{
    struct str *s = c->big;
    if (s->len == s->cap) {
        size_t cap = big_room(c, s->len);
        s = c->big = mem_realloc(s, sizeof *s + cap);
        s->cap = cap;
    }
    size_t left = big_whole(c) - s->len, room = s->cap - s->len;
    ssize_t got = receive_to(c, s->bytes + s->len, left < room ? left : room);
    s->len += got > 0 ? (size_t)got : 0;
    return got;
}

static bool big_has_come(struct client *c)
{
    if (c->big->len < big_whole(c))
        return false;
    c->big->len -= 2;
    resp_give(&c->parser, slice(c->big->bytes, c->big->len));
    offer_add(&c->bigs, c->big);
    c->big = NULL;
    return true;
}

static void run_with_big(struct client *c, struct command_entry *e, int argc,
                         const struct slice *argv)
{
    struct keyspace *ks = server_keyspace(c->server);
    ks->offered = &c->bigs;
    exec_command(c, e, argc, argv);
    ks->offered = NULL;
    offer_free(&c->bigs);
}

/* ---- input ---- */
static void protocol_error(struct client *c)
{
    struct ctx ctx;
    log_verbose("%s (client %llu, %s)", c->parser.error,
                (unsigned long long)c->id, c->peer);
    exec_fill_reply(server_exec(c->server), &ctx, c);
    reply_errorf(&ctx, "ERR %s", c->parser.error);
    c->flags |= CLIENT_CLOSE_AFTER_REPLY | CLIENT_PROTOCOL_ERROR;
    client_want_send(c);
}

static void prefetch(struct client *c, const struct planned *plan, int count)
{
    struct slice keys[BATCH];
    int n = 0;
    for (int i = 0; i < count; i++) {
        const struct command_entry *e = plan[i].entry;
        if (e && e->first_key && e->first_key < plan[i].cut.argc)
            keys[n++] = resp_argv(&c->parser, &plan[i].cut)[e->first_key];
    }
    if (n > 1)
        db_prefetch(c->db, keys, (size_t)n);
}

/* Puts the parser back to offset, a boundary between commands. */
static void rewind_to(struct resp *r, size_t offset)
{
    r->at = r->start = offset;
    r->used = r->first = r->seen = 0;
    r->missing = 0;
    r->bulk = -1;
}

/* Runs the whole commands in data. False when the rest must wait or the client goes. */
static bool run_plans(struct client *c, char *data, size_t len)
{
    struct commands *registry = server_commands(c->server);
    struct planned plan[BATCH];
    for (;;) {
        enum resp_got got = RESP_MORE;
        int count = 0, done = 0;
        bool alone = c->parser.unauthenticated;
        do {
            struct planned *p = &plan[count];
            size_t at = c->parser.at;
            p->begin = c->parser.start;
            if (count && data[at] != '*')
                break;
            alone |= at < len && data[at] != '*';
            got = resp_next(&c->parser, data, len, &p->cut);
            if (got != RESP_COMMAND)
                break;
            p->entry = commands_find(registry, resp_argv(&c->parser, &p->cut)[0]);
            count++;
        } while (!alone && count < BATCH && c->parser.at < len);
        if (count > 1)
            prefetch(c, plan, count);
        if (count)
            exec_read_clock(server_exec(c->server));
        while (done < count && !(c->flags & CLIENT_STOPPED)) {
            struct planned *p = &plan[done++];
            const struct slice *argv = resp_argv(&c->parser, &p->cut);
            if (__builtin_expect(c->bigs.count, 0)) /* they are parts of the first */
                run_with_big(c, p->entry, p->cut.argc, argv);
            else
                exec_command(c, p->entry, p->cut.argc, argv);
        }
        if (done < count) {
            must(!c->bigs.count && !c->parser.outside.data); /* the first has been run */
            rewind_to(&c->parser, plan[done].begin);
            return false;
        }
        resp_batch_done(&c->parser);
        if (c->flags & CLIENT_STOPPED) {
            if (got == RESP_BAD) /* it is met, and told, when the client goes on */
                rewind_to(&c->parser, plan[count].begin);
            return false;
        }
        if (got == RESP_BAD) {
            protocol_error(c);
            return false;
        }
        if (got == RESP_MORE)
            return true;
    }
}

/* What was not used of the shared buffer becomes the client's own. */
static void keep_rest(struct client *c, const char *data, size_t len)
{
    size_t start = c->parser.start;
    if (start == len && !resp_partial(&c->parser)) {
        c->parser.at = c->parser.start = 0;
        return;
    }
    must(c->in.len == 0);
    buf_append(&c->in, data + start, len - start);
    resp_moved(&c->parser, data + start, c->in.data, start);
}

static void drop_used(struct client *c)
{
    size_t start = c->parser.start;
    if (start == c->in.len && !resp_partial(&c->parser)) {
        c->parser.at = c->parser.start = 0;
        if (c->in.cap > KEEP_IN)
            buf_free(&c->in);
        buf_clear(&c->in);
    } else if (start) {
        const char *from = c->in.data + start;
        buf_drop_front(&c->in, start);
        resp_moved(&c->parser, from, c->in.data, start);
    }
}

/* Before AUTH the buffer grows only by what is read at a time, and not beyond what is kept. */
static size_t room_before_auth(struct client *c)
{
    size_t room = c->in.cap - c->in.len, most = CONN_READ_SIZE / 4;
    if (room < WORTH_READING && c->in.cap < CLIENT_UNAUTH_INPUT_MAX) {
        struct buf larger = {0};
        room = CLIENT_UNAUTH_INPUT_MAX - c->in.len;
        buf_reserve(&larger, c->in.len + (room < most ? room : most));
        buf_add(&larger, buf_slice(&c->in));
        if (c->in.data)
            resp_moved(&c->parser, c->in.data, larger.data, 0);
        buf_free(&c->in);
        c->in = larger;
    }
    return room < most ? room : most;
}

/* Room for the next read behind what the client holds. A large bulk gets its room at once, so that
 * its bytes are not copied again and again; a huge one as it proves to come. */
static size_t make_room(struct client *c)
{
    size_t wanted = resp_wanted(&c->parser, c->in.len);
    size_t room = CONN_READ_SIZE / 4;
    if (client_must_auth(server_clients(c->server), c))
        return room_before_auth(c);
    if (wanted >= BIG_BULK) {
        room = wanted;
        size_t most = c->in.len < RESERVE_AT_ONCE ? RESERVE_AT_ONCE : c->in.len * PROVEN_TIMES;
        room = room < most ? room : most;
    }
    if (c->in.cap - c->in.len >= room)
        return room;
    const char *old = c->in.data;
    buf_reserve(&c->in, room);
    if (old)
        resp_moved(&c->parser, old, c->in.data, 0);
    return room;
}

/* What a client with nothing of its own reads: it lies where the loop has it, or in the buffer that
 * is shared. */
static ssize_t receive_shared(struct client *c, struct loop_lent *lent)
{
    char *room = server_clients(c->server)->shared_in;
    if (c->io.stream)
        return loop_lend(server_loop(c->server), &c->io, room, CONN_READ_SIZE, lent);
    *lent = (struct loop_lent){room, -1};
    return wire_recv(&c->wire, c->io.fd, room, CONN_READ_SIZE);
}

/* How many bytes came, or what the reading ended with. */
static ssize_t receive(struct client *c, struct loop_lent *lent)
{
    struct stats *st = server_stats(c->server);
    ssize_t got;
    if (c->big) {
        got = receive_big(c);
    } else if (c->in.len == 0) {
        got = receive_shared(c, lent);
    } else {
        size_t room = make_room(c);
        got = receive_to(c, c->in.data + c->in.len, room);
    }
    if (got > 0) {
        st->input_bytes += (uint64_t)got;
        st->reads++;
        if ((size_t)got + c->in.len > st->recent_input_max)
            st->recent_input_max = (size_t)got + c->in.len;
        c->active_us = clock_now.mono_us;
    }
    return got;
}

/* Arguments that have come whole do not count, so a command of many may be larger. */
static bool is_over_query_limit(const struct client *c)
{
    size_t bytes = c->in.len - c->parser.at + (c->big ? c->big->len : 0);
    return (int64_t)bytes > server_clients(c->server)->query_buffer_limit;
}

static void over_query_limit(struct client *c)
{
    struct buf line = {0};
    client_describe_short(c, &line);
    log_warning("Closing client that reached max query buffer length (client-query-buffer-limit): "
                "%s", buf_cstr(&line));
    buf_free(&line);
    server_stats(c->server)->query_buffer_limit++;
    client_close_soon(c);
}

static bool run_input(struct client *c, char *data, size_t len)
{
    must(!(c->flags & CLIENT_IN_HAND));
    c->flags |= CLIENT_IN_HAND;
    bool all = run_plans(c, data, len);
    client_clear(c, CLIENT_IN_HAND);
    return all;
}

/* What lies in the client's own buffer. */
static void run_stored(struct client *c)
{
    run_input(c, c->in.data, c->in.len);
    drop_used(c);
    if (!(c->flags & CLIENT_STOPPED))
        begin_big(c);
}

static void tell_lost(const struct client *c, int err)
{
    const char *why = wire_why(&c->wire, err);
    if (wire_look(&c->wire).open)
        log_verbose("Can't read from a client: %s", why);
    else
        log_warning("Error accepting a client connection: %s (addr=%s laddr=%s)", why, c->peer,
                    c->local);
}

static void readable(struct client *c)
{
    struct clients *cs = server_clients(c->server);
    if (c->flags & CLIENT_STOPPED)
        return;
    if (conn_is_full(c)) {
        log_verbose("Client closed: it sent too much for one that has not authenticated");
        server_stats(c->server)->query_buffer_limit++;
        client_close_soon(c);
        return;
    }
    struct loop_lent lent;
    ssize_t got = receive(c, &lent);
    if (got == -EAGAIN)
        return;
    if (got <= 0) {
        if (got < 0)
            tell_lost(c, (int)got);
        client_close_soon(c);
        return;
    }
    c->parser.bulk_max = cs->bulk_max;
    c->parser.unauthenticated = client_must_auth(cs, c);
    if (c->in.len == 0) {
        cs->shared_by = c;
        cs->shared_len = (size_t)got;
        run_input(c, lent.data, (size_t)got);
        keep_rest(c, lent.data, (size_t)got);
        loop_lent_back(server_loop(c->server), &lent);
        cs->shared_by = NULL;
        if (!(c->flags & CLIENT_STOPPED))
            begin_big(c);
    } else {
        c->in.len += c->big ? 0 : (size_t)got;
        if (is_over_query_limit(c)) {
            over_query_limit(c);
            return;
        }
        if (c->big && !big_has_come(c))
            return;
        run_stored(c);
    }
}

/* Input of a client that waits is only stored, up to its limit. */
static void store_input(struct client *c)
{
    size_t room = make_room(c), most = CONN_READ_SIZE / 4;
    if (!room) /* it must authenticate first, and will not be watched */
        return;
    ssize_t got = receive_to(c, c->in.data + c->in.len, room < most ? room : most);
    if (got == -EAGAIN)
        return;
    if (got <= 0) {
        client_close_soon(c);
        return;
    }
    c->in.len += (size_t)got;
    server_stats(c->server)->input_bytes += (uint64_t)got;
    if (is_over_query_limit(c))
        over_query_limit(c);
}

/* Readable, writable: by its wire. */
static void serve(struct client *c, unsigned what)
{
    if (what & LOOP_WRITE && c->flags & CLIENT_WRITE_WATCHED)
        conn_send(c);
    if (what & LOOP_READ && !(c->flags & (CLIENT_CLOSE_SOON | CLIENT_CLOSE_AFTER_REPLY))) {
        if (c->flags & (CLIENT_BLOCKED | CLIENT_PAUSED))
            store_input(c);
        else
            readable(c);
        if (c->flags & CLIENT_STOPPED)
            conn_watch(c);
    }
}

void __attribute__((noinline)) conn_look_at_wire(struct client *c)
{
    struct clients *cs = server_clients(c->server);
    if (c->flags & CLIENT_CLOSE_SOON)
        return;
    conn_watch(c);
    if (wire_pending(&c->wire) && !(c->flags & CLIENT_STOPPED))
        buf_append(&cs->more_input, &c->id, sizeof c->id);
}

static void ready(void *arg, unsigned what)
{
    struct client *c = arg;
    const struct gates *gates = server_gates(c->server);
    /* A peek from inside its own command, or from one that its command woke; what the primary sends
     * is not done inside a command either. */
    if (c->busy || c->flags & CLIENT_IN_HAND ||
        (gates->shut & GATE_BUSY && c->flags & CLIENT_PRIMARY))
        return;
    serve(c, wire_events(&c->wire, what));
    if (__builtin_expect(c->wire.ops != NULL, 0))
        conn_look_at_wire(c);
}

void conn_stage(void *arg)
{
    struct clients *cs = arg;
    struct buf ids = cs->more_input;
    if (!ids.len)
        return;
    cs->more_input = (struct buf){0};
    for (size_t at = 0; at < ids.len && !cs->over; at += sizeof(uint64_t)) {
        uint64_t id;
        memcpy(&id, ids.data + at, sizeof id);
        struct client *c = clients_find(cs, id);
        if (!c || c->flags & CLIENT_CLOSE_SOON)
            continue;
        c->io.ready(c->io.arg, LOOP_READ);
    }
    buf_free(&ids);
    if (cs->more_input.len)
        loop_stay_awake(server_loop(cs->server));
}

void conn_resume(struct client *c)
{
    if (c->flags & CLIENT_STOPPED)
        return;
    if (c->in.len)
        run_stored(c);
    conn_watch(c);
    if (__builtin_expect(c->wire.ops != NULL, 0))
        conn_look_at_wire(c);
}

void conn_open(struct client *c)
{
    c->io.ready = ready;
    c->io.arg = c;
    c->io.stream = !c->wire.ops;
    int rc = loop_watch(server_loop(c->server), &c->io, wire_watch(&c->wire, LOOP_READ));
    if (rc < 0) {
        log_warning("Can't watch a client's socket: %s", strerror(-rc));
        client_close_soon(c);
    }
}
