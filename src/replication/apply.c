/* SPDX-License-Identifier: BSD-3-Clause */
/* The client's buffer begins with a unit, always: what stands in front of it has been run, and is
 * history. Up to BATCH commands are cut before the first is run, and their keys fetched together,
 * as conn.c does. */
#include "replication/apply.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "base/must.h"
#include "os/clock.h"
#include "persist/persist.h"
#include "persist/persist_setup.h"
#include "replication/repl.h"
#include "replication/repl_config.h"
#include "replication/repl_stream.h"
#include "server/clients.h"
#include "server/command.h"
#include "server/commit.h"
#include "server/conn.h"
#include "server/exec.h"
#include "server/gate.h"
#include "server/progress.h"
#include "server/role.h"
#include "server/server.h"
#include "server/stats.h"
#include "store/db.h"

enum {
    BATCH = 16,
    ROOM_MIN = 64 * 1024, ROOM_AT_ONCE = 1 << 20, /* of what is only announced so far */
    KEEP_IN = 1 << 20, READS_A_TURN = 16, TELL_EVERY_US = 1000000,
};
static const int64_t BULK_MAX = (int64_t)1 << 40; /* of a value: the primary has taken it */

struct planned {
    struct resp_command cut;
    struct command_entry *entry; /* NULL: there is no such command */
    size_t end; /* of its bytes, in the buffer */
};

/* ---- acknowledging ---- */

void apply_note_position(struct apply *a)
{
    struct apply_durable *d = &a->durable;
    uint64_t position = commit_position(server_commit(a->repl->server));
    int64_t offset = role_offset(a->repl->role);
    unsigned last = (d->first + d->count + APPLY_PAIRS - 1) % APPLY_PAIRS;
    must(d->count <= APPLY_PAIRS);
    if (d->count && d->pairs[last].offset == offset)
        return;
    bool same = d->count && d->pairs[last].position == position;
    if (!same && d->count < APPLY_PAIRS) {
        last = (d->first + d->count) % APPLY_PAIRS;
        d->count++;
    }
    d->pairs[last].position = position;
    d->pairs[last].offset = offset;
}

static void settle_durable(struct apply *a)
{
    struct apply_durable *d = &a->durable;
    struct progress *p = server_progress(a->repl->server);
    while (d->count && progress_copies(p, PROGRESS_DISK, d->pairs[d->first].position) > 0) {
        d->offset = d->pairs[d->first].offset;
        d->first = (d->first + 1) % APPLY_PAIRS;
        d->count--;
    }
}

static void put_number(struct buf *text, int64_t n)
{
    char digits[NUM_I64_TEXT];
    size_t len = num_format_i64(digits, n);
    buf_printf(text, "$%zu\r\n%s\r\n", len, digits);
}

void apply_ack(struct apply *a)
{
    struct client *c = a->client;
    struct buf text = {0};
    if (!c || c->flags & CLIENT_CLOSE_SOON)
        return;
    settle_durable(a);
    bool log = !progress_is_off(server_progress(a->repl->server), PROGRESS_DISK) &&
               a->durable.offset >= 0;
    buf_printf(&text, "*%d\r\n$8\r\nREPLCONF\r\n$3\r\nACK\r\n", log ? 5 : 3);
    put_number(&text, role_offset(a->repl->role));
    if (log) {
        buf_printf(&text, "$4\r\nFACK\r\n");
        put_number(&text, a->durable.offset);
    }
    server_stats(c->server)->replication_output_bytes += text.len;
    output_add(&c->out, &text);
    client_want_send(c);
    buf_free(&text);
}

/* ---- running ---- */

const char *apply_refusal(const struct repl *r)
{
    const char *why = r->persist->may_refuse ? persist_refusal(r->persist) : NULL;
    return r->config->ignore_disk_errors ? NULL : why;
}

/* False: what came stays unrun, and is asked for again when the disk works. */
static bool disk_takes_it(struct apply *a)
{
    const struct repl *r = a->repl;
    const char *why = r->persist->may_refuse ? persist_refusal(r->persist) : NULL;
    int64_t now = clock_mono_us();
    if (!why)
        return true;
    if (!r->config->ignore_disk_errors) {
        log_warning("Replica was unable to write command to disk: the link to the primary is cut "
                    "until it can. %s", why);
        client_close_soon(a->client);
        return false;
    }
    if (!a->told_disk_us || now - a->told_disk_us >= TELL_EVERY_US)
        log_warning("Replica is applying a command it is unable to write to disk.");
    a->told_disk_us = now;
    return true;
}

/* What succeeded there and fails here makes the data sets differ. */
static void tell_failure(struct apply *a, struct slice name)
{
    int64_t now = clock_mono_us();
    a->failed++;
    if (a->told_us && now - a->told_us < TELL_EVERY_US)
        return;
    a->told_us = now;
    log_warning("== CRITICAL == A command that the primary has done failed here: '%.*s'. The data "
                "sets may differ now (%llu such commands so far)",
                name.len < 64 ? (int)name.len : 64, name.data, (unsigned long long)a->failed);
}

/* What is about the link itself. */
static bool is_replconf(struct apply *a, int argc, const struct slice *argv)
{
    if (!slice_eq_nocase(argv[0], "replconf"))
        return false;
    a->ack_due |= argc > 1 && slice_eq_nocase(argv[1], "getack");
    return true;
}

static void run_one(struct apply *a, const struct planned *p)
{
    struct client *c = a->client;
    struct stats *st = server_stats(c->server);
    const struct slice *argv = resp_argv(&c->parser, &p->cut);
    uint64_t errors = st->error_replies;
    if (is_replconf(a, p->cut.argc, argv))
        return;
    exec_command(c, p->entry, p->cut.argc, argv);
    if (__builtin_expect(st->error_replies != errors, 0))
        tell_failure(a, argv[0]);
}

/* Of a unit that begins in the buffer at begins: it is logged with its last command. */
static void run_of_unit(struct apply *a, const struct planned *p, size_t begins)
{
    struct repl *r = a->repl;
    int64_t offset = role_offset(r->role);
    struct repl_unit unit = {.client = a->client, .from = offset + (int64_t)begins,
                             .to = offset + (int64_t)p->end, .db = a->client->db->id};
    must(!r->unit && begins < p->end);
    r->unit = &unit;
    run_one(a, p);
    r->unit = NULL;
}

/* The inline form is for people: of a primary only empty lines come so. */
static bool is_inline(const struct client *c)
{
    const char *data = c->in.data;
    size_t at = c->parser.at;
    return !resp_partial(&c->parser) && at < c->in.len && data[at] != '*' && data[at] != '\n' &&
           data[at] != '\r';
}

static enum resp_got cut(struct client *c, struct planned plan[BATCH], int *count)
{
    struct commands *registry = server_commands(c->server);
    enum resp_got got = RESP_MORE;
    *count = 0;
    while (*count < BATCH && c->parser.at < c->in.len) {
        struct planned *p = &plan[*count];
        if (is_inline(c)) {
            snprintf(c->parser.error, sizeof c->parser.error, "Protocol error: no array");
            return RESP_BAD;
        }
        got = resp_next(&c->parser, c->in.data, c->in.len, &p->cut);
        if (got != RESP_COMMAND)
            return got;
        p->entry = commands_find_given(registry, resp_argv(&c->parser, &p->cut)[0]);
        p->end = c->parser.at;
        ++*count;
    }
    return got;
}

static void prefetch(struct client *c, const struct planned *plan, int count)
{
    struct slice keys[BATCH];
    size_t n = 0;
    for (int i = 0; i < count; i++) {
        const struct command_entry *e = plan[i].entry;
        if (e && e->first_key > 0 && e->first_key < plan[i].cut.argc)
            keys[n++] = resp_argv(&c->parser, &plan[i].cut)[e->first_key];
    }
    if (n > 1)
        db_prefetch(c->db, keys, n);
}

/* Runs what is whole. Returns where the last unit of it ends. */
static size_t run_all(struct apply *a, bool *bad)
{
    struct client *c = a->client;
    size_t unit_end = 0;
    for (;;) {
        struct planned plan[BATCH];
        int count;
        enum resp_got got = cut(c, plan, &count);
        if (count && !disk_takes_it(a))
            count = 0;
        prefetch(c, plan, count);
        if (count)
            exec_read_clock(server_exec(c->server));
        for (int i = 0; i < count && !(c->flags & CLIENT_STOPPED); i++) {
            run_of_unit(a, &plan[i], unit_end);
            if (!(c->flags & CLIENT_IN_MULTI))
                unit_end = plan[i].end;
        }
        resp_batch_done(&c->parser);
        *bad = got == RESP_BAD;
        if (got != RESP_COMMAND || c->flags & CLIENT_STOPPED)
            break;
    }
    /* Empty lines behind a unit are history too. */
    if (!(c->flags & (CLIENT_IN_MULTI | CLIENT_STOPPED)) && c->parser.start > unit_end)
        unit_end = c->parser.start;
    return unit_end;
}

static void drop_front(struct client *c, size_t n)
{
    const char *from = c->in.data + n;
    if (!n)
        return;
    must(n <= c->parser.start);
    buf_drop_front(&c->in, n);
    resp_moved(&c->parser, from, c->in.data, n);
    if (!c->in.len && c->in.cap > KEEP_IN)
        buf_free(&c->in);
}

static void run_input(struct apply *a)
{
    struct client *c = a->client;
    bool bad;
    c->flags |= CLIENT_IN_HAND;
    size_t end = run_all(a, &bad);
    client_clear(c, CLIENT_IN_HAND);
    if (end)
        repl_stream_add(a->repl, slice(c->in.data, end));
    drop_front(c, end);
    a->repl->stream_db = c->db->id;
    if (a->ack_due) {
        a->ack_due = false;
        apply_ack(a);
    }
    if (bad) {
        log_warning("The stream of the primary can't be read on: %s", c->parser.error);
        client_close_soon(c);
    }
}

/* ---- receiving ---- */

static size_t make_room(struct client *c)
{
    size_t wanted = resp_wanted(&c->parser, c->in.len);
    size_t most = c->in.len < ROOM_AT_ONCE ? ROOM_AT_ONCE : c->in.len;
    wanted = wanted < most ? wanted : most;
    wanted = wanted < ROOM_MIN ? ROOM_MIN : wanted;
    const char *old = c->in.data;
    buf_reserve(&c->in, wanted);
    if (old && old != c->in.data)
        resp_moved(&c->parser, old, c->in.data, 0);
    return c->in.cap - c->in.len;
}

/* False: no more for now. */
static bool receive(struct apply *a)
{
    struct client *c = a->client;
    size_t room = make_room(c);
    ssize_t got = wire_recv(&c->wire, c->io.fd, c->in.data + c->in.len, room);
    if (got == -EAGAIN)
        return false;
    if (got <= 0) {
        if (got < 0)
            log_warning("Error reading from the primary: %s", wire_why(&c->wire, (int)got));
        client_close_soon(c);
        return false;
    }
    c->in.len += (size_t)got;
    c->active_us = clock_now.mono_us;
    a->heard_us = clock_mono_us();
    server_stats(c->server)->replication_input_bytes += (uint64_t)got;
    run_input(a);
    return (size_t)got == room;
}

static void ready(void *arg, unsigned what)
{
    struct apply *a = arg;
    struct client *c = a->client;
    /* From inside of a command nothing of the primary is done. */
    if (!c || c->busy || c->flags & CLIENT_IN_HAND ||
        server_gates(c->server)->shut & (GATE_BUSY | GATE_LOADING))
        return;
    if (what & LOOP_WRITE)
        client_want_send(c);
    for (int i = 0; i < READS_A_TURN && what & LOOP_READ; i++)
        if (c->flags & CLIENT_STOPPED || !receive(a))
            break;
    if (c->wire.ops)
        conn_look_at_wire(c);
}

/* ---- life ---- */

void apply_begin(struct apply *a, const struct apply_spec *spec)
{
    struct server *s = spec->repl->server;
    must(!a->client);
    a->repl = spec->repl;
    struct client *c = a->client = client_new(server_clients(s), spec->fd);
    c->wire = spec->wire;
    c->flags |= CLIENT_PRIMARY | CLIENT_AUTHENTICATED;
    client_clear(c, CLIENT_RESTRICTED);
    bool here = a->repl->stream_db < server_keyspace(s)->count;
    client_select(c, here ? a->repl->stream_db : 0);
    c->parser.bulk_max = BULK_MAX;
    c->io.ready = ready;
    c->io.arg = a;
    a->heard_us = clock_mono_us();
    a->durable = (struct apply_durable){.offset = -1};
    apply_note_position(a);
    loop_watch(server_loop(s), &c->io, wire_watch(&c->wire, LOOP_READ));
    apply_ack(a);
    if (spec->first.len) {
        buf_add(&c->in, spec->first);
        run_input(a);
    }
    if (c->wire.ops)
        conn_look_at_wire(c);
}

void apply_end(struct apply *a)
{
    struct client *c = a->client;
    must(!c || c->flags & CLIENT_PRIMARY);
    apply_lost(a);
    if (c)
        client_close_soon(c);
}

void apply_lost(struct apply *a)
{
    a->client = NULL;
}
