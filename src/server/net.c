/* SPDX-License-Identifier: BSD-3-Clause */
#include "server/net.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/must.h"
#include "os/clock.h"
#include "os/loop.h"
#include "os/socket.h"
#include "server/clients.h"
#include "server/conn.h"
#include "server/process.h"
#include "server/server.h"
#include "server/settings.h"
#include "server/stats.h"

enum {
    ACCEPT_AT_ONCE = 1000, DESCRIPTORS_OF_OURS = 32, PARKED_MAX = 16,
    PAUSE_US = 100000, TELL_EVERY_US = 1000000,
};

struct door {
    struct loop_io io;
    struct net *net;
    bool is_unix;
};

struct net {
    struct server *server;
    struct settings *settings;
    struct door doors[SOCKET_LISTEN_MAX + 1];
    int count;
    bool open;
    /* The system gives no more descriptors: nobody is let in for PAUSE_US. */
    struct loop_timer pause;
    int64_t told_us; /* when that was logged last; 0: never */
    /* Came when all places were taken: they wait until the loop has looked again at all clients,
     * for one that has just gone (often the same that comes again). */
    struct parked {
        struct door *door;
        int fd;
    } parked[PARKED_MAX];
    int parked_count;
    bool looked;
    struct loop_timer look;
};

/* ---- letting in ---- */
/* Written straight to the socket: there is no client yet. The socket is new, so it has room. */
static void turn_away(struct net *n, int fd, const char *error)
{
    ssize_t put = socket_send(fd, error, strlen(error));
    (void)put; /* who does not listen goes without it */
    server_stats(n->server)->rejected_connections++;
    socket_close(fd);
}

static const char protected_text[] =
    "-DENIED Redis is running in protected mode: the default user has no password, so that only "
    "connections from the server's own machine are let in. For others, give it one (requirepass); "
    "or, where nobody who should not can reach the server, switch the mode off: by CONFIG SET "
    "protected-mode no on that machine, in the configuration file, or by --protected-mode no.\r\n";

static bool is_full(struct net *n)
{
    struct clients *cs = server_clients(n->server);
    if ((int64_t)cs->count < cs->max_clients)
        return false;
    clients_free_closing(cs); /* those that have ended in this turn */
    return (int64_t)cs->count >= cs->max_clients;
}

static void let_in(struct door *d, int fd)
{
    struct net *n = d->net;
    struct clients *cs = server_clients(n->server);
    must(fd >= 0);
    if (is_full(n)) {
        turn_away(n, fd, "-ERR max number of clients reached\r\n");
        return;
    }
    if (n->settings->protected_mode && !cs->password.len && !socket_is_local(fd)) {
        turn_away(n, fd, protected_text);
        return;
    }
    if (!d->is_unix) {
        socket_set_nodelay(fd, true);
        if (n->settings->keepalive_s)
            socket_set_keepalive(fd, (int)n->settings->keepalive_s);
    }
    struct client *c = client_new(cs, fd);
    server_stats(n->server)->connections++;
    log_verbose("Accepted %s", c->peer);
    conn_open(c);
}

static void park(struct door *d, int fd)
{
    struct net *n = d->net;
    must(n->parked_count < PARKED_MAX);
    n->parked[n->parked_count++] = (struct parked){d, fd};
    if (n->parked_count > 1)
        return;
    n->looked = false;
    loop_timer_start(server_loop(n->server), &n->look, 0);
}

/* At the end of this turn, and again at the end of the next, which has looked at all clients. */
static void look_again(void *arg)
{
    struct net *n = arg;
    int count = n->parked_count;
    if (!n->looked) {
        n->looked = true;
        loop_timer_start(server_loop(n->server), &n->look, 0);
        return;
    }
    n->parked_count = 0;
    for (int i = 0; i < count; i++)
        let_in(n->parked[i].door, n->parked[i].fd);
}

static void drop_parked(struct net *n)
{
    loop_timer_stop(server_loop(n->server), &n->look);
    while (n->parked_count)
        socket_close(n->parked[--n->parked_count].fd);
}

static void watch_doors(struct net *n, unsigned what)
{
    for (int i = 0; i < n->count; i++)
        loop_watch(server_loop(n->server), &n->doors[i].io, what);
}

static void pause_over(void *arg)
{
    watch_doors(arg, LOOP_READ);
}

/* The door stays ready, so it would be knocked at without end. */
static void pause_accepting(struct net *n, int err)
{
    int64_t now_us = clock_mono_us();
    if (!n->told_us || now_us - n->told_us >= TELL_EVERY_US) {
        n->told_us = now_us;
        log_warning("Can't accept a connection: %s; trying again every %d ms", strerror(err),
                    PAUSE_US / 1000);
    }
    watch_doors(n, 0);
    loop_timer_start(server_loop(n->server), &n->pause, PAUSE_US);
}

static void knock(void *arg, unsigned what)
{
    struct door *d = arg;
    (void)what;
    for (int i = 0; i < ACCEPT_AT_ONCE && d->net->parked_count < PARKED_MAX; i++) {
        int fd = socket_accept(d->io.fd);
        if (fd == -EAGAIN)
            return;
        if (fd < 0) {
            pause_accepting(d->net, -fd);
            return;
        }
        if (d->net->parked_count || is_full(d->net))
            park(d, fd);
        else
            let_in(d, fd);
    }
}

/* ---- doors ---- */
static bool add_door(struct net *n, int fd, bool is_unix, struct fault *f)
{
    must(n->count < (int)(sizeof n->doors / sizeof *n->doors));
    struct door *d = &n->doors[n->count];
    *d = (struct door){.io = {.fd = fd, .ready = knock, .arg = d}, .net = n, .is_unix = is_unix};
    if (n->settings->mark)
        socket_set_mark(fd, (unsigned)n->settings->mark);
    int rc = loop_watch(server_loop(n->server), &d->io, LOOP_READ);
    if (rc < 0) {
        fault_io(f, -rc, "watch", "watching a listening socket");
        socket_close(fd);
        return false;
    }
    n->count++;
    return true;
}

static void close_tcp(struct net *n)
{
    int kept = 0;
    drop_parked(n); /* the doors move */
    for (int i = 0; i < n->count; i++) {
        struct door old = n->doors[i];
        loop_unwatch(server_loop(n->server), &n->doors[i].io);
        if (!old.is_unix) {
            socket_close(old.io.fd);
            continue;
        }
        n->doors[kept] = old;
        n->doors[kept].io.watched = 0;
        n->doors[kept].io.arg = &n->doors[kept];
        loop_watch(server_loop(n->server), &n->doors[kept].io, LOOP_READ);
        kept++;
    }
    must(kept <= n->count && n->parked_count == 0);
    n->count = kept;
}

static bool open_tcp(struct net *n, struct fault *f)
{
    struct settings *st = n->settings;
    int fds[SOCKET_LISTEN_MAX];
    if (st->port == 0 || st->bind_count == 0) {
        close_tcp(n);
        return true;
    }
    int count = socket_listen_binds(st->binds, (size_t)st->bind_count, (int)st->port,
                                    (int)st->backlog, fds, f);
    if (count < 0)
        return false;
    must(count <= SOCKET_LISTEN_MAX);
    close_tcp(n);
    for (int i = 0; i < count; i++)
        if (!add_door(n, fds[i], false, f))
            return false;
    return true;
}

/* The new address may be one of the old ones, which are still open: then it cannot be bound until
 * they are shut. So that is tried second, and the old ones are bound again by whoever puts the old
 * values back. */
static bool reopen(struct settings *st, const char *failure, struct fault *f)
{
    struct net *n = server_net(st->server);
    struct fault first = {0};
    if (!n || !n->open)
        return true;
    bool ok = open_tcp(n, &first);
    if (!ok) {
        close_tcp(n);
        first = (struct fault){0};
        ok = open_tcp(n, &first);
    }
    if (ok) {
        process_set_title(st);
        return true;
    }
    log_warning("%s", first.what);
    fault_set(f, FAULT_IO, "%s", failure);
    return false;
}

bool net_apply_bind(void *owner, struct fault *f)
{
    return reopen(owner, "Failed to bind to specified addresses.", f);
}

bool net_apply_port(void *owner, struct fault *f)
{
    return reopen(owner, "Unable to listen on this port. Check server logs.", f);
}

/* ---- life ---- */
struct net *net_new(struct server *s)
{
    struct net *n = mem_zalloc(sizeof *n);
    n->server = s;
    n->settings = server_settings(s);
    n->pause = (struct loop_timer){.due = pause_over, .arg = n};
    n->look = (struct loop_timer){.due = look_again, .arg = n};
    return n;
}

void net_free(struct net *n)
{
    net_close(n);
    mem_free(n);
}

bool net_open(struct net *n, struct fault *f)
{
    struct settings *st = n->settings;
    struct fault why = {0};
    if (!net_apply_max_clients(server_clients(n->server), f))
        return false;
    if (!open_tcp(n, &why)) {
        log_warning("%s", why.what);
        fault_set(f, FAULT_IO, "Failed listening on port %d (tcp), aborting.", (int)st->port);
        return false;
    }
    if (st->unix_path) {
        int fd = socket_listen_unix(st->unix_path, (mode_t)st->unix_perm, (int)st->backlog, f);
        if (fd < 0 || !add_door(n, fd, true, f))
            return false;
    }
    if (n->count == 0) {
        fault_set(f, FAULT_INVALID, "Neither a port nor a unix socket to listen on");
        return false;
    }
    n->open = true;
    return true;
}

void net_close(struct net *n)
{
    loop_timer_stop(server_loop(n->server), &n->pause);
    drop_parked(n);
    for (int i = 0; i < n->count; i++) {
        loop_unwatch(server_loop(n->server), &n->doors[i].io);
        socket_close(n->doors[i].io.fd);
        if (n->doors[i].is_unix)
            unlink(n->settings->unix_path);
    }
    n->count = 0;
    n->open = false;
}

int net_listeners(const struct net *n)
{
    return n->count;
}

void net_describe(const struct net *n, int i, struct buf *out)
{
    must(i >= 0 && i < n->count);
    const struct door *d = &n->doors[i];
    char ip[64];
    int port;
    if (d->is_unix)
        buf_printf(out, "name=unix,bind=%s", n->settings->unix_path);
    else if (socket_local_address(d->io.fd, ip, &port))
        buf_printf(out, "name=tcp,bind=%s,port=%d", ip, port);
}

/* CONFIG SET is told; a start goes on with as many as there can be. */
static bool too_many_clients(struct clients *cs, rlim_t files, struct fault *f)
{
    rlim_t most = files > DESCRIPTORS_OF_OURS ? files - DESCRIPTORS_OF_OURS : 0;
    if (server_net(cs->server)->open) {
        fault_set(f, FAULT_LIMIT,
                  "The operating system is not able to handle the specified number of clients, try "
                  "with %llu", (unsigned long long)most);
        return false;
    }
    if (!most) {
        fault_set(f, FAULT_LIMIT, "the limit of open files (%llu) leaves none for clients",
                  (unsigned long long)files);
        return false;
    }
    log_warning("maxclients is %lld, but only %llu files may be open: it is now %llu",
                (long long)cs->max_clients, (unsigned long long)files, (unsigned long long)most);
    cs->max_clients = (int64_t)most;
    return true;
}

bool net_apply_max_clients(void *owner, struct fault *f)
{
    struct clients *cs = owner;
    rlim_t want = (rlim_t)cs->max_clients + DESCRIPTORS_OF_OURS;
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) < 0 || limit.rlim_cur >= want)
        return true;
    struct rlimit raised = {want, limit.rlim_max < want ? want : limit.rlim_max};
    if (setrlimit(RLIMIT_NOFILE, &raised) == 0)
        return true;
    raised = (struct rlimit){limit.rlim_max < want ? limit.rlim_max : want, limit.rlim_max};
    setrlimit(RLIMIT_NOFILE, &raised);
    getrlimit(RLIMIT_NOFILE, &limit);
    return limit.rlim_cur >= want || too_many_clients(cs, limit.rlim_cur, f);
}
