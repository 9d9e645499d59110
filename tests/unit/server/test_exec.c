/* SPDX-License-Identifier: BSD-3-Clause */
/* A whole server over a socket pair, with a family of commands of its own. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "server/clients.h"
#include "server/command.h"
#include "server/commit.h"
#include "server/ctx.h"
#include "server/exec.h"
#include "server/held.h"
#include "server/hooks.h"
#include "server/multi.h"
#include "server/replay.h"
#include "server/reply.h"
#include "server/route.h"
#include "server/server_frame.h"
#include "store/db.h"
#include "tests/unit/server/served.h"
#include "tests/unit/unit.h"

static void multi(struct ctx *c)
{
    multi_begin(c->client);
    reply_ok(c);
}

static void execute(struct ctx *c)
{
    if (multi_length(c->client) < 0)
        reply_error(c, "ERR EXEC without MULTI");
    else
        exec_transaction(c);
}

static void watch(struct ctx *c)
{
    multi_watch(c->client, c->argv[1]);
    reply_ok(c);
}

static void fails(struct ctx *c)
{
    reply_error(c, "ERR no such database");
}

/* ---- a feature that runs commands inside others, as scripts do ---- */
static struct client *inner; /* its own client */
static struct exec_call call;

/* CALL word...: the reply's bytes as a bulk, or why it did not run. */
static void call_one(struct ctx *c)
{
    struct buf out = {0};
    call.out = &out;
    bool ok = exec_call(c, &call, c->argc - 1, c->argv + 1);
    CHECK(ok == (call.ended == EXEC_RAN && out.data[0] != '-'));
    if (call.ended == EXEC_RAN)
        reply_bulk(c, buf_slice(&out));
    else
        reply_errorf(c, "ERR ended %d %s", (int)call.ended, call.refusal ? call.refusal : "");
    buf_free(&out);
}

/* CALL2 key: two writes in one unit. */
static void call_two(struct ctx *c)
{
    struct slice words[] = {SLICE_LIT("put"), c->argv[1], SLICE_LIT("1")};
    call.out = NULL;
    CHECK(exec_call(c, &call, 3, words));
    words[2] = SLICE_LIT("2");
    CHECK(exec_call(c, &call, 3, words));
    reply_ok(c);
}

static void move(struct ctx *c)
{
    client_select(c->client, 1);
    reply_int(c, c->resp);
}

static void secret(struct ctx *c)
{
    ctx_redact(c, 1);
    reply_ok(c);
}

/* ---- a feature with work behind a unit ---- */
static struct trace {
    struct unit_job first, second;
    int batches, batches_then;
    char text[64];
} trace;

static void second_job(struct unit_job *job)
{
    (void)job;
    strcat(trace.text, "2");
}

static void first_job(struct unit_job *job)
{
    struct db *db = keyspace_db(server_keyspace(s), 0);
    (void)job;
    strcat(trace.text, "1");
    trace.batches_then = trace.batches;
    exec_after_unit(server_exec(s), &trace.second);
    exec_begin_loose(server_exec(s));
    db_set_string(db, SLICE_LIT("job"), SLICE_LIT("done"), KEY_NO_EXPIRE);
    exec_end_loose(server_exec(s)); /* a unit inside: what is asked for comes behind this job */
    strcat(trace.text, ".");
}

static void later(struct ctx *c)
{
    exec_after_unit(server_exec(c->server), &trace.first);
    exec_after_unit(server_exec(c->server), &trace.first);
    served_put(c);
}

/* ---- a command that takes long, and looks around ---- */
static struct peer *beside;
static const char *said_beside;

static void slow(struct ctx *c)
{
    struct slice kept = c->argv[1];
    const char *text = said_beside;
    db_set_string(c->db, c->argv[1], c->argv[2], KEY_NO_EXPIRE);
    ctx_changed(c, 1);
    said_beside = NULL;
    CHECK(!text || write(beside->fd, text, strlen(text)) == (ssize_t)strlen(text));
    for (int i = 0; i < 3; i++)
        server_peek(c->server, "BUSY the server is");
    CHECK_SLICE(kept, SLICE_LIT("key")); /* nothing was read over it */
    reply_bulk(c, c->argv[2]);
}

static void ping(struct ctx *c)
{
    CHECK(server_clients(c->server)->running->client == c->client);
    server_peek(c->server, "BUSY twice"); /* does not nest */
    reply_status(c, "PONG");
}

static void bring_gate(struct ctx *c);

/* ---- a command that brings others ---- */
static void bring(struct ctx *c)
{
    static const struct command more[] = {{.name = "brought", .run = ping, .arity = 1},
                                          {.name = NULL}};
    commands_add(server_commands(c->server), more, NULL);
    reply_ok(c);
}

static const struct command table[] = {
    {.name = "bring", .run = bring, .arity = 1},
    {.name = "gate", .run = bring_gate, .arity = 1},
    {.name = "slow", .run = slow, .arity = 3, .flags = CMD_WRITE},
    {.name = "ping", .run = ping, .arity = 1, .flags = CMD_ALLOW_BUSY},
    {.name = "call", .run = call_one, .arity = -2},
    {.name = "call2", .run = call_two, .arity = 2},
    {.name = "move", .run = move, .arity = 1, .flags = CMD_NOSCRIPT},
    {.name = "secret", .run = secret, .arity = -2},
    {.name = "later", .run = later, .arity = 3, .flags = CMD_WRITE},
    {.name = "select", .run = fails, .arity = 2},
    {.name = "discard", .run = fails, .arity = 1, .steers = STEERS_ELSE},
    {.name = "put", .run = served_put, .arity = 3, .flags = CMD_WRITE,
     .keys = {KEY_AT(KEY_OW, 1, 0, 1)}},
    {.name = "take", .run = served_take, .arity = 2, .flags = CMD_READONLY,
     .keys = {KEY_AT(KEY_RO, 1, 0, 1)}},
    {.name = "multi", .run = multi, .arity = 1, .flags = CMD_LOADING | CMD_STALE,
     .steers = STEERS_MULTI},
    {.name = "exec", .run = execute, .arity = 1, .flags_of = multi_flags, .steers = STEERS_EXEC},
    {.name = "watch", .run = watch, .arity = 2, .steers = STEERS_ELSE},
    {.name = NULL}};

static void begin(void)
{
    serve(table);
}

static void pipelines(void)
{
    begin();
    struct peer p = join();
    say(&p, "put a 1\r\ntake a\r\n*2\r\n$4\r\nTAKE\r\n$1\r\nb\r\n*2\r\n$4\r\nta");
    check_hears(&p, "+OK\r\n$1\r\n1\r\n$-1\r\n");
    CHECK(p.client->in.len > 0);
    say(&p, "ke\r\n$1\r\na\r\n");
    check_hears(&p, "$1\r\n1\r\n");
    CHECK_INT(p.client->in.len, 0);
    char many[40 * 12 + 1] = "";
    for (int i = 0; i < 40; i++) /* more than a batch */
        strcat(many, "take nosuch\n");
    say(&p, many);
    char want[40 * 5 + 1] = "";
    for (int i = 0; i < 40; i++)
        strcat(want, "$-1\r\n");
    check_hears(&p, want);
    say(&p, "nosuch a\r\ntake\r\n");
    check_hears(&p, "-ERR unknown command 'nosuch', with args beginning with: 'a' \r\n"
                    "-ERR wrong number of arguments for 'take' command\r\n");
    close(p.fd);
    server_free(s);
}

static void protocol_errors_cost_the_connection(void)
{
    begin();
    struct peer p = join(), q = join();
    say(&p, "put a 1\r\n*x\r\nput a 2\r\n");
    check_hears(&p, "+OK\r\n-ERR Protocol error: invalid multibulk length\r\n");
    CHECK_INT(read(p.fd, (char[1]){0}, 1), 0);
    say(&q, "take a\r\n");
    check_hears(&q, "$1\r\n1\r\n");
    CHECK_INT(server_clients(s)->count, 1);
    close(p.fd);
    close(q.fd);
    server_free(s);
}

static void transactions(void)
{
    begin();
    struct peer p = join(), q = join();
    say(&p, "watch a\r\nmulti\r\nput a 1\r\ntake a\r\n");
    say(&p, "exec\r\n");
    check_hears(&p, "+OK\r\n+OK\r\n+QUEUED\r\n+QUEUED\r\n*2\r\n+OK\r\n$1\r\n1\r\n");
    say(&p, "watch a\r\nmulti\r\nput a 2\r\n");
    say(&q, "put a 3\r\n");
    say(&p, "exec\r\ntake a\r\n");
    check_hears(&p, "+OK\r\n+OK\r\n+QUEUED\r\n*-1\r\n$1\r\n3\r\n");
    say(&p, "multi\r\nnosuch\r\nput a 2\r\nexec\r\ntake a\r\n");
    check_hears(&p, "+OK\r\n-ERR unknown command 'nosuch', with args beginning with: \r\n"
                    "+QUEUED\r\n-EXECABORT Transaction discarded because of previous errors.\r\n"
                    "$1\r\n3\r\n");
    CHECK_INT(watches_count(server_watches(s)), 0);
    close(p.fd);
    close(q.fd);
    server_free(s);
}

static void count_batch(void *arg, const struct commit_batch *batch)
{
    (void)batch;
    ++*(int *)arg;
}

/* A reply, and every later one, waits until what it shows is released; earlier ones do not. */
static void gates(void)
{
    int batches = 0;
    uint64_t released = 0;
    begin();
    hooks_on_commit(server_hooks(s), TO_LOG, count_batch, &batches);
    hooks_on_gate(server_hooks(s), gate, &released);
    struct peer p = join();
    say(&p, "take a\r\n");
    check_hears(&p, "$-1\r\n");
    say(&p, "put a 1\r\ntake a\r\n");
    uint64_t first = commit_position(server_commit(s));
    say(&p, "put a 2\r\n");
    CHECK_INT(batches, 2);
    check_hears(&p, "");
    released = first;
    loop_turn(server_loop(s), 0);
    check_hears(&p, "+OK\r\n$1\r\n1\r\n");
    released = commit_position(server_commit(s));
    loop_turn(server_loop(s), 0);
    check_hears(&p, "+OK\r\n");
    close(p.fd);
    server_free(s);
}

static uint64_t released_to(void *arg, const struct client *c)
{
    return c->name ? *(const uint64_t *)arg : UINT64_MAX;
}

/* One that asks about the client holds back its replies alone, but for those that show no data; it
 * lets pass when it says so; or the client gets an error in place of all it holds back. */
static void gates_of_one(void)
{
    int batches = 0;
    uint64_t released = 0;
    begin();
    hooks_on_commit(server_hooks(s), TO_LOG, count_batch, &batches);
    hooks_on_client_gate(server_hooks(s), released_to, &released);
    CHECK(hooks_has_gate(server_hooks(s)));
    struct peer p = join(), other = join();
    struct client *c = LINK_OF(server_clients(s)->all.next, struct client, link);
    client_set_text(c, &c->name, SLICE_LIT("held"));
    say(&p, "put a 1\r\ntake a\r\n");
    say(&other, "take a\r\n");
    check_hears(&p, "");
    check_hears(&other, "$1\r\n1\r\n");
    CHECK_INT(hooks_released(server_hooks(s)), UINT64_MAX);
    released = commit_position(server_commit(s));
    loop_turn(server_loop(s), 0);
    check_hears(&p, "");
    conn_retry_held(server_clients(s));
    loop_turn(server_loop(s), 0);
    check_hears(&p, "+OK\r\n$1\r\n1\r\n");
    say(&other, "put a 2\r\n");
    check_hears(&other, "+OK\r\n");
    say(&p, "multi\r\ntake a\r\n"); /* shows nothing of it yet */
    check_hears(&p, "+OK\r\n+QUEUED\r\n");
    say(&p, "exec\r\n");
    check_hears(&p, "");
    conn_give_up(c, "NOREPLICAS no");
    loop_turn(server_loop(s), 0);
    check_hears(&p, "-NOREPLICAS no\r\n");
    loop_turn(server_loop(s), 0);
    CHECK_INT(recv(p.fd, &released, 1, 0), 0);
    hooks_off_client_gate(server_hooks(s), &released);
    CHECK(!hooks_has_gate(server_hooks(s)));
    close(p.fd), close(other.fd);
    server_free(s);
}

static uint64_t opened; /* up to where the gate lets pass that GATE brings */

static void bring_gate(struct ctx *c)
{
    hooks_on_gate(server_hooks(c->server), gate, &opened);
    reply_ok(c);
}

/* A gate that comes in the middle of a unit: what the unit changed before it is behind it, too. */
static void gates_that_come(void)
{
    int batches = 0;
    begin();
    hooks_on_commit(server_hooks(s), TO_LOG, count_batch, &batches);
    struct peer p = join(), q = join();
    opened = commit_position(server_commit(s));
    say(&p, "put a 1\r\n");
    check_hears(&p, "+OK\r\n");
    opened = commit_position(server_commit(s));
    say(&p, "multi\r\nput a 2\r\ngate\r\nexec\r\n");
    say(&q, "take a\r\n");
    check_hears(&q, "");
    opened = commit_position(server_commit(s));
    loop_turn(server_loop(s), 0);
    check_hears(&q, "$1\r\n2\r\n");
    close(p.fd);
    close(q.fd);
    server_free(s);
}

/* Nobody is told of keys that change unless somebody wants to know. */
static void who_hears_of_changes(void)
{
    begin();
    struct keyspace *ks = server_keyspace(s);
    struct peer p = join(), q = join();
    CHECK(ks->quiet);
    say(&p, "watch a\r\nwatch a\r\nwatch b\r\n");
    CHECK(!ks->quiet);
    say(&q, "put a 1\r\n");
    say(&p, "multi\r\nexec\r\n");
    check_hears(&p, "+OK\r\n+OK\r\n+OK\r\n+OK\r\n*-1\r\n");
    CHECK(ks->quiet);
    say(&p, "watch a\r\n");
    hooks_on_gate(server_hooks(s), gate, &opened);
    close(p.fd);
    loop_turn(server_loop(s), 0);
    loop_turn(server_loop(s), 0);
    CHECK(!ks->quiet);
    hooks_off_gate(server_hooks(s), &opened);
    CHECK(ks->quiet);
    close(q.fd);
    server_free(s);
}

struct told {
    int count, index;
    char text[128];
};

static void take_failure(void *arg, const struct replay_failure *failure)
{
    struct told *t = arg;
    t->count++;
    t->index = failure->index;
    snprintf(t->text, sizeof t->text, "%.*s: %s", SLICE_ARG(failure->command), failure->error);
}

static void replays_a_log(void)
{
    struct told told = {0};
    begin();
    struct replay r = {server_fake_client(s), take_failure, &told};
    struct slice write[] = {SLICE_LIT("put"), SLICE_LIT("a"), SLICE_LIT("1")};
    struct slice unknown[] = {SLICE_LIT("nosuch")}, open[] = {SLICE_LIT("multi")};
    struct slice run[] = {SLICE_LIT("exec")}, lost[] = {SLICE_LIT("discard")};
    struct slice wrong[] = {SLICE_LIT("select"), SLICE_LIT("99")};
    replay_command(s, &r, 3, write);
    CHECK_INT(told.count, 0);
    CHECK_INT(commit_dirty(server_commit(s)), 0); /* what is loaded is no change */
    replay_command(s, &r, 1, unknown);
    CHECK_STR(told.text, "nosuch: Unknown command 'nosuch'");
    replay_command(s, &r, 2, write);
    CHECK_STR(told.text, "put: wrong number of arguments for 'put' command");
    CHECK_INT(told.index, -1);
    replay_command(s, &r, 1, open);
    replay_command(s, &r, 3, write);
    CHECK_INT(multi_length(r.client), 1);
    replay_command(s, &r, 1, lost); /* it would take the queue along */
    CHECK_STR(told.text, "discard: it has no place in a log");
    CHECK_INT(told.count, 3);
    replay_command(s, &r, 2, wrong);
    replay_command(s, &r, 3, write);
    replay_command(s, &r, 1, run);
    CHECK_INT(multi_length(r.client), -1);
    CHECK_INT(told.count, 4); /* inside EXEC nothing fails in silence */
    CHECK_INT(told.index, 1);
    CHECK_STR(told.text, "select: ERR no such database");
    CHECK_INT(db_count(keyspace_db(server_keyspace(s), 0)), 1);
    server_free_client(s, r.client);
    server_free(s);
}

static void begin_calls(void)
{
    begin();
    inner = server_fake_client(s);
    call = (struct exec_call){.as = inner, .from = FROM_SCRIPT, .scope = TO_ALL};
}

static void calls_inside_calls(void)
{
    begin_calls();
    struct peer p = join();
    say(&p, "put a 1\r\ncall take a\r\ncall take nosuch\r\n");
    check_hears(&p, "+OK\r\n$7\r\n$1\r\n1\r\n\r\n$5\r\n$-1\r\n\r\n");
    call.resp = 3; /* whatever the client speaks */
    say(&p, "call take nosuch\r\ncall select 1\r\n");
    check_hears(&p, "$3\r\n_\r\n\r\n$23\r\n-ERR no such database\r\n\r\n");
    say(&p, "call nosuch\r\ncall take\r\n");
    check_hears(&p, "-ERR ended 1 \r\n-ERR ended 2 \r\n");
    say(&p, "call move\r\ntake a\r\ncall take a\r\n"); /* the inner client moved, no other */
    check_hears(&p, "$4\r\n:3\r\n\r\n$1\r\n1\r\n$3\r\n_\r\n\r\n");
    call.deny = CMD_NOSCRIPT;
    say(&p, "call move\r\n");
    check_hears(&p, "-ERR ended 3 \r\n");
    CHECK_INT(commands_find(server_commands(s), SLICE_LIT("take"))->stats.calls, 5);
    server_free_client(s, inner);
    close(p.fd);
    server_free(s);
}

/* ---- a cluster of two: keys from n on live elsewhere ---- */
static const char *elsewhere = "MOVED 1 127.0.0.1:1";

static const char *key_elsewhere(const struct command_entry *e, int argc, const struct slice *argv)
{
    if (e->first_key <= 0 || e->first_key >= argc)
        return NULL;
    return argv[e->first_key].data[0] >= 'n' ? elsewhere : NULL;
}

static const char *where(void *arg, struct ctx *c, const struct command_entry *e)
{
    const char *moved = key_elsewhere(e, c->argc, c->argv);
    CHECK(arg == &elsewhere);
    for (int i = 0; e->row.steers == STEERS_EXEC && !moved && i < multi_length(c->client); i++) {
        const struct held_command *h = multi_queued(c->client, i);
        moved = key_elsewhere(h->entry, h->argc, h->argv);
    }
    return moved;
}

static const char *never(void *arg, struct ctx *c, const struct command_entry *e)
{
    (void)arg, (void)c, (void)e;
    CHECK(!"a call that belongs elsewhere was admitted");
    return NULL;
}

static void routes(void)
{
    begin_calls();
    struct peer p = join();
    exec_set_route(server_exec(s), where, &elsewhere);
    say(&p, "put a 1\r\nput z 1\r\nping\r\n");
    check_hears(&p, "+OK\r\n-MOVED 1 127.0.0.1:1\r\n+PONG\r\n");
    say(&p, "multi\r\nput z 1\r\nput a 2\r\nexec\r\ntake a\r\n");
    check_hears(&p, "+OK\r\n-MOVED 1 127.0.0.1:1\r\n+QUEUED\r\n-EXECABORT Transaction discarded "
                    "because of previous errors.\r\n$1\r\n1\r\n");
    say(&p, "call put z 1\r\n");
    check_hears(&p, "-ERR ended 4 MOVED 1 127.0.0.1:1\r\n");
    /* its keys went away between MULTI and EXEC */
    exec_set_route(server_exec(s), NULL, NULL);
    say(&p, "put z 1\r\nmulti\r\nput z 2\r\n");
    exec_set_route(server_exec(s), where, &elsewhere);
    say(&p, "exec\r\nexec\r\n");
    check_hears(&p, "+OK\r\n+OK\r\n+QUEUED\r\n-MOVED 1 127.0.0.1:1\r\n"
                    "-ERR EXEC without MULTI\r\n"); /* it is over */
    hooks_on_admit(server_hooks(s), never, NULL, 1 << FROM_CLIENT, CMD_WRITE);
    say(&p, "put z 3\r\n");
    check_hears(&p, "-MOVED 1 127.0.0.1:1\r\n");
    exec_set_route(server_exec(s), NULL, NULL);
    say(&p, "take z\r\n");
    check_hears(&p, "$1\r\n1\r\n");
    server_free_client(s, inner);
    close(p.fd);
    server_free(s);
}

struct streams {
    struct buf log, replicas;
};

static void hear(void *arg, const struct commit_batch *batch)
{
    struct streams *h = arg;
    buf_add(&h->log, batch->log);
    buf_add(&h->replicas, batch->replicas);
}

/* What calls change is one unit; where it is told is theirs to say, within what the outer may. */
static void calls_are_logged_in_their_scope(void)
{
    struct streams heard = {0};
    uint64_t released = 0;
    begin_calls();
    struct peer p = join();
    hooks_on_commit(server_hooks(s), TO_ALL, hear, &heard);
    say(&p, "call2 k\r\n");
    check_hears(&p, "+OK\r\n");
    CHECK_SLICE(buf_slice(&heard.log), buf_slice(&heard.replicas));
    CHECK_SLICE(buf_slice(&heard.log),
                SLICE_LIT("*1\r\n$5\r\nMULTI\r\n*2\r\n$6\r\nSELECT\r\n$1\r\n0\r\n"
                          "*3\r\n$3\r\nput\r\n$1\r\nk\r\n$1\r\n1\r\n"
                          "*3\r\n$3\r\nput\r\n$1\r\nk\r\n$1\r\n2\r\n"
                          "*1\r\n$4\r\nEXEC\r\n"));
    /* nothing waits for what the log will never hold */
    hooks_on_gate(server_hooks(s), gate, &released);
    released = commit_position(server_commit(s));
    buf_clear(&heard.log);
    buf_clear(&heard.replicas);
    call.scope = TO_REPLICAS;
    say(&p, "call put k 3\r\ntake k\r\n");
    check_hears(&p, "$5\r\n+OK\r\n\r\n$1\r\n3\r\n");
    CHECK_INT(heard.log.len, 0);
    CHECK_SLICE(buf_slice(&heard.replicas),
                SLICE_LIT("*3\r\n$3\r\nput\r\n$1\r\nk\r\n$1\r\n3\r\n"));
    call.scope = TO_LOG;
    say(&p, "call put k 4\r\n");
    check_hears(&p, ""); /* this one does */
    released = commit_position(server_commit(s));
    loop_turn(server_loop(s), 0);
    check_hears(&p, "$5\r\n+OK\r\n\r\n");
    buf_free(&heard.log);
    buf_free(&heard.replicas);
    server_free_client(s, inner);
    close(p.fd);
    server_free(s);
}

static const char *refuse_writes(void *arg, struct ctx *c, const struct command_entry *e)
{
    (void)c, (void)e;
    ++*(int *)arg;
    return "NOPE not now";
}

/* Only calls from where a listener said, with a flag it named, ask it. */
static void admission_by_origin_and_flags(void)
{
    int asked = 0;
    begin_calls();
    struct peer p = join();
    hooks_on_admit(server_hooks(s), refuse_writes, &asked, 1 << FROM_SCRIPT, CMD_WRITE);
    say(&p, "put a 1\r\ncall take a\r\n");
    check_hears(&p, "+OK\r\n$7\r\n$1\r\n1\r\n\r\n");
    CHECK_INT(asked, 0);
    say(&p, "call put a 2\r\ntake a\r\n");
    check_hears(&p, "-ERR ended 4 NOPE not now\r\n$1\r\n1\r\n");
    CHECK_INT(asked, 1);
    hooks_set_admit(server_hooks(s), &asked, 0);
    say(&p, "call put a 2\r\n");
    check_hears(&p, "$5\r\n+OK\r\n\r\n");
    CHECK_INT(asked, 1);
    /* EXEC does what is queued: its flags are those */
    int of_clients = 0;
    say(&p, "multi\r\ntake a\r\nexec\r\nmulti\r\nput a 3\r\n");
    check_hears(&p, "+OK\r\n+QUEUED\r\n*1\r\n$1\r\n2\r\n+OK\r\n+QUEUED\r\n");
    hooks_on_admit(server_hooks(s), refuse_writes, &of_clients, 1 << FROM_CLIENT, CMD_WRITE);
    say(&p, "exec\r\nmulti\r\ntake a\r\nexec\r\n");
    check_hears(&p, "-EXECABORT Transaction discarded because of: NOPE not now\r\n"
                    "+OK\r\n+QUEUED\r\n*1\r\n$1\r\n2\r\n");
    CHECK_INT(of_clients, 1);
    server_free_client(s, inner);
    close(p.fd);
    server_free(s);
}

/* Behind the unit, its batch told of; before the next command of the same pipeline. */
static void jobs_behind_a_unit(void)
{
    begin();
    trace = (struct trace){.first.run = first_job, .second.run = second_job};
    link_init(&trace.first.link);
    link_init(&trace.second.link);
    struct peer p = join();
    hooks_on_commit(server_hooks(s), TO_LOG, count_batch, &trace.batches);
    say(&p, "take job\r\nlater a 1\r\ntake job\r\n");
    check_hears(&p, "$-1\r\n+OK\r\n$4\r\ndone\r\n");
    CHECK_STR(trace.text, "1.2");
    CHECK_INT(trace.batches_then, 1);
    trace.text[0] = '\0';
    say(&p, "multi\r\nlater a 2\r\nput a 3\r\nexec\r\ntake a\r\n");
    check_hears(&p, "+OK\r\n+QUEUED\r\n+QUEUED\r\n*2\r\n+OK\r\n+OK\r\n$1\r\n3\r\n");
    CHECK_STR(trace.text, "1.2");
    CHECK_INT(trace.batches_then, 2); /* all of EXEC is one */
    close(p.fd);
    server_free(s);
}

static void note(void *arg, const struct ctx *c, const struct command_entry *e, uint64_t took_us)
{
    struct buf *b = arg;
    (void)took_us;
    buf_printf(b, "%s", e->name);
    for (int i = 1; i < c->argc; i++)
        buf_printf(b, " %.*s", SLICE_ARG(ctx_shown(c, i)));
    buf_printf(b, ";");
}

static void observers(void)
{
    struct buf all = {0}, slow = {0};
    begin_calls();
    struct peer p = join();
    say(&p, "put a 0\r\n");
    exec_observe(server_exec(s), OBSERVE_ANSWERED | OBSERVE_AGAIN, 0, note, &all);
    exec_observe(server_exec(s), OBSERVE_ANSWERED, 3600000000, note, &slow);
    say(&p, "put a 1\r\nsecret word other\r\ncall take a\r\nmulti\r\ntake a\r\n");
    say(&p, "exec\r\nnosuch\r\n");
    CHECK_SLICE(buf_slice(&all), SLICE_LIT("put a 1;secret (redacted) other;take a;call take a;"
                                           "multi;take a;exec;"));
    CHECK_INT(slow.len, 0);
    exec_unobserve(server_exec(s), &all);
    buf_clear(&all);
    say(&p, "take a\r\n");
    CHECK_INT(all.len, 0);
    buf_free(&all);
    buf_free(&slow);
    server_free_client(s, inner);
    close(p.fd);
    server_free(s);
}

/* From some word on they are not told apart: all are secrets then. */
static void secrets_of_many_words(void)
{
    enum { WORDS = 200 };
    static const int each[] = {0, 62, 63, 64, 127, WORDS - 1};
    struct slice argv[WORDS];
    for (int i = 0; i < WORDS; i++)
        argv[i] = SLICE_LIT("word");
    for (size_t k = 0; k < sizeof each / sizeof *each; k++) {
        struct ctx c = {.argc = WORDS, .argv = argv};
        ctx_redact(&c, each[k]);
        for (int i = 0; i < WORDS; i++) {
            bool secret = i == each[k] || (each[k] >= CTX_REDACT_LAST && i >= CTX_REDACT_LAST);
            CHECK_SLICE(ctx_shown(&c, i), secret ? SLICE_LIT("(redacted)") : argv[i]);
        }
    }
}

/* What a log holds ran once, when a client asked for it, and was told of then; what the primary
 * sends runs here for the first time. */
static void observers_and_other_sources(void)
{
    struct buf all = {0};
    struct told told = {0};
    begin_calls();
    struct peer p = join(), q = join();
    struct replay r = {server_fake_client(s), take_failure, &told};
    struct slice write[] = {SLICE_LIT("put"), SLICE_LIT("a"), SLICE_LIT("1")};
    struct slice inside[] = {SLICE_LIT("call"), SLICE_LIT("put"), SLICE_LIT("b"), SLICE_LIT("1")};
    struct slice open[] = {SLICE_LIT("multi")}, run[] = {SLICE_LIT("exec")};
    exec_observe(server_exec(s), OBSERVE_ANSWERED | OBSERVE_AGAIN, 0, note, &all);
    for (int i = 0; i < 2; i++) { /* by themselves, and in a transaction */
        replay_command(s, &r, 3, write);
        replay_command(s, &r, 4, inside);
        replay_command(s, &r, 1, i ? run : open);
    }
    CHECK_INT(told.count, 0);
    CHECK_INT(db_count(keyspace_db(server_keyspace(s), 0)), 2);
    CHECK_INT(all.len, 0);
    CHECK_INT(commands_find(server_commands(s), write[0])->stats.calls, 0);
    q.client->flags |= CLIENT_PRIMARY;
    say(&q, "put a 2\r\ncall put b 2\r\n");
    say(&p, "put a 3\r\n"); /* and a replay says nothing of those that come behind it */
    CHECK_SLICE(buf_slice(&all), SLICE_LIT("put a 2;put b 2;call put b 2;put a 3;"));
    CHECK_INT(commands_find(server_commands(s), write[0])->stats.calls, 3);
    exec_unobserve(server_exec(s), &all);
    buf_free(&all);
    server_free_client(s, r.client);
    server_free_client(s, inner);
    close(p.fd);
    close(q.fd);
    server_free(s);
}

/* Others are served from inside a command, those commands that may; its unit stays one. */
static void peeks(void)
{
    int batches = 0;
    begin();
    struct peer p = join(), q = join();
    beside = &q;
    hooks_on_commit(server_hooks(s), TO_LOG, count_batch, &batches);
    said_beside = "ping\r\nput a 1\r\ntake key\r\nping\r\nmulti\r\n";
    say(&p, "slow key 1\r\ntake a\r\n");
    check_hears(&p, "$1\r\n1\r\n$-1\r\n"); /* its own pipeline goes on behind it */
    check_hears(&q, "+PONG\r\n-BUSY the server is\r\n-BUSY the server is\r\n+PONG\r\n"
                    "-BUSY the server is\r\n");
    CHECK_INT(batches, 1);
    CHECK(server_clients(s)->running == NULL);
    /* what its pipeline is owed from before waits, too, rather than to leave with half a reply */
    said_beside = "ping\r\n";
    say(&p, "take a\r\nslow key 1\r\n");
    check_hears(&p, "$-1\r\n$1\r\n1\r\n");
    check_hears(&q, "+PONG\r\n");
    said_beside = "pi"; /* half a command, the rest behind the peek */
    say(&p, "slow key 2\r\n");
    say(&q, "ng\r\nput a 1\r\n");
    check_hears(&q, "+PONG\r\n+OK\r\n");
    close(q.fd); /* it hangs up meanwhile */
    said_beside = NULL;
    say(&p, "multi\r\nslow key 3\r\nexec\r\n");
    check_hears(&p, "$1\r\n2\r\n+OK\r\n+QUEUED\r\n*1\r\n$1\r\n3\r\n");
    CHECK_INT(server_clients(s)->count, 1);
    close(p.fd);
    server_free(s);
}

static void commands_that_come(void)
{
    begin();
    struct peer p = join();
    /* both are cut before the first is run; a line would be cut alone */
    say(&p, "*1\r\n$5\r\nbring\r\n*1\r\n$7\r\nbrought\r\n");
    check_hears(&p, "+OK\r\n+PONG\r\n");
    close(p.fd);
    server_free(s);
}

/* What a feature of later on says of a client stays when other flags go. */
static void flags_beyond_32_bits(void)
{
    const uint64_t flag = (uint64_t)1 << 40;
    begin();
    struct peer p = join();
    p.client->flags |= flag | CLIENT_NO_TOUCH;
    say(&p, "MULTI\r\nDISCARD\r\n");
    client_reset(p.client);
    CHECK_INT(p.client->flags & (flag | CLIENT_NO_TOUCH), (int64_t)flag);
    close(p.fd);
    server_free(s);
}

int main(void)
{
    return UNIT_RUN(UNIT(pipelines), UNIT(protocol_errors_cost_the_connection),
                    UNIT(transactions), UNIT(gates), UNIT(gates_of_one), UNIT(gates_that_come),
                    UNIT(who_hears_of_changes),
                    UNIT(replays_a_log),
                    UNIT(calls_inside_calls), UNIT(calls_are_logged_in_their_scope),
                    UNIT(admission_by_origin_and_flags), UNIT(jobs_behind_a_unit),
                    UNIT(routes), UNIT(observers), UNIT(secrets_of_many_words),
                    UNIT(observers_and_other_sources), UNIT(peeks),
                    UNIT(commands_that_come), UNIT(flags_beyond_32_bits));
}
