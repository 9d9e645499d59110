/* SPDX-License-Identifier: BSD-3-Clause */
/* Clients that have not ended the handshake: who takes longer than TLS_WAITING_S is given up, for
 * each takes one of the places of maxclients, and may never say a word. */
#ifndef SERVER_TLS_WAITING_H
#define SERVER_TLS_WAITING_H

#include <stdint.h>

struct loop;
struct tls_waiting; /* opaque */

enum { TLS_WAITING_S = 10 };

/* give_up is told the id of each when its time is over, also of those who are served or gone. */
struct tls_waiting *tls_waiting_new(struct loop *loop, void (*give_up)(void *arg, uint64_t id),
                                    void *arg);
void tls_waiting_free(struct tls_waiting *w);
void tls_waiting_add(struct tls_waiting *w, uint64_t id);

#endif
