/* SPDX-License-Identifier: BSD-3-Clause */
/* Commands that take a string from the first of some keys that has one, or wait for it. */
#include "server/wait_keys.h"

#include <stdio.h>

#include "server/block.h"
#include "server/command.h"
#include "server/commit.h"
#include "server/exec.h"
#include "server/hooks.h"
#include "server/multi.h"
#include "server/reply.h"
#include "store/db.h"
#include "tests/unit/server/served.h"
#include "tests/unit/unit.h"

static void give(struct ctx *c)
{
    db_set_string(c->db, c->argv[1], c->argv[2], KEY_NO_EXPIRE);
    ctx_changed(c, 1);
    reply_ok(c);
}

static void look(struct ctx *c)
{
    reply_int(c, db_find(c->db, c->argv[1]) ? 1 : 0);
}

static bool take_one(struct ctx *c, struct slice key, struct buf *value)
{
    char scratch[NUM_I64_TEXT];
    struct entry *e = db_find_write(c->db, key);
    if (!e)
        return false;
    buf_add(value, entry_string(e, scratch));
    db_remove(c->db, key);
    ctx_changed(c, 1);
    return true;
}

/* TAKE key... timeout_ms */
static void take(struct ctx *c)
{
    struct buf value = {0};
    int at[8], count = 0;
    int64_t timeout_ms;
    if (!ctx_arg_i64(c, c->argc - 1, &timeout_ms))
        return;
    for (int i = 1; i < c->argc - 1; i++) {
        if (take_one(c, c->argv[i], &value)) {
            struct slice effect[] = {SLICE_LIT("DEL"), c->argv[i]};
            ctx_log_instead(c, 2, effect);
            reply_bulk(c, buf_slice(&value));
            buf_free(&value);
            return;
        }
        at[count++] = i;
    }
    wait_for_keys(c, timeout_ms, &(struct wait_keys){.at = at, .count = count,
                                                     .type = VALUE_STRING,
                                                     .too_late = reply_null});
}

/* PASS from to: takes from one and gives to the other. */
static void pass(struct ctx *c)
{
    static const int at[] = {1};
    struct buf value = {0};
    if (take_one(c, c->argv[1], &value)) {
        db_set_string(c->db, c->argv[2], buf_slice(&value), KEY_NO_EXPIRE);
        reply_bulk(c, buf_slice(&value));
    } else {
        wait_for_keys(c, 0, &(struct wait_keys){.at = at, .count = 1, .type = VALUE_STRING,
                                                .too_late = reply_null});
    }
    buf_free(&value);
}

/* Waits for a list, and says what lies there. */
static void list(struct ctx *c)
{
    static const int at[] = {1};
    if (db_find(c->db, c->argv[1]))
        reply_int(c, 1);
    else
        wait_for_keys(c, 0, &(struct wait_keys){.at = at, .count = 1, .type = VALUE_LIST,
                                                .too_late = reply_null});
}

static int looks_for_gone;

/* Waits until the key is gone. */
static void gone(struct ctx *c)
{
    static const int at[] = {1};
    looks_for_gone++;
    if (!db_find(c->db, c->argv[1]))
        reply_status(c, "GONE");
    else
        wait_for_keys(c, 0, &(struct wait_keys){.at = at, .count = 1, .type = VALUE_LIST,
                                                .gone_too = true, .too_late = reply_null});
}

/* FLUSH n: another database than its client's */
static void flush(struct ctx *c)
{
    int64_t n;
    if (!ctx_arg_i64(c, 1, &n))
        return;
    db_flush(keyspace_db(c->keyspace, (unsigned)n), false);
    reply_ok(c);
}

static void swap(struct ctx *c)
{
    server_swap_databases(c->server, 0, 1);
    reply_ok(c);
}

static void multi(struct ctx *c)
{
    multi_begin(c->client);
    reply_ok(c);
}

static const struct command table[] = {
    {.name = "give", .run = give, .arity = 3, .flags = CMD_WRITE},
    {.name = "look", .run = look, .arity = 2},
    {.name = "take", .run = take, .arity = -3, .flags = CMD_WRITE | CMD_BLOCKING},
    {.name = "pass", .run = pass, .arity = 3, .flags = CMD_WRITE | CMD_BLOCKING},
    {.name = "list", .run = list, .arity = 2},
    {.name = "gone", .run = gone, .arity = 2},
    {.name = "flush", .run = flush, .arity = 2},
    {.name = "swap", .run = swap, .arity = 1},
    {.name = "multi", .run = multi, .arity = 1, .steers = STEERS_MULTI},
    {.name = "exec", .run = exec_transaction, .arity = 1, .flags_of = multi_flags,
     .steers = STEERS_EXEC},
    {.name = NULL}};

static void begin(void)
{
    serve(table);
}

static void end(struct peer *peers, int n)
{
    for (int i = 0; i < n; i++)
        close(peers[i].fd);
    for (int i = 0; i < 3; i++)
        loop_turn(server_loop(s), 0);
    CHECK_INT(waits_keys(server_waits(s)), 0);
    server_free(s);
}

/* When the unit is over, before the next command of the same packet. */
static void before_the_next_command(void)
{
    begin();
    struct peer p[] = {join(), join()};
    say(&p[1], "take a 0\r\nlook b\r\n");
    check_hears(&p[1], "");
    CHECK_INT(server_clients(s)->blocked_count, 1);
    say(&p[0], "look a\r\ngive a 1\r\nlook a\r\ngive b 2\r\n");
    check_hears(&p[0], ":0\r\n+OK\r\n:0\r\n+OK\r\n");
    check_hears(&p[1], "$1\r\n1\r\n:1\r\n"); /* its further input: between turns */
    CHECK_INT(server_clients(s)->blocked_count, 0);
    CHECK_INT(commands_find(server_commands(s), SLICE_LIT("take"))->stats.calls, 1);
    end(p, 2);
}

static void first_come_first_served(void)
{
    begin();
    struct peer p[] = {join(), join(), join(), join()};
    say(&p[1], "take x a 0\r\n");
    say(&p[2], "take a a x 0\r\n"); /* the same key twice */
    say(&p[3], "take a 0\r\n");
    CHECK_INT(waits_keys(server_waits(s)), 2);
    say(&p[0], "give a 1\r\ngive a 2\r\ngive b 3\r\n");
    check_hears(&p[1], "$1\r\n1\r\n");
    check_hears(&p[2], "$1\r\n2\r\n");
    check_hears(&p[3], "");
    say(&p[1], "take a 0\r\n"); /* anew: behind the other */
    say(&p[0], "multi\r\ngive x 1\r\ngive a 4\r\nlook a\r\nexec\r\nlook a\r\n");
    check_hears(&p[3], "$1\r\n4\r\n");
    check_hears(&p[1], "");
    check_hears(&p[0], "+OK\r\n+OK\r\n+OK\r\n+OK\r\n+QUEUED\r\n+QUEUED\r\n+QUEUED\r\n"
                       "*3\r\n+OK\r\n+OK\r\n:1\r\n:0\r\n"); /* behind all of EXEC */
    end(p, 4);
}

static void chains(void)
{
    begin();
    struct peer p[] = {join(), join(), join(), join()};
    say(&p[1], "pass b c\r\n");
    say(&p[2], "pass a b\r\n");
    say(&p[3], "take c 0\r\n");
    say(&p[0], "give a 1\r\nlook a\r\nlook b\r\nlook c\r\n");
    check_hears(&p[0], "+OK\r\n:0\r\n:0\r\n:0\r\n");
    for (int i = 1; i < 4; i++)
        check_hears(&p[i], "$1\r\n1\r\n");
    say(&p[1], "pass r r\r\n"); /* makes ready what it waited for */
    say(&p[2], "take r 0\r\n");
    say(&p[0], "give r 7\r\n");
    check_hears(&p[1], "$1\r\n7\r\n");
    check_hears(&p[2], "$1\r\n7\r\n");
    end(p, 4);
}

static void until_it_hears(struct peer *p, const char *want)
{
    char got[64];
    ssize_t n = -1;
    for (int i = 0; i < 5000 && n <= 0; i++) {
        loop_turn(server_loop(s), 10000);
        n = read(p->fd, got, sizeof got);
    }
    CHECK_SLICE(slice(got, n > 0 ? (size_t)n : 0), slice_str(want));
}

static void ends_of_waiting(void)
{
    begin();
    struct peer p[] = {join(), join(), join()};
    say(&p[1], "take a 1\r\n");
    until_it_hears(&p[1], "$-1\r\n");
    say(&p[1], "multi\r\ntake a 0\r\nexec\r\n"); /* nobody waits there */
    check_hears(&p[1], "+OK\r\n+QUEUED\r\n*1\r\n$-1\r\n");
    say(&p[1], "take a 0\r\n");
    CHECK(block_unblock(p[1].client, true));
    say(&p[0], "give a 1\r\n"); /* too late for who is woken */
    check_hears(&p[1], "-UNBLOCKED client unblocked via CLIENT UNBLOCK\r\n");
    say(&p[0], "look a\r\n");
    check_hears(&p[0], "+OK\r\n:1\r\n");
    say(&p[1], "take b 0\r\n");
    say(&p[2], "take b 0\r\n");
    close(p[1].fd); /* the first in the queue goes */
    for (int i = 0; i < 3; i++)
        loop_turn(server_loop(s), 0);
    say(&p[0], "give b 5\r\n");
    check_hears(&p[2], "$1\r\n5\r\n");
    p[1] = join();
    end(p, 3);
}

static void types_and_ends_of_keys(void)
{
    begin();
    struct peer p[] = {join(), join(), join()};
    say(&p[1], "list k\r\n");
    say(&p[0], "give k 1\r\n");
    check_hears(&p[1], ""); /* a string is not what it waits for */
    say(&p[2], "gone k\r\n");
    check_hears(&p[2], "");
    say(&p[0], "give k 2\r\n"); /* looked at, and waited on */
    check_hears(&p[2], "");
    CHECK_INT(server_clients(s)->blocked_count, 2);
    say(&p[0], "take k 0\r\n");
    check_hears(&p[2], "+GONE\r\n");
    CHECK_INT(commands_find(server_commands(s), SLICE_LIT("gone"))->stats.calls, 1);
    end(p, 3);
}

/* What comes into a database by an exchange is there for who waits in it. */
static void databases_exchanged(void)
{
    for (unsigned i = 0; i < 2; i++) {
        begin();
        struct peer p[] = {join(), join()};
        client_select(p[0].client, 1 - i);
        client_select(p[1].client, i);
        say(&p[0], "give a 1\r\n");
        say(&p[1], "take a 0\r\n");
        check_hears(&p[1], "");
        say(&p[0], "swap\r\n");
        check_hears(&p[1], "$1\r\n1\r\n");
        end(p, 2);
    }
}

/* Who waits in a database is told of what happens in that one, whoever did it from wherever. */
static void each_in_its_database(void)
{
    begin();
    struct peer p[] = {join(), join(), join()};
    for (unsigned i = 0; i < 2; i++) {
        client_select(p[0].client, i);
        client_select(p[1 + i].client, i);
        say(&p[0], "give k 1\r\n");
        say(&p[1 + i], "gone k\r\n");
    }
    looks_for_gone = 0;
    say(&p[0], "flush 2\r\n");
    CHECK_INT(looks_for_gone, 0);
    client_select(p[0].client, 0);
    say(&p[0], "flush 1\r\n");
    check_hears(&p[2], "+GONE\r\n");
    CHECK_INT(looks_for_gone, 1); /* the other had no reason to */
    client_select(p[0].client, 1);
    say(&p[0], "flush 0\r\n");
    check_hears(&p[1], "+GONE\r\n");
    CHECK_INT(looks_for_gone, 2);
    end(p, 3);
}

static void hear(void *arg, const struct commit_batch *batch)
{
    buf_add(arg, batch->log);
}

/* A served command has a unit and a batch of its own, and its reply waits for the log as any. */
static void logged_and_gated(void)
{
    struct buf log = {0};
    uint64_t released = 0;
    begin();
    hooks_on_commit(server_hooks(s), TO_LOG, hear, &log);
    hooks_on_gate(server_hooks(s), gate, &released);
    struct peer p[] = {join(), join()};
    say(&p[1], "take a 0\r\n");
    say(&p[0], "give a 1\r\n");
    CHECK_SLICE(buf_slice(&log), SLICE_LIT("*2\r\n$6\r\nSELECT\r\n$1\r\n0\r\n"
                                           "*3\r\n$4\r\ngive\r\n$1\r\na\r\n$1\r\n1\r\n"
                                           "*2\r\n$3\r\nDEL\r\n$1\r\na\r\n"));
    uint64_t all = commit_position(server_commit(s));
    released = all - 1;
    loop_turn(server_loop(s), 0);
    check_hears(&p[0], "+OK\r\n");
    check_hears(&p[1], "");
    released = all;
    loop_turn(server_loop(s), 0);
    check_hears(&p[1], "$1\r\n1\r\n");
    buf_free(&log);
    end(p, 2);
}

int main(void)
{
    return UNIT_RUN(UNIT(before_the_next_command), UNIT(first_come_first_served), UNIT(chains),
                    UNIT(ends_of_waiting), UNIT(types_and_ends_of_keys),
                    UNIT(databases_exchanged), UNIT(each_in_its_database), UNIT(logged_and_gated));
}
