/* SPDX-License-Identifier: BSD-3-Clause */
/* A whole server over a socket pair, with a family of three commands of its own. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/hash.h"
#include "os/loop.h"
#include "server/client.h"
#include "server/command.h"
#include "server/commit.h"
#include "server/conn.h"
#include "server/ctx.h"
#include "server/hooks.h"
#include "server/multi.h"
#include "server/reply.h"
#include "server/server.h"
#include "store/db.h"
#include "tests/unit/unit.h"

static void put(struct ctx *c)
{
    db_set_string(c->db, c->argv[1], c->argv[2], KEY_NO_EXPIRE);
    ctx_changed(c, 1);
    reply_ok(c);
}

static void take(struct ctx *c)
{
    struct entry *e;
    char scratch[NUM_I64_TEXT];
    if (!ctx_lookup(c, c->argv[1], VALUE_STRING, &e))
        return;
    if (e)
        reply_bulk(c, entry_string(e, scratch));
    else
        reply_null(c);
}

static void multi(struct ctx *c)
{
    multi_begin(c->client);
    reply_ok(c);
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

static const struct command table[] = {
    {.name = "select", .run = fails, .arity = 2},
    {.name = "discard", .run = fails, .arity = 1},
    {.name = "put", .run = put, .arity = 3, .flags = CMD_WRITE,
     .keys = {KEY_AT(KEY_OW, 1, 0, 1)}},
    {.name = "take", .run = take, .arity = 2, .flags = CMD_READONLY,
     .keys = {KEY_AT(KEY_RO, 1, 0, 1)}},
    {.name = "multi", .run = multi, .arity = 1},
    {.name = "exec", .run = multi_exec, .arity = 1},
    {.name = "watch", .run = watch, .arity = 2},
    {.name = NULL}};

static struct server *s;

struct peer {
    int fd;
    struct client *client;
};

static void begin(void)
{
    static const uint64_t seed[4] = {1, 2, 3, 4};
    hash_init(seed);
    s = server_new();
    commands_add(server_commands(s), table, NULL);
}

static struct peer join(void)
{
    int ends[2];
    struct peer p;
    CHECK(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends) == 0);
    p.fd = ends[0];
    p.client = client_new(server_clients(s), ends[1]);
    conn_open(p.client);
    return p;
}

static void say(struct peer *p, const char *text)
{
    CHECK(write(p->fd, text, strlen(text)) == (ssize_t)strlen(text));
    for (int i = 0; i < 3; i++)
        loop_turn(server_loop(s), 0);
}

static void check_hears(struct peer *p, const char *want)
{
    char got[8192];
    ssize_t n = read(p->fd, got, sizeof got);
    CHECK_SLICE(slice(got, n > 0 ? (size_t)n : 0), slice_str(want));
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

static uint64_t gate(void *arg)
{
    return *(uint64_t *)arg;
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

static void pauses(void)
{
    begin();
    struct peer p = join();
    clients_pause(server_clients(s), INT64_MAX, false);
    say(&p, "take a\r\nput a 'x y'\r\ntake a\r\n");
    check_hears(&p, "$-1\r\n"); /* reads go on until the first write */
    say(&p, "take b\r\n");
    check_hears(&p, "");
    clients_unpause_soon(server_clients(s));
    loop_turn(server_loop(s), 0);
    check_hears(&p, "+OK\r\n$3\r\nx y\r\n$-1\r\n");
    close(p.fd);
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
    server_replay(s, &r, 3, write);
    CHECK_INT(told.count, 0);
    CHECK_INT(commit_dirty(server_commit(s)), 0); /* what is loaded is no change */
    server_replay(s, &r, 1, unknown);
    CHECK_STR(told.text, "nosuch: Unknown command 'nosuch'");
    server_replay(s, &r, 2, write);
    CHECK_STR(told.text, "put: wrong number of arguments for 'put' command");
    CHECK_INT(told.index, -1);
    server_replay(s, &r, 1, open);
    server_replay(s, &r, 3, write);
    CHECK_INT(multi_length(r.client), 1);
    server_replay(s, &r, 1, lost); /* it would take the queue along */
    CHECK_STR(told.text, "discard: it has no place in a log");
    CHECK_INT(told.count, 3);
    server_replay(s, &r, 2, wrong);
    server_replay(s, &r, 3, write);
    server_replay(s, &r, 1, run);
    CHECK_INT(multi_length(r.client), -1);
    CHECK_INT(told.count, 4); /* inside EXEC nothing fails in silence */
    CHECK_INT(told.index, 1);
    CHECK_STR(told.text, "select: ERR no such database");
    CHECK_INT(db_count(keyspace_db(server_keyspace(s), 0)), 1);
    server_free_client(s, r.client);
    server_free(s);
}

int main(void)
{
    return UNIT_RUN(UNIT(pipelines), UNIT(protocol_errors_cost_the_connection),
                    UNIT(transactions), UNIT(gates), UNIT(pauses), UNIT(replays_a_log));
}
