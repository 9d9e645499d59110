/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "os/socket.h"
#include "tests/unit/unit.h"

static void wait_for(int fd, short events)
{
    struct pollfd p = {.fd = fd, .events = events};
    CHECK_INT(poll(&p, 1, 5000), 1);
}

static void tcp(void)
{
    struct fault f = {0};
    char ip[64], name[SOCKET_NAME_MAX], want[256];
    int port = 0;
    int listener = socket_listen_tcp("127.0.0.1", 0, 16, &f);
    CHECK(listener >= 0);
    CHECK_INT(socket_accept(listener), -EAGAIN);
    CHECK(socket_local_address(listener, ip, &port));
    CHECK_STR(ip, "127.0.0.1");
    int out = socket_connect_tcp("127.0.0.1", port, "127.0.0.1", &f);
    CHECK(out >= 0);
    wait_for(listener, POLLIN);
    int in = socket_accept(listener);
    CHECK(in >= 0);
    wait_for(out, POLLOUT);
    CHECK_INT(socket_error(out), 0);
    CHECK(socket_is_local(in) && !socket_is_unix(in));
    snprintf(want, sizeof want, "127.0.0.1:%d", port);
    CHECK_STR(socket_local_name(in, name), want);
    CHECK_STR(socket_peer_name(out, name), want);
    CHECK_INT(socket_set_nodelay(in, true), 0);
    CHECK_INT(socket_set_keepalive(in, 300), 0);
    CHECK_INT(socket_set_keepalive(in, 1), 0);
    char bytes[8];
    CHECK_INT(socket_recv(in, bytes, sizeof bytes), -EAGAIN);
    struct iovec parts[2] = {{.iov_base = "ab", .iov_len = 2}, {.iov_base = "cd", .iov_len = 2}};
    CHECK_INT(socket_sendv(out, parts, 2), 4);
    wait_for(in, POLLIN);
    CHECK_INT(socket_recv(in, bytes, sizeof bytes), 4);
    CHECK_SLICE(slice(bytes, 4), SLICE_LIT("abcd"));
    /* The port is taken: the message is the one Redis gives. */
    int fds[SOCKET_LISTEN_MAX];
    char *binds[] = {"127.0.0.1"};
    CHECK_INT(socket_listen_binds(binds, 1, port, 16, fds, &f), -EADDRINUSE);
    snprintf(want, sizeof want, "Warning: Could not create server TCP listening socket "
             "127.0.0.1:%d: bind: Address already in use", port);
    CHECK_STR(f.what, want);
    socket_close(out);
    wait_for(in, POLLIN);
    CHECK_INT(socket_recv(in, bytes, sizeof bytes), 0);
    socket_close(in);
    socket_close(listener);
}

static void optional_addresses(void)
{
    struct fault f = {0};
    int fds[SOCKET_LISTEN_MAX];
    /* 192.0.2.1 is nobody's (documentation range). */
    char *binds[] = {"-192.0.2.1", "127.0.0.1"}, *missing[] = {"127.0.0.1", "192.0.2.1"};
    int n = socket_listen_binds(binds, 2, 0, 16, fds, &f);
    CHECK_INT(n, 1);
    socket_close(fds[0]);
    CHECK(!fault_is(&f));
    CHECK_INT(socket_listen_binds(missing, 2, 0, 16, fds, &f), -EADDRNOTAVAIL);
    CHECK(strstr(f.what, "192.0.2.1:0: bind: Cannot assign requested address") != NULL);
    f = (struct fault){0};
    CHECK(socket_listen_binds(binds, 1, 0, 16, fds, &f) < 0); /* none left */
    CHECK(fault_is(&f));
    char *any[] = {"*", "-::*"};
    f = (struct fault){0};
    n = socket_listen_binds(any, 2, 0, 16, fds, &f);
    CHECK(n == 1 || n == 2);
    while (n)
        socket_close(fds[--n]);
}

static void unix_socket(void)
{
    struct fault f = {0};
    struct stat st;
    char path[200], name[SOCKET_NAME_MAX], want[256];
    snprintf(path, sizeof path, "%s/sock", unit_tmpdir());
    int listener = socket_listen_unix(path, 0700, 16, &f);
    CHECK(listener >= 0);
    CHECK_INT(stat(path, &st), 0);
    CHECK_INT(st.st_mode & 0777, 0700);
    int out = socket_connect_unix(path, &f);
    CHECK(out >= 0);
    wait_for(listener, POLLIN);
    int in = socket_accept(listener);
    CHECK(socket_is_unix(in) && socket_is_local(in));
    snprintf(want, sizeof want, "%s:0", path);
    CHECK_STR(socket_peer_name(in, name), want);
    socket_close(in);
    socket_close(out);
    socket_close(listener);
    listener = socket_listen_unix(path, 0, 16, &f); /* the file left behind is no hindrance */
    CHECK(listener >= 0);
    socket_close(listener);
    unlink(path);
    FILE *file = fopen(path, "w"); /* but what is no socket is not removed */
    fclose(file);
    CHECK_INT(socket_listen_unix(path, 0, 16, &f), -EADDRINUSE);
    CHECK_INT(access(path, F_OK), 0);
}

int main(void)
{
    return UNIT_RUN(UNIT(tcp), UNIT(optional_addresses), UNIT(unix_socket));
}
