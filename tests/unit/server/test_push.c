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
#include "server/pushed.h"
#include "server/reply.h"
#include "server/stats.h"
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

static void last(struct ctx *c)
{
    c->client->flags |= CLIENT_CLOSE_AFTER_REPLY;
    reply_ok(c);
}

/* Ends the subscribers, as a shutdown ends all. */
static void bye(struct ctx *c)
{
    for (int i = 0; i < subscriber_count; i++) {
        subscribers[i]->flags |= CLIENT_CLOSE_AFTER_REPLY;
        client_want_send(subscribers[i]);
    }
    reply_ok(c);
}

static void multi(struct ctx *c)
{
    multi_begin(c->client);
    reply_ok(c);
}

static int64_t big_count; /* of the messages, until the first subscriber was closed */

/* BIG n: n messages of 10000 bytes. */
static void big(struct ctx *c)
{
    static char text[10000];
    int64_t n;
    memset(text, 'x', sizeof text);
    if (!ctx_arg_i64(c, 1, &n))
        return;
    big_count = 0;
    for (int64_t i = 0; i < n; i++) {
        publish(slice(text, sizeof text));
        big_count += !(subscribers[0]->flags & CLIENT_CLOSE_SOON);
    }
    reply_ok(c);
}

static const struct command table[] = {
    {.name = "sub", .run = sub, .arity = -1},    {.name = "pub", .run = pub, .arity = 2},
    {.name = "put", .run = put, .arity = 3, .flags = CMD_WRITE},
    {.name = "last", .run = last, .arity = 1},   {.name = "bye", .run = bye, .arity = 1},
    {.name = "off", .run = off, .arity = 1},
    {.name = "multi", .run = multi, .arity = 1, .steers = STEERS_MULTI},
    {.name = "exec", .run = exec_transaction, .arity = 1, .flags_of = multi_flags,
     .steers = STEERS_EXEC},
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
    CHECK(big_count < 110);
    CHECK(mem_used() < before + (1 << 20));
    subscribers[0] = p.client; /* to itself, while its command runs */
    say(&p, "big 1000\r\n");
    CHECK_INT(cs->count, 0);
    CHECK(big_count < 110);
    close(p.fd);
    close(q.fd);
    server_free(s);
}

/* The same for messages that come one by one, in no unit, to one that never reads: who only gets
 * messages runs nothing that would ask its limit. */
static void limits_hold_outside_of_units(void)
{
    static char text[10000];
    int sent = 0;
    begin();
    struct clients *cs = server_clients(s);
    struct peer q = join();
    say(&q, "sub\r\n");
    cs->limits[CLIENT_CLASS_NORMAL].hard = 1 << 20;
    memset(text, 'x', sizeof text);
    for (; sent < 1000 && !(q.client->flags & CLIENT_CLOSE_SOON); sent++)
        publish(slice(text, sizeof text));
    CHECK_INT(sent, (1 << 20) / sizeof text + 1);
    CHECK_INT(server_stats(s)->output_buffer_limit, 1);
    loop_turn(server_loop(s), 0);
    CHECK_INT(cs->count, 0);
    close(q.fd);
    server_free(s);
}

/* Nor is it too little to be asked about in mid-unit. */
static void limits_hold_behind_a_unit(void)
{
    begin();
    struct clients *cs = server_clients(s);
    struct peer p = join(), q = join();
    say(&q, "sub\r\n");
    check_hears(&q, "+OK\r\n");
    cs->limits[CLIENT_CLASS_NORMAL].hard = sizeof NEWS("5", "hello") - 1;
    say(&p, "pub hell\r\n");
    check_hears(&q, NEWS("4", "hell"));
    say(&p, "pub hello\r\n");
    CHECK_INT(read(q.fd, (char[1]){0}, 1), 0);
    CHECK_INT(cs->count, 1);
    close(p.fd);
    close(q.fd);
    server_free(s);
}

/* Nothing is put aside for who is about to be closed, whatever is left to be sent to it before. */
static void nothing_for_who_goes(void)
{
    for (int in_unit = 0; in_unit < 2; in_unit++)
        for (int soon = 0; soon < 2; soon++) {
            begin();
            struct peer p = join();
            say(&p, "sub\r\n");
            check_hears(&p, "+OK\r\n");
            if (soon)
                client_close_soon(p.client);
            else
                p.client->flags |= CLIENT_CLOSE_AFTER_REPLY;
            uint64_t end = output_end(&p.client->out);
            if (in_unit)
                exec_begin_loose(server_exec(s));
            publish(SLICE_LIT("too late"));
            push_bytes(p.client, SLICE_LIT("+too late\r\n"));
            CHECK_INT(output_end(&p.client->out), end);
            CHECK_INT(pushed_bytes(p.client), 0);
            CHECK(link_empty(&server_clients(s)->pushed));
            if (in_unit)
                exec_end_loose(server_exec(s));
            CHECK_INT(output_end(&p.client->out), end);
            CHECK(link_empty(&server_clients(s)->pending));
            close(p.fd);
            server_free(s);
        }
}

/* Its own command ends it: the message that waited for the reply goes with it. */
static void nothing_behind_the_last_reply(void)
{
    begin();
    struct peer p = join();
    say(&p, "sub\r\nmulti\r\npub one\r\nlast\r\npub two\r\nexec\r\npub three\r\n");
    check_hears(&p, "+OK\r\n+OK\r\n+QUEUED\r\n+QUEUED\r\n+QUEUED\r\n"
                    "*3\r\n:1\r\n+OK\r\n:1\r\n");
    CHECK_INT(server_clients(s)->count, 0);
    close(p.fd);
    server_free(s);
}

/* It was there when the message was written, and the unit goes on to end it: the message is still
 * one that tells of the unit. */
static void gates_hold_the_last_messages(void)
{
    uint64_t released = 0;
    begin();
    hooks_on_commit(server_hooks(s), TO_LOG, no_listener, NULL);
    hooks_on_gate(server_hooks(s), gate, &released);
    struct peer p = join(), q = join();
    say(&q, "sub\r\n");
    check_hears(&q, "+OK\r\n");
    say(&p, "multi\r\nput a 1\r\nbye\r\nexec\r\n");
    check_hears(&p, "+OK\r\n+QUEUED\r\n+QUEUED\r\n");
    check_hears(&q, "");
    released = commit_position(server_commit(s));
    loop_turn(server_loop(s), 0);
    check_hears(&q, NEWS("1", "a"));
    loop_turn(server_loop(s), 0);
    CHECK_INT(server_clients(s)->count, 1);
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
                    UNIT(gates_hold_messages), UNIT(limits_hold),
                    UNIT(limits_hold_outside_of_units), UNIT(limits_hold_behind_a_unit),
                    UNIT(nothing_for_who_goes), UNIT(nothing_behind_the_last_reply),
                    UNIT(gates_hold_the_last_messages), UNIT(feeds));
}
