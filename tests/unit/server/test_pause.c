/* SPDX-License-Identifier: BSD-3-Clause */
/* A server over socket pairs that is paused for several purposes. */
#include "server/pause.h"

#include <stdio.h>

#include "server/command.h"
#include "server/ctx.h"
#include "server/feed.h"
#include "server/reply.h"
#include "store/db.h"
#include "tests/unit/server/served.h"
#include "tests/unit/unit.h"

enum { LONG_MS = 1000000 };

static const struct command table[] = {
    {.name = "put", .run = served_put, .arity = 3, .flags = CMD_WRITE,
     .keys = {KEY_AT(KEY_OW, 1, 0, 1)}},
    {.name = "take", .run = served_take, .arity = 2, .flags = CMD_READONLY,
     .keys = {KEY_AT(KEY_RO, 1, 0, 1)}},
    {.name = NULL}};

static struct pauses *begin(void)
{
    serve(table);
    return server_pauses(s);
}

static void turn(void)
{
    loop_turn(server_loop(s), 0);
}

static void writes(void)
{
    struct pauses *pauses = begin();
    struct peer p = join();
    pause_begin(pauses, PAUSE_ASKED, PAUSE_CHANGES, INT64_MAX);
    say(&p, "take a\r\nput a 'x y'\r\ntake a\r\n");
    check_hears(&p, "$-1\r\n"); /* reads go on until the first write */
    CHECK_INT(pause_held_count(pauses), 1);
    say(&p, "take b\r\n");
    check_hears(&p, "");
    pause_end_soon(pauses, PAUSE_ASKED);
    turn();
    check_hears(&p, "+OK\r\n$3\r\nx y\r\n$-1\r\n");
    CHECK_INT(pause_held_count(pauses), 0);
    CHECK_INT(pause_what(pauses), 0);
    close(p.fd);
    server_free(s);
}

/* One ends, and what the other wants stays. */
static void purposes(void)
{
    struct pauses *pauses = begin();
    struct peer reader = join(), writer = join();
    pause_begin(pauses, PAUSE_ASKED, PAUSE_CHANGES | PAUSE_CLIENTS, LONG_MS);
    pause_begin(pauses, PAUSE_SHUTDOWN, PAUSE_CHANGES, LONG_MS);
    say(&reader, "take a\r\n");
    say(&writer, "put a 1\r\n");
    check_hears(&reader, "");
    CHECK_INT(pause_held_count(pauses), 2);
    pause_end_soon(pauses, PAUSE_ASKED);
    turn();
    check_hears(&reader, "$-1\r\n");
    check_hears(&writer, "");
    CHECK_INT(pause_what(pauses), PAUSE_CHANGES);
    CHECK(pause_left_ms(pauses, PAUSE_ASKED) == 0);
    CHECK(pause_left_ms(pauses, PAUSE_SHUTDOWN) > 0);
    pause_end_soon(pauses, PAUSE_FAILOVER); /* there is none */
    turn();
    check_hears(&writer, "");
    pause_end_soon(pauses, PAUSE_SHUTDOWN);
    turn();
    check_hears(&writer, "+OK\r\n");
    close(reader.fd);
    close(writer.fd);
    server_free(s);
}

/* A shorter one takes nothing from a longer, one that holds less nothing from one that holds more;
 * the next begins anew. */
static void again(void)
{
    struct pauses *pauses = begin();
    pause_begin(pauses, PAUSE_ASKED, PAUSE_CLIENTS, LONG_MS);
    pause_begin(pauses, PAUSE_ASKED, PAUSE_WRITES, 1);
    CHECK(pause_left_ms(pauses, PAUSE_ASKED) > LONG_MS / 2);
    CHECK_INT(pause_what(pauses), PAUSE_CLIENTS | PAUSE_WRITES);
    pause_end_soon(pauses, PAUSE_ASKED);
    turn();
    pause_begin(pauses, PAUSE_ASKED, PAUSE_WRITES, LONG_MS);
    CHECK_INT(pause_what(pauses), PAUSE_WRITES);
    server_free(s);
}

/* No key goes by its time, and none that is over is seen. */
static void expiry(void)
{
    struct pauses *pauses = begin();
    struct peer p = join();
    struct db *db = keyspace_db(server_keyspace(s), 0);
    db_set_string(db, SLICE_LIT("old"), SLICE_LIT("1"), 1);
    pause_begin(pauses, PAUSE_FAILOVER, PAUSE_EXPIRY, LONG_MS);
    say(&p, "take old\r\nput new 2\r\n");
    check_hears(&p, "$-1\r\n+OK\r\n"); /* nothing else is held */
    CHECK_INT(keyspace_count(server_keyspace(s)), 2);
    pause_end_soon(pauses, PAUSE_FAILOVER);
    turn();
    say(&p, "take old\r\n");
    check_hears(&p, "$-1\r\n");
    CHECK_INT(keyspace_count(server_keyspace(s)), 1);
    close(p.fd);
    server_free(s);
}

/* Its command is not run. */
static void clients_that_go(void)
{
    struct pauses *pauses = begin();
    struct peer p = join(), q = join();
    pause_begin(pauses, PAUSE_ASKED, PAUSE_WRITES, LONG_MS);
    say(&p, "put a 1\r\n");
    say(&q, "put b 1\r\n");
    CHECK_INT(pause_held_count(pauses), 2);
    close(p.fd);
    turn();
    turn();
    CHECK_INT(pause_held_count(pauses), 1);
    pause_end_soon(pauses, PAUSE_ASKED);
    turn();
    check_hears(&q, "+OK\r\n");
    CHECK_INT(keyspace_count(server_keyspace(s)), 1);
    close(q.fd);
    server_free(s);
}

/* ---- a feed ---- */
static size_t fed;

static int parts(void *arg, size_t most, struct iovec *to, int max)
{
    (void)most, (void)max;
    to[0] = (struct iovec){arg, 2 - fed};
    return fed < 2;
}

static void sent(void *arg, size_t n)
{
    (void)arg;
    fed += n;
}

static size_t pending(const void *arg)
{
    (void)arg;
    return 2 - fed;
}

static void replicas(void)
{
    char bytes[] = "ab";
    struct client_feed feed = {parts, sent, pending, bytes};
    struct pauses *pauses = begin();
    struct peer p = join();
    p.client->feed = &feed;
    pause_begin(pauses, PAUSE_FAILOVER, PAUSE_REPLICAS, LONG_MS);
    say(&p, "take a\r\n");
    check_hears(&p, "$-1\r\n"); /* what it is owed itself is no part of the stream */
    pause_end_soon(pauses, PAUSE_FAILOVER);
    turn();
    check_hears(&p, "ab");
    p.client->feed = NULL;
    close(p.fd);
    server_free(s);
}

int main(void)
{
    return UNIT_RUN(UNIT(writes), UNIT(purposes), UNIT(again), UNIT(expiry), UNIT(clients_that_go),
                    UNIT(replicas));
}
