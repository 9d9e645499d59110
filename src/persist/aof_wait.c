/* SPDX-License-Identifier: BSD-3-Clause */
/* WAITAOF: until the log is durable up to the client's last write. WAIT: until replicas have it.
 *
 * A waiter makes a sync due at once, whatever appendfsync says: under everysec it does not wait for
 * the second to be over, under no it gets the only syncs there are. Waiters that come while one
 * runs share the next. While the first base of a log that was switched on is being written nothing
 * counts as durable: a start would not find it. There are no replicas: waiting for one lasts until
 * the timeout. */
#include "persist/aof_wait.h"

#include "base/mem.h"
#include "persist/aof_state.h"
#include "server/block.h"
#include "server/client.h"
#include "server/ctx.h"
#include "server/reply.h"

struct waiter {
    struct link link;
    struct aof *aof;
    struct client *client;
    uint64_t position;
    bool local; /* wants the local disk */
    int64_t replicas;
};

static const char off_error[] =
    "ERR WAITAOF cannot be used when numlocal is set but appendonly is disabled.";

void aof_wait_init(struct aof *a)
{
    link_init(&a->waiting.clients);
}

/* The clients live longer than the log. */
void aof_wait_end(struct aof *a)
{
    LINK_FOR_SAFE(pos, &a->waiting.clients)
        link_remove(pos);
}

static bool is_durable(const struct aof *a, uint64_t position)
{
    return a->state == AOF_ON && !a->sync.failed && !a->sync.lost && a->sync.durable >= position;
}

void aof_wait_check(struct aof *a)
{
    a->waiting.wanted = false;
    LINK_FOR(pos, &a->waiting.clients) {
        struct waiter *w = LINK_OF(pos, struct waiter, link);
        bool durable = is_durable(a, w->position);
        if (w->local && a->state == AOF_OFF)
            block_wake(w->client, BLOCK_READY);
        else if ((durable || !w->local) && !w->replicas)
            block_wake(w->client, BLOCK_READY);
        else if (w->local && !durable)
            a->waiting.wanted = true;
    }
}

static void reply_counts(struct ctx *c, bool local)
{
    reply_array(c, 2);
    reply_int(c, local);
    reply_int(c, 0);
}

static void wake(struct ctx *c, void *arg, enum block_why why)
{
    struct waiter *w = arg;
    (void)why;
    if (w->local && w->aof->state == AOF_OFF)
        reply_error(c, off_error);
    else
        reply_counts(c, is_durable(w->aof, w->position));
}

static void release(struct client *client, void *arg)
{
    struct waiter *w = arg;
    (void)client;
    link_remove(&w->link);
    mem_free(w);
}

static const struct block_kind waitaof_kind = {.wake = wake, .release = release};

static bool timeout_arg(struct ctx *c, int i, int64_t *ms)
{
    if (!ctx_arg_range(c, i, INT64_MIN, INT64_MAX, ms,
                       "ERR timeout is not an integer or out of range"))
        return false;
    if (*ms < 0)
        reply_error(c, "ERR timeout is negative");
    return *ms >= 0;
}

static bool count_arg(struct ctx *c, int i, int64_t max, const char *error, int64_t *n)
{
    if (!ctx_arg_i64(c, i, n))
        return false;
    if (*n < 0 || *n > max)
        reply_error(c, error);
    return *n >= 0 && *n <= max;
}

void cmd_waitaof(struct ctx *c)
{
    struct aof *a = ((struct persist *)c->arg)->aof;
    int64_t local, replicas, timeout_ms;
    uint64_t position = c->client->write_position;
    if (!count_arg(c, 1, 1, "ERR value is out of range, must be between 0 and 1", &local) ||
        !count_arg(c, 2, INT64_MAX, "ERR value is out of range, must be positive", &replicas) ||
        !timeout_arg(c, 3, &timeout_ms))
        return;
    if (local && a->state == AOF_OFF) {
        reply_error(c, off_error);
        return;
    }
    bool durable = is_durable(a, position);
    if ((!replicas && (durable || !local)) || !block_may(c)) {
        reply_counts(c, durable);
        return;
    }
    struct waiter *w = mem_zalloc(sizeof *w);
    *w = (struct waiter){.aof = a, .client = c->client, .position = position, .local = local,
                         .replicas = replicas};
    link_push_back(&a->waiting.clients, &w->link);
    block_client(c, timeout_ms, &waitaof_kind, w);
    aof_wait_check(a);
}

static void wake_wait(struct ctx *c, void *arg, enum block_why why)
{
    (void)arg;
    (void)why;
    reply_int(c, 0);
}

static const struct block_kind wait_kind = {.wake = wake_wait};

void cmd_wait(struct ctx *c)
{
    int64_t replicas, timeout_ms;
    if (!ctx_arg_i64(c, 1, &replicas) || !timeout_arg(c, 2, &timeout_ms))
        return;
    if (replicas <= 0 || !block_may(c))
        reply_int(c, 0);
    else
        block_client(c, timeout_ms, &wait_kind, NULL);
}
