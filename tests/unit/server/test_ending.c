/* SPDX-License-Identifier: BSD-3-Clause */
/* The two phases of an end, asked for by the server itself: what adds up while it waits, what is
 * saved, who hears of it, and what goes on meanwhile. */
#include "server/shutdown.h"

#include "server/block.h"
#include "server/feed.h"
#include "server/hooks.h"
#include "server/pause.h"
#include "server/settings.h"
#include "tests/unit/server/served.h"
#include "tests/unit/server/shutdown_part.h"
#include "tests/unit/unit.h"

static struct shutdown_part parts[3];

static void end(struct ctx *c)
{
    if (shutdown_begin(server_shutdown(c->server), 0) == SHUTDOWN_LASTS)
        shutdown_wait(server_shutdown(c->server), c);
}

static void hear(struct ctx *c, void *arg, enum block_why why)
{
    (void)arg, (void)why;
    reply_null(c);
}
static const struct block_kind waits = {.wake = hear};

static void wait_here(struct ctx *c)
{
    block_client(c, 0, &waits, NULL);
}

static const struct command table[] = {
    {.name = "end", .run = end, .arity = 1},
    {.name = "wait", .run = wait_here, .arity = 1},
    {.name = "put", .run = served_put, .arity = 3, .flags = CMD_WRITE,
     .keys = {KEY_AT(KEY_OW, 1, 0, 1)}},
    {.name = NULL}};

static struct shutdown *begin(enum shutdown_answer answer)
{
    serve(table);
    for (int i = 0; i < 3; i++) {
        parts[i] = (struct shutdown_part){.answer = answer};
        hooks_on_shutdown(server_hooks(s), part_ready, part_finish, &parts[i]);
    }
    server_settings(s)->shutdown_timeout_s = 100000;
    return server_shutdown(s);
}

static void turn(void)
{
    loop_turn(server_loop(s), 0);
    loop_turn(server_loop(s), 0);
}

static void answer_all(enum shutdown_answer answer)
{
    for (int i = 0; i < 3; i++)
        parts[i].answer = answer;
}

/* While it waits it is asked for again: its flags are all of them, and of SAVE and NOSAVE the later
 * word counts. */
static void flags_add_up(void)
{
    static const struct {
        unsigned first, second, third, want;
    } rows[] = {
        {SHUTDOWN_SAVE, SHUTDOWN_NOSAVE, 0, SHUTDOWN_NOSAVE},
        {SHUTDOWN_NOSAVE, SHUTDOWN_SAVE, 0, SHUTDOWN_SAVE},
        {SHUTDOWN_SAVE, SHUTDOWN_NOSAVE, SHUTDOWN_SAVE, SHUTDOWN_SAVE},
        {SHUTDOWN_FORCE, SHUTDOWN_SAVE, 0, SHUTDOWN_FORCE | SHUTDOWN_SAVE},
        {SHUTDOWN_SAVE, SHUTDOWN_FORCE, SHUTDOWN_NOSAVE, SHUTDOWN_FORCE | SHUTDOWN_NOSAVE},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct shutdown *sd = begin(SHUTDOWN_NOT_YET);
        CHECK_INT(shutdown_begin(sd, rows[i].first), SHUTDOWN_LASTS);
        CHECK_INT(shutdown_begin(sd, rows[i].second), SHUTDOWN_LASTS);
        CHECK_INT(shutdown_begin(sd, rows[i].third), SHUTDOWN_LASTS);
        turn(); /* asked once a turn */
        CHECK_INT(parts[0].flags, rows[i].want);
        answer_all(SHUTDOWN_READY);
        turn();
        CHECK(server_is_stopping(s));
        CHECK_INT(parts[0].finished, 1);
        CHECK_INT(parts[0].flags, rows[i].want);
        server_free(s);
    }
}

/* What is called off leaves the next one no flag. */
static void flags_go_with_it(void)
{
    struct shutdown *sd = begin(SHUTDOWN_NOT_YET);
    CHECK_INT(shutdown_begin(sd, SHUTDOWN_FORCE | SHUTDOWN_SAVE), SHUTDOWN_LASTS);
    CHECK(shutdown_abort(sd));
    CHECK_INT(shutdown_begin(sd, 0), SHUTDOWN_LASTS);
    CHECK_INT(parts[0].flags, 0);
    server_free(s);
}

/* A part of a data set is never saved over the file that it comes from, whoever asks for it. */
static void nothing_is_saved_while_loading(void)
{
    for (unsigned flags = 0; flags <= SHUTDOWN_SAVE; flags += SHUTDOWN_SAVE) {
        struct shutdown *sd = begin(SHUTDOWN_READY);
        server_set_loading(s, true);
        CHECK_INT(shutdown_begin(sd, flags), SHUTDOWN_STOPS);
        CHECK_INT(parts[0].flags, SHUTDOWN_NOSAVE);
        CHECK_INT(parts[2].flags, SHUTDOWN_NOSAVE);
        server_set_loading(s, false);
        server_free(s);
    }
}

/* Who could not do its last writes ends it: the others' are not done for an end that does not come.
 * Forced, all do what they can. */
static void first_failure_ends_it(void)
{
    struct shutdown *sd = begin(SHUTDOWN_READY);
    parts[1].cannot_finish = true;
    CHECK_INT(shutdown_begin(sd, 0), SHUTDOWN_FAILED);
    CHECK_INT(parts[0].finished, 1);
    CHECK_INT(parts[1].finished, 1);
    CHECK_INT(parts[2].finished, 0);
    CHECK(!server_is_stopping(s));
    CHECK_INT(shutdown_begin(sd, SHUTDOWN_FORCE), SHUTDOWN_STOPS);
    CHECK_INT(parts[0].finished, 2);
    CHECK_INT(parts[2].finished, 1);
    server_free(s);
}

/* Neither CLIENT UNBLOCK nor a change of the role reaches who waits for the end. */
static void only_its_end_wakes(void)
{
    struct shutdown *sd = begin(SHUTDOWN_NOT_YET);
    struct peer asks = join(), other = join();
    say(&other, "wait\r\n");
    say(&asks, "end\r\n");
    CHECK(shutdown_is_under_way(sd));
    CHECK(block_unblock(other.client, false));
    CHECK(!block_unblock(asks.client, false));
    CHECK(!block_unblock(asks.client, true));
    block_end_all(server_clients(s), "UNBLOCKED");
    turn();
    CHECK(!block_is_woken(asks.client));
    check_hears(&asks, "");
    CHECK_INT(server_clients(s)->blocked_count, 1);
    CHECK(shutdown_abort(sd));
    turn();
    check_hears(&asks, "-" SHUTDOWN_ERROR "\r\n");
    close(asks.fd);
    close(other.fd);
    server_free(s);
}

/* ---- the stream to replicas ---- */
static size_t fed;

static int fed_parts(void *arg, size_t most, struct iovec *to, int max)
{
    (void)most, (void)max;
    to[0] = (struct iovec){(char *)arg + fed, 2 - fed};
    return fed < 2;
}

static void fed_sent(void *arg, size_t n)
{
    (void)arg;
    fed += n;
}

static size_t fed_pending(const void *arg)
{
    (void)arg;
    return 2 - fed;
}

/* It is what may be waited for: a server that held it back would wait in vain. */
static void stream_goes_on(void)
{
    char bytes[] = "ab";
    struct client_feed feed = {fed_parts, fed_sent, fed_pending, bytes};
    struct shutdown *sd = begin(SHUTDOWN_NOT_YET);
    struct peer replica = join(), writes = join();
    fed = 0;
    CHECK_INT(shutdown_begin(sd, 0), SHUTDOWN_LASTS);
    CHECK_INT(pause_what(server_pauses(s)), PAUSE_WRITES | PAUSE_EXPIRY | PAUSE_EVICTION);
    say(&writes, "put a 1\r\n");
    check_hears(&writes, "");
    replica.client->feed = &feed;
    client_want_send(replica.client);
    turn();
    check_hears(&replica, "ab");
    CHECK(!server_is_stopping(s));
    replica.client->feed = NULL;
    close(replica.fd);
    close(writes.fd);
    server_free(s);
}

int main(void)
{
    return UNIT_RUN(UNIT(flags_add_up), UNIT(flags_go_with_it),
                    UNIT(nothing_is_saved_while_loading), UNIT(first_failure_ends_it),
                    UNIT(only_its_end_wakes), UNIT(stream_goes_on));
}
