/* SPDX-License-Identifier: BSD-3-Clause */
/* The tls-* options, and the contexts made of them: of who connects to us, and of links that we
 * make. There are contexts while tls-port, tls-replication or tls-cluster asks for them.
 *
 * CONFIG SET of any of them, also to what it is already, reads the files again: connections that
 * come later get what they hold then. When a file does not do, the old contexts stay, and the error
 * names option, file and cause. A certificate whose time is over is refused then, and only warned
 * about at start: a server with its data and an old certificate is better than none. */
#ifndef SERVER_TLS_CONFIG_H
#define SERVER_TLS_CONFIG_H

#include <stdbool.h>

#include "base/fault.h"
#include "os/wire.h"

struct server;
struct tls_config; /* opaque */

struct tls_config *tls_config_new(struct server *s); /* registers the options but tls-port */
void tls_config_free(struct tls_config *t);

/* tls-port's apply, before it listens, and when it does not any more. */
bool tls_config_listen(struct tls_config *t, bool listens, struct fault *f);
/* Puts TLS below a client that was accepted. False: no memory. */
bool tls_config_accept(struct tls_config *t, struct wire *out);

/* A link to another server, about to be made or just made: TLS below it where the option says so;
 * otherwise it is plain. host as somebody named it. */
enum tls_link { TLS_LINK_REPLICATION, TLS_LINK_CLUSTER };
bool tls_config_connect(struct tls_config *t, enum tls_link kind, const char *host,
                        struct wire *out, struct fault *f);
/* Do links of this kind speak TLS? */
bool tls_config_is_on(const struct tls_config *t, enum tls_link kind);

#endif
