/* SPDX-License-Identifier: BSD-3-Clause */
/* What tls_context.c and tls.c share, and nobody else. */
#ifndef OS_TLS_PARTS_H
#define OS_TLS_PARTS_H

#include <openssl/ssl.h>
#include <stdbool.h>

#include "base/buf.h"

enum { TLS_RECORD = 16 * 1024, TLS_DATE_MAX = 96 };

struct tls_context {
    SSL_CTX *ssl;
    unsigned holders; /* connections are holders, too */
    bool insecure;
    char date[TLS_DATE_MAX];
    BIO_METHOD *bio;  /* made for the first connection */
    char *stage;      /* of a record: small parts are put together there */
    struct buf spare; /* what a connection that owes nothing writes its records into */
};

void tls_context_release(struct tls_context *ctx);

#endif
