/* SPDX-License-Identifier: BSD-3-Clause */
/* Clients of a server in this process, each over a socket pair, for tests of the core. */
#ifndef TESTS_UNIT_SERVER_SERVED_H
#define TESTS_UNIT_SERVER_SERVED_H

#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/hash.h"
#include "os/loop.h"
#include "server/clients.h"
#include "server/command.h"
#include "server/conn.h"
#include "server/ctx.h"
#include "server/reply.h"
#include "server/server_frame.h"
#include "server/wait_keys.h"
#include "store/db.h"
#include "tests/unit/unit.h"

static struct server *s;

static inline void serve(const struct command *table)
{
    static const uint64_t seed[4] = {1, 2, 3, 4};
    hash_init(seed);
    s = server_new();
    commands_add(server_commands(s), table, NULL);
}

/* ---- commands: PUT key value, TAKE key, AWAIT key ---- */
static inline void served_put(struct ctx *c)
{
    db_set_string(c->db, c->argv[1], c->argv[2], KEY_NO_EXPIRE);
    ctx_changed(c, 1);
    reply_ok(c);
}

static inline void served_take(struct ctx *c)
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

/* 1 once the key is there, or null when a wait of any length ends. */
static inline void served_await(struct ctx *c)
{
    static const int at[] = {1};
    if (db_find_write(c->db, c->argv[1]))
        reply_int(c, 1);
    else
        wait_for_keys(c, 0, &(struct wait_keys){.at = at, .count = 1, .type = VALUE_STRING,
                                                .too_late = reply_null});
}

struct peer {
    int fd;
    struct client *client;
};

static inline struct peer join(void)
{
    int ends[2];
    struct peer p;
    CHECK(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends) == 0);
    p.fd = ends[0];
    p.client = client_new(server_clients(s), ends[1]);
    conn_open(p.client);
    return p;
}

static inline void say(struct peer *p, const char *text)
{
    CHECK(write(p->fd, text, strlen(text)) == (ssize_t)strlen(text));
    for (int i = 0; i < 3; i++)
        loop_turn(server_loop(s), 0);
}

/* The same, and behind it a word of n bytes, which is the last. */
static inline void say_with_large(struct peer *p, const char *text, size_t n)
{
    struct buf all = {0};
    buf_printf(&all, "%s$%zu\r\n", text, n);
    memset(buf_reserve(&all, n), 'x', n);
    all.len += n;
    buf_append(&all, "\r\n", 2);
    for (size_t at = 0; at < all.len;) {
        ssize_t put = write(p->fd, all.data + at, all.len - at);
        at += put > 0 ? (size_t)put : 0;
        loop_turn(server_loop(s), 0);
    }
    buf_free(&all);
    say(p, "");
}

static inline void check_hears(struct peer *p, const char *want)
{
    char got[8192];
    ssize_t n = read(p->fd, got, sizeof got);
    CHECK_SLICE(slice(got, n > 0 ? (size_t)n : 0), slice_str(want));
}

/* ---- a wire that is never full: it counts the bytes, in a uint64_t ---- */
static inline ssize_t served_swallow(void *arg, int fd, const struct iovec *parts, int count)
{
    ssize_t n = 0;
    (void)fd;
    for (int i = 0; i < count; i++)
        n += (ssize_t)parts[i].iov_len;
    *(uint64_t *)arg += (uint64_t)n;
    return n;
}

static inline ssize_t served_plain_recv(void *arg, int fd, void *to, size_t n)
{
    (void)arg;
    return socket_recv(fd, to, n);
}

static inline size_t served_nothing_pending(const void *arg)
{
    (void)arg;
    return 0;
}

static inline unsigned served_as_it_is(const void *arg, unsigned what)
{
    (void)arg;
    return what;
}

static inline void served_let_go(void *arg, int fd)
{
    (void)arg, (void)fd;
}

static const struct wire_ops served_swallowing = {
    .recv = served_plain_recv, .sendv = served_swallow, .pending = served_nothing_pending,
    .watch = served_as_it_is, .events = served_as_it_is, .close = served_let_go};

/* A hook_gate: replies may leave up to the position that arg points at. */
static inline uint64_t gate(void *arg)
{
    return *(uint64_t *)arg;
}

#endif
