/* SPDX-License-Identifier: BSD-3-Clause */
/* A server over socket pairs, with two features of the test's own that are asked to end. */
#include "server/shutdown.h"

#include "commands/cmd_server.h"
#include "server/command.h"
#include "server/ctx.h"
#include "server/hooks.h"
#include "server/pause.h"
#include "server/reply.h"
#include "server/settings.h"
#include "store/db.h"
#include "tests/unit/server/served.h"
#include "tests/unit/server/shutdown_part.h"
#include "tests/unit/unit.h"

static struct shutdown_part parts[2];

static void count(struct ctx *c)
{
    reply_int(c, (int64_t)keyspace_count(c->keyspace));
}

static const struct command table[] = {
    {.name = "put", .run = served_put, .arity = 3, .flags = CMD_WRITE,
     .keys = {KEY_AT(KEY_OW, 1, 0, 1)}},
    {.name = "count", .run = count, .arity = 1, .flags = CMD_READONLY},
    {.name = NULL}};

static struct shutdown *begin(enum shutdown_answer first, enum shutdown_answer second)
{
    serve(table);
    commands_add(server_commands(s), cmd_server_commands, NULL);
    parts[0] = (struct shutdown_part){.answer = first};
    parts[1] = (struct shutdown_part){.answer = second};
    for (int i = 0; i < 2; i++)
        hooks_on_shutdown(server_hooks(s), part_ready, part_finish, &parts[i]);
    server_settings(s)->shutdown_timeout_s = 100000;
    return server_shutdown(s);
}

static void turn(void)
{
    loop_turn(server_loop(s), 0);
    loop_turn(server_loop(s), 0);
}

static void check_finished(int times)
{
    CHECK_INT(parts[0].finished, times);
    CHECK_INT(parts[1].finished, times);
    CHECK_INT(server_is_stopping(s), times > 0);
}

static void at_once(void)
{
    struct shutdown *sd = begin(SHUTDOWN_READY, SHUTDOWN_READY);
    struct peer p = join();
    say(&p, "shutdown nosave\r\ncount\r\n"); /* what stands behind it is not run */
    check_hears(&p, "");
    check_finished(1);
    CHECK_INT(parts[1].flags, SHUTDOWN_NOSAVE);
    CHECK(!shutdown_is_under_way(sd));
    close(p.fd);
    server_free(s);
}

/* Until it is done nothing changes, what only reads is served, and nobody finishes. */
static void waits(void)
{
    struct shutdown *sd = begin(SHUTDOWN_READY, SHUTDOWN_NOT_YET);
    struct peer asks = join(), writes = join(), asks_too = join();
    say(&asks, "shutdown\r\n");
    CHECK(shutdown_is_under_way(sd));
    say(&writes, "count\r\nput a 1\r\n");
    check_hears(&writes, ":0\r\n");
    check_hears(&asks, "");
    check_finished(0);
    say(&asks_too, "shutdown save\r\n");
    close(asks_too.fd); /* it does not wait for it */
    turn();
    parts[1].answer = SHUTDOWN_READY;
    turn();
    check_finished(1);
    CHECK_INT(parts[0].flags, SHUTDOWN_SAVE);
    CHECK_INT(keyspace_count(server_keyspace(s)), 0);
    check_hears(&writes, "");
    check_hears(&asks, "");
    close(asks.fd);
    close(writes.fd);
    server_free(s);
}

static void called_off(void)
{
    struct shutdown *sd = begin(SHUTDOWN_NOT_YET, SHUTDOWN_READY);
    struct peer asks = join(), writes = join(), stops = join();
    say(&stops, "shutdown abort\r\n");
    check_hears(&stops, "-ERR No shutdown in progress.\r\n");
    say(&asks, "shutdown\r\ncount\r\n");
    say(&writes, "put a 1\r\n");
    say(&stops, "shutdown abort\r\nshutdown abort\r\n");
    turn();
    check_hears(&stops, "+OK\r\n-ERR No shutdown in progress.\r\n");
    check_hears(&asks, "-" SHUTDOWN_ERROR "\r\n:1\r\n");
    check_hears(&writes, "+OK\r\n");
    CHECK(!shutdown_is_under_way(sd));
    CHECK_INT(pause_what(server_pauses(s)), 0);
    parts[0].answer = SHUTDOWN_READY;
    turn();
    check_finished(0);
    close(asks.fd);
    close(writes.fd);
    close(stops.fd);
    server_free(s);
}

/* At first, and when it is asked again: nobody finishes, the server goes on. */
static void refused(void)
{
    struct shutdown *sd = begin(SHUTDOWN_NOT_YET, SHUTDOWN_REFUSED);
    struct peer asks = join(), writes = join();
    say(&asks, "shutdown save\r\n");
    check_hears(&asks, "-" SHUTDOWN_ERROR "\r\n");
    parts[1].answer = SHUTDOWN_READY;
    say(&asks, "shutdown\r\n");
    CHECK_INT(parts[1].flags, 0); /* SAVE was the first one's */
    say(&writes, "put a 1\r\n");
    check_hears(&writes, "");
    parts[1].answer = SHUTDOWN_REFUSED;
    turn();
    check_hears(&asks, "-" SHUTDOWN_ERROR "\r\n");
    check_hears(&writes, "+OK\r\n");
    CHECK(!shutdown_is_under_way(sd));
    check_finished(0);
    close(asks.fd);
    close(writes.fd);
    server_free(s);
}

/* The second's last writes fail: it goes on, unless it is told to end all the same. */
static void not_finished(void)
{
    begin(SHUTDOWN_READY, SHUTDOWN_READY);
    struct peer p = join();
    parts[1].cannot_finish = true;
    say(&p, "shutdown\r\n");
    check_hears(&p, "-" SHUTDOWN_ERROR "\r\n");
    CHECK(!server_is_stopping(s));
    parts[0].answer = SHUTDOWN_REFUSED;
    say(&p, "shutdown force\r\n");
    CHECK(server_is_stopping(s));
    CHECK_INT(parts[1].finished, 2);
    close(p.fd);
    server_free(s);
}

static void without_patience(void)
{
    struct shutdown *sd = begin(SHUTDOWN_NOT_YET, SHUTDOWN_READY);
    struct peer asks = join(), hurries = join();
    say(&asks, "shutdown\r\n");
    say(&hurries, "shutdown now\r\n");
    check_finished(1);
    close(asks.fd);
    close(hurries.fd);
    server_free(s);
    /* no time at all to wait */
    sd = begin(SHUTDOWN_NOT_YET, SHUTDOWN_READY);
    server_settings(s)->shutdown_timeout_s = 0;
    CHECK_INT(shutdown_begin(sd, 0), SHUTDOWN_STOPS);
    server_free(s);
    /* a second of it, of which the loop makes what it is */
    sd = begin(SHUTDOWN_NOT_YET, SHUTDOWN_READY);
    server_settings(s)->shutdown_timeout_s = 1;
    CHECK_INT(shutdown_begin(sd, SHUTDOWN_FORCE), SHUTDOWN_LASTS);
    check_finished(0);
    while (!server_is_stopping(s))
        loop_turn(server_loop(s), 100000);
    check_finished(1);
    server_free(s);
}

static void words(void)
{
    begin(SHUTDOWN_READY, SHUTDOWN_READY);
    struct peer p = join();
    say(&p, "shutdown save nosave\r\nshutdown abort now\r\nshutdown later\r\n");
    check_hears(&p, "-ERR syntax error\r\n-ERR syntax error\r\n-ERR syntax error\r\n");
    check_finished(0);
    close(p.fd);
    server_free(s);
}

int main(void)
{
    return UNIT_RUN(UNIT(at_once), UNIT(waits), UNIT(called_off), UNIT(refused),
                    UNIT(not_finished), UNIT(without_patience), UNIT(words));
}
