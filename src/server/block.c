/* SPDX-License-Identifier: BSD-3-Clause */
/* waiting -> (noted: in clients.woken) -> wake, release, input goes on
 *
 * Waking is not done at once: whoever notes it may be in the middle of another client's command. */
#include "server/block.h"

#include "base/link.h"
#include "base/mem.h"
#include "base/must.h"
#include "os/loop.h"
#include "server/blocked.h"
#include "server/clients.h"
#include "server/conn.h"
#include "server/ctx.h"
#include "server/exec.h"
#include "server/hooks.h"
#include "server/reply.h"
#include "server/server.h"

bool block_may(const struct ctx *c)
{
    return !(c->flags & (CTX_IN_MULTI | CTX_LOADING | CTX_NO_REPLY)) &&
           c->from != FROM_PRIMARY && !(c->client->flags & CLIENT_FAKE);
}

static void time_over(void *arg)
{
    struct block *b = arg;
    block_wake(b->client, BLOCK_TIMEOUT);
}

void block_client(struct ctx *ctx, int64_t timeout_ms, const struct block_kind *kind, void *arg)
{
    struct client *c = ctx->client;
    must(block_may(ctx) && !c->block && kind->wake);
    must(!(c->flags & (CLIENT_BLOCKED | CLIENT_PAUSED)));
    struct block *b = mem_zalloc(sizeof *b);
    *b = (struct block){.client = c, .command = c->last_command, .kind = kind, .arg = arg};
    b->bytes = sizeof *b + (kind->bytes ? kind->bytes(arg) : 0);
    link_init(&b->woken);
    ctx->flags |= CTX_WAITS;
    b->timer.due = time_over;
    b->timer.arg = b;
    c->block = b;
    c->flags |= CLIENT_BLOCKED;
    server_clients(c->server)->blocked_count++;
    b->timed = timeout_ms > 0;
    server_clients(c->server)->timed_count += b->timed;
    if (b->timed) {
        int64_t most_ms = INT64_MAX / 4000;
        loop_timer_start(server_loop(c->server), &b->timer,
                         (timeout_ms < most_ms ? timeout_ms : most_ms) * 1000);
    }
}

void block_wake(struct client *c, enum block_why why)
{
    struct block *b = c->block;
    if (!b || link_linked(&b->woken))
        return;
    must(b->client == c && c->flags & CLIENT_BLOCKED);
    b->why = why;
    link_push_back(&server_clients(c->server)->woken, &b->woken);
    loop_stay_awake(server_loop(c->server));
}

bool block_unblock(struct client *c, bool with_error)
{
    struct block *b = c->block;
    if (!b || b->kind->stays || link_linked(&b->woken))
        return false;
    b->error = with_error ? "UNBLOCKED client unblocked via CLIENT UNBLOCK" : NULL;
    block_wake(c, BLOCK_TIMEOUT);
    return true;
}

void block_end_all(struct clients *cs, const char *error)
{
    LINK_FOR(pos, &cs->all) {
        struct client *c = LINK_OF(pos, struct client, link);
        struct block *b = c->block;
        if (!b || b->kind->stays || b->served)
            continue;
        b->error = error;
        b->closes = true;
        block_wake(c, BLOCK_READY);
    }
}

static void let_go(struct client *c, struct block *b)
{
    if (b->kind->release && !b->served)
        b->kind->release(c, b->arg);
    b->served = true;
}

static void end_block(struct client *c)
{
    struct block *b = c->block;
    must(b->client == c && c->flags & CLIENT_BLOCKED);
    must(server_clients(c->server)->blocked_count > 0);
    c->block = NULL;
    client_clear(c, CLIENT_BLOCKED);
    server_clients(c->server)->blocked_count--;
    server_clients(c->server)->timed_count -= b->timed;
    loop_timer_stop(server_loop(c->server), &b->timer);
    link_remove(&b->woken);
    let_go(c, b);
    mem_free(b);
}

bool block_is_woken(const struct client *c)
{
    return c->block && link_linked(&c->block->woken);
}

void block_still(struct ctx *ctx)
{
    must(ctx->client->block);
    ctx->flags |= CTX_WAITS;
}

void block_served(struct client *c)
{
    struct block *b = c->block;
    if (!b)
        return; /* closed by its own command */
    must(!b->served);
    let_go(c, b);
    block_wake(c, BLOCK_READY);
}

static void client_event(void *arg, struct client *c, bool opened)
{
    (void)arg;
    if (!opened && c->block)
        end_block(c);
}

static void reply_now(struct ctx *c, void *arg)
{
    struct block *b = arg;
    must(!b->served);
    if (b->error)
        reply_error(c, b->error);
    else
        b->kind->wake(c, b->arg, b->why);
    if (b->closes)
        c->client->flags |= CLIENT_CLOSE_AFTER_REPLY;
}

/* Those that are woken by what happens here are for the next turn, so that this one ends. */
static void stage(void *arg)
{
    struct clients *cs = arg;
    struct link now;
    if (link_empty(&cs->woken))
        return;
    link_init(&now);
    while (!link_empty(&cs->woken)) {
        struct link *l = cs->woken.next;
        link_remove(l);
        link_push_back(&now, l);
    }
    while (!link_empty(&now)) { /* to its end: this list is gone then */
        struct block *b = LINK_OF(now.next, struct block, woken);
        struct client *c = b->client;
        must(c->block == b);
        link_remove(&b->woken);
        if (cs->over || c->flags & CLIENT_CLOSE_SOON)
            continue; /* freed before the loop sleeps */
        if (!b->served)
            exec_later(c, b->command, reply_now, b);
        end_block(c);
        if (!(c->flags & CLIENT_CLOSE_SOON))
            conn_resume(c);
    }
}

void block_init(struct server *s)
{
    hooks_on_stage(server_hooks(s), STAGE_UNBLOCK, stage, server_clients(s));
    hooks_on_client(server_hooks(s), client_event, NULL);
}
