/* SPDX-License-Identifier: BSD-3-Clause */
/* idle -> (somebody waits) under way -> stopped
 *      -> stopped                    -> idle again: called off, refused, or not finished
 *
 * Clients that sent SHUTDOWN are blocked (block.h) for as long as it is under way. */
#include "server/shutdown.h"

#include "base/link.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/must.h"
#include "os/loop.h"
#include "server/block.h"
#include "server/clients.h"
#include "server/ctx.h"
#include "server/hooks.h"
#include "server/pause.h"
#include "server/process.h"
#include "server/reply.h"
#include "server/server.h"
#include "server/server_parts.h"
#include "server/settings.h"
#include "server/supervisor.h"

struct shutdown {
    struct server *server;
    bool under_way, over_time;
    unsigned flags;
    struct loop_timer timer; /* shutdown-timeout */
    struct link waiters;     /* struct waiter's */
};

struct waiter {
    struct link link;
    struct client *client;
};

/* ---- who waits ---- */
static void wake(struct ctx *c, void *arg, enum block_why why)
{
    (void)arg, (void)why;
    reply_error(c, SHUTDOWN_ERROR);
}

static void release(struct client *client, void *arg)
{
    struct waiter *w = arg;
    (void)client;
    link_remove(&w->link);
    mem_free(w);
}

static const struct block_kind shutdown_kind = {.wake = wake, .release = release, .stays = true};

bool shutdown_may_wait(const struct ctx *c)
{
    return block_may(c);
}

void shutdown_wait(struct shutdown *sd, struct ctx *c)
{
    struct waiter *w = mem_zalloc(sizeof *w);
    must(sd->under_way && !c->client->block);
    w->client = c->client;
    link_push_back(&sd->waiters, &w->link);
    block_client(c, 0, &shutdown_kind, w);
}

/* ---- the two phases ---- */
/* From here on nobody is served: what the last writes hold is what will be there. */
static void end_service(struct server *s)
{
    clients_end_service(s->clients);
    loop_stay_awake(s->loop);
    loop_stop(s->loop);
}

static void stop(struct server *s, bool unsure)
{
    supervisor_tell(s->settings, "STATUS=Stopping\nSTOPPING=1");
    log_warning("Redis is now ready to exit, bye bye...");
    s->stopping = true;
    s->unsure = unsure;
    end_service(s);
}

void shutdown_fail(struct server *s)
{
    s->exit_code = 1;
    end_service(s);
}

static void set_idle(struct shutdown *sd)
{
    sd->under_way = sd->over_time = false;
    sd->flags = 0;
    loop_timer_stop(server_loop(sd->server), &sd->timer);
    pause_end_soon(server_pauses(sd->server), PAUSE_SHUTDOWN);
}

static void go_on(struct shutdown *sd)
{
    set_idle(sd);
    process_forget_signal();
    LINK_FOR(pos, &sd->waiters)
        block_wake(LINK_OF(pos, struct waiter, link)->client, BLOCK_READY);
    log_warning("The server goes on: the lines above say what kept it from shutting down");
}

static void wait_for(struct shutdown *sd)
{
    int64_t timeout_s = server_settings(sd->server)->shutdown_timeout_s;
    if (sd->under_way)
        return;
    log_notice("Waiting for what has to be done before shutting down, %lld s at most",
               (long long)timeout_s);
    supervisor_tell(server_settings(sd->server), "STATUS=Waiting before stopping");
    sd->under_way = true;
    /* The stream to replicas goes on: it is what may be waited for. */
    pause_begin(server_pauses(sd->server), PAUSE_SHUTDOWN,
                PAUSE_CHANGES & ~(unsigned)PAUSE_REPLICAS, INT64_MAX);
    loop_timer_start(server_loop(sd->server), &sd->timer, timeout_s * 1000000);
}

static enum shutdown_end ask(struct shutdown *sd)
{
    struct hooks *hooks = server_hooks(sd->server);
    bool force = sd->flags & SHUTDOWN_FORCE, done = true;
    bool waits = server_settings(sd->server)->shutdown_timeout_s && !sd->over_time &&
                 !(sd->flags & SHUTDOWN_NOW);
    enum shutdown_answer answer = hooks_ready(hooks, sd->flags);
    if (answer == SHUTDOWN_NOT_YET && waits) {
        wait_for(sd);
        return SHUTDOWN_LASTS;
    }
    if (answer == SHUTDOWN_NOT_YET)
        log_warning("Not everything is done that was waited for. Shutting down all the same");
    done = answer != SHUTDOWN_REFUSED;
    done = (done || force) && hooks_finish(hooks, sd->flags) && done;
    if (!done && !force)
        return SHUTDOWN_FAILED;
    set_idle(sd);
    stop(sd->server, !done);
    return SHUTDOWN_STOPS;
}

enum shutdown_end shutdown_begin(struct shutdown *sd, unsigned flags)
{
    if (server_is_loading(sd->server)) /* what is loaded so far must not be saved over what it is
                                        * loaded from */
        flags = (flags & ~(unsigned)SHUTDOWN_SAVE) | SHUTDOWN_NOSAVE;
    if (flags & (SHUTDOWN_SAVE | SHUTDOWN_NOSAVE)) /* the later word counts */
        sd->flags &= ~(unsigned)(SHUTDOWN_SAVE | SHUTDOWN_NOSAVE);
    sd->flags |= flags;
    bool was_under_way = sd->under_way;
    log_warning("User requested shutdown...");
    enum shutdown_end end = ask(sd);
    if (end == SHUTDOWN_FAILED) {
        sd->flags = 0;
        if (was_under_way)
            go_on(sd);
    }
    must((end == SHUTDOWN_LASTS) == sd->under_way);
    return end;
}

bool shutdown_is_under_way(const struct shutdown *sd)
{
    return sd->under_way;
}

bool shutdown_abort(struct shutdown *sd)
{
    if (!sd->under_way)
        return false;
    log_notice("The shutdown was called off");
    go_on(sd);
    return true;
}

/* ---- while it lasts ---- */
static void stage(void *arg)
{
    struct shutdown *sd = arg;
    if (sd->under_way && ask(sd) == SHUTDOWN_FAILED)
        go_on(sd);
}

static void time_is_over(void *arg)
{
    struct shutdown *sd = arg;
    sd->over_time = true; /* the stage follows */
}

struct shutdown *shutdown_new(struct server *s)
{
    struct shutdown *sd = mem_zalloc(sizeof *sd);
    sd->server = s;
    sd->timer = (struct loop_timer){.due = time_is_over, .arg = sd};
    link_init(&sd->waiters);
    hooks_on_stage(server_hooks(s), STAGE_UNBLOCK, stage, sd);
    return sd;
}

/* The clients live longer. */
void shutdown_free(struct shutdown *sd)
{
    LINK_FOR_SAFE(pos, &sd->waiters)
        link_remove(pos);
    loop_timer_stop(server_loop(sd->server), &sd->timer);
    mem_free(sd);
}
