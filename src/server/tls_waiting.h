/* SPDX-License-Identifier: BSD-3-Clause */
/* Clients that have not ended the handshake: who takes longer than TLS_WAITING_S is closed, for he
 * takes one of the places of maxclients, and may never say a word. */
#ifndef SERVER_TLS_WAITING_H
#define SERVER_TLS_WAITING_H

struct client;
struct server;
struct tls_waiting; /* opaque */

enum { TLS_WAITING_S = 10 };

struct tls_waiting *tls_waiting_new(struct server *s);
void tls_waiting_free(struct tls_waiting *w);
void tls_waiting_add(struct tls_waiting *w, const struct client *c);

#endif
