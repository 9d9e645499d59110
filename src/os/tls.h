/* SPDX-License-Identifier: BSD-3-Clause */
/* TLS over a socket, by OpenSSL: a context made of files and words, and connections, which are
 * wires (wire.h). One thread.
 *
 *   struct tls_context *ctx = tls_context_new(&spec, &f);
 *   if (!ctx) log_fault("TLS", &f);          f names the option, the file and the cause
 *   tls_accept(ctx, &client->wire);          or tls_connect(ctx, host, &wire)
 *   tls_context_free(ctx);                   at any time: connections hold it, too
 *
 * The handshake is done by the first wire_recv or wire_sendv, which give -EAGAIN until it is over:
 * there is no other call, and nothing waits. A connection that failed gives the same error for
 * ever; wire_look tells why (-EPROTO is the one that errno's text says nothing about). An end that
 * the other side has not announced (close_notify) is -ECONNRESET, not 0.
 *
 * What wire_sendv takes it has taken: it is encrypted in records of up to 16 KiB, and what the
 * socket does not take of them is owed (wire_look): wire_flush or the next wire_sendv send it.
 * Cost beside the cipher: a copy of small parts into a record, and one of each record; a system
 * call for 64 KiB. An idle connection owns no buffer. */
#ifndef OS_TLS_H
#define OS_TLS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/fault.h"
#include "os/wire.h"

struct tls_context; /* opaque */

/* Who connects shows a certificate of one of the authorities: nobody, everybody, or whoever likes
 * to (but no other). Of whom we connect to it is always asked. */
enum tls_auth { TLS_AUTH_NO, TLS_AUTH_YES, TLS_AUTH_OPTIONAL };

/* A setting, and what it is called in faults. NULL or "": not given. */
struct tls_word {
    const char *option, *value;
};

struct tls_spec {
    struct tls_word cert, key, pass; /* PEM; both of the first two or none; cert: a chain */
    struct tls_word ca_file, ca_dir; /* none: nobody's certificate is trusted */
    struct tls_word dh;              /* none: OpenSSL's */
    struct tls_word protocols;       /* "TLSv1.2 TLSv1.3", which is also the default */
    struct tls_word ciphers, suites; /* up to TLS 1.2, from 1.3 on */
    enum tls_auth auth;
    bool server_chooses;             /* among ciphers */
    bool cache;                      /* of sessions; otherwise size and time mean nothing */
    int64_t cache_size, cache_s;     /* 0: without a limit */
    bool out_of_date;                /* an own certificate whose time is not now is taken */
    bool system_ca;                  /* the system's authorities, too */
    bool insecure;                   /* whom we connect to may show any certificate */
};

/* NULL: f says why, never with a secret. */
struct tls_context *tls_context_new(const struct tls_spec *spec, struct fault *f);
void tls_context_free(struct tls_context *ctx); /* NULL is fine */

/* For a socket that was accepted, or is being connected to name (NULL: unknown), a host or address,
 * which is told the other side (SNI). verify: its certificate must be of that name, too. False: no
 * memory. */
bool tls_accept(struct tls_context *ctx, struct wire *out);
bool tls_connect(struct tls_context *ctx, const char *name, bool verify, struct wire *out);

/* What is wrong with the time of the context's own certificate, or an empty text. */
const char *tls_context_date(const struct tls_context *ctx);

#endif
