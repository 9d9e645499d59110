/* SPDX-License-Identifier: BSD-3-Clause */
/* What is one unit in the log and for replicas, and what stands apart: keys that go by themselves,
 * by whom they are met or when. */
#include "base/mem.h"
#include "os/clock.h"
#include "server/command.h"
#include "server/commit.h"
#include "server/config.h"
#include "server/cron.h"
#include "server/exec.h"
#include "server/hooks.h"
#include "server/memory_limit.h"
#include "server/multi.h"
#include "server/server.h"
#include "tests/unit/server/served.h"

enum { LARGE = 100000, LONG_NAME = 1000 };

/* meet key...: looks at them */
static void meet(struct ctx *c)
{
    int found = 0;
    for (int i = 1; i < c->argc; i++)
        found += db_find(c->db, c->argv[i]) != NULL;
    reply_int(c, found);
}

static void multi(struct ctx *c)
{
    multi_begin(c->client);
    reply_ok(c);
}

static const struct command commands[] = {
    {.name = "meet", .run = meet, .arity = -2, .flags = CMD_READONLY},
    {.name = "meetany", .run = meet, .arity = -2,
     .flags = CMD_READONLY | CMD_TOUCHES_ARBITRARY_KEYS},
    {.name = "put", .run = served_put, .arity = 3, .flags = CMD_WRITE | CMD_DENYOOM},
    {.name = "multi", .run = multi, .arity = 1, .steers = STEERS_MULTI},
    {.name = "exec", .run = exec_transaction, .arity = 1, .flags_of = multi_flags,
     .steers = STEERS_EXEC},
    {.name = NULL}};

/* ---- what is heard: the names of the commands, and a bar behind each batch ---- */
struct heard {
    struct buf log, replicas;
    size_t batches, longest;
};
static struct heard heard;

static void name_commands(struct buf *to, struct slice batch)
{
    struct resp r;
    struct resp_command cut;
    struct buf bytes = {0};
    buf_add(&bytes, batch);
    resp_init(&r, INT64_MAX);
    while (resp_next(&r, bytes.data, bytes.len, &cut) == RESP_COMMAND) {
        buf_printf(to, "%.*s ", SLICE_ARG(resp_argv(&r, &cut)[0]));
        resp_batch_done(&r);
    }
    CHECK_INT(r.at, bytes.len);
    buf_printf(to, "| ");
    resp_free(&r);
    buf_free(&bytes);
}

static void hear(void *arg, const struct commit_batch *batch)
{
    struct heard *h = arg;
    name_commands(&h->log, batch->log);
    name_commands(&h->replicas, batch->replicas);
    h->batches++;
    h->longest = batch->log.len > h->longest ? batch->log.len : h->longest;
}

static void check_heard(const char *want)
{
    CHECK_SLICE(buf_slice(&heard.log), slice_str(want));
    CHECK_SLICE(buf_slice(&heard.replicas), slice_str(want));
    buf_clear(&heard.log);
    buf_clear(&heard.replicas);
}

static struct memory_limit *limit;

static void begin(void)
{
    serve(commands);
    limit = memory_limit_new(s);
    heard = (struct heard){0};
    hooks_on_commit(server_hooks(s), TO_ALL, hear, &heard);
}

static void end(struct peer *p)
{
    close(p->fd);
    memory_limit_free(limit);
    server_free(s);
    buf_free(&heard.log);
    buf_free(&heard.replicas);
}

/* ---- evictions ---- */

static void set_option(const char *name, const char *value)
{
    struct fault f = {0};
    struct slice bad, pairs[] = {slice_str(name), slice_str(value)};
    CHECK(config_set(server_config(s), 2, pairs, &bad, &f));
}

static void fill(void)
{
    static char text[LARGE];
    memset(text, 'x', sizeof text);
    for (int i = 0; i < 8; i++) {
        char key[NUM_I64_TEXT];
        db_set_string(keyspace_db(server_keyspace(s), 0), slice(key, num_format_i64(key, i)),
                      slice(text, sizeof text), KEY_NO_EXPIRE);
    }
}

/* From now on two or three of the keys are too many; it is the next command that finds so. */
static void two_too_many(void)
{
    char bytes[32];
    fill();
    set_option("maxmemory-policy", "noeviction");
    bytes[num_format_u64(bytes, mem_used() - LARGE * 3 / 2)] = '\0';
    set_option("maxmemory", bytes);
    loop_turn(server_loop(s), 0); /* the timer that a new limit starts finds nothing to evict */
    set_option("maxmemory-policy", "allkeys-random");
    mem_used();
}

static void evictions_are_no_part_of_a_command(void)
{
    begin();
    struct peer p = join();
    two_too_many();
    check_heard("");
    say(&p, "put a 1\r\n");
    check_hears(&p, "+OK\r\n");
    CHECK_INT(server_keyspace(s)->evicted, 2);
    check_heard("SELECT DEL DEL | put | ");
    end(&p);
}

static void nor_of_a_transaction(void)
{
    begin();
    struct peer p = join();
    say(&p, "multi\r\nput a 1\r\nput b 2\r\n");
    two_too_many();
    say(&p, "exec\r\n");
    CHECK_INT(server_keyspace(s)->evicted, 2);
    check_heard("SELECT DEL DEL | MULTI put put EXEC | ");
    end(&p);
}

/* No command comes: a timer does it. */
static void evictions_by_themselves(void)
{
    char bytes[32];
    begin();
    struct peer p = join();
    fill();
    set_option("maxmemory-policy", "allkeys-random");
    bytes[num_format_u64(bytes, mem_used() - LARGE * 3 / 2)] = '\0';
    set_option("maxmemory", bytes);
    mem_used();
    loop_turn(server_loop(s), 0);
    CHECK_INT(server_keyspace(s)->evicted, 2);
    check_heard("SELECT DEL DEL | ");
    end(&p);
}

/* ---- keys whose time is over ---- */

static void put_over(const char *key)
{
    db_set_string(keyspace_db(server_keyspace(s), 0), slice_str(key), SLICE_LIT("1"), 1);
}

/* They go with the command that named them; apart when it came upon them by chance. */
static void keys_that_a_command_meets(void)
{
    begin();
    struct peer p = join();
    put_over("a");
    put_over("b");
    say(&p, "meet a b\r\n");
    check_heard("MULTI SELECT DEL DEL EXEC | ");
    put_over("a");
    put_over("b");
    say(&p, "meetany a b\r\n");
    check_heard("DEL DEL | ");
    put_over("a");
    put_over("b");
    say(&p, "meet a b\r\n"); /* that was for one unit */
    check_heard("MULTI DEL DEL EXEC | ");
    check_hears(&p, ":0\r\n:0\r\n:0\r\n");
    end(&p);
}

/* A transaction stays whole, whatever is in it. */
static void nothing_loosens_a_transaction(void)
{
    begin();
    struct peer p = join();
    put_over("a");
    put_over("b");
    say(&p, "multi\r\nput x 1\r\nmeetany a b\r\nput y 2\r\nexec\r\n");
    check_hears(&p, "+OK\r\n+QUEUED\r\n+QUEUED\r\n+QUEUED\r\n*3\r\n+OK\r\n:0\r\n+OK\r\n");
    check_heard("MULTI SELECT put DEL DEL put EXEC | ");
    end(&p);
}

/* An expiry cycle is no command: each key by itself, in batches that do not get long. */
static void expiry_cycles(void)
{
    enum { KEYS = 400, STEP = 64 };
    begin();
    struct peer p = join();
    struct keyspace *ks = server_keyspace(s);
    char name[LONG_NAME + 1];
    memset(name, 'k', LONG_NAME);
    name[LONG_NAME] = '\0';
    for (int i = 0; i < KEYS; i++) {
        name[num_format_i64(name, i)] = 'k';
        put_over(name);
    }
    cron_start(server_cron(s));
    int64_t until_us = clock_mono_us() + 60000000;
    while (keyspace_count(ks) && clock_mono_us() < until_us)
        loop_turn(server_loop(s), 10000);
    CHECK_INT(ks->expired, KEYS);
    CHECK(!memmem(heard.log.data, heard.log.len, "MULTI", 5));
    CHECK(heard.batches > 1);
    CHECK(heard.longest < COMMIT_LOOSE_MAX + STEP * (LONG_NAME + 100));
    end(&p);
}

int main(void)
{
    return UNIT_RUN(UNIT(evictions_are_no_part_of_a_command), UNIT(nor_of_a_transaction),
                    UNIT(evictions_by_themselves), UNIT(keys_that_a_command_meets),
                    UNIT(nothing_loosens_a_transaction), UNIT(expiry_cycles));
}
