/* SPDX-License-Identifier: BSD-3-Clause */
/* A server that a small replication of the test's own makes a replica, and a primary again. */
#include "server/role.h"

#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "commands/cmd_connection.h"
#include "commands/cmd_transaction.h"
#include "server/block.h"
#include "server/command.h"
#include "server/commit.h"
#include "server/ctx.h"
#include "server/hooks.h"
#include "server/info.h"
#include "server/reply.h"
#include "store/db.h"
#include "tests/unit/server/served.h"
#include "tests/unit/unit.h"

static void there(struct ctx *c)
{
    reply_int(c, db_find(c->db, c->argv[1]) != NULL);
}

/* ---- what stays waiting whatever the server is ---- */
static void hear(struct ctx *c, void *arg, enum block_why why)
{
    (void)arg, (void)why;
    reply_ok(c);
}
static const struct block_kind staying = {.wake = hear, .stays = true};

/* COPY from to: when from is there. */
static void copy(struct ctx *c)
{
    if (!db_find_write(c->db, c->argv[1]))
        return;
    db_set_string(c->db, c->argv[2], SLICE_LIT("copied"), KEY_NO_EXPIRE);
    ctx_changed(c, 1);
    reply_ok(c);
}

static void stay(struct ctx *c)
{
    block_client(c, 0, &staying, NULL);
}

/* ---- a replication: FOLLOW host port, LEAD ---- */
static char following[64];

static bool follow(void *arg, struct slice host, int port, struct fault *f)
{
    struct role *r = arg;
    if (!port) {
        fault_set(f, FAULT_IO, "no port");
        return false;
    }
    snprintf(following, sizeof following, "%.*s:%d", SLICE_ARG(host), port);
    role_set_replica(r, true);
    return true;
}

static bool lead(void *arg, struct fault *f)
{
    struct role *r = arg;
    (void)f;
    memcpy(r->old_id, r->id, ROLE_ID_SIZE);
    r->old_id_until = role_offset(r);
    memset(r->id, 'a', ROLE_ID_SIZE - 1);
    role_set_replica(r, false);
    return true;
}

static const struct role_ops ops = {.follow = follow, .lead = lead};

/* Asked for by somebody who does not know who carries it out. */
static void follow_command(struct ctx *c)
{
    struct role *r = server_role(c->server);
    struct fault f = {0};
    int64_t port;
    if (!ctx_arg_i64(c, 2, &port))
        return;
    if (r->ops->follow(r->arg, c->argv[1], (int)port, &f))
        reply_ok(c);
    else
        reply_errorf(c, "ERR %s", f.what);
}

static void lead_command(struct ctx *c)
{
    struct role *r = server_role(c->server);
    struct fault f = {0};
    CHECK(r->ops->lead(r->arg, &f));
    reply_ok(c);
}

static const struct command table[] = {
    {.name = "put", .run = served_put, .arity = 3, .flags = CMD_WRITE,
     .keys = {KEY_AT(KEY_OW, 1, 0, 1)}},
    {.name = "await", .run = served_await, .arity = 2, .flags = CMD_WRITE | CMD_BLOCKING,
     .keys = {KEY_AT(KEY_RW, 1, 0, 1)}},
    {.name = "there", .run = there, .arity = 2, .flags = CMD_READONLY,
     .keys = {KEY_AT(KEY_RO, 1, 0, 1)}},
    {.name = "copy", .run = copy, .arity = 3, .flags = CMD_WRITE,
     .keys = {KEY_AT(KEY_RW, 1, 0, 1)}},
    {.name = "stay", .run = stay, .arity = 1, .flags = CMD_BLOCKING},
    {.name = "follow", .run = follow_command, .arity = 3, .flags = CMD_ADMIN},
    {.name = "lead", .run = lead_command, .arity = 1, .flags = CMD_ADMIN},
    {.name = NULL}};

static const char *read_only(void *arg, struct ctx *c, const struct command_entry *e)
{
    (void)c, (void)e;
    return ((struct role *)arg)->is_replica ? "READONLY it follows another" : NULL;
}

static int told[2];

static void tell(void *arg, bool is_replica)
{
    (void)arg;
    told[is_replica]++;
}

static void show(void *arg, struct info_out *o)
{
    info_str(o, "follows", arg);
}

static struct role *begin(void)
{
    serve(table);
    commands_add(server_commands(s), cmd_connection_commands, NULL);
    struct role *r = server_role(s);
    r->ops = &ops;
    r->arg = r;
    told[0] = told[1] = 0;
    hooks_on_role(server_hooks(s), tell, NULL);
    hooks_on_admit(server_hooks(s), read_only, r, 1 << FROM_CLIENT, CMD_WRITE);
    return r;
}

static bool info_has(const char *line)
{
    struct buf text = {0};
    struct slice section = SLICE_LIT("replication");
    info_render(server_info(s), 1, &section, &text);
    bool has = strstr(buf_cstr(&text), line) != NULL;
    buf_free(&text);
    return has;
}

static void what_it_is(void)
{
    struct role *r = begin();
    struct peer p = join();
    CHECK(!r->is_replica && info_has("role:master\r\n"));
    CHECK_STR(r->id, server_run_id(s));
    say(&p, "follow there 0\r\n");
    check_hears(&p, "-ERR no port\r\n");
    say(&p, "put a 1\r\nfollow there 6379\r\nput a 2\r\nthere a\r\n");
    check_hears(&p, "+OK\r\n+OK\r\n-READONLY it follows another\r\n:1\r\n");
    CHECK_STR(following, "there:6379");
    CHECK(r->is_replica && info_has("role:slave\r\n"));
    CHECK_INT(told[1], 1);
    say(&p, "hello\r\n");
    char got[512];
    ssize_t n = read(p.fd, got, sizeof got - 1);
    got[n > 0 ? n : 0] = 0;
    CHECK(strstr(got, "$4\r\nrole\r\n$7\r\nreplica\r\n"));
    CHECK(strstr(got, "$4\r\nmode\r\n$10\r\nstandalone\r\n"));
    say(&p, "lead\r\nput a 3\r\n");
    check_hears(&p, "+OK\r\n+OK\r\n");
    CHECK(info_has("role:master\r\n") && info_has("master_replid:aaaa"));
    CHECK_INT(told[0], 1);
    role_set_replica(r, false); /* it is one */
    CHECK_INT(told[0], 1);
    close(p.fd);
    server_free(s);
}

/* In front of what a client pipelined behind it, its wait ends in an error, and the connection. */
static void waits_end(void)
{
    begin();
    struct peer waiter = join(), other = join(), stays = join(), p = join();
    say(&waiter, "await a\r\nthere a\r\n");
    say(&other, "await b\r\n");
    say(&stays, "stay\r\nthere a\r\n");
    say(&p, "follow there 1\r\n");
    check_hears(&waiter, "-UNBLOCKED force unblock from blocking operation, "
                         "instance state changed (master -> replica?)\r\n");
    CHECK_INT(read(waiter.fd, &(char){0}, 1), 0);
    check_hears(&stays, "");
    CHECK_INT(server_clients(s)->count, 2);
    CHECK_INT(server_clients(s)->blocked_count, 1);
    block_wake(stays.client, BLOCK_READY);
    loop_turn(server_loop(s), 0);
    loop_turn(server_loop(s), 0);
    check_hears(&stays, "+OK\r\n:0\r\n");
    close(waiter.fd);
    close(other.fd);
    close(stays.fd);
    close(p.fd);
    server_free(s);
}

/* A replica hides them, and waits for what its primary says. */
static void keys_that_are_over(void)
{
    struct role *r = begin();
    struct peer p = join();
    struct db *db = keyspace_db(server_keyspace(s), 0);
    role_set_replica(r, true);
    db_set_string(db, SLICE_LIT("old"), SLICE_LIT("1"), 1);
    say(&p, "there old\r\n");
    check_hears(&p, ":0\r\n");
    CHECK_INT(db_count(db), 1);
    role_set_replica(r, false);
    say(&p, "there old\r\n");
    check_hears(&p, ":0\r\n");
    CHECK_INT(db_count(db), 0);
    close(p.fd);
    server_free(s);
}

/* What the primary sends is applied whatever a client may not, and sees what it saw. */
static void commands_of_the_primary(void)
{
    struct role *r = begin();
    struct peer primary = join(), p = join();
    struct db *db = keyspace_db(server_keyspace(s), 0);
    commands_add(server_commands(s), cmd_transaction_commands, NULL);
    role_set_replica(r, true);
    primary.client->flags |= CLIENT_PRIMARY;
    db_set_string(db, SLICE_LIT("old"), SLICE_LIT("1"), 1);
    say(&p, "copy old new\r\nthere new\r\n");
    check_hears(&p, "-READONLY it follows another\r\n:0\r\n");
    say(&primary, "copy old new\r\ncopy old\r\nnosuch\r\nmulti\r\ncopy old other\r\n");
    say(&p, "there new\r\nthere other\r\nthere old\r\n");
    check_hears(&p, ":1\r\n:0\r\n:0\r\n");
    say(&primary, "exec\r\n");
    say(&p, "there other\r\n");
    check_hears(&p, ":1\r\n");
    check_hears(&primary, "");
    CHECK_INT(db_count(db), 3);
    /* a client that may write finds it gone */
    hooks_set_admit(server_hooks(s), r, 0);
    role_set_writable(r, true);
    say(&p, "copy old third\r\nthere third\r\n");
    check_hears(&p, ":0\r\n");
    CHECK_INT(db_count(db), 2);
    close(primary.fd);
    close(p.fd);
    server_free(s);
}

/* The position is this server's own; the offset is what a full sync set, and goes on from there. */
static void offsets(void)
{
    struct role *r = begin();
    r->offset = 5000;
    CHECK_INT(role_offset(r), 5000);
    r->offset += 14; /* a PING that only replicas get */
    CHECK_INT(role_offset(r), 5014);
    CHECK_INT(commit_position(server_commit(s)), 0);
    CHECK(info_has("master_repl_offset:5014\r\n"));
    server_free(s);
}

static void section_taken_over(void)
{
    begin();
    info_take_over(server_info(s), "Replication", INFO_DEFAULT, show, "nobody");
    CHECK(info_has("# Replication\r\nfollows:nobody\r\n") && !info_has("role:"));
    info_add(server_info(s), "Replication", INFO_DEFAULT, show, "else");
    CHECK(info_has("follows:nobody\r\nfollows:else\r\n"));
    server_free(s);
}

int main(void)
{
    return UNIT_RUN(UNIT(what_it_is), UNIT(waits_end), UNIT(keys_that_are_over),
                    UNIT(commands_of_the_primary), UNIT(offsets),
                    UNIT(section_taken_over));
}
