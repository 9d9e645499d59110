/* SPDX-License-Identifier: BSD-3-Clause */
/* The socket to a primary, until the link is a client of its own (apply.h): a descriptor, what lies
 * on it (plain or TLS), and what is still to be sent.
 *
 *   link_socket_init(&ls, server, ready, arg);
 *   link_socket_connect(&ls, &to, &f);   ready comes when it is, or is not
 *   link_socket_say(&ls, text); n = link_socket_recv(&ls, room, size);
 *   link_socket_close(&ls); */
#ifndef REPLICATION_LINK_SOCKET_H
#define REPLICATION_LINK_SOCKET_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/buf.h"
#include "base/fault.h"
#include "base/slice.h"
#include "os/loop.h"
#include "os/wire.h"

struct server;

struct link_to {
    const char *host;    /* as it was named: what a certificate must say (tls-verify-host) */
    const char *address; /* one of its */
    int port;
    const char *source;  /* address of ours; NULL: any */
};

struct link_socket {
    struct server *server;
    struct loop_io io; /* fd -1: there is none */
    struct loop_timer again; /* the wire holds input that the descriptor does not tell of */
    struct wire wire;
    struct buf out;
    int64_t heard_us;  /* when bytes came last, or it was made: monotonic */
    uint64_t received; /* bytes */
    bool connecting;
    bool deaf;         /* input is left where it is */
    void (*ready)(void *arg, unsigned what);
    void *arg;
};

void link_socket_init(struct link_socket *ls, struct server *s,
                      void (*told)(void *arg, unsigned what), void *arg);
bool link_socket_connect(struct link_socket *ls, const struct link_to *to, struct fault *f);
/* -errno of a connection that could not be made, or 0: it is there. When ready was told first. */
int link_socket_connected(struct link_socket *ls);
void link_socket_close(struct link_socket *ls);
/* As wire_recv; bytes are counted, and are a sign of life. What an error means: link_socket_why. */
ssize_t link_socket_recv(struct link_socket *ls, void *to, size_t n);
/* Sends what it can, and keeps the rest: 0 or -errno. */
int link_socket_say(struct link_socket *ls, struct slice text);
const char *link_socket_why(const struct link_socket *ls, int err);
/* The descriptor can take more. */
int link_socket_send(struct link_socket *ls);
/* Is ready told of input? Bytes that wait in the kernel slow the primary down. */
void link_socket_listen(struct link_socket *ls, bool listen);
/* The descriptor and its wire are the caller's from now on. */
int link_socket_give(struct link_socket *ls, struct wire *wire);

#endif
