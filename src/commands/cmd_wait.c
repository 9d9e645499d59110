/* SPDX-License-Identifier: BSD-3-Clause */
/* WAIT: until so many replicas have what the client wrote. WAITAOF: until the disk here and those
 * of so many replicas hold it. */
#include "base/must.h"
#include "commands/cmd_connection.h"
#include "server/block.h"
#include "server/client.h"
#include "server/ctx.h"
#include "server/progress.h"
#include "server/reply.h"
#include "server/role.h"
#include "server/server.h"

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

/* What was written to a replica goes nowhere from there. */
static bool is_primary(struct ctx *c, const char *name)
{
    if (server_role(c->server)->is_replica)
        reply_errorf(c, "ERR %s cannot be used with replica instances.", name);
    return !server_role(c->server)->is_replica;
}

static void wait_or_reply(struct ctx *c, int64_t timeout_ms, const struct progress_goal *goal)
{
    must(timeout_ms >= 0);
    if (progress_reached(server_progress(c->server), goal) || !block_may(c))
        goal->reply(c, goal);
    else
        progress_wait(c, timeout_ms, goal);
}

static void reply_replicas(struct ctx *c, const struct progress_goal *goal)
{
    reply_int(c, progress_copies(server_progress(c->server), PROGRESS_REPLICAS, goal->position));
}

void cmd_wait(struct ctx *c)
{
    int64_t timeout_ms;
    struct progress_goal goal = {.position = c->client->write_position, .reply = reply_replicas};
    if (!is_primary(c, "WAIT") || !ctx_arg_i64(c, 1, &goal.copies[PROGRESS_REPLICAS]) ||
        !timeout_arg(c, 2, &timeout_ms))
        return;
    wait_or_reply(c, timeout_ms, &goal);
}

static const char off_error[] =
    "ERR WAITAOF cannot be used when numlocal is set but appendonly is disabled.";

static void reply_disks(struct ctx *c, const struct progress_goal *goal)
{
    struct progress *p = server_progress(c->server);
    if (goal->copies[PROGRESS_DISK] && progress_is_off(p, PROGRESS_DISK)) {
        reply_error(c, off_error);
        return;
    }
    reply_array(c, 2);
    reply_int(c, progress_copies(p, PROGRESS_DISK, goal->position));
    reply_int(c, progress_copies(p, PROGRESS_REPLICA_DISKS, goal->position));
}

void cmd_waitaof(struct ctx *c)
{
    int64_t timeout_ms;
    struct progress_goal goal = {.position = c->client->write_position, .reply = reply_disks};
    if (!is_primary(c, "WAITAOF") ||
        !count_arg(c, 1, 1, "ERR value is out of range, must be between 0 and 1",
                   &goal.copies[PROGRESS_DISK]) ||
        !count_arg(c, 2, INT64_MAX, "ERR value is out of range, must be positive",
                   &goal.copies[PROGRESS_REPLICA_DISKS]) ||
        !timeout_arg(c, 3, &timeout_ms))
        return;
    if (goal.copies[PROGRESS_DISK] && progress_is_off(server_progress(c->server), PROGRESS_DISK))
        reply_error(c, off_error);
    else
        wait_or_reply(c, timeout_ms, &goal);
}
