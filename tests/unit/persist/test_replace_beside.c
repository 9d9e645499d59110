/* SPDX-License-Identifier: BSD-3-Clause */
/* What goes on beside a data set while it is replaced: children that write the one before, clients
 * that watch keys or wait for them, what features keep beside the keys, and a log that is not
 * whole, or cannot be begun again. */
#include <errno.h>
#include <signal.h>
#include <stdatomic.h>

#include "persist/aof_sync.h"
#include "persist/rewrite.h"
#include "persist/save_config.h"
#include "persist/snapshot.h"
#include "server/commit.h"
#include "server/exec.h"
#include "server/hooks.h"
#include "server/multi.h"
#include "tests/unit/persist/replaced.h"

enum { LONG_MS = 60000 };

/* ---- commands ---- */
static void watch(struct ctx *c)
{
    multi_watch(c->client, c->argv[1]);
    reply_ok(c);
}

static void select_first(struct ctx *c) /* all that is logged here lies in database 0 */
{
    reply_ok(c);
}

static const struct command table[] = {
    {.name = "await", .run = served_await, .arity = 2, .flags = CMD_WRITE | CMD_BLOCKING,
     .keys = {KEY_AT(KEY_RW, 1, 0, 1)}},
    {.name = "watch", .run = watch, .arity = 2},
    {.name = "put", .run = served_put, .arity = 3, .flags = CMD_WRITE,
     .keys = {KEY_AT(KEY_OW, 1, 0, 1)}},
    {.name = "select", .run = select_first, .arity = 2},
    {.name = NULL}};

static void begin(bool log)
{
    struct fault f = {0};
    start_with(table, log);
    fill(server_keyspace(s), "old", OLD_KEYS);
    if (!log)
        return;
    NEED(rewrite_start(p->aof, &f));
    turn_for(LONG_MS, log_is_in_force);
    NEED(log_is_in_force());
}

static bool hears(const struct peer *peer, const char *want)
{
    char got[512];
    ssize_t n = read(peer->fd, got, sizeof got);
    return slice_eq(slice(got, n > 0 ? (size_t)n : 0), slice_str(want));
}

/* Each run is a process, and so is the start that comes behind it. */
static void check_run(void (*run)(int how), int how)
{
    enter_room();
    pid_t pid = fork();
    if (pid == 0) {
        run(how);
        _exit(0);
    }
    check_exit(pid);
}

/* ---- children ---- */
enum { SAVES, REWRITES, SAVES_WITH_LOG, CHILDREN };

/* What it writes is another data set's: it is killed, and the log's new base written at once. */
static void run_child(int what)
{
    struct fault f = {0};
    bool log = what == SAVES_WITH_LOG;
    begin(log);
    p->save->save_delay_us = 1000000; /* a key */
    NEED(what == REWRITES ? rewrite_start(p->aof, &f) : snapshot_start(p->snapshot, &f));
    pid_t child = p->child.pid;
    NEED(p->child_kind == (what == REWRITES ? &child_rewrite : &child_save));
    p->save->save_delay_us = 0;
    NEED(replace(REPLACE_EMPTIED, 8, &f));
    NEED(p->child_kind == (log ? &child_rewrite : NULL));
    NEED(p->child.pid != child);
    NEED(kill(child, 0) < 0 && errno == ESRCH); /* and is waited for */
}

static void children_are_killed(void)
{
    for (int what = 0; what < CHILDREN; what++)
        check_run(run_child, what);
}

/* ---- clients ---- */
static void run_clients(int how)
{
    struct fault f = {0};
    begin(false);
    struct peer watches_old = join(), watches_new = join(), watches_none = join();
    struct peer waits = join(), waits_on = join();
    say(&watches_old, "watch old:0\r\n");
    say(&watches_new, "watch new:0\r\n");
    say(&watches_none, "watch none\r\n");
    say(&waits, "await new:0\r\n");
    say(&waits_on, "await none\r\n");
    NEED(hears(&waits, ""));
    NEED(replace((enum replace_how)how, 8, &f));
    NEED(watches_old.client->flags & CLIENT_DIRTY_CAS);
    NEED(watches_new.client->flags & CLIENT_DIRTY_CAS);
    NEED(!(watches_none.client->flags & CLIENT_DIRTY_CAS));
    say(&waits_on, "");
    NEED(hears(&waits, ":1\r\n"));
    NEED(hears(&waits_on, ""));
}

static void clients_are_told(void)
{
    for (int how = REPLACE_EMPTIED; how <= REPLACE_SERVED; how++)
        check_run(run_clients, how);
}

/* ---- beside the keys ---- */
static struct buf told; /* b: begins; +, -: ends, well or not */

static void begin_aux(void *arg, bool beside)
{
    (void)arg, (void)beside;
    buf_append(&told, "b", 1);
}

static void end_aux(void *arg, bool ok)
{
    (void)arg;
    buf_append(&told, ok ? "+" : "-", 1);
}

static const struct aux_loader loader = {.begin = begin_aux, .end = end_aux};

/* What a feature has is the stream's, or what it had; nothing, when the data set is left empty. */
static void run_aux(int how)
{
    struct fault f = {0};
    begin(false);
    hooks_on_aux(server_hooks(s), NULL, &loader, NULL);
    NEED(!replace((enum replace_how)how, 4, &f));
    NEED(slice_eq(buf_slice(&told), slice_str(how != REPLACE_EMPTIED ? "b-" : "b-b+")));
    buf_clear(&told);
    fault_clear(&f);
    NEED(replace((enum replace_how)how, 8, &f));
    NEED(slice_eq(buf_slice(&told), SLICE_LIT("b+")));
}

static void features_are_told(void)
{
    for (int how = REPLACE_EMPTIED; how <= REPLACE_SERVED; how++)
        check_run(run_aux, how);
}

/* ---- the judge ---- */
static struct keyspace *judged;
static int asked;

/* All of it is there to be looked at, none of it counts yet. */
static bool refuses(void *arg, const struct boot_source *src, struct fault *f)
{
    bool empties = arg != NULL;
    asked++;
    NEED(src->keys == NEW_KEYS && src->trailer <= RDB_TRAILER_OK && !src->expired);
    NEED(keyspace_count(src->into ? src->into : judged) == NEW_KEYS);
    NEED(empties || keyspace_count(judged) == OLD_KEYS);
    fault_set(f, FAULT_INVALID, "not this one");
    return false;
}

static void run_judge(int how)
{
    struct fault f = {0};
    struct out stream;
    struct in in;
    bool empties = how == REPLACE_EMPTIED;
    begin(true);
    hooks_on_aux(server_hooks(s), NULL, &loader, NULL);
    judged = server_keyspace(s);
    make_stream(&stream);
    in_init_memory(&in, buf_slice(&stream.buf));
    struct boot_source src = {.name = "the other server", .judge = refuses,
                              .arg = empties ? &src : NULL};
    NEED(!persist_replace(p, &in, &src, (enum replace_how)how, &f));
    NEED(asked == 1 && strstr(f.what, "the other server: not this one"));
    NEED(keyspace_count(judged) == (empties ? 0 : OLD_KEYS) && p->unfilled == empties);
    NEED(slice_eq(buf_slice(&told), slice_str(empties ? "b-b+" : "b-")));
    NEED(!p->loading && !p->beside && !server_is_loading(s) && !server_loads_beside(s));
    NEED((p->aof->state == AOF_ON) == !empties && !p->child_kind);
    in_free(&in);
    out_free(&stream);
}

static void judge_has_the_last_word(void)
{
    for (int how = REPLACE_EMPTIED; how <= REPLACE_SERVED; how++)
        check_run(run_judge, how);
}

/* ---- the log ---- */
enum { WHOLE, WRITE_FAILED, WAITED, LOGS };
static atomic_int fail_writes, fail_syncs; /* that many from now on; a worker syncs, too */

static ssize_t write_some(int fd, const void *from, size_t n)
{
    return fail_writes-- > 0 ? -ENOSPC : file_calls_real.write(fd, from, n);
}

static int sync_some(int fd)
{
    return fail_syncs-- > 0 ? -EIO : file_calls_real.fdatasync(fd);
}

/* Before there is a worker. */
static void use_faulty_disk(void)
{
    static struct file_calls calls;
    calls = file_calls_real;
    calls.write = write_some;
    calls.fdatasync = sync_some;
    file_use(&calls);
}

static void put_logged(const char *key)
{
    struct slice words[] = {SLICE_LIT("put"), slice_str(key), SLICE_LIT("value")};
    exec_begin_loose(server_exec(s));
    db_set_string(keyspace_db(server_keyspace(s), 0), words[1], words[2], KEY_NO_EXPIRE);
    commit_add(server_commit(s), TO_ALL, 0, 3, words);
    exec_end_loose(server_exec(s));
}

static void spoil(int what)
{
    struct fault f = {0};
    if (what == WAITED) {
        NEED(replace(REPLACE_EMPTIED, 8, &f));
        NEED(p->aof->state == AOF_WAIT_REWRITE);
        return;
    }
    put_logged("more");
    fail_writes = what == WRITE_FAILED;
    if (what == WRITE_FAILED)
        NEED(!aof_flush(p->aof, false) && !p->aof->write.ok);
}

/* A fault on the way: the log has not noticed, nor has the child that writes its base. */
static void run_back(int what)
{
    struct fault f = {0};
    use_faulty_disk();
    begin(true);
    spoil(what);
    uint64_t keys = keyspace_count(server_keyspace(s));
    enum aof_state state = p->aof->state;
    pid_t child = p->child.pid;
    NEED(keys == (what == WAITED ? NEW_KEYS : OLD_KEYS + 1));
    NEED(!replace(REPLACE_BESIDE, 4, &f));
    NEED(keyspace_count(server_keyspace(s)) == keys);
    NEED(p->aof->state == state && (what != WAITED || p->child.pid == child));
    put_logged("later");
    turn_for(LONG_MS, log_is_in_force);
    NEED(log_is_in_force() && aof_flush(p->aof, true) && aof_sync_now(p->aof));
}

static void run_start(int what)
{
    start_with(table, true);
    NEED(keyspace_count(server_keyspace(s)) == (what == WAITED ? NEW_KEYS : OLD_KEYS + 1) + 1);
}

static void log_goes_on(void)
{
    for (int what = 0; what < LOGS; what++) {
        check_run(run_back, what);
        pid_t pid = fork();
        if (pid == 0) {
            run_start(what);
            _exit(0);
        }
        check_exit(pid);
    }
}

/* What was acknowledged as durable would be lost with it: it is not taken in. */
static void run_no_end(int how)
{
    struct fault f = {0};
    use_faulty_disk();
    begin(true);
    p->aof->policy = AOF_ALWAYS;
    NEED(aof_policy_changed(p->aof, &f));
    put_logged("more");
    fail_syncs = 1000;
    NEED(!replace((enum replace_how)how, 8, &f));
    NEED(strstr(f.what, "can't be written to its end"));
    NEED(keyspace_count(server_keyspace(s)) == OLD_KEYS + 1 && p->aof->state == AOF_ON);
}

static void log_that_has_no_end(void)
{
    for (int how = REPLACE_EMPTIED; how <= REPLACE_SERVED; how++)
        check_run(run_no_end, how);
}

/* ---- a log that cannot be begun ---- */
/* Writes are refused until it is: it is tried again once a second. */
static void run_again(int how)
{
    struct fault f = {0};
    begin(true);
    struct peer writes = join();
    NEED(rename("appendonlydir", "away") == 0);
    NEED(symlink("nowhere", "appendonlydir") == 0);
    NEED(replace((enum replace_how)how, 8, &f));
    NEED(p->aof->state == AOF_OFF && p->log_due);
    say(&writes, "put a 1\r\n");
    char got[512] = "";
    NEED(read(writes.fd, got, sizeof got - 1) > 0 && strncmp(got, "-MISCONF ", 9) == 0);
    int64_t now_ms = clock_mono_us() / 1000;
    hooks_tick(server_hooks(s), now_ms);
    NEED(p->aof->state == AOF_OFF && p->log_due);
    NEED(unlink("appendonlydir") == 0 && rename("away", "appendonlydir") == 0);
    hooks_tick(server_hooks(s), now_ms + 999);
    NEED(p->aof->state == AOF_OFF);
    hooks_tick(server_hooks(s), now_ms + 1000);
    NEED(p->aof->state == AOF_WAIT_REWRITE && !p->log_due);
    turn_for(LONG_MS, log_is_in_force);
    say(&writes, "put a 1\r\n");
    NEED(hears(&writes, "+OK\r\n"));
    NEED(keyspace_count(server_keyspace(s)) == NEW_KEYS + 1);
}

static void log_is_begun_later(void)
{
    check_run(run_again, REPLACE_EMPTIED);
    check_run(run_again, REPLACE_BESIDE);
}

int main(void)
{
    return UNIT_RUN(UNIT(children_are_killed), UNIT(clients_are_told), UNIT(features_are_told),
                    UNIT(judge_has_the_last_word),
                    UNIT(log_goes_on), UNIT(log_that_has_no_end), UNIT(log_is_begun_later));
}
