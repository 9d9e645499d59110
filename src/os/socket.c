/* SPDX-License-Identifier: BSD-3-Clause */
#include "os/socket.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/must.h"

static int set_int(int fd, int level, int name, int value)
{
    return setsockopt(fd, level, name, &value, sizeof value) < 0 ? -errno : 0;
}

void socket_close(int fd)
{
    close(fd);
}

static int make(int family)
{
    int fd = socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    return fd < 0 ? -errno : fd;
}

static int listen_on(int fd, const struct sockaddr *address, socklen_t len, int backlog,
                     const char **doing)
{
    *doing = "bind";
    if (bind(fd, address, len) < 0)
        return -errno;
    *doing = "listen";
    return listen(fd, backlog) < 0 ? -errno : 0;
}

static int resolve(const char *host, int port, bool passive, struct addrinfo **found,
                   struct fault *f)
{
    char service[16];
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM};
    if (strcmp(host, "*") == 0) {
        hints.ai_family = AF_INET;
        host = NULL;
    } else if (strcmp(host, "::*") == 0) {
        hints.ai_family = AF_INET6;
        host = NULL;
    }
    hints.ai_flags = passive ? AI_PASSIVE : 0;
    snprintf(service, sizeof service, "%d", port);
    int rc = getaddrinfo(host, service, &hints, found);
    if (rc == 0)
        return 0;
    int err = rc == EAI_SYSTEM ? errno : rc == EAI_ADDRFAMILY ? EAFNOSUPPORT : EADDRNOTAVAIL;
    fault_set(f, FAULT_IO, "%s", gai_strerror(rc));
    f->err = err;
    f->doing = "getaddrinfo";
    return -err;
}

int socket_listen_tcp(const char *bind_to, int port, int backlog, struct fault *f)
{
    struct addrinfo *found;
    const char *doing = "socket";
    int rc = resolve(bind_to, port, true, &found, f);
    if (rc < 0)
        return rc;
    rc = -EADDRNOTAVAIL;
    for (struct addrinfo *a = found; a; a = a->ai_next) {
        doing = "socket";
        int fd = rc = make(a->ai_family);
        if (fd < 0)
            continue;
        set_int(fd, SOL_SOCKET, SO_REUSEADDR, 1);
        /* Without it "::*" would take the port of "*" as well. */
        if (a->ai_family == AF_INET6)
            set_int(fd, IPPROTO_IPV6, IPV6_V6ONLY, 1);
        rc = listen_on(fd, a->ai_addr, a->ai_addrlen, backlog, &doing);
        if (rc == 0) {
            freeaddrinfo(found);
            return fd;
        }
        close(fd);
    }
    freeaddrinfo(found);
    must(rc < 0);
    fault_io(f, -rc, doing, "%s", doing);
    return rc;
}

static bool lacks_protocol(int err)
{
    return err == ENOPROTOOPT || err == EPROTONOSUPPORT || err == ESOCKTNOSUPPORT ||
           err == EPFNOSUPPORT || err == EAFNOSUPPORT;
}

int socket_listen_binds(char *const *binds, size_t count, int port, int backlog,
                        int fds[SOCKET_LISTEN_MAX], struct fault *f)
{
    int open_count = 0, rc = -EADDRNOTAVAIL;
    struct fault last = {0};
    for (size_t i = 0; i < count && open_count < SOCKET_LISTEN_MAX; i++) {
        bool optional = binds[i][0] == '-';
        const char *name = binds[i] + optional;
        struct fault why = {0};
        int fd = socket_listen_tcp(name, port, backlog, &why);
        if (fd >= 0) {
            fds[open_count++] = fd;
            continue;
        }
        last = (struct fault){0};
        fault_set(&last, FAULT_IO,
                  "Warning: Could not create server TCP listening socket %s:%d: %s", name, port,
                  why.what);
        last.err = why.err;
        last.doing = why.doing;
        rc = fd;
        if (lacks_protocol(-fd) || (optional && fd == -EADDRNOTAVAIL))
            continue;
        while (open_count)
            close(fds[--open_count]);
        break;
    }
    if (open_count)
        return open_count;
    if (!fault_is(&last))
        fault_set(&last, FAULT_INVALID, "No address to listen on");
    if (!fault_is(f))
        *f = last;
    must(rc < 0 && fault_is(f));
    return rc;
}

static int unix_address(const char *path, struct sockaddr_un *address, struct fault *f)
{
    memset(address, 0, sizeof *address);
    address->sun_family = AF_UNIX;
    if (strlen(path) >= sizeof address->sun_path) {
        fault_io(f, ENAMETOOLONG, "socket", "Unix socket path %s", path);
        return -ENAMETOOLONG;
    }
    strcpy(address->sun_path, path);
    return 0;
}

int socket_listen_unix(const char *path, mode_t perm, int backlog, struct fault *f)
{
    struct sockaddr_un address;
    struct stat st;
    const char *doing = "socket";
    int rc = unix_address(path, &address, f);
    if (rc < 0)
        return rc;
    /* Only ever a socket is removed: a mistyped path must not cost somebody a file. */
    if (lstat(path, &st) == 0 && S_ISSOCK(st.st_mode))
        unlink(path);
    int fd = rc = make(AF_UNIX);
    /* Born with its permissions: who may not connect could do so before a chmod. */
    mode_t mask = perm ? umask(~perm & 0777) : 0;
    if (fd >= 0)
        rc = listen_on(fd, (struct sockaddr *)&address, sizeof address, backlog, &doing);
    if (perm)
        umask(mask);
    if (rc == 0)
        return fd;
    must(rc < 0);
    fault_io(f, -rc, doing, "%s of unix socket %s", doing, path);
    if (fd >= 0)
        close(fd);
    return rc;
}

/* What accept says of one connection that went bad while it waited, not of the listener: it has
 * been taken from the queue, and the next may be well. */
static bool is_of_one(int err)
{
    static const int of_one[] = {ECONNABORTED, EPROTO, EPERM, ENETDOWN, ENETUNREACH, EHOSTDOWN,
                                 EHOSTUNREACH, ENOPROTOOPT, EOPNOTSUPP, ETIMEDOUT,
#ifdef ENONET
                                 ENONET,
#endif
    };
    for (size_t i = 0; i < sizeof of_one / sizeof *of_one; i++)
        if (of_one[i] == err)
            return true;
    return false;
}

int socket_accept(int listener)
{
    enum { BAD_AT_ONCE = 1000 };
    int bad = 0;
    for (;;) {
        int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd >= 0)
            return fd;
        if (errno != EINTR && (!is_of_one(errno) || ++bad == BAD_AT_ONCE))
            return -errno;
    }
}

static int bind_source(int fd, const char *source, int family)
{
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_family = family}, *found;
    if (getaddrinfo(source, NULL, &hints, &found) != 0)
        return -EADDRNOTAVAIL;
    int rc = bind(fd, found->ai_addr, found->ai_addrlen) < 0 ? -errno : 0;
    freeaddrinfo(found);
    return rc;
}

int socket_connect_tcp(const char *host, int port, const char *source, struct fault *f)
{
    struct addrinfo *found;
    int rc = resolve(host, port, false, &found, f);
    if (rc < 0)
        return rc;
    rc = -EADDRNOTAVAIL;
    for (struct addrinfo *a = found; a; a = a->ai_next) {
        int fd = rc = make(a->ai_family);
        if (fd < 0)
            continue;
        rc = source && *source ? bind_source(fd, source, a->ai_family) : 0;
        if (rc == 0 && connect(fd, a->ai_addr, a->ai_addrlen) < 0)
            rc = -errno;
        if (rc == 0 || rc == -EINPROGRESS) {
            freeaddrinfo(found);
            return fd;
        }
        close(fd);
    }
    freeaddrinfo(found);
    must(rc < 0);
    fault_io(f, -rc, "connect", "connect to %s:%d", host, port);
    return rc;
}

int socket_connect_unix(const char *path, struct fault *f)
{
    struct sockaddr_un address;
    int rc = unix_address(path, &address, f);
    if (rc < 0)
        return rc;
    int fd = make(AF_UNIX);
    if (fd < 0) {
        fault_io(f, -fd, "socket", "socket");
        return fd;
    }
    if (connect(fd, (struct sockaddr *)&address, sizeof address) < 0 && errno != EINPROGRESS) {
        rc = -errno;
        fault_io(f, -rc, "connect", "connect to %s", path);
        close(fd);
        return rc;
    }
    return fd;
}

int socket_error(int fd)
{
    int err = 0;
    socklen_t len = sizeof err;
    if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &err, &len) < 0)
        return -errno;
    return -err;
}

ssize_t socket_recv(int fd, void *to, size_t n)
{
    ssize_t got;
    do {
        got = recv(fd, to, n, 0);
    } while (got < 0 && errno == EINTR);
    return got < 0 ? -errno : got;
}

ssize_t socket_send(int fd, const void *from, size_t n)
{
    ssize_t put;
    do {
        put = send(fd, from, n, MSG_NOSIGNAL);
    } while (put < 0 && errno == EINTR);
    return put < 0 ? -errno : put;
}

ssize_t socket_sendv(int fd, const struct iovec *parts, int count)
{
    struct msghdr message = {.msg_iov = (struct iovec *)parts, .msg_iovlen = (size_t)count};
    ssize_t put;
    do {
        put = sendmsg(fd, &message, MSG_NOSIGNAL);
    } while (put < 0 && errno == EINTR);
    return put < 0 ? -errno : put;
}

int socket_set_nodelay(int fd, bool on)
{
    return set_int(fd, IPPROTO_TCP, TCP_NODELAY, on);
}

/* Probes after interval_s of silence, then three more in as long again: a dead peer is noticed in
 * about twice the interval. */
int socket_set_keepalive(int fd, int interval_s)
{
    int rc = set_int(fd, SOL_SOCKET, SO_KEEPALIVE, interval_s > 0);
    if (rc < 0 || interval_s <= 0)
        return rc;
    int step = interval_s / 3 > 0 ? interval_s / 3 : 1;
    if ((rc = set_int(fd, IPPROTO_TCP, TCP_KEEPIDLE, interval_s)) < 0 ||
        (rc = set_int(fd, IPPROTO_TCP, TCP_KEEPINTVL, step)) < 0)
        return rc;
    return set_int(fd, IPPROTO_TCP, TCP_KEEPCNT, 3);
}

int socket_set_mark(int fd, unsigned mark)
{
#ifdef SO_MARK
    return setsockopt(fd, SOL_SOCKET, SO_MARK, &mark, sizeof mark) < 0 ? -errno : 0;
#else
    (void)fd;
    return mark ? -ENOTSUP : 0;
#endif
}

/* ---- names ---- */
union address {
    struct sockaddr any;
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
    struct sockaddr_un local;
};

static bool get_address(int fd, bool peer, union address *out)
{
    socklen_t len = sizeof *out;
    memset(out, 0, sizeof *out);
    return (peer ? getpeername(fd, &out->any, &len) : getsockname(fd, &out->any, &len)) == 0;
}

static bool split_address(const union address *a, char ip[64], int *port)
{
    if (a->any.sa_family == AF_INET) {
        inet_ntop(AF_INET, &a->v4.sin_addr, ip, 64);
        *port = ntohs(a->v4.sin_port);
        return true;
    }
    if (a->any.sa_family == AF_INET6) {
        inet_ntop(AF_INET6, &a->v6.sin6_addr, ip, 64);
        *port = ntohs(a->v6.sin6_port);
        return true;
    }
    return false;
}

/* A unix client has no name of its own: both ends are shown as the path the server listens on. */
static const char *name_of(int fd, bool peer, char out[SOCKET_NAME_MAX])
{
    union address a;
    char ip[64];
    int port;
    if (!get_address(fd, peer, &a)) {
        snprintf(out, SOCKET_NAME_MAX, "?:0");
    } else if (split_address(&a, ip, &port)) {
        snprintf(out, SOCKET_NAME_MAX, strchr(ip, ':') ? "[%s]:%d" : "%s:%d", ip, port);
    } else {
        if (!a.local.sun_path[0])
            get_address(fd, false, &a);
        snprintf(out, SOCKET_NAME_MAX, "%.*s:0", (int)sizeof a.local.sun_path, a.local.sun_path);
    }
    return out;
}

const char *socket_peer_name(int fd, char out[SOCKET_NAME_MAX])
{
    return name_of(fd, true, out);
}

const char *socket_local_name(int fd, char out[SOCKET_NAME_MAX])
{
    return name_of(fd, false, out);
}

bool socket_local_address(int fd, char ip[64], int *port)
{
    union address a;
    return get_address(fd, false, &a) && split_address(&a, ip, port);
}

bool socket_is_unix(int fd)
{
    union address a;
    return get_address(fd, false, &a) && a.any.sa_family == AF_UNIX;
}

bool socket_is_local(int fd)
{
    union address a;
    if (!get_address(fd, true, &a))
        return false;
    if (a.any.sa_family == AF_UNIX)
        return true;
    if (a.any.sa_family == AF_INET)
        return ntohl(a.v4.sin_addr.s_addr) >> 24 == 127;
    return a.any.sa_family == AF_INET6 && IN6_IS_ADDR_LOOPBACK(&a.v6.sin6_addr);
}
