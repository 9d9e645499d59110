/* SPDX-License-Identifier: BSD-3-Clause */
#include "replication/wait_for_replicas.h"

#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/must.h"
#include "replication/repl.h"
#include "replication/repl_config.h"
#include "replication/repl_stream.h"
#include "replication/replicas.h"
#include "server/client.h"
#include "server/clients.h"
#include "server/commit.h"
#include "server/conn.h"
#include "server/ctx.h"
#include "server/hooks.h"
#include "server/progress.h"
#include "server/reply.h"
#include "server/role.h"
#include "server/server.h"
#include "server/slots.h"

enum { MARKS = 16, ERROR_MAX = 160 };

/* What had been written when. */
struct mark {
    uint64_t position;
    int64_t ms;
};

struct wait_for_replicas {
    struct repl *repl;
    int slot;
    unsigned connections; /* that want it for themselves */
    bool on;
    uint64_t held[WAIT_FOR_REPLICAS_MAX]; /* by i + 1 replicas; never goes back */
    struct mark marks[MARKS]; /* a ring, oldest first; a MARKS-th of the time limit apart */
    unsigned first, count;
    uint64_t given_up;
    char error[ERROR_MAX];
};

struct wish { /* a slot of its client */
    struct wait_for_replicas *of;
    unsigned replicas; /* 0: none of its own */
};

static unsigned wanted(const struct wait_for_replicas *w, const struct client *c)
{
    const struct wish *mine = slot_peek(c, w->slot);
    unsigned all = (unsigned)w->repl->config->wait_for_replicas;
    return mine && mine->replicas > all ? mine->replicas : all;
}

/* ---- what is held ---- */

static int64_t acknowledged(const struct repl *r, const struct replica *rep)
{
    return r->config->wait_for_disk ? rep->disk_offset : rep->ack_offset;
}

static bool counts(const struct replica *rep)
{
    return rep->state == REPLICA_ONLINE && rep->stream_on && !rep->old;
}

/* The largest offsets, most first; how many there are. */
static unsigned best_offsets(const struct repl *r, int64_t best[WAIT_FOR_REPLICAS_MAX])
{
    unsigned n = 0;
    LINK_FOR(pos, &r->replicas->all) {
        const struct replica *rep = LINK_OF(pos, struct replica, link);
        if (!counts(rep))
            continue;
        int64_t offset = acknowledged(r, rep);
        unsigned at = n < WAIT_FOR_REPLICAS_MAX ? n++ : n - 1;
        for (; at > 0 && best[at - 1] < offset; at--)
            best[at] = best[at - 1];
        best[at] = offset;
    }
    return n;
}

/* A replica acknowledged more. O(replicas * log). */
static void moved(void *arg)
{
    struct wait_for_replicas *w = arg;
    int64_t best[WAIT_FOR_REPLICAS_MAX];
    if (!w->on)
        return;
    unsigned n = best_offsets(w->repl, best);
    for (unsigned i = 0; i < n; i++) {
        uint64_t position = repl_stream_held(w->repl, best[i]);
        w->held[i] = position > w->held[i] ? position : w->held[i];
    }
    conn_retry_held(server_clients(w->repl->server));
}

/* A replica that comes back must not wait for itself. */
static uint64_t gate(void *arg, const struct client *c)
{
    const struct wait_for_replicas *w = arg;
    unsigned n = wanted(w, c);
    must(w->on && n <= WAIT_FOR_REPLICAS_MAX);
    bool free = !n || w->repl->role->is_replica || replica_peek(w->repl->replicas, c);
    return free ? UINT64_MAX : w->held[n - 1];
}

/* ---- who may write ---- */

static unsigned online(const struct repl *r)
{
    unsigned n = 0;
    LINK_FOR(pos, &r->replicas->all)
        n += counts(LINK_OF(pos, struct replica, link));
    return n;
}

static const char *admit(void *arg, struct ctx *c, const struct command_entry *e)
{
    struct wait_for_replicas *w = arg;
    unsigned n = wanted(w, c->client), have = online(w->repl);
    (void)e;
    if (w->repl->role->is_replica || have >= n)
        return NULL;
    snprintf(w->error, sizeof w->error, "NOREPLICAS %u of the %u replicas are online that are to "
             "have what is written", have, n);
    return w->error;
}

/* ---- how long ---- */

static void mark(struct wait_for_replicas *w, int64_t now_ms)
{
    const struct mark *last = &w->marks[(w->first + w->count - 1) % MARKS];
    uint64_t position = commit_position(server_commit(w->repl->server));
    int64_t apart_ms = w->repl->config->wait_for_timeout_ms / MARKS;
    bool new = !w->count || (position > last->position && now_ms - last->ms >= apart_ms);
    if (!new || w->count == MARKS)
        return;
    w->marks[(w->first + w->count++) % MARKS] = (struct mark){position, now_ms};
}

/* The position whose time is over, 0: there is none. */
static uint64_t take_overdue(struct wait_for_replicas *w, int64_t now_ms)
{
    uint64_t position = 0;
    while (w->count && now_ms - w->marks[w->first].ms > w->repl->config->wait_for_timeout_ms) {
        position = w->marks[w->first].position;
        w->first = (w->first + 1) % MARKS;
        w->count--;
    }
    return position;
}

static bool waits_in_vain(struct wait_for_replicas *w, const struct client *c, uint64_t position)
{
    uint64_t held = gate(w, c);
    size_t i = 0;
    while (i < c->stamp_count && c->stamps[i].position <= held)
        i++;
    return i < c->stamp_count && c->stamps[i].position <= position && c->io.fd >= 0 &&
           !(c->flags & CLIENT_CLOSE_SOON);
}

static void give_up(struct wait_for_replicas *w, uint64_t position)
{
    LINK_FOR_SAFE(pos, &server_clients(w->repl->server)->all) {
        struct client *c = LINK_OF(pos, struct client, link);
        char error[ERROR_MAX];
        if (!waits_in_vain(w, c, position))
            continue;
        snprintf(error, sizeof error, "NOREPLICAS %u replicas did not acknowledge in %lld ms what "
                 "this shows: it is done here, and may be lost", wanted(w, c),
                 (long long)w->repl->config->wait_for_timeout_ms);
        conn_give_up(c, error);
        w->given_up++;
    }
}

static void tick(void *arg, int64_t now_ms)
{
    struct wait_for_replicas *w = arg;
    if (!w->on)
        return;
    mark(w, now_ms);
    uint64_t position = take_overdue(w, now_ms);
    if (position)
        give_up(w, position);
}

/* ---- on and off ---- */

static void begin(struct wait_for_replicas *w)
{
    struct hooks *hooks = server_hooks(w->repl->server);
    uint64_t position = commit_position(server_commit(w->repl->server));
    must(!w->on);
    w->on = true;
    w->count = 0;
    for (unsigned i = 0; i < WAIT_FOR_REPLICAS_MAX; i++)
        w->held[i] = position;
    hooks_on_client_gate(hooks, gate, w);
    hooks_set_admit(hooks, w, CMD_WRITE);
}

static void end(struct wait_for_replicas *w)
{
    struct hooks *hooks = server_hooks(w->repl->server);
    must(w->on && !w->connections);
    w->on = false;
    hooks_off_client_gate(hooks, w);
    hooks_set_admit(hooks, w, 0);
    conn_retry_held(server_clients(w->repl->server));
}

static void settle(void *arg)
{
    struct wait_for_replicas *w = arg;
    bool on = w->repl->config->wait_for_replicas || w->connections;
    if (on && !w->on)
        begin(w);
    else if (!on && w->on)
        end(w);
    else if (on)
        moved(w); /* fewer may do from here on */
}

static void set_wish(struct wish *mine, unsigned n)
{
    struct wait_for_replicas *w = mine->of;
    must(w && n <= WAIT_FOR_REPLICAS_MAX);
    w->connections += (n > 0) - (mine->replicas > 0);
    mine->replicas = n;
    settle(w);
}

static void release(struct client *c, void *state)
{
    struct wish *mine = state;
    (void)c;
    if (mine->of)
        set_wish(mine, 0);
}

static void cmd_wait_for(struct ctx *c)
{
    struct repl *r = c->arg;
    struct wait_for_replicas *w = r->wait_for;
    int64_t n;
    if (!ctx_arg_range(c, 2, 0, WAIT_FOR_REPLICAS_MAX, &n,
                       "ERR value is out of range, must be between 0 and 64"))
        return;
    struct wish *mine = slot_get(c->client, w->slot);
    mine->of = w;
    set_wish(mine, (unsigned)n);
    reply_ok(c);
}

static const struct command subs[] = {
    {.name = "wait-for-replicas", .run = cmd_wait_for, .arity = 3,
     .flags = CMD_NOSCRIPT | CMD_LOADING | CMD_STALE, .categories = CAT_CONNECTION,
     .group = "connection", .since = "7.2.0",
     .summary = "Holds back the connection's replies until so many replicas have what they show",
     .complexity = "O(1)",
     .args = "numreplicas:integer"},
    {.name = NULL}};

bool wait_for_replicas_is_on(const struct wait_for_replicas *w)
{
    return w->on;
}

uint64_t wait_for_replicas_given_up(const struct wait_for_replicas *w)
{
    return w->given_up;
}

struct wait_for_replicas *wait_for_replicas_new(struct repl *r)
{
    struct wait_for_replicas *w = mem_zalloc(sizeof *w);
    struct hooks *hooks = server_hooks(r->server);
    w->repl = r;
    w->slot = slots_reserve(server_slots(r->server), sizeof(struct wish), release);
    commands_add_subs(server_commands(r->server), "client", subs, r);
    hooks_on_admit(hooks, admit, w, 1 << FROM_CLIENT | 1 << FROM_SCRIPT | 1 << FROM_MODULE, 0);
    hooks_on_tick(hooks, tick, w);
    progress_on_moved(server_progress(r->server), moved, w);
    repl_config_on_change(r->config, settle, w);
    return w;
}

void wait_for_replicas_free(struct wait_for_replicas *w)
{
    LINK_FOR(pos, &server_clients(w->repl->server)->all)
        slot_drop(LINK_OF(pos, struct client, link), w->slot);
    mem_free(w);
}
