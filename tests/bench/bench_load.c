/* SPDX-License-Identifier: BSD-3-Clause */
/* A load of SETs and GETs on one server, and what each request waited.
 *
 *   bench_load -p 6379 -c 50 -s 10 -g 50 -r 0 -k 100000 -d 16
 *
 * -c connections, one request in flight on each; -s seconds; -g percent of GETs; -k keys; -d bytes
 * of a value. -r 0: each connection sends again at once (closed loop). -r N: N requests a second
 * fall due whether or not the server keeps up, and a request's wait counts from the moment when it
 * fell due (so a stall is felt by all that fell due in it). Prints one line:
 *
 *   <requests/s> <p50> <p99> <p99.9> <longest>     in microseconds
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { CONNECTIONS_MAX = 1000, REPLY_MAX = 64 << 10, VALUE_MAX = REPLY_MAX / 2 };

struct settings {
    int port, connections, seconds, get_percent, rate, keys, value;
};

struct connection {
    int fd;
    bool busy;
    int64_t due_ns;
    size_t got;
    char reply[REPLY_MAX];
};

struct load {
    struct settings set;
    int epoll;
    struct connection *connections;
    int idle[CONNECTIONS_MAX];
    int idle_count;
    uint64_t random, sent;
    uint32_t *waits_us;
    size_t done, room;
};

static void die(const char *what)
{
    fprintf(stderr, "bench_load: %s: %s\n", what, strerror(errno));
    exit(1);
}

static int64_t now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static uint64_t next_random(struct load *l)
{
    l->random ^= l->random << 13;
    l->random ^= l->random >> 7;
    l->random ^= l->random << 17;
    return l->random;
}

static void connect_all(struct load *l)
{
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons((uint16_t)l->set.port)};
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    l->epoll = epoll_create1(0);
    l->connections = calloc((size_t)l->set.connections, sizeof *l->connections);
    if (l->epoll < 0 || !l->connections)
        die("set-up");
    for (int i = 0; i < l->set.connections; i++) {
        struct connection *c = &l->connections[i];
        int on = 1;
        c->fd = socket(AF_INET, SOCK_STREAM, 0);
        if (c->fd < 0 || connect(c->fd, (struct sockaddr *)&to, sizeof to) < 0)
            die("connect");
        setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        struct epoll_event e = {.events = EPOLLIN, .data.u32 = (uint32_t)i};
        epoll_ctl(l->epoll, EPOLL_CTL_ADD, c->fd, &e);
        l->idle[l->idle_count++] = i;
    }
}

static void send_one(struct load *l, struct connection *c, int64_t due_ns)
{
    static char value[VALUE_MAX + 1];
    char text[VALUE_MAX + 128];
    int key = (int)(next_random(l) % (unsigned)l->set.keys), n;
    if (!value[0])
        memset(value, 'v', (size_t)l->set.value);
    if ((int)(next_random(l) % 100) < l->set.get_percent)
        n = snprintf(text, sizeof text, "*2\r\n$3\r\nGET\r\n$16\r\nkey:%012d\r\n", key);
    else
        n = snprintf(text, sizeof text, "*3\r\n$3\r\nSET\r\n$16\r\nkey:%012d\r\n$%d\r\n%s\r\n", key,
                     l->set.value, value);
    c->busy = true;
    c->due_ns = due_ns;
    c->got = 0;
    if (write(c->fd, text, (size_t)n) != n)
        die("write");
    l->sent++;
}

/* Is the reply whole? */
static bool whole(const struct connection *c)
{
    const char *end = memchr(c->reply, '\n', c->got);
    if (!end)
        return false;
    if (c->reply[0] == '-') {
        fprintf(stderr, "bench_load: %.*s\n", (int)(end - c->reply), c->reply);
        exit(1);
    }
    long len = c->reply[0] == '$' ? strtol(c->reply + 1, NULL, 10) : -1;
    return len < 0 || c->got >= (size_t)(end - c->reply) + 1 + (size_t)len + 2;
}

static void take(struct load *l, struct connection *c)
{
    ssize_t got = read(c->fd, c->reply + c->got, sizeof c->reply - c->got);
    if (got <= 0)
        die("read");
    c->got += (size_t)got;
    if (!whole(c))
        return;
    if (l->done == l->room) {
        l->room = l->room ? l->room * 2 : 1 << 20;
        l->waits_us = realloc(l->waits_us, l->room * sizeof *l->waits_us);
        if (!l->waits_us)
            die("memory");
    }
    l->waits_us[l->done++] = (uint32_t)((now_ns() - c->due_ns) / 1000);
    c->busy = false;
    l->idle[l->idle_count++] = (int)(c - l->connections);
}

/* Sends what is due on the connections that are free; tells when the next one is due. */
static int64_t send_due(struct load *l, int64_t began_ns, int64_t now)
{
    while (l->idle_count > 0) {
        int64_t due = now;
        if (l->set.rate > 0)
            due = began_ns + (int64_t)((double)l->sent * 1e9 / l->set.rate);
        if (due > now)
            return due;
        send_one(l, &l->connections[l->idle[--l->idle_count]], due);
    }
    return now + 100000000;
}

static void run(struct load *l)
{
    int64_t began = now_ns(), end = began + (int64_t)l->set.seconds * 1000000000;
    for (int64_t now = began; now < end; now = now_ns()) {
        struct epoll_event events[64];
        int64_t wait_ns = send_due(l, began, now) - now;
        struct timespec wait = {wait_ns / 1000000000, wait_ns % 1000000000};
        int n = epoll_pwait2(l->epoll, events, 64, &wait, NULL);
        for (int i = 0; i < n; i++)
            take(l, &l->connections[events[i].data.u32]);
    }
}

static int by_size(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}

static void report(struct load *l)
{
    if (l->done == 0)
        die("no reply");
    qsort(l->waits_us, l->done, sizeof *l->waits_us, by_size);
    printf("%.0f %u %u %u %u\n", (double)l->done / l->set.seconds, l->waits_us[l->done / 2],
           l->waits_us[l->done / 100 * 99], l->waits_us[l->done / 1000 * 999],
           l->waits_us[l->done - 1]);
}

int main(int argc, char **argv)
{
    struct load l = {.random = 88172645463325252};
    l.set = (struct settings){6379, 50, 5, 0, 0, 100000, 16};
    for (int opt; (opt = getopt(argc, argv, "p:c:s:g:r:k:d:")) != -1;) {
        static const char names[] = "pcsgrkd";
        int *const fields[] = {&l.set.port, &l.set.connections, &l.set.seconds,
                               &l.set.get_percent, &l.set.rate, &l.set.keys, &l.set.value};
        const char *at = strchr(names, opt);
        if (!at)
            return 1;
        *fields[at - names] = atoi(optarg);
    }
    if (l.set.connections < 1 || l.set.connections > CONNECTIONS_MAX || l.set.seconds < 1 ||
        l.set.keys < 1 || l.set.value < 1 || l.set.value > VALUE_MAX) {
        fprintf(stderr, "bench_load: out of range\n");
        return 1;
    }
    connect_all(&l);
    run(&l);
    report(&l);
    return 0;
}
