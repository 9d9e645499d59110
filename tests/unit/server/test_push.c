/* SPDX-License-Identifier: BSD-3-Clause */
/* A publisher and subscribers, and a feed, of a feature made for the test. */
#include "server/push.h"

#include <stdio.h>

#include "base/mem.h"
#include "server/command.h"
#include "server/commit.h"
#include "server/exec.h"
#include "server/feed.h"
#include "server/hooks.h"
#include "server/multi.h"
#include "server/reply.h"
#include "store/db.h"
#include "tests/unit/server/served.h"
#include "tests/unit/unit.h"

enum { SUBSCRIBERS_MAX = 8 };
static struct client *subscribers[SUBSCRIBERS_MAX];
static int subscriber_count;

static void sub(struct ctx *c)
{
    subscribers[subscriber_count++] = c->client;
    c->client->resp = c->argc > 1 ? 3 : 2;
    reply_ok(c);
}

static void publish(struct slice message)
{
    for (int i = 0; i < subscriber_count; i++) {
        struct push p;
        push_begin(&p, subscribers[i]);
        reply_push(&p.ctx, 2);
        reply_bulk_str(&p.ctx, "news");
        reply_bulk(&p.ctx, message);
        push_end(&p);
    }
}

/* PUB message: before its own reply. */
static void pub(struct ctx *c)
{
    publish(c->argv[1]);
    reply_int(c, subscriber_count);
}

/* PUT key value: a write, told of. */
static void put(struct ctx *c)
{
    db_set_string(c->db, c->argv[1], c->argv[2], KEY_NO_EXPIRE);
    ctx_changed(c, 1);
    publish(c->argv[1]);
    reply_ok(c);
}

static void off(struct ctx *c)
{
    c->client->flags |= CLIENT_REPLY_OFF;
}

static void multi(struct ctx *c)
{
    multi_begin(c->client);
    reply_ok(c);
}

/* BIG n: n messages of 10000 bytes. */
static void big(struct ctx *c)
{
    static char text[10000];
    int64_t n;
    memset(text, 'x', sizeof text);
    if (!ctx_arg_i64(c, 1, &n))
        return;
    for (int64_t i = 0; i < n; i++)
        publish(slice(text, sizeof text));
    reply_ok(c);
}

static const struct command table[] = {
    {.name = "sub", .run = sub, .arity = -1},    {.name = "pub", .run = pub, .arity = 2},
    {.name = "put", .run = put, .arity = 3, .flags = CMD_WRITE},
    {.name = "off", .run = off, .arity = 1},     {.name = "multi", .run = multi, .arity = 1},
    {.name = "exec", .run = exec_transaction, .arity = 1, .flags_of = multi_flags},
    {.name = "big", .run = big, .arity = 2},     {.name = NULL}};

static void begin(void)
{
    serve(table);
    subscriber_count = 0;
}

#define NEWS(len, text) "*2\r\n$4\r\nnews\r\n$" len "\r\n" text "\r\n"
#define NEWS3(len, text) ">2\r\n$4\r\nnews\r\n$" len "\r\n" text "\r\n"

static void each_in_its_protocol(void)
{
    begin();
    struct peer p = join(), q = join(), r = join();
    say(&q, "sub\r\n");
    check_hears(&q, "+OK\r\n");
    say(&r, "sub 3\r\n");
    check_hears(&r, "+OK\r\n");
    say(&p, "pub hello\r\npub again\r\n");
    check_hears(&p, ":2\r\n:2\r\n");
    check_hears(&q, NEWS("5", "hello") NEWS("5", "again"));
    check_hears(&r, NEWS3("5", "hello") NEWS3("5", "again"));
    publish(SLICE_LIT("timer")); /* outside of any command */
    loop_turn(server_loop(s), 0);
    check_hears(&q, NEWS("5", "timer"));
    check_hears(&r, NEWS3("5", "timer"));
    push_bytes(q.client, SLICE_LIT("+encoded\r\n"));
    loop_turn(server_loop(s), 0);
    check_hears(&q, "+encoded\r\n");
    close(p.fd);
    close(q.fd);
    close(r.fd);
    server_free(s);
}

/* Its own command pushes to it, before it has replied: the message comes behind the reply, in front
 * of the next one's, and also when the reply is dropped. */
static void behind_the_running_reply(void)
{
    begin();
    struct peer p = join();
    say(&p, "sub\r\npub one\r\npub two\r\n");
    check_hears(&p, "+OK\r\n:1\r\n" NEWS("3", "one") ":1\r\n" NEWS("3", "two"));
    say(&p, "multi\r\npub one\r\npub two\r\nexec\r\npub three\r\n");
    check_hears(&p, "+OK\r\n+QUEUED\r\n+QUEUED\r\n*2\r\n:1\r\n:1\r\n" NEWS("3", "one")
                    NEWS("3", "two") ":1\r\n" NEWS("5", "three"));
    say(&p, "off\r\npub one\r\n");
    check_hears(&p, NEWS("3", "one"));
    close(p.fd);
    server_free(s);
}

static void no_listener(void *arg, const struct commit_batch *batch)
{
    (void)arg, (void)batch;
}

/* What tells of a change leaves when the change is where replies wait for it. */
static void gates_hold_messages(void)
{
    uint64_t released = 0;
    begin();
    hooks_on_commit(server_hooks(s), TO_LOG, no_listener, NULL);
    hooks_on_gate(server_hooks(s), gate, &released);
    struct peer p = join(), q = join();
    say(&q, "sub\r\n");
    check_hears(&q, "+OK\r\n");
    say(&p, "pub free\r\n"); /* nothing was changed yet */
    check_hears(&p, ":1\r\n");
    check_hears(&q, NEWS("4", "free"));
    say(&p, "put a 1\r\n");
    check_hears(&p, "");
    check_hears(&q, "");
    say(&q, "sub\r\n"); /* its own reply stands behind the message */
    check_hears(&q, "");
    released = commit_position(server_commit(s));
    loop_turn(server_loop(s), 0);
    check_hears(&p, "+OK\r\n");
    check_hears(&q, NEWS("1", "a") "+OK\r\n");
    close(p.fd);
    close(q.fd);
    server_free(s);
}

/* A slow subscriber is closed when it is over its limit, not a second later. */
static void limits_hold(void)
{
    begin();
    struct clients *cs = server_clients(s);
    struct peer p = join(), q = join();
    say(&q, "sub\r\n");
    check_hears(&q, "+OK\r\n");
    cs->limits[CLIENT_CLASS_NORMAL].hard = 1 << 20;
    size_t before = mem_used();
    say(&p, "big 100\r\n");
    CHECK_INT(cs->count, 2);
    say(&p, "big 1000\r\n");
    CHECK_INT(cs->count, 1);
    CHECK(mem_used() < before + (1 << 20));
    subscribers[0] = p.client; /* to itself, while its command runs */
    say(&p, "big 1000\r\n");
    CHECK_INT(cs->count, 0);
    close(p.fd);
    close(q.fd);
    server_free(s);
}

struct source {
    const char *text;
    size_t len, may, asked;
};

static int parts(void *arg, size_t most, struct iovec *to, int max)
{
    struct source *f = arg;
    size_t n = f->may < most ? f->may : most;
    f->asked++;
    if (!n || max < 1)
        return 0;
    to[0] = (struct iovec){(char *)f->text, n};
    return 1;
}

static void sent(void *arg, size_t n)
{
    struct source *f = arg;
    f->text += n;
    f->len -= n;
    f->may -= n;
}

static size_t pending(const void *arg)
{
    return ((const struct source *)arg)->len;
}

/* Bytes that are not its own come behind its output, as far as their owner lets them. */
static void feeds(void)
{
    struct source from = {"streamed bytes", 14, 8, 0};
    struct client_feed feed = {parts, sent, pending, &from};
    uint64_t released = 0;
    begin();
    struct peer p = join();
    p.client->feed = &feed;
    CHECK_INT(client_output_bytes(p.client), 14);
    say(&p, "sub\r\n");
    check_hears(&p, "+OK\r\nstreamed");
    CHECK_INT(from.len, 6);
    from.may = 6;
    client_want_send(p.client);
    loop_turn(server_loop(s), 0);
    check_hears(&p, " bytes");
    CHECK_INT(client_output_bytes(p.client), 0);
    /* nothing of it overtakes what a gate holds */
    from = (struct source){"more", 4, 4, 0};
    hooks_on_commit(server_hooks(s), TO_LOG, no_listener, NULL);
    hooks_on_gate(server_hooks(s), gate, &released);
    say(&p, "put a 1\r\n");
    check_hears(&p, "");
    released = commit_position(server_commit(s));
    loop_turn(server_loop(s), 0);
    check_hears(&p, "+OK\r\n" NEWS("1", "a") "more");
    p.client->feed = NULL;
    close(p.fd);
    server_free(s);
}

int main(void)
{
    return UNIT_RUN(UNIT(each_in_its_protocol), UNIT(behind_the_running_reply),
                    UNIT(gates_hold_messages), UNIT(limits_hold), UNIT(feeds));
}
