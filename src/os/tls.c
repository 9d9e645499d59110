/* SPDX-License-Identifier: BSD-3-Clause */
/* OpenSSL sees a BIO of ours. What it writes is appended to owed, so that it never has to be asked
 * again with the same bytes, and several records leave in one system call; what it reads comes from
 * the socket straight. So the only thing it waits for is input. */
#include "os/tls.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/must.h"
#include "os/loop.h"
#include "os/resolve.h"
#include "os/tls_parts.h"

enum {
    AT_ONCE = 4 * TLS_RECORD, /* of what is sent, between two system calls */
    RECORD_BEGINS = 22, ALERT_BEGINS = 21, WHY_MAX = 160,
    /* What OpenSSL keeps for an idle connection, about: measured. */
    MEMORY = 22 * 1024,
};

struct tls {
    struct tls_context *context;
    SSL *ssl;
    int fd;           /* during a call */
    int err;          /* errno of the last system call that failed */
    bool ready;       /* the handshake is over */
    bool heard, plain; /* anything; and it was not of TLS */
    bool hung_up;     /* the socket is at its end */
    bool is_short;    /* the last read got less than it could have */
    bool drained;     /* what OpenSSL holds is no whole record */
    bool over;        /* and this is how: 0 or -errno */
    int end;
    struct buf owed;
    size_t owed_at;
    char why[WHY_MAX];
};

/* ---- between OpenSSL and the socket ---- */
static int bio_read(BIO *bio, char *to, size_t n, size_t *got)
{
    struct tls *t = BIO_get_data(bio);
    BIO_clear_retry_flags(bio);
    ssize_t rc = socket_recv(t->fd, to, n);
    *got = rc > 0 ? (size_t)rc : 0;
    t->is_short = *got < n;
    if (rc > 0 && !t->heard) {
        t->heard = true;
        t->plain = to[0] != RECORD_BEGINS && to[0] != ALERT_BEGINS;
    }
    if (rc == -EAGAIN)
        BIO_set_retry_read(bio);
    else if (rc < 0)
        t->err = (int)-rc;
    t->hung_up |= rc == 0;
    return rc > 0;
}

static int bio_write(BIO *bio, const char *data, size_t n, size_t *put)
{
    struct tls *t = BIO_get_data(bio);
    BIO_clear_retry_flags(bio);
    must(t->owed_at <= t->owed.len);
    buf_append(&t->owed, data, n);
    *put = n;
    return 1;
}

static long bio_ctrl(BIO *bio, int what, long number, void *arg)
{
    const struct tls *t = BIO_get_data(bio);
    (void)number, (void)arg;
    return what == BIO_CTRL_FLUSH ? 1 : what == BIO_CTRL_EOF ? t->hung_up : 0;
}

static BIO_METHOD *bio_new(void)
{
    BIO_METHOD *m = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "socket");
    if (m) {
        BIO_meth_set_read_ex(m, bio_read);
        BIO_meth_set_write_ex(m, bio_write);
        BIO_meth_set_ctrl(m, bio_ctrl);
    }
    return m;
}

static size_t owed(const struct tls *t)
{
    must(t->owed_at <= t->owed.len);
    return t->owed.len - t->owed_at;
}

/* The room that is shared is lent to one connection for the time of a call, or until the socket
 * takes what lies there. */
static void begin_call(struct tls *t, int fd)
{
    struct tls_context *ctx = t->context;
    must(ctx->holders > 0);
    t->fd = fd;
    t->err = 0;
    ERR_clear_error();
    if (!t->owed.cap) {
        t->owed = ctx->spare;
        ctx->spare = (struct buf){0};
    }
}

static void end_call(struct tls *t)
{
    struct tls_context *ctx = t->context;
    if (owed(t))
        return;
    buf_clear(&t->owed);
    t->owed_at = 0;
    if (ctx->spare.cap)
        buf_free(&t->owed);
    else
        ctx->spare = t->owed;
    t->owed = (struct buf){0};
}

static int fail(struct tls *t, int err)
{
    must(err <= 0 && err != -EAGAIN);
    if (!t->over) /* what went wrong first stays */
        t->end = err;
    t->over = true;
    return err;
}

/* 0 or -errno. */
static int send_owed(struct tls *t)
{
    while (owed(t)) {
        ssize_t put = socket_send(t->fd, t->owed.data + t->owed_at, owed(t));
        if (put == -EAGAIN)
            return 0;
        if (put < 0)
            return fail(t, (int)put);
        t->owed_at += (size_t)put;
    }
    buf_clear(&t->owed);
    t->owed_at = 0;
    return 0;
}

/* ---- why it failed ---- */
static void say_why(struct tls *t)
{
    long verdict = SSL_get_verify_result(t->ssl);
    unsigned long err = ERR_peek_error();
    const char *reason = ERR_reason_error_string(err);
    if (t->plain)
        snprintf(t->why, sizeof t->why, "what came is not TLS");
    else if (ERR_GET_REASON(err) == SSL_R_CERTIFICATE_VERIFY_FAILED)
        snprintf(t->why, sizeof t->why, "the other side's certificate is refused: %s",
                 X509_verify_cert_error_string(verdict));
    else
        snprintf(t->why, sizeof t->why, "TLS: %s", reason ? reason : "it failed");
}

/* What a call of OpenSSL that gave rc ended with: 0 at the end, -EAGAIN, or what is wrong. */
static int ended(struct tls *t, int rc)
{
    int how = SSL_get_error(t->ssl, rc);
    must(how != SSL_ERROR_WANT_WRITE); /* the BIO takes everything */
    if (how == SSL_ERROR_WANT_READ)
        return -EAGAIN;
    if (how == SSL_ERROR_ZERO_RETURN || (t->hung_up && !t->heard))
        return fail(t, 0);
    if (t->err)
        return fail(t, -t->err);
    if (t->hung_up) {
        snprintf(t->why, sizeof t->why, t->ready ? "the connection was cut (no close_notify)"
                                                 : "the connection was cut in the TLS handshake");
        return fail(t, -ECONNRESET);
    }
    say_why(t);
    return fail(t, -EPROTO);
}

/* 0: bytes can be read and written. */
static int get_ready(struct tls *t)
{
    if (t->over)
        return t->end;
    if (t->ready)
        return 0;
    int rc = SSL_do_handshake(t->ssl);
    t->ready = rc == 1;
    return t->ready ? 0 : ended(t, rc);
}

/* ---- the wire ---- */
static int read_some(struct tls *t, char *to, size_t n, size_t *got)
{
    must(t->ready && n > 0);
    *got = 0;
    while (*got < n) {
        size_t now;
        int rc = SSL_read_ex(t->ssl, to + *got, n - *got, &now);
        if (rc != 1)
            return ended(t, rc);
        *got += now;
        if (t->is_short && !SSL_has_pending(t->ssl))
            return -EAGAIN;
    }
    return 0;
}

static ssize_t tls_recv(void *arg, int fd, void *to, size_t n)
{
    struct tls *t = arg;
    size_t got = 0;
    begin_call(t, fd);
    int rc = get_ready(t);
    if (rc == 0 && !t->over) {
        rc = read_some(t, to, n, &got);
        t->drained = rc == -EAGAIN;
    }
    send_owed(t); /* of the handshake, an alert: who reads on meets what is wrong with it */
    end_call(t);
    return got ? (ssize_t)got : rc;
}

/* Where parts are read. */
struct place {
    const struct iovec *parts;
    int count, part;
    size_t at; /* in it */
};

/* The next record's bytes, where they lie in one piece or put together. */
static const char *next_record(struct place *p, char *stage, size_t *n)
{
    const struct iovec *first = &p->parts[p->part];
    size_t left = first->iov_len - p->at;
    const char *whole = (const char *)first->iov_base + p->at;
    must(p->part < p->count && p->at <= first->iov_len);
    bool is_whole = left >= TLS_RECORD || p->part + 1 == p->count;
    for (*n = 0; p->part < p->count && *n < TLS_RECORD;) {
        const struct iovec *part = &p->parts[p->part];
        size_t room = TLS_RECORD - *n;
        left = part->iov_len - p->at;
        size_t now = left < room ? left : room;
        if (!is_whole)
            memcpy(stage + *n, (const char *)part->iov_base + p->at, now);
        *n += now;
        p->at = now == left ? 0 : p->at + now;
        p->part += now == left;
    }
    return is_whole ? whole : stage;
}

/* Up to AT_ONCE bytes become records. -errno, or 0. */
static int encrypt(struct tls *t, struct place *p, size_t *taken)
{
    must(t->ready && !owed(t));
    for (size_t all = 0; all < AT_ONCE && p->part < p->count;) {
        size_t n, put;
        const char *data = next_record(p, t->context->stage, &n);
        if (!n)
            continue;
        int rc = SSL_write_ex(t->ssl, data, n, &put);
        if (rc != 1)
            return ended(t, rc);
        must(put == n);
        all += n;
        *taken += n;
    }
    return 0;
}

static ssize_t tls_sendv(void *arg, int fd, const struct iovec *parts, int count)
{
    struct tls *t = arg;
    struct place p = {.parts = parts, .count = count};
    size_t taken = 0;
    begin_call(t, fd);
    int rc = get_ready(t);
    if (rc == 0)
        rc = t->over ? -EPIPE : send_owed(t);
    while (rc == 0 && !owed(t) && p.part < count) {
        rc = encrypt(t, &p, &taken);
        rc = rc ? rc : send_owed(t);
    }
    if (rc < 0)
        send_owed(t); /* an alert, the handshake */
    else if (!taken)
        rc = owed(t) ? -EAGAIN : 0;
    end_call(t);
    return taken ? (ssize_t)taken : rc;
}

static int tls_flush(void *arg, int fd)
{
    struct tls *t = arg;
    begin_call(t, fd);
    int rc = send_owed(t);
    end_call(t);
    return rc;
}

static size_t tls_pending(const void *arg)
{
    const struct tls *t = arg;
    return t->over || (t->ready && !t->drained && SSL_has_pending(t->ssl));
}

static unsigned tls_watch(const void *arg, unsigned what)
{
    const struct tls *t = arg;
    unsigned write = owed(t) ? LOOP_WRITE : 0;
    return t->ready || t->over ? what | write : LOOP_READ | write;
}

/* In the handshake whoever waits is to try again, for whatever. */
static unsigned tls_events(const void *arg, unsigned ready)
{
    const struct tls *t = arg;
    return t->ready ? ready : LOOP_READ | LOOP_WRITE;
}

static void tls_close(void *arg, int fd)
{
    struct tls *t = arg;
    struct tls_context *ctx = t->context;
    begin_call(t, fd);
    if (t->ready && !(t->over && t->end < 0) && SSL_shutdown(t->ssl) >= 0)
        send_owed(t);
    buf_clear(&t->owed);
    t->owed_at = 0;
    end_call(t);
    SSL_free(t->ssl);
    mem_free(t);
    tls_context_release(ctx);
}

static struct wire_look tls_look(const void *arg)
{
    const struct tls *t = arg;
    return (struct wire_look){t->ready, owed(t), MEMORY + t->owed.cap, *t->why ? t->why : NULL};
}

static const struct wire_ops tls_ops = {
    .recv = tls_recv, .sendv = tls_sendv, .pending = tls_pending, .watch = tls_watch,
    .events = tls_events, .close = tls_close, .flush = tls_flush, .look = tls_look};

static struct tls *connection(struct tls_context *ctx, struct wire *out)
{
    struct tls *t = mem_zalloc(sizeof *t);
    if (!ctx->bio)
        ctx->bio = bio_new();
    BIO *bio = ctx->bio ? BIO_new(ctx->bio) : NULL;
    must(ctx->holders > 0);
    t->ssl = SSL_new(ctx->ssl);
    if (!bio || !t->ssl) {
        BIO_free(bio);
        SSL_free(t->ssl);
        mem_free(t);
        return NULL;
    }
    BIO_set_data(bio, t);
    BIO_set_init(bio, 1);
    SSL_set_bio(t->ssl, bio, bio);
    t->context = ctx;
    ctx->holders++;
    *out = (struct wire){&tls_ops, t};
    return t;
}

bool tls_accept(struct tls_context *ctx, struct wire *out)
{
    struct tls *t = connection(ctx, out);
    if (t)
        SSL_set_accept_state(t->ssl);
    return t;
}

static bool verify_name(SSL *ssl, const char *name)
{
    X509_VERIFY_PARAM *p = SSL_get0_param(ssl);
    X509_VERIFY_PARAM_set_hostflags(p, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
    return (resolve_is_address(name) ? X509_VERIFY_PARAM_set1_ip_asc(p, name)
                                     : X509_VERIFY_PARAM_set1_host(p, name, 0)) == 1;
}

bool tls_connect(struct tls_context *ctx, const char *name, bool verify, struct wire *out)
{
    struct tls *t = connection(ctx, out);
    if (!t)
        return false;
    SSL_set_connect_state(t->ssl);
    SSL_set_verify(t->ssl, ctx->insecure ? SSL_VERIFY_NONE : SSL_VERIFY_PEER, NULL);
    bool ok = !name || resolve_is_address(name) || SSL_set_tlsext_host_name(t->ssl, name) == 1;
    if (verify)
        ok = ok && name && verify_name(t->ssl, name);
    if (!ok)
        wire_close(out, -1);
    return ok;
}
