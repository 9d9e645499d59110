/* SPDX-License-Identifier: BSD-3-Clause */
#include "commands/cmd_tracking.h"

#include <stdlib.h>

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
    struct buf prefixes; /* struct named's */
};

struct named {
    struct slice prefix;
    int at; /* among the words; 0: the client has it already */
};

static size_t prefix_count(const struct buf *prefixes)
{
    return prefixes->len / sizeof(struct named);
}

static const struct named *prefix_at(const struct buf *prefixes, size_t i)
{
    must(i < prefix_count(prefixes));
    return (const struct named *)(void *)prefixes->data + i;
}

static void put_prefix(void *arg, struct slice prefix)
{
    struct named had = {prefix, 0};
    buf_append(arg, &had, sizeof had);
}

static int by_bytes(const void *x, const void *y)
{
    const struct named *a = x, *b = y;
    int order = slice_cmp(a->prefix, b->prefix);
    return order ? order : a->at - b->at;
}

/* Those that the client has, and the others behind them in `to`, in the order of their bytes. */
static void put_sorted(const struct ctx *c, struct buf *to)
{
    tracking_each_prefix(tracking_of(c), c->client, put_prefix, to);
    if (to->len)
        qsort(to->data, prefix_count(to), sizeof(struct named), by_bytes);
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
            struct named asked = {c->argv[i + 1], i + 1};
            buf_append(&a->prefixes, &asked, sizeof asked);
            i++;
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
    if (!bcast && prefix_count(&a->prefixes))
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

static bool begins_with(const struct named *p, const struct named *root)
{
    return p->prefix.len >= root->prefix.len &&
           slice_eq(root->prefix, slice(p->prefix.data, root->prefix.len));
}

/* True, and the error was replied: a key would be told twice. Sorted, a prefix stands in front of
 * all that begin with it. Told is the first word that overlaps. */
static bool prefixes_overlap(struct ctx *c, const struct buf *sorted)
{
    const struct named *first = NULL, *other = NULL, *root = NULL;
    for (size_t i = 0; i < prefix_count(sorted); i++) {
        const struct named *p = prefix_at(sorted, i);
        if (!root || !begins_with(p, root)) {
            root = p;
            continue;
        }
        const struct named *word = root->at && (!p->at || root->at < p->at) ? root : p;
        if (word->at && (!first || word->at < first->at)) {
            first = word;
            other = word == p ? root : p;
        }
    }
    if (!first)
        return false;
    reply_errorf(c, "ERR Prefix '%.*s' overlaps with %s prefix '%.*s'. Prefixes for a single "
                 "client must not overlap.", SLICE_ARG(first->prefix),
                 other->at ? "another provided" : "an existing", SLICE_ARG(other->prefix));
    return true;
}

/* Without a prefix it is all keys; "" stands in front of the others, if there are any. */
static void add_prefixes(struct ctx *c, const struct asked *a, bool has_all)
{
    size_t n = prefix_count(&a->prefixes);
    for (size_t i = 0; i < n; i++)
        tracking_add_prefix(tracking_of(c), c->client, prefix_at(&a->prefixes, i)->prefix);
    if (a->modes & TRACKING_BCAST && !n && !has_all)
        tracking_add_prefix(tracking_of(c), c->client, SLICE_LIT(""));
}

static void turn_on(struct ctx *c, const struct asked *a)
{
    struct tracking_view now = tracking_view(tracking_of(c), c->client);
    const char *error = refusal(&now, a);
    if (error) {
        reply_error(c, error);
        return;
    }
    must(a->modes & TRACKING_BCAST || !prefix_count(&a->prefixes));
    struct buf sorted = {0};
    buf_add(&sorted, buf_slice(&a->prefixes));
    put_sorted(c, &sorted);
    if (!prefixes_overlap(c, &sorted)) {
        bool has_all = prefix_count(&sorted) && !prefix_at(&sorted, 0)->prefix.len;
        tracking_on(tracking_of(c), c->client, a->modes, a->redirect);
        add_prefixes(c, a, has_all);
        reply_ok(c);
    }
    buf_free(&sorted);
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
    struct buf prefixes = {0};
    reply_map(c, 3);
    reply_bulk_str(c, "flags");
    reply_flags(c, &v);
    reply_bulk_str(c, "redirect");
    reply_int(c, redirect_of(c->client));
    reply_bulk_str(c, "prefixes");
    put_sorted(c, &prefixes);
    reply_array(c, prefix_count(&prefixes));
    for (size_t i = 0; i < prefix_count(&prefixes); i++)
        reply_bulk(c, prefix_at(&prefixes, i)->prefix);
    buf_free(&prefixes);
}
