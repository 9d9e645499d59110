/* SPDX-License-Identifier: BSD-3-Clause */
#include "server/progress.h"

#include "base/link.h"
#include "base/mem.h"
#include "base/must.h"
#include "server/block.h"
#include "server/client.h"
#include "server/ctx.h"
#include "server/server.h"

struct progress {
    struct progress_source of[PROGRESS_PLACES];
    void (*moved)(void *arg); /* NULL: nobody else is told */
    void *moved_arg;
    struct link waiters;
};

struct waiter {
    struct link link;
    struct progress *progress;
    struct client *client;
    struct progress_goal goal;
};

struct progress *progress_new(void)
{
    struct progress *p = mem_zalloc(sizeof *p);
    link_init(&p->waiters);
    return p;
}

void progress_free(struct progress *p)
{
    must(link_empty(&p->waiters));
    mem_free(p);
}

void progress_add(struct progress *p, enum progress_place place,
                  const struct progress_source *source)
{
    must(place < PROGRESS_PLACES && !p->of[place].copies && source->copies);
    p->of[place] = *source;
}

void progress_on_moved(struct progress *p, void (*f)(void *arg), void *arg)
{
    must(!p->moved);
    p->moved = f;
    p->moved_arg = arg;
}

int64_t progress_copies(const struct progress *p, enum progress_place place, uint64_t position)
{
    must(place < PROGRESS_PLACES);
    const struct progress_source *s = &p->of[place];
    return s->copies ? s->copies(s->arg, position) : 0;
}

bool progress_is_off(const struct progress *p, enum progress_place place)
{
    must(place < PROGRESS_PLACES);
    const struct progress_source *s = &p->of[place];
    return s->is_off && s->is_off(s->arg);
}

static bool lacks(const struct progress *p, const struct progress_goal *goal, int place)
{
    return goal->copies[place] > 0 &&
           progress_copies(p, (enum progress_place)place, goal->position) < goal->copies[place];
}

bool progress_reached(const struct progress *p, const struct progress_goal *goal)
{
    for (int i = 0; i < PROGRESS_PLACES; i++)
        if (lacks(p, goal, i))
            return false;
    return true;
}

/* To wait on is of no use. */
static bool is_in_vain(const struct progress *p, const struct progress_goal *goal)
{
    for (int i = 0; i < PROGRESS_PLACES; i++)
        if (goal->copies[i] > 0 && progress_is_off(p, (enum progress_place)i))
            return true;
    return false;
}

void progress_moved(struct progress *p)
{
    bool wanted[PROGRESS_PLACES] = {false};
    if (p->moved)
        p->moved(p->moved_arg);
    LINK_FOR(pos, &p->waiters) {
        struct waiter *w = LINK_OF(pos, struct waiter, link);
        if (is_in_vain(p, &w->goal) || progress_reached(p, &w->goal))
            block_wake(w->client, BLOCK_READY);
        else
            for (int i = 0; i < PROGRESS_PLACES; i++)
                wanted[i] |= lacks(p, &w->goal, i);
    }
    for (int i = 0; i < PROGRESS_PLACES; i++)
        if (p->of[i].hurry)
            p->of[i].hurry(p->of[i].arg, wanted[i]);
}

/* ---- who waits ---- */
static void wake(struct ctx *c, void *arg, enum block_why why)
{
    const struct waiter *w = arg;
    (void)why;
    w->goal.reply(c, &w->goal);
}

static void release(struct client *client, void *arg)
{
    struct waiter *w = arg;
    (void)client;
    link_remove(&w->link);
    mem_free(w);
}

static const struct block_kind progress_kind = {.wake = wake, .release = release};

void progress_wait(struct ctx *c, int64_t timeout_ms, const struct progress_goal *goal)
{
    must(goal->reply);
    struct progress *p = server_progress(c->server);
    struct waiter *w = mem_zalloc(sizeof *w);
    *w = (struct waiter){.progress = p, .client = c->client, .goal = *goal};
    link_push_back(&p->waiters, &w->link);
    block_client(c, timeout_ms, &progress_kind, w);
    progress_moved(p);
}
