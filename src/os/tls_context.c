/* SPDX-License-Identifier: BSD-3-Clause */
/* Files and words to a context. Each function sets one thing, or f. */
#include <errno.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/mem.h"
#include "base/must.h"
#include "os/tls.h"
#include "os/tls_parts.h"

static bool given(const struct tls_word *w)
{
    return w->value && *w->value;
}

static bool refuse(struct fault *f, const struct tls_word *w, const char *why)
{
    must(w->option && w->value && why);
    fault_set(f, FAULT_INVALID, "%s %s: %s", w->option, w->value, why);
    return false;
}

/* What OpenSSL says went wrong first: the later ones are where it was noticed. */
static const char *openssl_why(const char *otherwise)
{
    unsigned long err = ERR_peek_error();
    if (ERR_SYSTEM_ERROR(err))
        return strerror(ERR_GET_REASON(err));
    const char *why = ERR_reason_error_string(err);
    return why ? why : otherwise;
}

/* OpenSSL's word alone, as "unsupported", says little. */
static bool refuse_content(struct fault *f, const struct tls_word *w, const char *what)
{
    char why[160];
    const char *word = openssl_why(NULL);
    snprintf(why, sizeof why, word ? "%s (%s)" : "%s", what, word);
    return refuse(f, w, why);
}

static BIO *open_file(const struct tls_word *w, struct fault *f)
{
    must(given(w));
    ERR_clear_error();
    errno = 0;
    BIO *file = BIO_new_file(w->value, "r");
    if (!file)
        refuse(f, w, errno ? strerror(errno) : "can't be read");
    return file;
}

/* ---- the certificate and its key ---- */
struct asked {
    const char *pass;
    bool was; /* the key asked for it */
};

/* OpenSSL's own would ask the terminal. */
static int give_pass(char *to, int size, int writing, void *arg)
{
    struct asked *a = arg;
    size_t len = a->pass ? strlen(a->pass) : 0;
    must(size > 0 && !writing);
    a->was = true;
    if (!len || len > (size_t)size)
        return -1;
    memcpy(to, a->pass, len);
    return (int)len;
}

static bool use_key(SSL_CTX *ssl, const struct tls_spec *spec, struct fault *f)
{
    struct asked asked = {.pass = given(&spec->pass) ? spec->pass.value : NULL};
    char why[160];
    BIO *file = open_file(&spec->key, f);
    if (!file)
        return false;
    EVP_PKEY *key = PEM_read_bio_PrivateKey(file, NULL, give_pass, &asked);
    BIO_free(file);
    if (!key && asked.was) {
        snprintf(why, sizeof why, asked.pass ? "%s does not open it"
                                             : "it is encrypted, and %s is not set",
                 spec->pass.option);
        return refuse(f, &spec->key, why);
    }
    if (!key)
        return refuse_content(f, &spec->key, "no private key can be read from it");
    bool ok = SSL_CTX_use_PrivateKey(ssl, key) == 1 && SSL_CTX_check_private_key(ssl) == 1;
    EVP_PKEY_free(key);
    if (ok)
        return true;
    fault_set(f, FAULT_INVALID, "%s %s: the key does not match the certificate (%s %s)",
              spec->key.option, spec->key.value, spec->cert.option, spec->cert.value);
    return false;
}

static void note_date(struct tls_context *ctx, const X509 *cert)
{
    must(!*ctx->date);
    const ASN1_TIME *from = X509_get0_notBefore(cert), *to = X509_get0_notAfter(cert);
    bool early = X509_cmp_time(from, NULL) > 0, late = X509_cmp_time(to, NULL) < 0;
    char when[64] = "";
    BIO *text = BIO_new(BIO_s_mem());
    if (!early && !late) {
        BIO_free(text);
        return;
    }
    if (text && ASN1_TIME_print(text, early ? from : to))
        BIO_read(text, when, sizeof when - 1);
    BIO_free(text);
    snprintf(ctx->date, sizeof ctx->date, early ? "the certificate is not valid before %s"
                                                : "the certificate expired on %s", when);
}

static bool use_certificate(struct tls_context *ctx, const struct tls_spec *spec, struct fault *f)
{
    BIO *file = open_file(&spec->cert, f);
    if (!file)
        return false;
    BIO_free(file);
    ERR_clear_error();
    if (SSL_CTX_use_certificate_chain_file(ctx->ssl, spec->cert.value) != 1)
        return refuse_content(f, &spec->cert, "no certificate can be read from it");
    X509 *cert = SSL_CTX_get0_certificate(ctx->ssl);
    must(cert);
    note_date(ctx, cert);
    if (*ctx->date && !spec->out_of_date)
        return refuse(f, &spec->cert, ctx->date);
    return use_key(ctx->ssl, spec, f);
}

/* ---- the authorities ---- */
static bool use_authorities(SSL_CTX *ssl, const struct tls_spec *spec, struct fault *f)
{
    if (spec->system_ca)
        SSL_CTX_set_default_verify_paths(ssl);
    if (given(&spec->ca_file)) {
        BIO *file = open_file(&spec->ca_file, f);
        if (!file)
            return false;
        BIO_free(file);
        ERR_clear_error();
        if (SSL_CTX_load_verify_file(ssl, spec->ca_file.value) != 1)
            return refuse_content(f, &spec->ca_file, "no certificate can be read from it");
    }
    if (given(&spec->ca_dir)) {
        BIO *dir = BIO_new_file(spec->ca_dir.value, "r");
        int err = errno;
        BIO_free(dir);
        if (!dir)
            return refuse(f, &spec->ca_dir, strerror(err));
        if (SSL_CTX_load_verify_dir(ssl, spec->ca_dir.value) != 1)
            return refuse(f, &spec->ca_dir, openssl_why("can't be used"));
    }
    return true;
}

/* ---- words ---- */
static const struct {
    const char *name;
    uint64_t without;
    int version;
} versions[] = {
    {"TLSv1", SSL_OP_NO_TLSv1, TLS1_VERSION}, {"TLSv1.1", SSL_OP_NO_TLSv1_1, TLS1_1_VERSION},
    {"TLSv1.2", SSL_OP_NO_TLSv1_2, TLS1_2_VERSION}, {"TLSv1.3", SSL_OP_NO_TLSv1_3, TLS1_3_VERSION},
};
enum { VERSIONS = sizeof versions / sizeof *versions };

static int version_named(const char *word, size_t len)
{
    int i = 0;
    while (i < VERSIONS && (strlen(versions[i].name) != len ||
                            strncasecmp(versions[i].name, word, len) != 0))
        i++;
    return i;
}

static bool use_protocols(SSL_CTX *ssl, const struct tls_spec *spec, struct fault *f)
{
    const char *at = given(&spec->protocols) ? spec->protocols.value : "TLSv1.2 TLSv1.3";
    uint64_t without = SSL_OP_NO_SSLv3;
    int lowest = VERSIONS;
    for (int i = 0; i < VERSIONS; i++)
        without |= versions[i].without;
    for (at += strspn(at, " "); *at; at += strspn(at, " ")) {
        size_t len = strcspn(at, " ");
        int i = version_named(at, len);
        if (i == VERSIONS)
            return refuse(f, &spec->protocols, "known are TLSv1, TLSv1.1, TLSv1.2 and TLSv1.3");
        without &= ~versions[i].without;
        lowest = i < lowest ? i : lowest;
        at += len;
    }
    if (lowest == VERSIONS)
        return refuse(f, &spec->protocols, "names no protocol");
    must(lowest >= 0);
    SSL_CTX_set_options(ssl, without);
    /* The system's configuration may know a higher one: who names it here wants it. */
    return SSL_CTX_set_min_proto_version(ssl, versions[lowest].version) == 1;
}

static bool use_ciphers(SSL_CTX *ssl, const struct tls_spec *spec, struct fault *f)
{
    ERR_clear_error();
    if (given(&spec->ciphers) && SSL_CTX_set_cipher_list(ssl, spec->ciphers.value) != 1)
        return refuse(f, &spec->ciphers, openssl_why("names no cipher"));
    if (given(&spec->suites) && SSL_CTX_set_ciphersuites(ssl, spec->suites.value) != 1)
        return refuse(f, &spec->suites, openssl_why("names no cipher suite"));
    return true;
}

static bool use_dh(SSL_CTX *ssl, const struct tls_spec *spec, struct fault *f)
{
    if (!given(&spec->dh))
        return SSL_CTX_set_dh_auto(ssl, 1) == 1;
    BIO *file = open_file(&spec->dh, f);
    if (!file)
        return false;
    EVP_PKEY *params = PEM_read_bio_Parameters(file, NULL);
    BIO_free(file);
    if (!params)
        return refuse_content(f, &spec->dh, "no parameters can be read from it");
    if (SSL_CTX_set0_tmp_dh_pkey(ssl, params) == 1)
        return true;
    EVP_PKEY_free(params);
    return refuse(f, &spec->dh, openssl_why("can't be used"));
}

/* ---- the rest ---- */
static void use_sessions(SSL_CTX *ssl, const struct tls_spec *spec)
{
    static const unsigned char name[] = "holdfast";
    if (!spec->cache) {
        SSL_CTX_set_session_cache_mode(ssl, SSL_SESS_CACHE_OFF);
        return;
    }
    must(spec->cache_size >= 0 && spec->cache_s >= 0);
    SSL_CTX_set_session_cache_mode(ssl, SSL_SESS_CACHE_SERVER);
    SSL_CTX_sess_set_cache_size(ssl, (long)spec->cache_size);
    SSL_CTX_set_timeout(ssl, (long)spec->cache_s);
    SSL_CTX_set_session_id_context(ssl, name, sizeof name - 1);
}

static int verify_mode(enum tls_auth auth)
{
    return auth == TLS_AUTH_NO         ? SSL_VERIFY_NONE
           : auth == TLS_AUTH_OPTIONAL ? SSL_VERIFY_PEER
                                       : SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT;
}

static bool fill(struct tls_context *ctx, const struct tls_spec *spec, struct fault *f)
{
    enum { READ_AT_ONCE = 32 * 1024 };
    SSL_CTX *ssl = ctx->ssl;
    SSL_CTX_set_options(ssl, SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION |
                                 (spec->server_chooses ? SSL_OP_CIPHER_SERVER_PREFERENCE : 0));
    SSL_CTX_set_mode(ssl, SSL_MODE_RELEASE_BUFFERS);
    SSL_CTX_set_read_ahead(ssl, 1);
    SSL_CTX_set_default_read_buffer_len(ssl, READ_AT_ONCE);
    SSL_CTX_set_verify(ssl, verify_mode(spec->auth), NULL);
    use_sessions(ssl, spec);
    return use_protocols(ssl, spec, f) && use_ciphers(ssl, spec, f) && use_dh(ssl, spec, f) &&
           (!given(&spec->cert) || use_certificate(ctx, spec, f)) &&
           use_authorities(ssl, spec, f);
}

void tls_context_release(struct tls_context *ctx)
{
    must(ctx->holders > 0);
    if (--ctx->holders)
        return;
    SSL_CTX_free(ctx->ssl);
    BIO_meth_free(ctx->bio);
    buf_free(&ctx->spare);
    mem_free(ctx->stage);
    mem_free(ctx);
}

void tls_context_free(struct tls_context *ctx)
{
    if (ctx)
        tls_context_release(ctx);
}

struct tls_context *tls_context_new(const struct tls_spec *spec, struct fault *f)
{
    struct tls_context *ctx = mem_zalloc(sizeof *ctx);
    must(given(&spec->cert) == given(&spec->key));
    ERR_clear_error();
    ctx->holders = 1;
    ctx->insecure = spec->insecure;
    ctx->stage = mem_alloc(TLS_RECORD);
    ctx->ssl = SSL_CTX_new(TLS_method());
    if (ctx->ssl && fill(ctx, spec, f))
        return ctx;
    fault_set(f, FAULT_INVALID, "OpenSSL: %s", openssl_why("no memory")); /* unless it is known */
    tls_context_release(ctx);
    return NULL;
}

const char *tls_context_date(const struct tls_context *ctx)
{
    return ctx->date;
}
