/* SPDX-License-Identifier: BSD-3-Clause */
/* A client behind a layer as TLS is one: what it sends comes turned about, in records that the
 * layer reads whole; it gives few bytes at a time, and must say hello before anything is read. */
#include "os/wire.h"

#include <errno.h>
#include <string.h>

#include "base/mem.h"
#include "server/block.h"
#include "server/ctx.h"
#include "server/exec.h"
#include "server/held.h"
#include "server/reply.h"
#include "tests/unit/server/served.h"
#include "tests/unit/unit.h"

enum { KEY = 0x5a, GIVES = 3 };

struct layer {
    char held[4096];
    size_t len, at;
    bool greeted;
    int closed;
};

static void turn_about(char *bytes, size_t n)
{
    for (size_t i = 0; i < n; i++)
        bytes[i] ^= KEY;
}

static bool greet(struct layer *l, int fd)
{
    if (!l->greeted)
        l->greeted = socket_send(fd, "hello", 5) == 5;
    return l->greeted;
}

static ssize_t layer_recv(void *arg, int fd, void *to, size_t n)
{
    struct layer *l = arg;
    if (!greet(l, fd))
        return -EAGAIN;
    if (l->at == l->len) {
        ssize_t got = socket_recv(fd, l->held, sizeof l->held);
        if (got <= 0)
            return got;
        turn_about(l->held, (size_t)got);
        l->at = 0;
        l->len = (size_t)got;
    }
    size_t left = l->len - l->at, give = left < GIVES ? left : GIVES;
    give = give < n ? give : n;
    memcpy(to, l->held + l->at, give);
    l->at += give;
    return (ssize_t)give;
}

static ssize_t layer_sendv(void *arg, int fd, const struct iovec *parts, int count)
{
    char record[8192];
    size_t n = 0;
    (void)arg;
    for (int i = 0; i < count && n + parts[i].iov_len <= sizeof record; i++) {
        memcpy(record + n, parts[i].iov_base, parts[i].iov_len);
        n += parts[i].iov_len;
    }
    turn_about(record, n);
    return socket_send(fd, record, n);
}

static size_t layer_pending(const void *arg)
{
    const struct layer *l = arg;
    return l->len - l->at;
}

static unsigned layer_watch(const void *arg, unsigned what)
{
    return ((const struct layer *)arg)->greeted ? what : what | LOOP_WRITE;
}

static unsigned layer_events(const void *arg, unsigned ready)
{
    return ((const struct layer *)arg)->greeted ? ready : ready | LOOP_READ;
}

static void layer_close(void *arg, int fd)
{
    (void)fd;
    ((struct layer *)arg)->closed++;
}

static const struct wire_ops layer_ops = {
    .recv = layer_recv, .sendv = layer_sendv, .pending = layer_pending, .watch = layer_watch,
    .events = layer_events, .close = layer_close};

static void echo(struct ctx *c)
{
    reply_bulk(c, c->argv[1]);
}

static void hear(struct ctx *c, void *arg, enum block_why why)
{
    (void)arg, (void)why;
    reply_ok(c);
}
static const struct block_kind waits = {.wake = hear};

static void wait_here(struct ctx *c)
{
    block_client(c, 0, &waits, NULL);
}

static const struct command table[] = {
    {.name = "echo", .run = echo, .arity = 2}, {.name = "wait", .run = wait_here, .arity = 1},
    {.name = NULL}};

static struct peer join_behind(struct layer *l)
{
    int ends[2];
    struct peer p;
    CHECK(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends) == 0);
    p.fd = ends[0];
    p.client = client_new(server_clients(s), ends[1]);
    p.client->wire = (struct wire){&layer_ops, l};
    conn_open(p.client);
    return p;
}

static void send_turned(struct peer *p, const char *text)
{
    char turned[4096];
    size_t n = strlen(text);
    memcpy(turned, text, n);
    turn_about(turned, n);
    CHECK(write(p->fd, turned, n) == (ssize_t)n);
}

static void check_turned(struct peer *p, const char *want)
{
    char got[8192];
    ssize_t n = read(p->fd, got, sizeof got);
    turn_about(got, n > 0 ? (size_t)n : 0);
    CHECK_SLICE(slice(got, n > 0 ? (size_t)n : 0), slice_str(want));
}

static void behind_a_layer(void)
{
    struct layer l = {.len = 0};
    serve(table);
    struct peer p = join_behind(&l), plain = join();
    loop_turn(server_loop(s), 0); /* it has something to write, though there is nothing to read */
    check_hears(&p, "hello");
    send_turned(&p, "echo 123456\r\necho 7\r\n");
    while (l.at < l.len || !l.len) /* the socket is empty after the first turn */
        loop_turn(server_loop(s), 0);
    loop_turn(server_loop(s), 0);
    check_turned(&p, "$6\r\n123456\r\n$1\r\n7\r\n");
    say(&plain, "echo plain\r\n");
    check_hears(&plain, "$5\r\nplain\r\n");
    /* one that waits: what the layer holds stays there */
    send_turned(&p, "wait\r\necho 8\r\n");
    for (int i = 0; i < 20; i++)
        loop_turn(server_loop(s), 0);
    check_turned(&p, "");
    CHECK(layer_pending(&l) > 0);
    block_wake(p.client, BLOCK_READY);
    for (int i = 0; i < 20; i++)
        loop_turn(server_loop(s), 0);
    check_turned(&p, "+OK\r\n$1\r\n8\r\n");
    /* closed with input left over */
    send_turned(&p, "echo 9\r\necho 10\r\n");
    loop_turn(server_loop(s), 0);
    client_close_soon(p.client);
    loop_turn(server_loop(s), 0);
    loop_turn(server_loop(s), 0);
    CHECK_INT(l.closed, 1);
    CHECK_INT(server_clients(s)->count, 1);
    close(p.fd);
    close(plain.fd);
    server_free(s);
}

int main(void)
{
    return UNIT_RUN(UNIT(behind_a_layer));
}
