/* SPDX-License-Identifier: BSD-3-Clause */
#include "commands/cmd_tracking.h"

#include "base/buf.h"
#include "base/must.h"
#include "server/clients.h"
#include "server/ctx.h"
#include "server/reply.h"
#include "server/server.h"
#include "server/tracking.h"

static struct tracking *tracking_of(const struct ctx *c)
{
    return server_tracking(c->server);
}

/* ---- TRACKING ---- */

struct asked {
    unsigned modes;
    uint64_t redirect;
    struct buf prefixes; /* positions of the words: int */
};

static int prefix_count(const struct asked *a)
{
    return (int)(a->prefixes.len / sizeof(int));
}

static struct slice prefix_at(const struct ctx *c, const struct asked *a, int i)
{
    int at;
    must(i >= 0 && i < prefix_count(a));
    memcpy(&at, a->prefixes.data + (size_t)i * sizeof at, sizeof at);
    return c->argv[at];
}

static bool redirect_arg(struct ctx *c, int i, struct asked *a)
{
    int64_t id;
    if (a->redirect) {
        reply_error(c, "ERR A client can only redirect to a single other client");
        return false;
    }
    if (!ctx_arg_i64(c, i, &id))
        return false;
    const struct client *to = clients_find(server_clients(c->server), (uint64_t)id);
    if (!to || to->flags & (CLIENT_FAKE | CLIENT_CLOSE_SOON)) {
        reply_error(c, "ERR The client ID you want redirect to does not exist");
        return false;
    }
    a->redirect = (uint64_t)id;
    return true;
}

/* False: the error was replied. */
static bool options(struct ctx *c, struct asked *a)
{
    static const struct {
        const char *word;
        unsigned mode;
    } modes[] = {{"bcast", TRACKING_BCAST}, {"optin", TRACKING_OPTIN},
                 {"optout", TRACKING_OPTOUT}, {"noloop", TRACKING_NOLOOP}};
    enum { MODES = sizeof modes / sizeof *modes };
    for (int i = 3; i < c->argc; i++) {
        size_t k = 0;
        while (k < MODES && !ctx_arg_is(c, i, modes[k].word))
            k++;
        if (k < MODES) {
            a->modes |= modes[k].mode;
        } else if (ctx_arg_is(c, i, "redirect") && i + 1 < c->argc) {
            if (!redirect_arg(c, ++i, a))
                return false;
        } else if (ctx_arg_is(c, i, "prefix") && i + 1 < c->argc) {
            i++;
            buf_append(&a->prefixes, &i, sizeof i);
        } else {
            reply_syntax(c);
            return false;
        }
    }
    return true;
}

/* NULL: the modes go together, and with those that the client has. */
static const char *refusal(const struct tracking_view *now, const struct asked *a)
{
    unsigned modes = a->modes, exceptions = TRACKING_OPTIN | TRACKING_OPTOUT;
    bool bcast = modes & TRACKING_BCAST;
    if (!bcast && prefix_count(a))
        return "ERR PREFIX option requires BCAST mode to be enabled";
    if (now->on && (now->modes & TRACKING_BCAST) != (modes & TRACKING_BCAST))
        return "ERR You can't switch BCAST mode on/off before disabling tracking for this client, "
               "and then re-enabling it with a different mode.";
    if (bcast && modes & exceptions)
        return "ERR OPTIN and OPTOUT are not compatible with BCAST";
    if ((modes & exceptions) == exceptions)
        return "ERR You can't specify both OPTIN mode and OPTOUT mode";
    unsigned had = now->on ? now->modes & exceptions : 0;
    if (had && modes & exceptions && had != (modes & exceptions))
        return "ERR You can't switch OPTIN/OPTOUT mode before disabling tracking for this client, "
               "and then re-enabling it with a different mode.";
    return NULL;
}

static bool overlap(struct slice a, struct slice b)
{
    size_t len = a.len < b.len ? a.len : b.len;
    return slice_eq(slice(a.data, len), slice(b.data, len));
}

struct search {
    struct slice prefix, found;
    bool any;
};

static void find_overlap(void *arg, struct slice prefix)
{
    struct search *s = arg;
    if (!s->any && overlap(prefix, s->prefix)) {
        s->any = true;
        s->found = prefix;
    }
}

/* True, and the error was replied: a key would be told twice. */
static bool prefixes_overlap(struct ctx *c, const struct asked *a)
{
    for (int i = 0; i < prefix_count(a); i++) {
        struct search s = {.prefix = prefix_at(c, a, i)};
        tracking_each_prefix(tracking_of(c), c->client, find_overlap, &s);
        bool existing = s.any;
        for (int k = i + 1; k < prefix_count(a); k++)
            find_overlap(&s, prefix_at(c, a, k));
        if (!s.any)
            continue;
        reply_errorf(c, "ERR Prefix '%.*s' overlaps with %s prefix '%.*s'. Prefixes for a single "
                     "client must not overlap.", SLICE_ARG(s.prefix),
                     existing ? "an existing" : "another provided", SLICE_ARG(s.found));
        return true;
    }
    return false;
}

static bool has_prefix(const struct ctx *c, struct slice prefix)
{
    struct search s = {.prefix = prefix};
    tracking_each_prefix(tracking_of(c), c->client, find_overlap, &s);
    return s.any && s.found.len == prefix.len;
}

static void turn_on(struct ctx *c, const struct asked *a)
{
    struct tracking_view now = tracking_view(tracking_of(c), c->client);
    const char *error = refusal(&now, a);
    if (error) {
        reply_error(c, error);
        return;
    }
    must(a->modes & TRACKING_BCAST || !prefix_count(a));
    if (prefixes_overlap(c, a))
        return;
    tracking_on(tracking_of(c), c->client, a->modes, a->redirect);
    for (int i = 0; i < prefix_count(a); i++)
        tracking_add_prefix(tracking_of(c), c->client, prefix_at(c, a, i));
    /* Without a prefix it is all keys; "" stands in front of the others, if there are any. */
    if (a->modes & TRACKING_BCAST && !prefix_count(a) && !has_prefix(c, SLICE_LIT("")))
        tracking_add_prefix(tracking_of(c), c->client, SLICE_LIT(""));
    reply_ok(c);
}

void cmd_client_tracking(struct ctx *c)
{
    struct asked a = {.modes = 0};
    bool on = ctx_arg_is(c, 2, "on"), ok = options(c, &a);
    if (ok && on) {
        turn_on(c, &a);
    } else if (ok && ctx_arg_is(c, 2, "off")) {
        tracking_off(tracking_of(c), c->client);
        reply_ok(c);
    } else if (ok) {
        reply_syntax(c);
    }
    buf_free(&a.prefixes);
}

/* ---- the others ---- */

void cmd_client_caching(struct ctx *c)
{
    struct tracking_view v = tracking_view(tracking_of(c), c->client);
    bool yes = ctx_arg_is(c, 2, "yes");
    if (!v.on) {
        reply_error(c, "ERR CLIENT CACHING can be called only when the client is in tracking mode "
                       "with OPTIN or OPTOUT mode enabled");
    } else if (!yes && !ctx_arg_is(c, 2, "no")) {
        reply_syntax(c);
    } else if (!(v.modes & (yes ? TRACKING_OPTIN : TRACKING_OPTOUT))) {
        reply_errorf(c, "ERR CLIENT CACHING %s is only valid when tracking is enabled in %s mode.",
                     yes ? "YES" : "NO", yes ? "OPTIN" : "OPTOUT");
    } else {
        tracking_except_next(tracking_of(c), c->client);
        reply_ok(c);
    }
}

static int64_t redirect_of(const struct client *c)
{
    return c->flags & CLIENT_TRACKING ? (int64_t)c->redirect : -1;
}

void cmd_client_getredir(struct ctx *c)
{
    reply_int(c, redirect_of(c->client));
}

struct prefixes_told {
    struct ctx *ctx;
    size_t n;
};

static void reply_prefix(void *arg, struct slice prefix)
{
    struct prefixes_told *told = arg;
    reply_bulk(told->ctx, prefix);
    told->n++;
}

static void reply_flags(struct ctx *c, const struct tracking_view *v)
{
    const struct {
        bool is;
        const char *word;
    } all[] = {{!v->on, "off"},
               {v->on, "on"},
               {v->modes & TRACKING_BCAST, "bcast"},
               {v->modes & TRACKING_OPTIN, "optin"},
               {v->modes & TRACKING_OPTIN && v->excepted, "caching-yes"},
               {v->modes & TRACKING_OPTOUT, "optout"},
               {v->modes & TRACKING_OPTOUT && v->excepted, "caching-no"},
               {v->modes & TRACKING_NOLOOP, "noloop"},
               {v->broken, "broken_redirect"}};
    uint64_t mark = reply_later(c);
    size_t n = 0;
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        if (all[i].is) {
            reply_bulk_str(c, all[i].word);
            n++;
        }
    }
    must(n > 0); /* on or off */
    reply_later_set(c, mark, n);
}

void cmd_client_trackinginfo(struct ctx *c)
{
    struct tracking_view v = tracking_view(tracking_of(c), c->client);
    struct prefixes_told told = {c, 0};
    reply_map(c, 3);
    reply_bulk_str(c, "flags");
    reply_flags(c, &v);
    reply_bulk_str(c, "redirect");
    reply_int(c, redirect_of(c->client));
    reply_bulk_str(c, "prefixes");
    uint64_t mark = reply_later(c);
    tracking_each_prefix(tracking_of(c), c->client, reply_prefix, &told);
    reply_later_array(c, mark, told.n);
}
