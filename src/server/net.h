/* SPDX-License-Identifier: BSD-3-Clause */
/* Listening sockets, and who is accepted (protected mode, maxclients). */
#ifndef SERVER_NET_H
#define SERVER_NET_H

#include <stdbool.h>

#include "base/fault.h"

struct buf;
struct net;
struct server;

struct net *net_new(struct server *s);
void net_free(struct net *n);
bool net_open(struct net *n, struct fault *f);
void net_close(struct net *n); /* no new connections */
/* Options bind, port, tls-port: opens the new listeners, then closes the old. owner: struct
 * settings. */
bool net_apply_bind(void *owner, struct fault *f);
bool net_apply_port(void *owner, struct fault *f);
bool net_apply_tls_port(void *owner, struct fault *f);
/* Option maxclients: the process may need more descriptors. owner: struct clients. */
bool net_apply_max_clients(void *owner, struct fault *f);
/* INFO's listener lines. */
void net_describe(const struct net *n, int i, struct buf *out);
int net_listeners(const struct net *n);

#endif
