/* SPDX-License-Identifier: BSD-3-Clause */
/* Sources of the test's own: a disk, and replicas. */
#include "server/progress.h"

#include "server/block.h"
#include "server/command.h"
#include "server/commit.h"
#include "server/ctx.h"
#include "server/hooks.h"
#include "server/reply.h"
#include "server/stats.h"
#include "store/db.h"
#include "tests/unit/server/served.h"
#include "tests/unit/unit.h"

static struct place {
    uint64_t holds; /* up to there */
    int64_t count;
    bool off, hurries;
} places[PROGRESS_PLACES];

static int64_t copies(void *arg, uint64_t position)
{
    const struct place *p = arg;
    return p->holds >= position ? p->count : 0;
}

static bool is_off(void *arg)
{
    return ((struct place *)arg)->off;
}

static void hurry(void *arg, bool wanted)
{
    ((struct place *)arg)->hurries = wanted;
}

static void tell(struct ctx *c, const struct progress_goal *goal)
{
    struct progress *p = server_progress(c->server);
    reply_array(c, 2);
    reply_int(c, progress_copies(p, PROGRESS_DISK, goal->position));
    reply_int(c, progress_copies(p, PROGRESS_REPLICAS, goal->position));
}

/* AWAIT disks replicas timeout_ms */
static void await(struct ctx *c)
{
    struct progress_goal goal = {.position = c->client->write_position, .reply = tell};
    int64_t timeout_ms;
    if (!ctx_arg_i64(c, 1, &goal.copies[PROGRESS_DISK]) ||
        !ctx_arg_i64(c, 2, &goal.copies[PROGRESS_REPLICAS]) || !ctx_arg_i64(c, 3, &timeout_ms))
        return;
    if (progress_reached(server_progress(c->server), &goal))
        tell(c, &goal);
    else
        progress_wait(c, timeout_ms, &goal);
}

static const struct command table[] = {
    {.name = "put", .run = served_put, .arity = 3, .flags = CMD_WRITE,
     .keys = {KEY_AT(KEY_OW, 1, 0, 1)}},
    {.name = "await", .run = await, .arity = 4, .flags = CMD_BLOCKING},
    {.name = NULL}};

static void listen_only(void *arg, const struct commit_batch *batch)
{
    (void)arg, (void)batch;
}

static struct progress *begin(void)
{
    serve(table);
    hooks_on_commit(server_hooks(s), TO_LOG, listen_only, NULL);
    for (int i = 0; i < PROGRESS_PLACES; i++) {
        places[i] = (struct place){.count = 1};
        if (i != PROGRESS_REPLICA_DISKS)
            progress_add(server_progress(s), (enum progress_place)i,
                         &(struct progress_source){copies, is_off, hurry, &places[i]});
    }
    return server_progress(s);
}

static void move(struct progress *p)
{
    progress_moved(p);
    loop_turn(server_loop(s), 0);
    loop_turn(server_loop(s), 0);
}

static void goals(void)
{
    struct progress *p = begin();
    struct peer a = join(), b = join();
    say(&a, "await 1 1 0\r\n"); /* it has written nothing yet */
    check_hears(&a, "*2\r\n:1\r\n:1\r\n");
    say(&a, "put k 1\r\nawait 1 0 0\r\nput k 2\r\n");
    check_hears(&a, "+OK\r\n");
    uint64_t first = a.client->write_position;
    CHECK(places[PROGRESS_DISK].hurries && !places[PROGRESS_REPLICAS].hurries);
    say(&b, "put k 3\r\nawait 1 3 0\r\n");
    check_hears(&b, "+OK\r\n");
    CHECK(places[PROGRESS_REPLICAS].hurries);
    places[PROGRESS_DISK].holds = first - 1;
    move(p);
    check_hears(&a, "");
    places[PROGRESS_DISK].holds = first;
    move(p);
    check_hears(&a, "*2\r\n:1\r\n:0\r\n+OK\r\n"); /* and its input goes on */
    uint64_t all = commit_position(server_commit(s));
    places[PROGRESS_DISK].holds = places[PROGRESS_REPLICAS].holds = all;
    places[PROGRESS_REPLICAS].count = 2;
    move(p);
    check_hears(&b, "");
    CHECK(!places[PROGRESS_DISK].hurries && places[PROGRESS_REPLICAS].hurries);
    places[PROGRESS_REPLICAS].count = 3;
    move(p);
    check_hears(&b, "*2\r\n:1\r\n:3\r\n");
    move(p);
    CHECK(!places[PROGRESS_REPLICAS].hurries);
    CHECK_INT(progress_copies(p, PROGRESS_REPLICA_DISKS, 0), 0);
    /* each was counted once, when it was answered */
    const struct command_stats *stats =
        &commands_find(server_commands(s), SLICE_LIT("await"))->stats;
    CHECK(stats->calls == 3 && stats->failed == 0 && stats->latency);
    close(a.fd);
    close(b.fd);
    server_free(s);
}

static void in_vain(void)
{
    struct progress *p = begin();
    struct peer a = join(), b = join(), gone = join();
    say(&a, "put k 1\r\nawait 1 0 0\r\n");
    say(&b, "put k 1\r\nawait 0 1 1\r\n"); /* in time or not: it is told what there is */
    say(&gone, "put k 1\r\nawait 1 0 0\r\n");
    close(gone.fd);
    while (server_clients(s)->blocked_count > 1)
        loop_turn(server_loop(s), 1000);
    check_hears(&b, "+OK\r\n*2\r\n:0\r\n:0\r\n");
    check_hears(&a, "+OK\r\n");
    places[PROGRESS_DISK].off = true;
    move(p);
    check_hears(&a, "*2\r\n:0\r\n:0\r\n");
    close(a.fd);
    close(b.fd);
    server_free(s);
}

int main(void)
{
    return UNIT_RUN(UNIT(goals), UNIT(in_vain));
}
