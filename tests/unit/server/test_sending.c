/* SPDX-License-Identifier: BSD-3-Clause */
/* Sockets that take all at once, and layers that must write in mid-connection: what the loop is
 * asked to watch behind it. */
#include <errno.h>

#include "os/wire.h"
#include "server/feed.h"
#include "tests/unit/server/served.h"
#include "tests/unit/unit.h"

static void echo(struct ctx *c)
{
    reply_bulk(c, c->argv[1]);
}

static const struct command table[] = {{.name = "echo", .run = echo, .arity = 2}, {.name = NULL}};

static struct peer join_behind(const struct wire_ops *ops, void *layer)
{
    int ends[2];
    struct peer p;
    CHECK(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends) == 0);
    p.fd = ends[0];
    p.client = client_new(server_clients(s), ends[1]);
    p.client->wire = (struct wire){ops, layer};
    conn_open(p.client);
    return p;
}

static ssize_t plain_sendv(void *arg, int fd, const struct iovec *parts, int count)
{
    (void)arg;
    return socket_sendv(fd, parts, count);
}

/* ---- a socket that is never full ---- */
enum { AT_ONCE = 1 << 20, PIECE = 100000, STREAM = 8 * AT_ONCE + 1 };
static char piece[PIECE];
static size_t left;

static int fed_parts(void *arg, size_t most, struct iovec *to, int max)
{
    (void)arg;
    CHECK(most > 0 && max > 0);
    size_t n = left < PIECE ? left : PIECE;
    to[0] = (struct iovec){piece, n < most ? n : most};
    return left > 0;
}

static void fed_sent(void *arg, size_t n)
{
    (void)arg;
    left -= n;
}

static size_t fed_pending(const void *arg)
{
    (void)arg;
    return left;
}

/* It goes a MB at a time, of which a turn sends two at most (before it sleeps, and behind), so that
 * others are served; and it goes on with nobody asking for more. */
static void much_of_a_feed(void)
{
    struct client_feed feed = {fed_parts, fed_sent, fed_pending, NULL};
    uint64_t swallowed = 0;
    serve(table);
    struct peer p = join_behind(&served_swallowing, &swallowed);
    p.client->feed = &feed;
    for (size_t all = AT_ONCE; all <= STREAM; all += STREAM - AT_ONCE) {
        left = all;
        swallowed = 0;
        client_want_send(p.client);
        for (int turns = 0; turns < STREAM / AT_ONCE + 1; turns++) {
            size_t before = swallowed;
            loop_turn(server_loop(s), 0);
            CHECK(swallowed - before <= 2 * AT_ONCE);
        }
        CHECK_INT(swallowed, all);
        CHECK_INT(left, 0);
        CHECK(!(p.client->flags & CLIENT_WRITE_WATCHED)); /* or no turn would sleep */
    }
    p.client->feed = NULL;
    close(p.fd);
    server_free(s);
}

/* ---- a layer with something to say before it reads on ---- */
struct layer {
    bool owes;
};

/* Behind each reading it must say "key". */
static ssize_t owing_recv(void *arg, int fd, void *to, size_t n)
{
    struct layer *l = arg;
    if (l->owes)
        l->owes = socket_send(fd, "key", 3) != 3;
    ssize_t got = l->owes ? -EAGAIN : socket_recv(fd, to, n);
    l->owes |= got > 0;
    return got;
}

static unsigned owing_watch(const void *arg, unsigned what)
{
    const struct layer *l = arg;
    return l->owes ? what | LOOP_WRITE : what;
}

static unsigned owing_events(const void *arg, unsigned ready)
{
    return ((const struct layer *)arg)->owes ? ready | LOOP_READ : ready;
}

static const struct wire_ops owes = {
    .recv = owing_recv, .sendv = plain_sendv, .pending = served_nothing_pending,
    .watch = owing_watch,
    .events = owing_events, .close = served_let_go};

/* Nothing more comes from the other side before it has heard that. */
static void writes_in_order_to_read(void)
{
    struct layer l = {.owes = false};
    serve(table);
    struct peer p = join_behind(&owes, &l);
    for (int i = 0; i < 2; i++) {
        say(&p, "echo a\r\n");
        check_hears(&p, "$1\r\na\r\nkey");
        CHECK(!l.owes);
    }
    CHECK(!(p.client->flags & CLIENT_CLOSE_SOON));
    close(p.fd);
    server_free(s);
}

int main(void)
{
    return UNIT_RUN(UNIT(much_of_a_feed), UNIT(writes_in_order_to_read));
}
