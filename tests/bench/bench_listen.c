/* SPDX-License-Identifier: BSD-3-Clause */
/* Subscribers, and the messages that they get.
 *
 *   bench_listen -p 6379 -c 100 -k 1 -m 1000
 *
 * -c connections, each of which subscribes to the same -k channels; -m messages to each channel.
 * Says "ready" when all have subscribed, waits for a line on standard input, publishes (16 messages
 * on their way at a time, 5 bytes each), and says "done" when everybody has everything. Elements of
 * the protocol are counted by their lines: six of a subscription's reply, seven of a message. */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

enum { PER_ADDRESS = 5000, WINDOW = 16, SUBSCRIBED_LINES = 6, MESSAGE_LINES = 7 };

struct settings {
    int port, connections, channels, messages;
};

static void die(const char *what)
{
    fprintf(stderr, "bench_listen: %s: %s\n", what, strerror(errno));
    exit(1);
}

/* One address has fewer free ports than there are connections: they come from several. The port is
 * chosen by connect, which finds a free one at once where bind searches among all. */
static int connect_from(int port, int i)
{
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)}, from = to;
    int on = 1, fd = socket(AF_INET, SOCK_STREAM, 0);
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    from.sin_port = 0;
    from.sin_addr.s_addr = htonl(INADDR_LOOPBACK + 1 + (uint32_t)(i / PER_ADDRESS));
    if (fd < 0 || setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof on) < 0 ||
        bind(fd, (struct sockaddr *)&from, sizeof from) < 0 ||
        connect(fd, (struct sockaddr *)&to, sizeof to) < 0)
        die("connect");
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    return fd;
}

static void send_all(int fd, const char *text, size_t len)
{
    for (ssize_t n; len > 0; text += n, len -= (size_t)n)
        if ((n = write(fd, text, len)) <= 0)
            die("write");
}

static uint64_t read_lines(int fd)
{
    char text[65536];
    uint64_t lines = 0;
    ssize_t got = read(fd, text, sizeof text);
    if (got <= 0)
        die("read");
    for (ssize_t i = 0; i < got; i++)
        lines += text[i] == '\n';
    return lines;
}

/* Until so many lines have come on the connections that epoll watches. */
static void hear(int epoll, uint64_t lines)
{
    struct epoll_event events[256];
    while (lines > 0) {
        int n = epoll_wait(epoll, events, 256, -1);
        for (int i = 0; i < n; i++) {
            uint64_t more = read_lines(events[i].data.fd);
            if (more > lines)
                die("more came than was sent");
            lines -= more;
        }
    }
}

/* Channel c<number>, to all of which each connection listens. */
static void subscribe(int epoll, int fd, const struct settings *s)
{
    char text[64];
    struct epoll_event e = {.events = EPOLLIN, .data.fd = fd};
    if (epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &e) < 0)
        die("epoll");
    for (int k = 0; k < s->channels; k++) {
        int n = snprintf(text, sizeof text, "*2\r\n$9\r\nSUBSCRIBE\r\n$7\r\nc%06d\r\n", k);
        send_all(fd, text, (size_t)n);
        if (k % WINDOW == WINDOW - 1 || k == s->channels - 1)
            hear(epoll, (uint64_t)SUBSCRIBED_LINES * (uint64_t)(k % WINDOW + 1));
    }
}

/* WINDOW messages in one write, then all that comes of them. */
static void publish(int epoll, int fd, const struct settings *s)
{
    char text[WINDOW * 64];
    size_t len = 0;
    uint64_t all = (uint64_t)s->messages * (uint64_t)s->channels, batch = 0;
    for (uint64_t i = 0; i < all; i++) {
        len += (size_t)snprintf(text + len, sizeof text - len,
                                "*3\r\n$7\r\nPUBLISH\r\n$7\r\nc%06d\r\n$5\r\nhello\r\n",
                                (int)(i % (uint64_t)s->channels));
        if (++batch < WINDOW && i + 1 < all)
            continue;
        send_all(fd, text, len);
        for (uint64_t replies = 0; replies < batch;)
            replies += read_lines(fd);
        hear(epoll, batch * MESSAGE_LINES * (uint64_t)s->connections);
        len = batch = 0;
    }
}

int main(int argc, char **argv)
{
    struct settings s = {6379, 1, 1, 1};
    for (int opt; (opt = getopt(argc, argv, "p:c:k:m:")) != -1;) {
        int *field = opt == 'p' ? &s.port : opt == 'c' ? &s.connections : opt == 'k' ? &s.channels
                   : opt == 'm' ? &s.messages : NULL;
        if (!field || (*field = atoi(optarg)) < 1)
            return 1;
    }
    struct rlimit files;
    if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
        files.rlim_cur = files.rlim_max;
        setrlimit(RLIMIT_NOFILE, &files);
    }
    int epoll = epoll_create1(0), publisher = connect_from(s.port, 0);
    for (int i = 0; i < s.connections; i++)
        subscribe(epoll, connect_from(s.port, i), &s);
    puts("ready");
    fflush(stdout);
    if (getchar() == EOF)
        return 1;
    publish(epoll, publisher, &s);
    puts("done");
    return 0;
}
