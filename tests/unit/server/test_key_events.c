/* SPDX-License-Identifier: BSD-3-Clause */
/* What the server makes of what the store tells of keys: one that is loaded is no change, and one
 * that goes by its time is a change of some unit. */
#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>

#include "server/commit.h"
#include "server/exec.h"
#include "server/hooks.h"
#include "server/multi.h"
#include "tests/unit/server/served.h"
#include "tests/unit/unit.h"

static void watch(struct ctx *c)
{
    multi_watch(c->client, c->argv[1]);
    reply_ok(c);
}

static const struct command table[] = {
    {.name = "watch", .run = watch, .arity = 2},
    {.name = "put", .run = served_put, .arity = 3, .flags = CMD_WRITE,
     .keys = {KEY_AT(KEY_OW, 1, 0, 1)}},
    {.name = "take", .run = served_take, .arity = 2, .flags = CMD_READONLY,
     .keys = {KEY_AT(KEY_RO, 1, 0, 1)}},
    {.name = NULL}};

static struct db *begin(void)
{
    serve(table);
    return keyspace_db(server_keyspace(s), 0);
}

static void load(struct db *db, const char *key)
{
    struct slice name = slice_str(key);
    CHECK(db_load_string(db, name, hash_slice(name), SLICE_LIT("1"), KEY_NO_EXPIRE));
}

static int heard;

static void hear(void *arg, struct db *db, struct slice key, enum key_event_kind kind)
{
    (void)arg, (void)db, (void)key;
    heard += kind == KEY_LOADED;
}

/* Beside it, a key that is set. */
static void loaded_keys_touch_no_watch(void)
{
    struct db *db = begin();
    struct peer p = join(), q = join();
    hooks_on_key(server_hooks(s), hear, NULL);
    heard = 0;
    say(&p, "watch loaded\r\n");
    say(&q, "watch set\r\n");
    load(db, "loaded");
    db_set_string(db, SLICE_LIT("set"), SLICE_LIT("1"), KEY_NO_EXPIRE);
    CHECK_INT(heard, 1);
    CHECK(!(p.client->flags & CLIENT_DIRTY_CAS));
    CHECK(q.client->flags & CLIENT_DIRTY_CAS);
    close(p.fd);
    close(q.fd);
    server_free(s);
}

static void no_listener(void *arg, const struct commit_batch *batch)
{
    (void)arg, (void)batch;
}

/* The log has it already: what shows it waits for nothing. */
static void loaded_keys_are_not_fresh(void)
{
    uint64_t released = 0;
    struct db *db = begin();
    hooks_on_commit(server_hooks(s), TO_LOG, no_listener, NULL);
    hooks_on_gate(server_hooks(s), gate, &released);
    struct peer p = join(), q = join();
    say(&p, "put other 1\r\n");
    released = commit_position(server_commit(s));
    say(&p, "");
    check_hears(&p, "+OK\r\n");
    say(&q, "put other 2\r\n"); /* the log is further than what may leave */
    check_hears(&q, "");
    load(db, "loaded");
    db_set_string(db, SLICE_LIT("set"), SLICE_LIT("1"), KEY_NO_EXPIRE);
    say(&p, "take loaded\r\n");
    check_hears(&p, "$1\r\n1\r\n");
    say(&p, "take set\r\n");
    check_hears(&p, "");
    close(p.fd);
    close(q.fd);
    server_free(s);
}

/* ---- keys that go by their time ---- */
static int deleted;

static void count_deleted(void *arg, const struct commit_batch *batch)
{
    (void)arg;
    deleted += batch->log_commands;
}

/* Its DEL would be logged with whatever comes next, or never. */
static void no_expiry_outside_of_a_unit(void)
{
    for (int in_unit = 0; in_unit < 2; in_unit++) {
        struct db *db = begin();
        int status;
        hooks_on_commit(server_hooks(s), TO_LOG, count_deleted, NULL);
        db_set_string(db, SLICE_LIT("old"), SLICE_LIT("1"), 1);
        pid_t pid = fork();
        if (pid == 0) {
            dup2(open("/dev/null", O_WRONLY), 2); /* what the assertion says */
            if (in_unit)
                exec_begin_loose(server_exec(s));
            bool gone = !db_find(db, SLICE_LIT("old")) && db_count(db) == 0;
            if (in_unit)
                exec_end_loose(server_exec(s));
            _exit(!gone || deleted != 1);
        }
        CHECK(pid > 0 && waitpid(pid, &status, 0) == pid);
        if (in_unit)
            CHECK_INT(status, 0);
        else
            CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
        server_free(s);
    }
}

int main(void)
{
    return UNIT_RUN(UNIT(loaded_keys_touch_no_watch), UNIT(loaded_keys_are_not_fresh),
                    UNIT(no_expiry_outside_of_a_unit));
}
