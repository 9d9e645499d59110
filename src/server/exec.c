/* SPDX-License-Identifier: BSD-3-Clause */
/* One command, from words to log:
 *
 *   exists? -> admitted (admit.c)? -> paused? hold it -> in MULTI? queue it
 *      -> run -> log what it changed -> numbers -> end of the unit
 *
 * A unit is what becomes one batch of the log: a command with its side effects (expired keys), or
 * all of a transaction. depth counts how many are open; the outermost ends the batch. The order of
 * the checks is that of Redis, as clients can see it in which error wins. */
#include "server/exec.h"

#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/must.h"
#include "os/clock.h"
#include "server/clients.h"
#include "server/command.h"
#include "server/commit.h"
#include "server/exec_parts.h"
#include "server/gate.h"
#include "server/held.h"
#include "server/hooks.h"
#include "server/multi.h"
#include "server/pause.h"
#include "server/reply.h"
#include "server/rights.h"
#include "server/server.h"
#include "server/settings.h"
#include "server/spikes.h"
#include "server/stats.h"



struct exec *exec_new(struct server *s)
{
    struct exec *x = mem_zalloc(sizeof *x);
    x->server = s;
    x->clients = server_clients(s);
    x->pauses = server_pauses(s);
    x->commit = server_commit(s);
    x->hooks = server_hooks(s);
    x->keyspace = server_keyspace(s);
    x->stats = server_stats(s);
    x->settings = server_settings(s);
    x->admit_flags = hooks_admit_flags(x->hooks);
    x->calm = hooks_calm(x->hooks);
    x->gates = server_gates(s);
    x->observe_from_us = INT64_MAX;
    link_init(&x->after);
    link_init(&x->after_next);
    return x;
}

void exec_free(struct exec *x)
{
    buf_free(&x->dropped);
    mem_free(x);
}

struct command_entry *exec_resolve(struct command_entry *entry, int argc, const struct slice *argv)
{
    if (!entry->sub_count || argc < 2)
        return entry;
    struct command_entry *sub = command_find_sub(entry, argv[1]);
    return sub ? sub : entry->row.run ? entry : NULL;
}

void exec_set_rights(struct exec *x, const struct rights *rights)
{
    x->rights = rights;
}

/* ---- units ---- */
void exec_begin_unit(struct exec *x)
{
    if (x->depth++)
        return;
    /* The wall clock moved on by as much as the monotonic one since the turn began. */
    x->keyspace->now_ms =
        (clock_now.wall_us + (x->now_us - clock_now.mono_us)) / 1000;
}

static void end_unit(struct exec *x)
{
    must(x->depth > 0);
    if (--x->depth)
        return;
    commit_end(x->commit, x->keyspace->now_ms, !x->loose);
    x->loose = false;
}

void exec_set_delivery(struct exec *x, void (*deliver)(struct clients *cs))
{
    x->deliver = deliver;
}

void exec_after_unit(struct exec *x, struct unit_job *job)
{
    bool by_job = x->running_jobs && !x->depth;
    if (!link_linked(&job->link))
        link_push_back(by_job ? &x->after_next : &x->after, &job->link);
}

/* A job opens units of its own, whose jobs come behind those that are there. */
static void __attribute__((noinline)) do_run_jobs(struct exec *x)
{
    x->deliver(x->clients);
    if (x->running_jobs)
        return;
    x->running_jobs = true;
    while (!link_empty(&x->after)) {
        struct link *l = x->after.next;
        link_remove(l);
        struct unit_job *job = LINK_OF(l, struct unit_job, link);
        job->run(job);
        must(x->depth == 0);
    }
    x->running_jobs = false;
    while (!link_empty(&x->after_next)) {
        struct link *l = x->after_next.next;
        link_remove(l);
        link_push_back(&x->after, l);
    }
}

/* Behind a unit and what belongs to it: first what was pushed meanwhile. */
static inline void run_jobs(struct exec *x)
{
    bool idle = link_empty(&x->clients->pushed) && link_empty(&x->after);
    if (!__builtin_expect(idle, 1) && !x->depth)
        do_run_jobs(x);
}

void exec_end_unit(struct exec *x)
{
    end_unit(x);
    run_jobs(x);
}

void exec_begin_loose(struct exec *x)
{
    x->now_us = clock_near_us();
    exec_begin_unit(x);
    x->loose = x->loose || x->depth == 1;
}

void exec_cut_unit(struct exec *x)
{
    if (x->depth == 1)
        commit_end(x->commit, x->keyspace->now_ms, false);
}

void exec_loose_step(struct exec *x)
{
    if (commit_is_long(x->commit))
        exec_cut_unit(x);
}

void exec_end_loose(struct exec *x)
{
    exec_end_unit(x);
}

/* ---- observers ---- */
static void observe_from(struct exec *x)
{
    x->observe_from_us = INT64_MAX;
    for (int i = 0; i < x->observer_count; i++)
        if (x->observers[i].from_us < x->observe_from_us)
            x->observe_from_us = x->observers[i].from_us;
}

void exec_observe(struct exec *x, unsigned what, int64_t from_us, exec_observer *f, void *arg)
{
    must(x->observer_count < OBSERVERS_MAX && from_us >= 0 && what);
    x->observers[x->observer_count++] = (struct observer){f, arg, what, from_us};
    observe_from(x);
}

void exec_unobserve(struct exec *x, const void *arg)
{
    int kept = 0;
    for (int i = 0; i < x->observer_count; i++)
        if (x->observers[i].arg != arg)
            x->observers[kept++] = x->observers[i];
    x->observer_count = kept;
    observe_from(x);
}

static void __attribute__((noinline)) tell_observers(struct exec *x, const struct ctx *ctx,
                                                     const struct command_entry *e, uint64_t took)
{
    unsigned what = ctx->flags & CTX_WAITS ? OBSERVE_WAITING : OBSERVE_ANSWERED;
    unsigned again = ctx->flags & CTX_AGAIN ? OBSERVE_AGAIN : 0;
    for (int i = 0; i < x->observer_count; i++) {
        const struct observer *o = &x->observers[i];
        if (took >= (uint64_t)o->from_us && o->what & what && (o->what & again) == again)
            o->f(o->arg, ctx, e, took);
    }
}

/* ---- a call ---- */
enum { SAYS_LITTLE = CLIENT_REPLY_OFF | CLIENT_REPLY_SKIP | CLIENT_CLOSE_SOON | CLIENT_PRIMARY };

static void __attribute__((noinline)) hush(struct ctx *ctx)
{
    reply_to_nobody(ctx);
    if (ctx->client->flags & CLIENT_PRIMARY)
        ctx->from = FROM_PRIMARY;
}

/* Member by member: compilers clear a whole one by an instruction for long blocks, which takes as
 * long as a look-up of a key. */
void exec_fill(struct exec *x, struct ctx *ctx, struct client *c, int argc,
               const struct slice *argv)
{
    ctx->server = x->server;
    ctx->client = c;
    ctx->keyspace = x->keyspace;
    ctx->db = c->db;
    ctx->command = NULL;
    ctx->arg = NULL;
    ctx->out = &c->out.open;
    ctx->output = &c->out;
    ctx->argc = argc;
    ctx->resp = c->resp;
    ctx->argv = argv;
    ctx->now_ms = x->keyspace->now_ms;
    ctx->dirty = 0;
    ctx->out_most = OUTPUT_FULL;
    ctx->flags = 0;
    ctx->command_flags = 0;
    ctx->from = FROM_CLIENT;
    ctx->scope = TO_ALL;
    ctx->redacted = 0;
    if (__builtin_expect(c->flags & SAYS_LITTLE, 0))
        hush(ctx);
}

void exec_set_command(struct ctx *ctx, const struct command_entry *e)
{
    ctx->command = &e->row;
    ctx->arg = e->arg;
    ctx->command_flags = e->row.flags_of ? e->row.flags_of(ctx) : e->row.flags;
}

/* The handler, then what is logged of it, then its numbers. */
/* errors: replied by all calls before it. */
static inline void count_call(struct exec *x, const struct ctx *ctx, struct command_entry *e,
                              uint64_t took, uint64_t errors)
{
    e->stats.calls++;
    x->stats->command_us += took;
    x->stats->commands++;
    if (x->settings->latency_tracking)
        latency_add(&e->stats.latency, took);
    if (ctx->flags & CTX_FAILED && x->stats->error_replies > errors)
        e->stats.failed++;
}

void exec_run(struct exec *x, struct ctx *ctx, struct command_entry *e)
{
    int64_t began = x->now_us;
    uint64_t errors = x->stats->error_replies;
    x->keyspace->no_touch = ctx->client->flags & CLIENT_NO_TOUCH;
    e->row.run(ctx);
    if (ctx->dirty && !(ctx->flags & CTX_LOADING)) {
        commit_add_dirty(x->commit, ctx->dirty);
        if (!(ctx->flags & CTX_LOG_REPLACED))
            ctx_log_as_given(ctx);
    }
    if (ctx->flags & CTX_LOADING) /* it was counted when a client called it */
        return;
    x->now_us = clock_near_us();
    uint64_t took = (uint64_t)(x->now_us - began);
    e->stats.usec += took;
    if (__builtin_expect(!(ctx->flags & CTX_WAITS), 1)) /* it is counted once: when answered */
        count_call(x, ctx, e, took, errors);
    if (__builtin_expect((int64_t)took >= x->observe_from_us, 0))
        tell_observers(x, ctx, e, took);
}

bool exec_queues(const struct client *c, const struct command_entry *e)
{
    return c->flags & CLIENT_IN_MULTI && e->row.steers == STEERS_NOTHING;
}

static bool must_wait(struct exec *x, const struct ctx *ctx, const struct command_entry *e)
{
    const struct client *c = ctx->client;
    if (c->flags & (CLIENT_REPLICA | CLIENT_PRIMARY | CLIENT_FAKE))
        return false;
    if (pause_what(x->pauses) & PAUSE_CLIENTS)
        return true;
    if (exec_queues(c, e)) /* it does nothing yet */
        return false;
    return pause_holds(x->pauses, ctx->command_flags);
}

static inline bool nobody_asks(const struct exec *x, const struct ctx *ctx)
{
    uint32_t asked = (ctx->command_flags | ADMIT_EVERY) & x->admit_flags[FROM_CLIENT];
    return !asked || (asked == ADMIT_EVERY && mem_used_about() <= *x->calm);
}

/* Nothing is there that could refuse this one, hold it or keep it for later. What admit and the
 * checks behind it look at is looked at here, all at once. */
static inline bool runs_at_once(const struct exec *x, const struct ctx *ctx,
                                const struct command_entry *e)
{
    const struct client *c = ctx->client;
    return command_arity_ok(e, ctx->argc) && !x->gates->shut &&
           !(c->flags & (CLIENT_IN_MULTI | CLIENT_PUBSUB)) && !client_must_auth(x->clients, c) &&
           nobody_asks(x, ctx) &&
           !(e->row.flags & CMD_PROTECTED) &&
           (!(c->flags & CLIENT_RESTRICTED) ||
            x->rights->quick(c->user ? c->user : x->rights->standard, e, ctx->argv));
}

/* ---- from a client ---- */
static void stamp(struct client *c, uint64_t before, uint64_t position)
{
    uint64_t end = output_end(&c->out);
    if (!c->stamp_count) /* nothing holds what stands in front of it, stamped or not */
        c->released_end = before;
    if (c->stamp_count && c->stamps[c->stamp_count - 1].position >= position) {
        c->stamps[c->stamp_count - 1].end = end; /* not before what it stands behind */
        return;
    }
    if (c->stamp_count == c->stamp_cap) {
        c->stamp_cap = c->stamp_cap ? c->stamp_cap * 2 : 8;
        c->stamps = mem_realloc(c->stamps, c->stamp_cap * sizeof *c->stamps);
    }
    c->stamps[c->stamp_count++] = (struct client_stamp){position, end};
}

bool exec_set_busy(struct exec *x, const char *error)
{
    if (x->busy && error)
        return false;
    x->busy = error;
    gate_set(x->gates, GATE_BUSY, error != NULL);
    return true;
}

bool exec_unit_is_open(const struct exec *x)
{
    return x->depth > 0;
}

void exec_fill_reply(struct exec *x, struct ctx *ctx, struct client *c)
{
    exec_fill(x, ctx, c, 0, NULL);
}

void exec_stamp_push(struct exec *x, struct client *c, uint64_t place)
{
    if (hooks_has_gate(x->hooks))
        stamp(c, place, commit_position(x->commit));
}

void exec_key_changed(struct exec *x, const struct db *db, struct slice key)
{
    if (hooks_has_gate(x->hooks))
        fresh_touch(&x->fresh, db->id, key, commit_position(x->commit) + 1);
}

void exec_all_changed(struct exec *x)
{
    fresh_touch_all(&x->fresh, commit_position(x->commit) + 1);
}

/* It is about a connection, or may run while there are no data to be shown, and runs no others that
 * are to be seen in its place (EXEC, scripts). */
static bool shows_no_data(const struct command_entry *e)
{
    enum { ANY_TIME = CMD_LOADING | CMD_STALE, RUNS_OTHERS = CMD_SKIP_MONITOR | CMD_SKIP_SLOWLOG };
    return e->categories & CAT_CONNECTION ||
           (e->row.flags & (ANY_TIME | RUNS_OTHERS)) == ANY_TIME;
}

/* What the log must hold before the reply may leave. For a command that logged nothing: the last
 * changes of the keys that it read; nothing, if it shows no data. */
static uint64_t shown_position(struct exec *x, const struct ctx *ctx, uint64_t before)
{
    uint64_t now = commit_position(x->commit), shown = 0;
    const struct command_entry *e = ctx->client->last_command;
    if (now == before && (ctx->flags & CTX_NOT_RUN || (e && &e->row == ctx->command &&
                                                       shows_no_data(e))))
        return 0;
    if (now != before || !e || &e->row != ctx->command || !(e->row.flags & CMD_READONLY) ||
        e->row.flags & CMD_MOVABLE_KEYS || e->first_key <= 0 || e->key_step <= 0 ||
        e->first_key >= ctx->argc)
        return now;
    int last = e->last_key < 0 ? ctx->argc + e->last_key : e->last_key;
    for (int i = e->first_key; i <= last && i < ctx->argc; i += e->key_step) {
        uint64_t p = fresh_position(&x->fresh, ctx->db->id, ctx->argv[i]);
        shown = p > shown ? p : shown;
    }
    return shown < now ? shown : now;
}

/* CLIENT REPLY SKIP is for one command, answered now or when it has waited. */
static void settle_skip(struct client *c)
{
    client_clear(c, CLIENT_REPLY_SKIP);
    if (c->flags & CLIENT_REPLY_SKIP_NEXT)
        c->flags ^= CLIENT_REPLY_SKIP_NEXT | CLIENT_REPLY_SKIP;
}

/* CLIENT CACHING is for the next command, refused or not, or for the transaction that it begins;
 * those about the client itself don't count. */
static void settle_exception(const struct ctx *ctx)
{
    struct client *c = ctx->client;
    const struct command_entry *e = c->last_command;
    bool clients = e && ctx->command == &e->row && e->owner &&
                   strcmp(e->owner->row.name, "client") == 0;
    if (!clients && !(c->flags & CLIENT_IN_MULTI))
        client_clear(c, CLIENT_EXCEPTED);
}

enum { FOR_ONE = CLIENT_REPLY_SKIP | CLIENT_REPLY_SKIP_NEXT | CLIENT_EXCEPTED };

static void __attribute__((noinline)) settle_flags(const struct ctx *ctx)
{
    settle_skip(ctx->client);
    settle_exception(ctx);
}

static void settle_reply(struct exec *x, const struct ctx *ctx, uint64_t before, uint64_t position)
{
    struct client *c = ctx->client;
    if (__builtin_expect(c->flags & CLIENT_CLOSE_SOON, 0))
        return;
    if (__builtin_expect(c->flags & FOR_ONE, 0) && !(ctx->flags & CTX_WAITS))
        settle_flags(ctx);
    if (output_end(&c->out) == before) {
        if (c->flags & CLIENT_CLOSE_AFTER_REPLY) /* there may be none to wait for */
            client_want_send(c);
        return;
    }
    if (hooks_has_gate(x->hooks))
        stamp(c, before, shown_position(x, ctx, position));
    client_want_send(c);
}

/* False when it does not run now: it is refused, held or queued. */
static bool may_run(struct exec *x, struct ctx *ctx, struct command_entry *e)
{
    struct client *c = ctx->client;
    if (!admit_command(x, ctx, e)) {
        e->stats.rejected++;
        return false;
    }
    if (x->gates->shut & GATE_PAUSE && must_wait(x, ctx, e)) {
        pause_hold(x->pauses, c,
                   held_command_new(e, ctx->argc, ctx->argv, x->keyspace->offered));
        return false;
    }
    if (exec_queues(c, e)) {
        multi_queue(c, e, ctx->argc, ctx->argv, x->keyspace->offered);
        reply_status(ctx, "QUEUED");
        return false;
    }
    return true;
}

/* What the primary did is done here too, whoever else may not: keys that are over for us are alive
 * for it until it says otherwise. */
static void apply(struct exec *x, struct ctx *ctx, struct command_entry *e)
{
    struct keyspace *ks = x->keyspace;
    enum expire_mode mode = ks->expire_mode;
    if (!command_arity_ok(e, ctx->argc)) {
        log_warning("The primary sent '%s' with a wrong number of arguments", e->name);
        return;
    }
    if (exec_queues(ctx->client, e)) {
        multi_queue(ctx->client, e, ctx->argc, ctx->argv, ks->offered);
        return;
    }
    ks->expire_mode = EXPIRE_IGNORE;
    exec_run(x, ctx, e);
    ks->expire_mode = mode;
}

/* Admitted or refused, queued or run; the unit is open. */
static void dispatch(struct exec *x, struct ctx *ctx, struct command_entry *entry)
{
    struct client *c = ctx->client;
    if (!entry) /* a command in front of it, in the same packet, may have brought it */
        entry = commands_find(server_commands(x->server), ctx->argv[0]);
    struct command_entry *e = entry ? exec_resolve(entry, ctx->argc, ctx->argv) : NULL;
    if (!e) {
        admit_unknown(ctx, entry);
        c->flags |= c->flags & CLIENT_IN_MULTI ? CLIENT_DIRTY_EXEC : 0;
        return;
    }
    c->last_command = e;
    exec_set_command(ctx, e);
    if (__builtin_expect(ctx->from == FROM_PRIMARY, 0)) {
        apply(x, ctx, e);
        return;
    }
    if (!runs_at_once(x, ctx, e) && !may_run(x, ctx, e)) {
        ctx->flags |= CTX_NOT_RUN;
        return;
    }
    /* Keys that it meets and that are over do not belong together; those that a transaction meets
     * do, whatever is in its queue: by the row. */
    x->loose = x->loose || (x->depth == 1 && e->row.flags & CMD_TOUCHES_ARBITRARY_KEYS);
    exec_run(x, ctx, e);
}

/* A command of a client, or the rest of one that had to wait: what is around the work. */
struct around {
    const struct ctx *outer; /* the command that was running, when one runs inside another */
    uint64_t before;      /* where its reply begins */
    uint64_t position;
};

static inline __attribute__((always_inline)) struct around client_begin(struct exec *x,
                                                                        struct client *c,
                                                                        struct ctx *ctx)
{
    struct around around = {x->clients->running, output_end(&c->out),
                            commit_position(x->commit)};
    exec_begin_unit(x);
    c->busy++;
    ctx->client = c; /* filled in soon */
    ctx->argc = 0;
    x->clients->running = ctx;
    return around;
}

static void __attribute__((noinline)) drop_unheard(struct buf *unheard)
{
    buf_clear(unheard);
    if (unheard->cap > OUTPUT_BLOCK)
        buf_free(unheard);
}

static void client_end(struct exec *x, struct ctx *ctx, struct around around)
{
    struct client *c = ctx->client;
    x->clients->running = around.outer;
    c->busy--;
    end_unit(x);
    if (commit_position(x->commit) != around.position)
        c->write_position = commit_position(x->commit);
    settle_reply(x, ctx, around.before, around.position);
    if (__builtin_expect(x->clients->unheard.len, 0))
        drop_unheard(&x->clients->unheard);
    if (__builtin_expect(output_unsent(&c->out) > OUTPUT_BLOCK, 0))
        client_check_output_limit(c, 0);
    run_jobs(x);
}

void exec_read_clock(struct exec *x)
{
    x->now_us = clock_near_us();
}

void exec_command(struct client *c, struct command_entry *entry, int argc, const struct slice *argv)
{
    struct exec *x = server_exec(c->server);
    struct ctx ctx;
    struct around around = client_begin(x, c, &ctx);
    exec_fill(x, &ctx, c, argc, argv);
    dispatch(x, &ctx, entry);
    client_end(x, &ctx, around);
}

void exec_later(struct client *c, struct command_entry *e, exec_work *work, void *arg)
{
    struct exec *x = server_exec(c->server);
    struct ctx ctx;
    must(x->depth == 0);
    exec_read_clock(x);
    struct around around = client_begin(x, c, &ctx);
    exec_fill(x, &ctx, c, 0, NULL);
    exec_set_command(&ctx, e);
    ctx.flags |= CTX_LOG_REPLACED; /* there are no words of it to log */
    uint64_t errors = x->stats->error_replies;
    int64_t began = x->now_us;
    work(&ctx, arg);
    if (ctx.dirty)
        commit_add_dirty(x->commit, ctx.dirty);
    x->now_us = clock_near_us();
    e->stats.usec += (uint64_t)(x->now_us - began);
    count_call(x, &ctx, e, (uint64_t)(x->now_us - began), errors);
    client_end(x, &ctx, around);
}

void exec_again(struct client *c, struct held_command *h)
{
    struct exec *x = server_exec(c->server);
    struct ctx ctx;
    must(x->depth == 0);
    exec_read_clock(x);
    struct around around = client_begin(x, c, &ctx);
    exec_fill(x, &ctx, c, h->argc, h->argv);
    c->last_command = h->entry;
    exec_set_command(&ctx, h->entry);
    ctx.flags |= CTX_AGAIN;
    x->keyspace->offered = offer_of(&h->big);
    int64_t began_us = spikes_begin(server_spikes(c->server));
    if (admit_command(x, &ctx, h->entry))
        exec_run(x, &ctx, h->entry);
    else
        h->entry->stats.rejected++;
    spikes_end(server_spikes(c->server), SPIKE_COMMAND_UNBLOCKING, began_us);
    x->keyspace->offered = NULL;
    client_end(x, &ctx, around);
}

