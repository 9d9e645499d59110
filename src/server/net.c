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
#include "server/tls_config.h"
#include "server/tls_waiting.h"

enum {
    ACCEPT_AT_ONCE = 1000, DESCRIPTORS_OF_OURS = 32, PARKED_MAX = 16,
    PAUSE_US = 100000, TELL_EVERY_US = 1000000,
};

enum net_kind { NET_TCP, NET_TLS, NET_UNIX };

struct net_listener {
    struct loop_io io;
    struct net *net;
    enum net_kind kind;
};

struct net {
    struct server *server;
    struct settings *settings;
    struct net_listener listeners[2 * SOCKET_LISTEN_MAX + 1];
    struct tls_waiting *waiting;
    int count;
    bool open;
    /* The system gives no more descriptors: nothing is accepted for PAUSE_US. */
    struct loop_timer pause;
    int64_t told_us; /* when that was logged last; 0: never */
    /* Came when all places were taken: they wait until the loop has looked again at all clients,
     * for one that has just gone (often the same that comes again). */
    struct parked {
        struct net_listener *listener;
        int fd;
    } parked[PARKED_MAX];
    int parked_count;
    bool looked;
    struct loop_timer look;
};

/* ---- accepting ---- */
/* Written straight to the socket: there is no client yet. The socket is new, so it has room. Who
 * speaks TLS would not understand it. */
static void reject(struct net_listener *l, int fd, const char *error)
{
    ssize_t put = l->kind == NET_TLS ? 0 : socket_send(fd, error, strlen(error));
    (void)put; /* who does not listen goes without it */
    server_stats(l->net->server)->rejected_connections++;
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

static void give_up(void *arg, uint64_t id)
{
    struct net *n = arg;
    struct client *c = clients_find(server_clients(n->server), id);
    if (!c || c->flags & CLIENT_CLOSE_SOON || wire_look(&c->wire).open)
        return;
    must(c->wire.ops);
    log_warning("Error accepting a client connection: no TLS handshake in %d seconds (addr=%s "
                "laddr=%s)", TLS_WAITING_S, c->peer, c->local);
    client_close_soon(c);
}

/* Behind the handshake. */
static void deny(struct client *c)
{
    must(c->wire.ops && !output_unsent(&c->out));
    buf_append(&c->out.open, protected_text, strlen(protected_text));
    c->flags |= CLIENT_CLOSE_AFTER_REPLY;
    client_want_send(c);
    server_stats(c->server)->rejected_connections++;
}

static void accept_client(struct net_listener *l, int fd)
{
    struct net *n = l->net;
    struct clients *cs = server_clients(n->server);
    struct wire wire = {NULL, NULL};
    must(fd >= 0);
    if (is_full(n)) {
        reject(l, fd, "-ERR max number of clients reached\r\n");
        return;
    }
    bool denied = n->settings->protected_mode && cs->nopass && !socket_is_local(fd);
    if ((denied && l->kind != NET_TLS) ||
        (l->kind == NET_TLS && !tls_config_accept(server_tls(n->server), &wire))) {
        reject(l, fd, protected_text);
        return;
    }
    if (l->kind != NET_UNIX) {
        socket_set_nodelay(fd, true);
        if (n->settings->keepalive_s)
            socket_set_keepalive(fd, (int)n->settings->keepalive_s);
    }
    struct client *c = client_new(cs, fd);
    c->wire = wire;
    server_stats(n->server)->connections++;
    log_verbose("Accepted %s", c->peer);
    conn_open(c);
    if (l->kind == NET_TLS)
        tls_waiting_add(n->waiting, c->id);
    if (denied)
        deny(c);
}

static void park(struct net_listener *l, int fd)
{
    struct net *n = l->net;
    must(n->parked_count < PARKED_MAX);
    n->parked[n->parked_count++] = (struct parked){l, fd};
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
        accept_client(n->parked[i].listener, n->parked[i].fd);
}

static void drop_parked(struct net *n)
{
    loop_timer_stop(server_loop(n->server), &n->look);
    while (n->parked_count)
        socket_close(n->parked[--n->parked_count].fd);
}

static void watch_listeners(struct net *n, unsigned what)
{
    for (int i = 0; i < n->count; i++)
        loop_watch(server_loop(n->server), &n->listeners[i].io, what);
}

static void pause_over(void *arg)
{
    watch_listeners(arg, LOOP_READ);
}

/* The listening socket stays ready, so the loop would call without end. */
static void pause_accepting(struct net *n, int err)
{
    int64_t now_us = clock_mono_us();
    if (!n->told_us || now_us - n->told_us >= TELL_EVERY_US) {
        n->told_us = now_us;
        log_warning("Can't accept a connection: %s; trying again every %d ms", strerror(err),
                    PAUSE_US / 1000);
    }
    watch_listeners(n, 0);
    loop_timer_start(server_loop(n->server), &n->pause, PAUSE_US);
}

static void accept_ready(void *arg, unsigned what)
{
    struct net_listener *l = arg;
    (void)what;
    for (int i = 0; i < ACCEPT_AT_ONCE && l->net->parked_count < PARKED_MAX; i++) {
        int fd = socket_accept(l->io.fd);
        if (fd == -EAGAIN)
            return;
        if (fd < 0) {
            pause_accepting(l->net, -fd);
            return;
        }
        if (l->net->parked_count || is_full(l->net))
            park(l, fd);
        else
            accept_client(l, fd);
    }
}

/* ---- listeners ---- */
static bool add_listener(struct net *n, int fd, enum net_kind kind, struct fault *f)
{
    must(n->count < (int)(sizeof n->listeners / sizeof *n->listeners));
    struct net_listener *l = &n->listeners[n->count];
    *l = (struct net_listener){
        .io = {.fd = fd, .ready = accept_ready, .arg = l}, .net = n, .kind = kind};
    if (n->settings->mark)
        socket_set_mark(fd, (unsigned)n->settings->mark);
    int rc = loop_watch(server_loop(n->server), &l->io, LOOP_READ);
    if (rc < 0) {
        fault_io(f, -rc, "watch", "watching a listening socket");
        socket_close(fd);
        return false;
    }
    n->count++;
    return true;
}

static void close_kind(struct net *n, enum net_kind kind)
{
    must(kind != NET_UNIX);
    int kept = 0;
    drop_parked(n); /* the listeners move */
    for (int i = 0; i < n->count; i++) {
        struct net_listener old = n->listeners[i];
        loop_unwatch(server_loop(n->server), &n->listeners[i].io);
        if (old.kind == kind) {
            socket_close(old.io.fd);
            continue;
        }
        n->listeners[kept] = old;
        n->listeners[kept].io.watched = 0;
        n->listeners[kept].io.arg = &n->listeners[kept];
        loop_watch(server_loop(n->server), &n->listeners[kept].io, LOOP_READ);
        kept++;
    }
    must(kept <= n->count && n->parked_count == 0);
    n->count = kept;
}

static bool open_kind(struct net *n, enum net_kind kind, struct fault *f)
{
    struct settings *st = n->settings;
    int64_t port = kind == NET_TLS ? st->tls_port : st->port;
    int fds[SOCKET_LISTEN_MAX];
    if (port == 0 || st->bind_count == 0) {
        close_kind(n, kind);
        return true;
    }
    int count = socket_listen_binds(st->binds, (size_t)st->bind_count, (int)port,
                                    (int)st->backlog, fds, f);
    if (count < 0)
        return false;
    must(count <= SOCKET_LISTEN_MAX);
    close_kind(n, kind);
    for (int i = 0; i < count; i++)
        if (!add_listener(n, fds[i], kind, f))
            return false;
    return true;
}

/* The new address may be one of the old ones, which are still open: then it cannot be bound until
 * they are shut. So that is tried second, and the old ones are bound again by whoever puts the old
 * values back. */
static bool reopen(struct settings *st, enum net_kind kind, const char *failure, struct fault *f)
{
    struct net *n = server_net(st->server);
    struct fault first = {0};
    if (!n || !n->open)
        return true;
    bool ok = open_kind(n, kind, &first);
    if (!ok) {
        close_kind(n, kind);
        first = (struct fault){0};
        ok = open_kind(n, kind, &first);
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
    static const char failure[] = "Failed to bind to specified addresses.";
    return reopen(owner, NET_TCP, failure, f) && reopen(owner, NET_TLS, failure, f);
}

bool net_apply_port(void *owner, struct fault *f)
{
    return reopen(owner, NET_TCP, "Unable to listen on this port. Check server logs.", f);
}

bool net_apply_tls_port(void *owner, struct fault *f)
{
    struct settings *st = owner;
    return tls_config_listen(server_tls(st->server), st->tls_port, f) &&
           reopen(owner, NET_TLS, "Unable to listen on this port. Check server logs.", f);
}

/* ---- life ---- */
struct net *net_new(struct server *s)
{
    struct net *n = mem_zalloc(sizeof *n);
    n->server = s;
    n->settings = server_settings(s);
    n->pause = (struct loop_timer){.due = pause_over, .arg = n};
    n->look = (struct loop_timer){.due = look_again, .arg = n};
    n->waiting = tls_waiting_new(server_loop(s), give_up, n);
    return n;
}

void net_free(struct net *n)
{
    net_close(n);
    tls_waiting_free(n->waiting);
    mem_free(n);
}

static bool open_first(struct net *n, enum net_kind kind, struct fault *f)
{
    struct settings *st = n->settings;
    struct fault why = {0};
    if (open_kind(n, kind, &why))
        return true;
    log_warning("%s", why.what);
    fault_set(f, FAULT_IO, "Failed listening on port %d (%s), aborting.",
              (int)(kind == NET_TLS ? st->tls_port : st->port), kind == NET_TLS ? "tls" : "tcp");
    return false;
}

bool net_open(struct net *n, struct fault *f)
{
    struct settings *st = n->settings;
    if (!net_apply_max_clients(server_clients(n->server), f) || !open_first(n, NET_TCP, f) ||
        !open_first(n, NET_TLS, f))
        return false;
    if (st->unix_path) {
        int fd = socket_listen_unix(st->unix_path, (mode_t)st->unix_perm, (int)st->backlog, f);
        if (fd < 0 || !add_listener(n, fd, NET_UNIX, f))
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
        loop_unwatch(server_loop(n->server), &n->listeners[i].io);
        socket_close(n->listeners[i].io.fd);
        if (n->listeners[i].kind == NET_UNIX)
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
    const struct net_listener *l = &n->listeners[i];
    char ip[64];
    int port;
    if (l->kind == NET_UNIX)
        buf_printf(out, "name=unix,bind=%s", n->settings->unix_path);
    else if (socket_local_address(l->io.fd, ip, &port))
        buf_printf(out, "name=%s,bind=%s,port=%d", l->kind == NET_TLS ? "tls" : "tcp", ip, port);
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
