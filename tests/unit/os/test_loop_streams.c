/* SPDX-License-Identifier: BSD-3-Clause */
/* Streams of the loop, by each way of waiting that there is here: whatever an owner does, each gets
 * its bytes in order and all of them. */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/rand.h"
#include "os/loop.h"
#include "tests/unit/unit.h"

static const char *const backends[] = {"io_uring", "epoll", "poll"};
enum { BACKENDS = 3, STREAMS = 400, ROOM = 64 * 1024 };

/* How its owner takes what comes. */
enum manner { BY_RECV, BY_LEND, NOT_AT_ALL };

struct stream {
    struct loop *loop;
    struct loop_io io;
    int far;          /* the other end */
    enum manner manner;
    size_t most;      /* at a time */
    int calls;
    bool ended;
    uint64_t sent, got; /* bytes; each tells its place */
};

static char byte_at(const struct stream *s, uint64_t place)
{
    return (char)(place * 7 + place / 251 + (uint64_t)s->far);
}

static void check_bytes(struct stream *s, const char *data, ssize_t n)
{
    ssize_t wrong = 0;
    for (ssize_t i = 0; i < n; i++)
        wrong += data[i] != byte_at(s, s->got + (uint64_t)i);
    CHECK_INT(wrong, 0);
    s->got += n > 0 ? (uint64_t)n : 0;
}

static void readable(void *arg, unsigned what)
{
    static char room[ROOM];
    struct stream *s = arg;
    struct loop_lent lent;
    ssize_t n = -EAGAIN;
    CHECK_INT(what, LOOP_READ);
    s->calls++;
    if (s->manner == BY_RECV) {
        n = loop_recv(s->loop, &s->io, room, s->most);
        check_bytes(s, room, n);
    } else if (s->manner == BY_LEND) {
        n = loop_lend(s->loop, &s->io, room, sizeof room, &lent);
        if (n > 0) {
            check_bytes(s, lent.data, n);
            memset(lent.data, 0, (size_t)n); /* it may be written over */
            loop_lent_back(s->loop, &lent);
        }
    }
    if (n == 0) {
        s->ended = true;
        loop_watch(s->loop, &s->io, 0);
    }
}

static void stream_open(struct stream *s, struct loop *loop)
{
    int ends[2];
    CHECK(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends) == 0);
    *s = (struct stream){.loop = loop, .far = ends[1], .most = ROOM};
    s->io = (struct loop_io){.fd = ends[0], .ready = readable, .arg = s, .stream = true};
    CHECK_INT(loop_watch(loop, &s->io, LOOP_READ), 0);
}

static void stream_close(struct stream *s)
{
    loop_unwatch(s->loop, &s->io);
    close(s->io.fd);
    if (s->far >= 0)
        close(s->far);
}

static void put(struct stream *s, size_t n)
{
    static char bytes[ROOM];
    for (size_t i = 0; i < n; i++)
        bytes[i] = byte_at(s, s->sent + i);
    ssize_t sent = send(s->far, bytes, n, MSG_NOSIGNAL);
    s->sent += sent > 0 ? (uint64_t)sent : 0;
}

static void turns(struct loop *loop, int n)
{
    while (n--)
        loop_turn(loop, 1000);
}

static void what_is_left_stays_ready(struct loop *loop)
{
    struct stream s;
    stream_open(&s, loop);
    turns(loop, 2);
    CHECK_INT(s.calls, 0);
    put(&s, 10);
    s.manner = NOT_AT_ALL;
    turns(loop, 3);
    CHECK_INT(s.calls, 3);
    s.manner = BY_RECV;
    s.most = 3;
    turns(loop, 6);
    CHECK_INT(s.calls, 7);
    CHECK_INT(s.got, 10);
    put(&s, 10); /* it is received for again */
    s.manner = BY_LEND;
    turns(loop, 3);
    CHECK_INT(s.got, 20);
    stream_close(&s);
}

static void the_end_comes_behind_the_bytes(struct loop *loop)
{
    struct stream s;
    char byte;
    stream_open(&s, loop);
    put(&s, 1000);
    close(s.far);
    s.most = 400;
    turns(loop, 8);
    CHECK_INT(s.got, 1000);
    CHECK(s.ended);
    CHECK_INT(loop_recv(loop, &s.io, &byte, 1), 0); /* and stays the end */
    s.far = -1;
    stream_close(&s);
}

static void not_watched_is_not_lost(struct loop *loop)
{
    struct stream s;
    stream_open(&s, loop);
    turns(loop, 1);
    for (int i = 0; i < 20; i++) {
        put(&s, 5000);
        CHECK_INT(loop_watch(loop, &s.io, 0), 0);
        put(&s, 100);
        int calls = s.calls;
        turns(loop, i % 3);
        CHECK_INT(s.calls, calls);
        CHECK_INT(loop_watch(loop, &s.io, i % 2 ? LOOP_READ : LOOP_READ | LOOP_WRITE), 0);
        CHECK_INT(loop_watch(loop, &s.io, LOOP_READ), 0);
        s.manner = i % 2 ? BY_RECV : BY_LEND;
        turns(loop, 4);
        CHECK_INT(s.got, s.sent);
    }
    stream_close(&s);
}

/* More of it than a loop can hold; others are served all the same. */
static void who_does_not_take_keeps_nobody_waiting(struct loop *loop)
{
    enum { FLOODERS = 300 };
    static struct stream all[FLOODERS + 1];
    struct stream *other = &all[FLOODERS];
    for (int i = 0; i <= FLOODERS; i++) {
        stream_open(&all[i], loop);
        all[i].manner = i < FLOODERS ? NOT_AT_ALL : BY_LEND;
    }
    for (int round = 0; round < 20; round++) {
        for (int i = 0; i < FLOODERS; i++)
            put(&all[i], ROOM);
        put(other, 1000);
        turns(loop, 5);
        CHECK_INT(other->got, other->sent);
    }
    for (int i = 0; i < FLOODERS; i++)
        all[i].manner = i % 2 ? BY_LEND : BY_RECV;
    turns(loop, 100);
    for (int i = 0; i <= FLOODERS; i++) {
        CHECK_INT(all[i].got, all[i].sent);
        CHECK(all[i].sent > 1000);
        stream_close(&all[i]);
    }
}

/* One step of somebody's life. */
static void step(struct stream *s)
{
    static const size_t sizes[] = {1, 7, 100, 4000, 17000, ROOM};
    enum { SIZES = sizeof sizes / sizeof *sizes };
    switch (rand_below(8)) {
    case 0:
    case 1:
    case 2:
        put(s, sizes[rand_below(SIZES)]);
        break;
    case 3:
        loop_watch(s->loop, &s->io, rand_below(2) ? LOOP_READ : 0);
        break;
    case 4:
        s->manner = (enum manner)rand_below(3);
        break;
    case 5:
        s->most = sizes[rand_below(SIZES)];
        break;
    case 6:
        if (rand_below(10) == 0) { /* with what it did not take */
            struct loop *loop = s->loop;
            stream_close(s);
            stream_open(s, loop);
        }
        break;
    default:
        loop_turn(s->loop, 0);
    }
}

static void many_at_random(struct loop *loop)
{
    static struct stream all[STREAMS];
    rand_seed(unit_seed());
    for (int i = 0; i < STREAMS; i++)
        stream_open(&all[i], loop);
    for (int i = 0; i < 20000; i++)
        step(&all[rand_below(rand_below(2) ? STREAMS : 5)]);
    for (int i = 0; i < STREAMS; i++) {
        all[i].manner = i % 2 ? BY_LEND : BY_RECV;
        all[i].most = ROOM;
        loop_watch(loop, &all[i].io, LOOP_READ);
    }
    turns(loop, 200);
    for (int i = 0; i < STREAMS; i++) {
        CHECK_INT(all[i].got, all[i].sent);
        stream_close(&all[i]);
    }
}

static void many_are_sent_together(struct loop *loop)
{
    static char large[4 << 20];
    int ends[LOOP_SENDS_MAX][2];
    struct loop_send sends[LOOP_SENDS_MAX];
    for (int i = 0; i < LOOP_SENDS_MAX; i++) { /* before the first turn */
        CHECK(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends[i]) == 0);
        sends[i] = (struct loop_send){ends[i][0], "0123456789", (size_t)(1 + i % 10), -1};
    }
    sends[3].data = large; /* more than a socket holds */
    sends[3].len = sizeof large;
    close(ends[5][1]);     /* nobody is there */
    loop_send_all(loop, sends, LOOP_SENDS_MAX);
    for (int i = 0; i < LOOP_SENDS_MAX; i++) {
        char text[16] = "";
        if (i == 3) {
            CHECK(sends[i].got > 0 && sends[i].got < (ssize_t)sizeof large);
        } else if (i == 5) {
            CHECK_INT(sends[i].got, -EPIPE);
        } else {
            CHECK_INT(sends[i].got, 1 + i % 10);
            CHECK_INT(read(ends[i][1], text, sizeof text), 1 + i % 10);
            CHECK(memcmp(text, "0123456789", (size_t)(1 + i % 10)) == 0);
        }
    }
    struct loop_send more[2] = {{ends[3][0], large, sizeof large, 0}, {ends[1][0], "x", 1, 0}};
    loop_send_all(loop, more, 2);
    CHECK_INT(more[0].got, -EAGAIN);
    CHECK_INT(more[1].got, 1);
    for (int i = 0; i < LOOP_SENDS_MAX; i++) {
        close(ends[i][0]);
        if (i != 5)
            close(ends[i][1]);
    }
}

/* The case by each way of waiting; the first may be forbidden here. */
static void by_each(void (*run)(struct loop *loop))
{
    for (int b = 0; b < BACKENDS; b++) {
        struct loop *loop = loop_new(backends[b]);
        CHECK(loop || b == 0);
        if (loop) {
            run(loop);
            loop_free(loop);
        } else {
            printf("skipped: no %s here\n", backends[b]);
        }
    }
}

#define BY_EACH(name) \
    static void name##_by_each(void) \
    { \
        by_each(name); \
    }
BY_EACH(what_is_left_stays_ready)
BY_EACH(the_end_comes_behind_the_bytes)
BY_EACH(not_watched_is_not_lost)
BY_EACH(who_does_not_take_keeps_nobody_waiting)
BY_EACH(many_at_random)
BY_EACH(many_are_sent_together)

int main(void)
{
    return UNIT_RUN(UNIT(what_is_left_stays_ready_by_each),
                    UNIT(the_end_comes_behind_the_bytes_by_each),
                    UNIT(not_watched_is_not_lost_by_each),
                    UNIT(who_does_not_take_keeps_nobody_waiting_by_each),
                    UNIT(many_at_random_by_each),
                    UNIT(many_are_sent_together_by_each));
}
