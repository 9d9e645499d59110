/* SPDX-License-Identifier: BSD-3-Clause */
/* Where two things of the core meet: a wait inside a call, a pause ended and begun in one turn, a
 * large word in a nested command. */
#include <stdio.h>

#include "base/mem.h"
#include "server/block.h"
#include "server/commit.h"
#include "server/config.h"
#include "server/exec.h"
#include "server/hooks.h"
#include "server/memory_limit.h"
#include "server/multi.h"
#include "server/pause.h"
#include "server/wait_keys.h"
#include "store/aside.h"
#include "store/str.h"
#include "tests/unit/server/served.h"

static struct client *inner;
static struct keyspace other;
static struct client *victim;
static struct client *next; /* woken by who is woken */

/* ---- commands ---- */

static void wake(struct ctx *c, void *arg, enum block_why why)
{
    struct slice words[] = {SLICE_LIT("SET"), SLICE_LIT("a"), SLICE_LIT("1")};
    (void)arg, (void)why;
    ctx_changed(c, 1);
    ctx_log_also(c, c->db, 3, words);
    if (next)
        block_wake(next, BLOCK_READY);
    next = NULL;
    reply_ok(c);
}
static const struct block_kind waits_kind = {.wake = wake};

static void waits(struct ctx *c)
{
    block_client(c, 0, &waits_kind, NULL);
}

static void poke(struct ctx *c)
{
    struct str *t;
    db_open_string(c->db, c->argv[1], 10, &t);
    t->bytes[0] = '!';
    ctx_changed(c, 1);
    reply_ok(c);
}

/* big word: puts it through a call, and writes into what was put */
static void big(struct ctx *c)
{
    struct exec_call call = {.as = inner, .from = FROM_MODULE, .scope = TO_ALL};
    struct slice put[] = {SLICE_LIT("put"), SLICE_LIT("a"), c->argv[1]};
    struct slice change[] = {SLICE_LIT("poke"), SLICE_LIT("a")};
    CHECK(exec_call(c, &call, 3, put) && exec_call(c, &call, 2, change));
    reply_status(c, c->argv[1].data[0] == 'x' ? "SAME" : "CHANGED");
}

static void pause_all(struct ctx *c)
{
    pause_begin(server_pauses(c->server), PAUSE_ASKED, PAUSE_CHANGES | PAUSE_CLIENTS, 1000000);
    reply_ok(c);
}

static void pause_writes(struct ctx *c)
{
    pause_begin(server_pauses(c->server), PAUSE_ASKED, PAUSE_CHANGES, 1000000);
    reply_ok(c);
}

static void unpause(struct ctx *c)
{
    pause_end_soon(server_pauses(c->server), PAUSE_ASKED);
    reply_ok(c);
}

static void multi(struct ctx *c)
{
    multi_begin(c->client);
    reply_ok(c);
}

static void execute(struct ctx *c)
{
    exec_transaction(c);
}

static void watch(struct ctx *c)
{
    multi_watch(c->client, c->argv[1]);
    reply_ok(c);
}

static void wait_for(struct ctx *c, bool gone_too)
{
    static const int at[] = {1};
    wait_for_keys(c, 0, &(struct wait_keys){.at = at, .count = 1, .type = VALUE_STRING,
                                            .gone_too = gone_too, .too_late = reply_null});
}

static void btake(struct ctx *c)
{
    if (!db_remove(c->db, c->argv[1])) {
        wait_for(c, false);
        return;
    }
    ctx_changed(c, 1);
    reply_status(c, "TAKEN");
}

/* Takes a key, and calls a command that would wait. */
static void btwice(struct ctx *c)
{
    struct buf out = {0};
    struct exec_call call = {.from = FROM_MODULE, .scope = TO_ALL, .out = &out};
    struct slice words[] = {SLICE_LIT("btake"), SLICE_LIT("nosuch")};
    if (!db_remove(c->db, c->argv[1])) {
        wait_for(c, false);
        return;
    }
    ctx_changed(c, 1);
    exec_call(c, &call, 2, words);
    reply_bulk(c, buf_slice(&out));
    buf_free(&out);
}

static void gone(struct ctx *c)
{
    if (db_find(c->db, c->argv[1]))
        wait_for(c, true);
    else
        reply_status(c, "GONE");
}

static void flush(struct ctx *c)
{
    db_flush_all(c->keyspace, false);
    ctx_changed(c, 1);
    reply_ok(c);
}

static void swap_contents(struct ctx *c)
{
    keyspace_swap_contents(c->keyspace, &other);
    ctx_changed(c, 1);
    reply_ok(c);
}

static void swapdb(struct ctx *c)
{
    server_swap_databases(c->server, 0, 1);
    ctx_changed(c, 1);
    reply_ok(c);
}

static void put_and_kill(struct ctx *c)
{
    served_put(c);
    client_close_soon(victim);
}

/* call word...: by a script, as the caller; says how it ended */
static void call(struct ctx *c)
{
    struct buf out = {0};
    struct exec_call script = {.from = FROM_SCRIPT, .scope = TO_ALL, .out = &out};
    exec_call(c, &script, c->argc - 1, c->argv + 1);
    reply_int(c, script.ended);
    buf_free(&out);
}

static const struct command commands[] = {
    {.name = "waits", .run = waits, .arity = 1},
    {.name = "big", .run = big, .arity = 2},
    {.name = "poke", .run = poke, .arity = 2, .flags = CMD_WRITE},
    {.name = "pauseall", .run = pause_all, .arity = 1},
    {.name = "pausewrites", .run = pause_writes, .arity = 1},
    {.name = "unpause", .run = unpause, .arity = 1},
    {.name = "multi", .run = multi, .arity = 1, .steers = STEERS_MULTI},
    {.name = "exec", .run = execute, .arity = 1, .flags_of = multi_flags, .steers = STEERS_EXEC},
    {.name = "watch", .run = watch, .arity = 2, .steers = STEERS_ELSE},
    {.name = "btake", .run = btake, .arity = 2, .flags = CMD_WRITE | CMD_BLOCKING},
    {.name = "btwice", .run = btwice, .arity = 2, .flags = CMD_WRITE | CMD_BLOCKING},
    {.name = "gone", .run = gone, .arity = 2},
    {.name = "flush", .run = flush, .arity = 1},
    {.name = "swapcontents", .run = swap_contents, .arity = 1},
    {.name = "swapdb", .run = swapdb, .arity = 1},
    {.name = "putkill", .run = put_and_kill, .arity = 3, .flags = CMD_WRITE},
    {.name = "call", .run = call, .arity = -2},
    {.name = "put", .run = served_put, .arity = 3, .flags = CMD_WRITE | CMD_DENYOOM,
     .keys = {KEY_AT(KEY_OW, 1, 0, 1)}},
    {.name = "take", .run = served_take, .arity = 2, .flags = CMD_READONLY,
     .keys = {KEY_AT(KEY_RO, 1, 0, 1)}},
    {.name = NULL}};

static void begin(void)
{
    serve(commands);
    inner = server_fake_client(s);
}

static void end(void)
{
    server_free_client(s, inner);
    server_free(s);
}

static void hear(void *arg, const struct commit_batch *batch)
{
    buf_add(arg, batch->log);
}

static bool holds(const struct buf *log, const char *text)
{
    return memmem(log->data, log->len, text, strlen(text)) != NULL;
}

/* ---- cases ---- */

/* What is answered later has effects of its own, and no words. */
static void effects_of_what_is_answered_later(void)
{
    struct buf log = {0};
    begin();
    hooks_on_commit(server_hooks(s), TO_LOG, hear, &log);
    struct peer p = join();
    say(&p, "waits\r\n");
    block_wake(p.client, BLOCK_READY);
    say(&p, "take a\r\n");
    check_hears(&p, "+OK\r\n$-1\r\n");
    CHECK_SLICE(buf_slice(&log), SLICE_LIT("*2\r\n$6\r\nSELECT\r\n$1\r\n0\r\n"
                                           "*3\r\n$3\r\nSET\r\n$1\r\na\r\n$1\r\n1\r\n"));
    buf_free(&log);
    end();
}

/* So that each turn ends, whoever wakes whom. */
static void who_is_woken_by_the_woken_is_for_the_next_turn(void)
{
    begin();
    struct peer p = join(), q = join();
    say(&p, "waits\r\n");
    say(&q, "waits\r\n");
    next = q.client;
    block_wake(p.client, BLOCK_READY);
    loop_turn(server_loop(s), 0);
    check_hears(&p, "+OK\r\n");
    check_hears(&q, "");
    loop_turn(server_loop(s), 0);
    check_hears(&q, "+OK\r\n");
    end();
}

/* The store may take over a large word of the command that it came with, and of no other. */
static void a_large_word_stays_the_outer_commands(void)
{
    begin();
    struct peer p = join();
    say_with_large(&p, "*2\r\n$3\r\nbig\r\n", 300 * 1024);
    check_hears(&p, "+SAME\r\n");
    end();
}

static void a_pause_begun_behind_the_end_of_another(void)
{
    begin();
    struct peer p = join(), q = join();
    say(&p, "multi\r\npauseall\r\nunpause\r\npausewrites\r\nexec\r\n");
    CHECK_INT(pause_what(server_pauses(s)), PAUSE_CHANGES);
    say(&q, "take a\r\n");
    check_hears(&q, "$-1\r\n");
    end();
}

/* A waiter's command is held back as others are, and served when the pause is over. */
static void nobody_is_served_in_a_pause(void)
{
    begin();
    struct peer p = join(), q = join();
    say(&q, "btake a\r\n");
    say(&p, "multi\r\nput a 1\r\npausewrites\r\nexec\r\n");
    check_hears(&q, "");
    CHECK_INT(keyspace_count(server_keyspace(s)), 1);
    say(&p, "unpause\r\n");
    loop_turn(server_loop(s), 0);
    check_hears(&q, "+TAKEN\r\n");
    CHECK_INT(keyspace_count(server_keyspace(s)), 0);
    end();
}

static int runs;

static void again(struct unit_job *job)
{
    if (++runs < 100)
        exec_after_unit(server_exec(s), job);
}

static void a_job_that_asks_again_waits_for_a_unit(void)
{
    struct unit_job job = {.run = again};
    begin();
    link_init(&job.link);
    struct peer p = join();
    runs = 0;
    exec_after_unit(server_exec(s), &job);
    CHECK_INT(runs, 0);
    for (int i = 1; i < 4; i++) {
        say(&p, "take a\r\n");
        CHECK_INT(runs, i);
    }
    link_remove(&job.link);
    end();
}

static void no_wait_inside_a_served_command(void)
{
    begin();
    struct peer p = join(), q = join();
    say(&q, "btwice a\r\n");
    say(&p, "put a 1\r\n");
    check_hears(&q, "$5\r\n$-1\r\n\r\n");
    CHECK_INT(server_clients(s)->blocked_count, 0);
    end();
}

/* The link never waits: what comes behind is done. */
static void the_primary_does_not_wait(void)
{
    begin();
    struct peer q = join();
    q.client->flags |= CLIENT_PRIMARY;
    say(&q, "btake nosuch\r\nput after 1\r\n");
    CHECK_INT(server_clients(s)->blocked_count, 0);
    CHECK_INT(keyspace_count(server_keyspace(s)), 1);
    end();
}

static void a_call_ends_no_transaction(void)
{
    begin();
    struct peer p = join();
    say(&p, "multi\r\ncall exec\r\nput a 1\r\nexec\r\n");
    char want[64];
    snprintf(want, sizeof want, "+OK\r\n+QUEUED\r\n+QUEUED\r\n*2\r\n:%d\r\n+OK\r\n", EXEC_DENIED);
    check_hears(&p, want);
    end();
}

static void a_watched_key_comes_with_other_contents(void)
{
    begin();
    keyspace_init(&other, 16);
    db_set_string(keyspace_db(&other, 0), SLICE_LIT("k"), SLICE_LIT("new"), KEY_NO_EXPIRE);
    struct peer p = join(), q = join();
    say(&p, "watch k\r\nmulti\r\ntake k\r\n");
    say(&q, "swapcontents\r\n");
    say(&p, "exec\r\n");
    check_hears(&p, "+OK\r\n+OK\r\n+QUEUED\r\n*-1\r\n");
    keyspace_release(&other);
    end();
}

static void a_flush_wakes_who_waits_for_the_end(void)
{
    begin();
    struct peer p = join(), q = join();
    say(&p, "put k 1\r\n");
    say(&q, "gone k\r\n");
    say(&p, "flush\r\n");
    check_hears(&q, "+GONE\r\n");
    end();
}

/* What it shows by a change of all keys is as new as that, in each database concerned; and once the
 * change is durable, only what is changed later is newer. */
static void reads_wait_for_changes_of_all(void)
{
    static const char *const changes[] = {"swapdb\r\n", "flush\r\n", "swapcontents\r\n"};
    for (int i = 0; i < 3; i++)
        for (unsigned db = 0; db < 2; db++) {
            uint64_t released = UINT64_MAX;
            struct buf log = {0};
            begin();
            keyspace_init(&other, 16);
            hooks_on_commit(server_hooks(s), TO_LOG, hear, &log);
            hooks_on_gate(server_hooks(s), gate, &released);
            struct peer p = join(), q = join();
            client_select(q.client, db);
            say(&q, "put k 1\r\n");
            released = commit_position(server_commit(s));
            say(&q, "take k\r\n");
            check_hears(&q, "+OK\r\n$1\r\n1\r\n");
            say(&p, changes[i]);
            say(&q, "take k\r\n");
            check_hears(&q, "");
            released = commit_position(server_commit(s));
            loop_turn(server_loop(s), 0);
            check_hears(&p, "+OK\r\n");
            check_hears(&q, "$-1\r\n");
            say(&p, "put l 1\r\n");
            say(&q, "take k\r\n");
            check_hears(&p, "");
            check_hears(&q, "$-1\r\n");
            close(p.fd);
            close(q.fd);
            keyspace_release(&other);
            buf_free(&log);
            end();
        }
}

static void count_swaps(void *arg, struct db *db, struct slice key, enum key_event_kind kind)
{
    (void)db;
    *(int *)arg += kind == KEY_SWAPPED && key.len == 0;
}

static void listeners_hear_of_swapped_databases(void)
{
    int swaps = 0;
    begin();
    struct peer p = join();
    hooks_on_key(server_hooks(s), count_swaps, &swaps);
    say(&p, "swapdb\r\n");
    CHECK_INT(swaps, 2);
    hooks_off_key(server_hooks(s), &swaps);
    end();
}

/* It is refused as it would have been in front of the script. */
static void a_script_is_out_of_memory(void)
{
    struct fault f = {0};
    struct slice bad, pairs[] = {SLICE_LIT("maxmemory"), SLICE_LIT("1")};
    begin();
    struct memory_limit *m = memory_limit_new(s);
    struct peer p = join();
    char want[128];
    snprintf(want, sizeof want, "-OOM command not allowed when used memory > 'maxmemory'.\r\n"
             ":%d\r\n:%d\r\n", EXEC_REFUSED, EXEC_RAN);
    CHECK(config_set(server_config(s), 2, pairs, &bad, &f));
    mem_used(); /* as cron does: what is used about is known then */
    say(&p, "put a 1\r\ncall put a 1\r\ncall take a\r\n");
    check_hears(&p, want);
    memory_limit_free(m);
    end();
}

static void a_waiter_that_goes_takes_nothing(void)
{
    begin();
    struct peer p = join(), q = join(), r = join();
    say(&q, "btake k\r\n");
    say(&r, "btake k\r\n");
    victim = q.client;
    say(&p, "putkill k 1\r\n");
    check_hears(&r, "+TAKEN\r\n");
    end();
}

static void hear_replicas(void *arg, const struct commit_batch *batch)
{
    buf_clear(arg);
    buf_add(arg, batch->replicas);
}

/* A replica that comes in mid-unit: the next unit tells it the database. */
static void reselect_in_mid_unit(void)
{
    struct hooks *h = hooks_new();
    struct commit *cm = commit_new(h);
    struct buf log = {0}, replicas = {0};
    struct slice words[] = {SLICE_LIT("DEL"), SLICE_LIT("k")};
    hooks_on_commit(h, TO_LOG, hear, &log);
    hooks_on_commit(h, TO_REPLICAS, hear_replicas, &replicas);
    commit_add(cm, TO_ALL, 3, 2, words);
    commit_reselect(cm);
    commit_end(cm, 1, true);
    commit_add(cm, TO_ALL, 3, 2, words);
    commit_end(cm, 1, true);
    CHECK(holds(&replicas, "SELECT"));
    commit_add(cm, TO_ALL, 3, 2, words);
    commit_end(cm, 1, true);
    CHECK(!holds(&replicas, "SELECT"));
    buf_free(&log);
    buf_free(&replicas);
    commit_free(cm);
    hooks_free(h);
}

int main(void)
{
    return UNIT_RUN(UNIT(effects_of_what_is_answered_later),
                    UNIT(who_is_woken_by_the_woken_is_for_the_next_turn),
                    UNIT(a_large_word_stays_the_outer_commands),
                    UNIT(a_pause_begun_behind_the_end_of_another),
                    UNIT(nobody_is_served_in_a_pause),
                    UNIT(a_job_that_asks_again_waits_for_a_unit),
                    UNIT(no_wait_inside_a_served_command), UNIT(the_primary_does_not_wait),
                    UNIT(a_call_ends_no_transaction),
                    UNIT(a_watched_key_comes_with_other_contents),
                    UNIT(a_flush_wakes_who_waits_for_the_end),
                    UNIT(reads_wait_for_changes_of_all),
                    UNIT(listeners_hear_of_swapped_databases), UNIT(a_script_is_out_of_memory),
                    UNIT(a_waiter_that_goes_takes_nothing), UNIT(reselect_in_mid_unit));
}
