/* SPDX-License-Identifier: BSD-3-Clause */
#include "server/tls_config.h"

#include <limits.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/must.h"
#include "os/loop.h"
#include "os/tls.h"
#include "server/config.h"
#include "server/server.h"

struct contexts {
    struct tls_context *server, *link; /* both, or none */
};

struct tls_config {
    struct server *server;
    bool listens;
    struct contexts now;
    /* What was in use before the CONFIG SET of this number, which puts it back when it fails; 0:
     * there is none. */
    struct contexts before;
    uint64_t replaced_by;
    struct loop_timer settle;
    /* options */
    char *cert, *key, *pass, *link_cert, *link_key, *link_pass, *ca_file, *ca_dir, *dh, *protocols,
        *ciphers, *suites;
    int auth;
    bool replication, cluster, server_chooses, cache, verify_host;
    int64_t cache_size, cache_s;
};

static void free_contexts(struct contexts *c)
{
    tls_context_free(c->server);
    tls_context_free(c->link);
    *c = (struct contexts){NULL, NULL};
}

/* ---- options to contexts ---- */
static bool is_wanted(const struct tls_config *t)
{
    return t->listens || t->replication || t->cluster;
}

static bool lacks(struct fault *f, const char *what)
{
    fault_set(f, FAULT_INVALID, "%s", what);
    return false;
}

static bool is_complete(const struct tls_config *t, struct fault *f)
{
    bool verifies = t->auth != TLS_AUTH_NO || t->replication || t->cluster;
    if (!t->cert)
        return lacks(f, "No tls-cert-file configured!");
    if (!t->key)
        return lacks(f, "No tls-key-file configured!");
    if (!t->link_cert != !t->link_key)
        return lacks(f, "tls-client-cert-file and tls-client-key-file are given together or not");
    if (verifies && !t->ca_file && !t->ca_dir)
        return lacks(f, "Either tls-ca-cert-file or tls-ca-cert-dir must be specified when "
                        "tls-cluster, tls-replication or tls-auth-clients are enabled!");
    return true;
}

static struct tls_spec spec_of(const struct tls_config *t)
{
    return (struct tls_spec){
        .cert = {"tls-cert-file", t->cert}, .key = {"tls-key-file", t->key},
        .pass = {"tls-key-file-pass", t->pass}, .ca_file = {"tls-ca-cert-file", t->ca_file},
        .ca_dir = {"tls-ca-cert-dir", t->ca_dir}, .dh = {"tls-dh-params-file", t->dh},
        .protocols = {"tls-protocols", t->protocols}, .ciphers = {"tls-ciphers", t->ciphers},
        .suites = {"tls-ciphersuites", t->suites}, .auth = (enum tls_auth)t->auth,
        .server_chooses = t->server_chooses, .cache = t->cache, .cache_size = t->cache_size,
        .cache_s = t->cache_s,
        .out_of_date = config_is_starting(server_config(t->server))};
}

static bool make(const struct tls_config *t, struct contexts *to, struct fault *f)
{
    struct tls_spec spec = spec_of(t);
    if (!is_complete(t, f))
        return false;
    to->server = tls_context_new(&spec, f);
    if (t->link_cert) {
        spec.cert = (struct tls_word){"tls-client-cert-file", t->link_cert};
        spec.key = (struct tls_word){"tls-client-key-file", t->link_key};
        spec.pass = (struct tls_word){"tls-client-key-file-pass", t->link_pass};
    }
    spec.cache = false;
    to->link = to->server ? tls_context_new(&spec, f) : NULL;
    if (to->link)
        return true;
    free_contexts(to);
    return false;
}

static void warn_of_date(const char *option, const struct tls_context *ctx)
{
    if (*tls_context_date(ctx))
        log_warning("%s: %s", option, tls_context_date(ctx));
}

/* ---- all or nothing ---- */
static void settle(void *arg)
{
    struct tls_config *t = arg;
    free_contexts(&t->before);
    t->replaced_by = 0;
}

static uint64_t change_number(const struct tls_config *t)
{
    return config_change_number(server_config(t->server));
}

static void put_back(struct tls_config *t)
{
    must(config_is_restoring(server_config(t->server)));
    if (!t->replaced_by || t->replaced_by != change_number(t))
        return;
    free_contexts(&t->now);
    t->now = t->before;
    t->before = (struct contexts){NULL, NULL};
    t->replaced_by = 0;
}

static void replace(struct tls_config *t, const struct contexts *by)
{
    must(!by->server == !by->link);
    if (t->replaced_by && t->replaced_by == change_number(t)) {
        free_contexts(&t->now); /* the same CONFIG SET made it */
    } else {
        free_contexts(&t->before);
        t->before = t->now;
    }
    t->now = *by;
    t->replaced_by = change_number(t);
    loop_timer_start(server_loop(t->server), &t->settle, 0);
}

static bool renew(struct tls_config *t, struct fault *f)
{
    struct contexts made = {NULL, NULL};
    if (is_wanted(t) && !make(t, &made, f)) {
        log_fault("Failed to configure TLS", f);
        return false;
    }
    if (made.server) {
        warn_of_date("tls-cert-file", made.server);
        if (t->link_cert)
            warn_of_date("tls-client-cert-file", made.link);
    }
    replace(t, &made);
    return true;
}

static bool apply(void *owner, struct fault *f)
{
    struct tls_config *t = owner;
    if (config_is_restoring(server_config(t->server))) {
        put_back(t);
        return true;
    }
    return renew(t, f);
}

bool tls_config_listen(struct tls_config *t, bool listens, struct fault *f)
{
    t->listens = listens;
    if (config_is_restoring(server_config(t->server))) {
        put_back(t);
        return true;
    }
    return is_wanted(t) == (t->now.server != NULL) || renew(t, f);
}

/* ---- connections ---- */
bool tls_config_accept(struct tls_config *t, struct wire *out)
{
    must(t->now.server); /* or nobody would listen */
    return tls_accept(t->now.server, out);
}

bool tls_config_is_on(const struct tls_config *t, enum tls_link kind)
{
    return kind == TLS_LINK_REPLICATION ? t->replication : t->cluster;
}

bool tls_config_connect(struct tls_config *t, enum tls_link kind, const char *host,
                        struct wire *out, struct fault *f)
{
    *out = (struct wire){NULL, NULL};
    if (!tls_config_is_on(t, kind))
        return true;
    must(t->now.link);
    if (tls_connect(t->now.link, host, t->verify_host, out))
        return true;
    fault_set(f, FAULT_LIMIT, "TLS can't be set up for a connection to %s", host);
    return false;
}

/* ---- options ---- */
static const struct config_word auth_words[] = {
    {"no", TLS_AUTH_NO}, {"yes", TLS_AUTH_YES}, {"optional", TLS_AUTH_OPTIONAL}, {NULL, 0}};

#define STRING(field) CONFIG_STRING_AT(struct tls_config, field), .apply = apply
#define BOOL(field) CONFIG_BOOL_AT(struct tls_config, field), .apply = apply
#define INT(field) CONFIG_INT_AT(struct tls_config, field), .min = 0, .max = INT_MAX, .apply = apply

static const struct config_option options[] = {
    {.name = "tls-auth-clients", CONFIG_ENUM_AT(struct tls_config, auth), .words = auth_words,
     .initial = "yes", .apply = apply},
    {.name = "tls-ca-cert-dir", STRING(ca_dir)},
    {.name = "tls-ca-cert-file", STRING(ca_file)},
    {.name = "tls-cert-file", STRING(cert)},
    {.name = "tls-ciphers", STRING(ciphers)},
    {.name = "tls-ciphersuites", STRING(suites)},
    {.name = "tls-client-cert-file", STRING(link_cert)},
    {.name = "tls-client-key-file", STRING(link_key)},
    {.name = "tls-client-key-file-pass", STRING(link_pass), .flags = CONFIG_SENSITIVE},
    {.name = "tls-cluster", BOOL(cluster), .initial = "no"},
    {.name = "tls-dh-params-file", STRING(dh)},
    {.name = "tls-key-file", STRING(key)},
    {.name = "tls-key-file-pass", STRING(pass), .flags = CONFIG_SENSITIVE},
    {.name = "tls-prefer-server-ciphers", BOOL(server_chooses), .initial = "no"},
    {.name = "tls-protocols", STRING(protocols)},
    {.name = "tls-replication", BOOL(replication), .initial = "no"},
    {.name = "tls-session-cache-size", INT(cache_size), .initial = "20480"},
    {.name = "tls-session-cache-timeout", INT(cache_s), .initial = "300"},
    {.name = "tls-session-caching", BOOL(cache), .initial = "yes"},
    {.name = "tls-verify-host", BOOL(verify_host), .initial = "no"},
    {.name = NULL}};

struct tls_config *tls_config_new(struct server *s)
{
    struct tls_config *t = mem_zalloc(sizeof *t);
    t->server = s;
    t->settle = (struct loop_timer){.due = settle, .arg = t};
    config_add(server_config(s), options, t);
    return t;
}

void tls_config_free(struct tls_config *t)
{
    loop_timer_stop(server_loop(t->server), &t->settle);
    config_release(server_config(t->server), t);
    free_contexts(&t->now);
    free_contexts(&t->before);
    mem_free(t);
}
