/* SPDX-License-Identifier: BSD-3-Clause */
/* Publishing and subscribing. What SUBSCRIBE and its like reply are pushes in RESP3, one for each
 * name, and come also to a client that wants no replies. */
#include "commands/cmd_pubsub.h"

#include "base/buf.h"
#include "base/glob.h"
#include "base/must.h"
#include "server/client.h"
#include "server/command.h"
#include "server/ctx.h"
#include "server/publish.h"
#include "server/pubsub.h"
#include "server/reply.h"
#include "server/server.h"

static struct pubsub *pubsub_of(const struct ctx *c)
{
    return server_pubsub(c->server);
}

/* ---- subscribing ---- */

/* What its replies count: channels and patterns together, shard channels by themselves. */
static size_t counted(const struct ctx *c, enum pubsub_kind kind)
{
    const struct pubsub *ps = pubsub_of(c);
    if (kind == PUBSUB_SHARD)
        return pubsub_of_client(ps, c->client, PUBSUB_SHARD);
    return pubsub_of_client(ps, c->client, PUBSUB_CHANNEL) +
           pubsub_of_client(ps, c->client, PUBSUB_PATTERN);
}

/* name.data NULL: of nothing. */
static void tell(struct ctx *c, enum pubsub_kind kind, struct slice name)
{
    reply_push(c, 3);
    reply_bulk_str(c, c->command->name);
    if (name.data)
        reply_bulk(c, name);
    else
        reply_null(c);
    reply_int(c, (int64_t)counted(c, kind));
}

static void subscribe(struct ctx *c, enum pubsub_kind kind)
{
    must(c->client->io.fd >= 0 && c->argc > 1);
    reply_to_client(c);
    for (int i = 1; i < c->argc; i++) {
        pubsub_subscribe(pubsub_of(c), c->client, kind, c->argv[i]);
        tell(c, kind, c->argv[i]);
    }
}

static void unsubscribe_all(struct ctx *c, enum pubsub_kind kind)
{
    struct pubsub *ps = pubsub_of(c);
    struct buf name = {0};
    struct slice first;
    if (!pubsub_of_client(ps, c->client, kind))
        tell(c, kind, (struct slice){0});
    while ((first = pubsub_first(ps, c->client, kind)).data) {
        buf_clear(&name);
        buf_add(&name, first);
        bool did = pubsub_unsubscribe(ps, c->client, kind, first);
        must(did);
        tell(c, kind, name.len ? buf_slice(&name) : SLICE_LIT(""));
    }
    buf_free(&name);
}

static void unsubscribe(struct ctx *c, enum pubsub_kind kind)
{
    reply_to_client(c);
    if (c->argc == 1)
        unsubscribe_all(c, kind);
    for (int i = 1; i < c->argc; i++) {
        pubsub_unsubscribe(pubsub_of(c), c->client, kind, c->argv[i]);
        tell(c, kind, c->argv[i]);
    }
}

void cmd_subscribe(struct ctx *c)
{
    subscribe(c, PUBSUB_CHANNEL);
}

void cmd_psubscribe(struct ctx *c)
{
    subscribe(c, PUBSUB_PATTERN);
}

void cmd_ssubscribe(struct ctx *c)
{
    if (c->flags & CTX_IN_MULTI) {
        reply_error(c, "ERR SSUBSCRIBE isn't allowed for a DENY BLOCKING client");
        return;
    }
    subscribe(c, PUBSUB_SHARD);
}

void cmd_unsubscribe(struct ctx *c)
{
    unsubscribe(c, PUBSUB_CHANNEL);
}

void cmd_punsubscribe(struct ctx *c)
{
    unsubscribe(c, PUBSUB_PATTERN);
}

void cmd_sunsubscribe(struct ctx *c)
{
    unsubscribe(c, PUBSUB_SHARD);
}

/* ---- publishing ---- */

void cmd_publish(struct ctx *c)
{
    reply_int(c, (int64_t)publish(c->server, c->argv[1], c->argv[2]));
    ctx_tell_replicas(c);
}

void cmd_spublish(struct ctx *c)
{
    reply_int(c, (int64_t)publish_shard(c->server, c->argv[1], c->argv[2]));
    ctx_tell_replicas(c);
}

/* ---- PUBSUB ---- */

struct listing {
    struct ctx *ctx;
    const struct glob *pattern; /* NULL: all */
    size_t found;
};

static void list_name(void *arg, struct slice name)
{
    struct listing *l = arg;
    if (l->pattern && !glob_matches(l->pattern, name))
        return;
    reply_bulk(l->ctx, name);
    l->found++;
}

static void list(struct ctx *c, enum pubsub_kind kind)
{
    struct glob pattern;
    struct listing l = {.ctx = c, .pattern = c->argc > 2 ? &pattern : NULL};
    if (c->argc > 3) {
        reply_wrong_subcommand(c);
        return;
    }
    glob_init(&pattern, c->argc > 2 ? c->argv[2] : SLICE_LIT("*"), false);
    uint64_t mark = reply_later(c);
    pubsub_each_name(pubsub_of(c), kind, list_name, &l);
    must(l.found <= pubsub_names(pubsub_of(c), kind));
    reply_later_array(c, mark, l.found);
    glob_free(&pattern);
}

static void numbers(struct ctx *c, enum pubsub_kind kind)
{
    reply_array(c, 2 * (size_t)(c->argc - 2));
    for (int i = 2; i < c->argc; i++) {
        reply_bulk(c, c->argv[i]);
        reply_int(c, (int64_t)pubsub_subscribers(pubsub_of(c), kind, c->argv[i]));
    }
}

void cmd_pubsub_channels(struct ctx *c)
{
    list(c, PUBSUB_CHANNEL);
}

void cmd_pubsub_shardchannels(struct ctx *c)
{
    list(c, PUBSUB_SHARD);
}

void cmd_pubsub_numsub(struct ctx *c)
{
    numbers(c, PUBSUB_CHANNEL);
}

void cmd_pubsub_shardnumsub(struct ctx *c)
{
    numbers(c, PUBSUB_SHARD);
}

void cmd_pubsub_numpat(struct ctx *c)
{
    reply_int(c, (int64_t)pubsub_names(pubsub_of(c), PUBSUB_PATTERN));
}

void cmd_pubsub_help(struct ctx *c)
{
    static const char *const lines[] = {
        "CHANNELS [<pattern>]", "    Channels that somebody listens to, all or by a pattern.",
        "NUMPAT", "    How many different patterns somebody listens to.",
        "NUMSUB [<channel> ...]", "    Subscribers of each channel, without those by patterns.",
        "SHARDCHANNELS [<pattern>]",
        "    Shard channels that somebody listens to, all or by a pattern.",
        "SHARDNUMSUB [<shardchannel> ...]", "    Subscribers of each shard channel.", NULL};
    reply_help(c, lines);
}
