/* SPDX-License-Identifier: BSD-3-Clause */
#include "replication/link_socket.h"

#include <errno.h>

#include "base/must.h"
#include "os/clock.h"
#include "os/socket.h"
#include "server/server.h"
#include "server/stats.h"
#include "server/tls_config.h"

static void watch(struct link_socket *ls)
{
    unsigned out = ls->out.len || wire_owed(&ls->wire) ? LOOP_WRITE : 0;
    unsigned what = wire_watch(&ls->wire, (ls->deaf ? 0 : LOOP_READ) | out);
    loop_watch(server_loop(ls->server), &ls->io, ls->connecting ? LOOP_WRITE : what);
    if (!ls->deaf && wire_pending(&ls->wire))
        loop_timer_start(server_loop(ls->server), &ls->again, 0);
}

/* Whoever is told may close it, give it away, or connect it anew. */
static void ready(void *arg, unsigned what)
{
    struct link_socket *ls = arg;
    ls->ready(ls->arg, ls->connecting ? what : wire_events(&ls->wire, what));
    if (ls->wire.ops)
        watch(ls);
}

static void again(void *arg)
{
    ready(arg, LOOP_READ);
}

void link_socket_init(struct link_socket *ls, struct server *s,
                      void (*told)(void *arg, unsigned what), void *arg)
{
    *ls = (struct link_socket){.server = s, .io.fd = -1, .ready = told, .arg = arg};
    ls->again = (struct loop_timer){.due = again, .arg = ls};
}

bool link_socket_connect(struct link_socket *ls, const struct link_to *to, struct fault *f)
{
    must(ls->io.fd < 0 && !ls->out.len);
    int fd = socket_connect_tcp(to->address, to->port, to->source, f);
    if (fd < 0)
        return false;
    if (!tls_config_connect(server_tls(ls->server), TLS_LINK_REPLICATION, to->host, &ls->wire,
                            f)) {
        socket_close(fd);
        return false;
    }
    socket_set_nodelay(fd, true);
    ls->io = (struct loop_io){.fd = fd, .ready = ready, .arg = ls};
    ls->connecting = true;
    ls->deaf = false;
    ls->received = 0;
    ls->heard_us = clock_mono_us();
    loop_watch(server_loop(ls->server), &ls->io, LOOP_WRITE);
    return true;
}

int link_socket_connected(struct link_socket *ls)
{
    must(ls->io.fd >= 0);
    int err = socket_error(ls->io.fd);
    ls->connecting = false;
    if (!err)
        watch(ls);
    return err;
}

int link_socket_give(struct link_socket *ls, struct wire *wire)
{
    int fd = ls->io.fd;
    must(fd >= 0);
    loop_unwatch(server_loop(ls->server), &ls->io);
    loop_timer_stop(server_loop(ls->server), &ls->again);
    *wire = ls->wire;
    ls->wire = (struct wire){NULL, NULL};
    ls->io.fd = -1;
    buf_free(&ls->out);
    return fd;
}

void link_socket_close(struct link_socket *ls)
{
    struct wire wire;
    if (ls->io.fd < 0)
        return;
    int fd = link_socket_give(ls, &wire);
    wire_close(&wire, fd);
    socket_close(fd);
}

ssize_t link_socket_recv(struct link_socket *ls, void *to, size_t n)
{
    must(ls->io.fd >= 0);
    ssize_t got = wire_recv(&ls->wire, ls->io.fd, to, n);
    if (got > 0) {
        ls->heard_us = clock_mono_us();
        ls->received += (uint64_t)got;
        server_stats(ls->server)->replication_input_bytes += (uint64_t)got;
    }
    return got;
}

const char *link_socket_why(const struct link_socket *ls, int err)
{
    return wire_why(&ls->wire, err);
}

int link_socket_send(struct link_socket *ls)
{
    int err = wire_flush(&ls->wire, ls->io.fd);
    if (err < 0)
        return err;
    while (ls->out.len) {
        struct iovec part = {ls->out.data, ls->out.len};
        ssize_t put = wire_sendv(&ls->wire, ls->io.fd, &part, 1);
        if (put == -EAGAIN)
            break;
        if (put < 0)
            return (int)put;
        buf_drop_front(&ls->out, (size_t)put);
        server_stats(ls->server)->replication_output_bytes += (uint64_t)put;
    }
    watch(ls);
    return 0;
}

int link_socket_say(struct link_socket *ls, struct slice text)
{
    must(ls->io.fd >= 0);
    buf_add(&ls->out, text);
    return link_socket_send(ls);
}

void link_socket_listen(struct link_socket *ls, bool listen)
{
    ls->deaf = !listen;
    watch(ls);
}
