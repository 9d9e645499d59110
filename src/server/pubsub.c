/* SPDX-License-Identifier: BSD-3-Clause */
/* A name that somebody listens to is a channel with the line of its subscriptions; a subscription
 * stands in that line and in the line of its client, and in one table by both. */
#include "server/pubsub.h"

#include <string.h>

#include "base/buf.h"
#include "base/glob.h"
#include "base/link.h"
#include "base/mem.h"
#include "base/must.h"
#include "containers/table.h"
#include "server/client.h"
#include "server/slots.h"

struct channel {
    struct link all;           /* of its kind */
    struct link subscriptions;
    size_t count, len;
    char name[];
};

struct subscription {
    struct pair_of {
        struct channel *channel;
        const struct client *client;
    } key;
    struct client *client;
    struct link of_channel, of_client;
};

/* A client's. */
struct subscriber {
    struct pubsub *all;
    struct link subscriptions[PUBSUB_KINDS];
    size_t counts[PUBSUB_KINDS], bytes;
};

struct pubsub {
    int slot;
    struct table channels[PUBSUB_KINDS];
    struct link names[PUBSUB_KINDS];
    struct table subscriptions;
    struct channel *heard[PUBSUB_KINDS]; /* published to last, and still there; or NULL */
    struct buf room[2]; /* for publish.c */
};

static struct slice channel_name(const void *item)
{
    const struct channel *ch = item;
    return slice(ch->name, ch->len);
}

static struct slice subscription_key(const void *item)
{
    const struct subscription *s = item;
    return slice(&s->key, sizeof s->key);
}

static const struct table_type channel_type = {.key = channel_name};
static const struct table_type subscription_type = {.key = subscription_key};

/* ---- channels ---- */

static struct channel *channel_get(struct pubsub *ps, enum pubsub_kind kind, struct slice name)
{
    struct channel *ch = table_find(&ps->channels[kind], name);
    if (ch)
        return ch;
    ch = mem_alloc(sizeof *ch + name.len);
    *ch = (struct channel){.len = name.len};
    if (name.len)
        memcpy(ch->name, name.data, name.len);
    link_init(&ch->all);
    link_init(&ch->subscriptions);
    table_add(&ps->channels[kind], ch);
    link_push_back(&ps->names[kind], &ch->all);
    return ch;
}

static void drop_if_silent(struct pubsub *ps, enum pubsub_kind kind, struct channel *ch)
{
    must((ch->count == 0) == link_empty(&ch->subscriptions));
    if (ch->count)
        return;
    const void *removed = table_remove(&ps->channels[kind], channel_name(ch));
    must(removed == ch);
    if (ps->heard[kind] == ch)
        ps->heard[kind] = NULL;
    link_remove(&ch->all);
    mem_free(ch);
}

static struct subscription *find(const struct pubsub *ps, const struct client *c,
                                 struct channel *ch)
{
    struct pair_of key = {ch, c};
    return ch ? table_find(&ps->subscriptions, slice(&key, sizeof key)) : NULL;
}

/* ---- a client's ---- */

/* Each is charged with all that its channel takes, as it may be the only one; and both with their
 * places in tables. */
static size_t bytes_of(const struct subscription *s)
{
    return mem_usable(s) + mem_usable(s->key.channel) + 2 * TABLE_ITEM_BYTES;
}

static struct subscriber *subscriber_of(struct pubsub *ps, struct client *c)
{
    struct subscriber *mine = slot_get(c, ps->slot);
    if (!mine->all) {
        mine->all = ps;
        for (int kind = 0; kind < PUBSUB_KINDS; kind++)
            link_init(&mine->subscriptions[kind]);
    }
    return mine;
}

static void drop(struct pubsub *ps, struct subscriber *mine, enum pubsub_kind kind,
                 struct subscription *s)
{
    struct channel *ch = s->key.channel;
    must(mine->counts[kind] > 0 && ch->count > 0);
    mine->counts[kind]--;
    must(mine->bytes >= bytes_of(s));
    mine->bytes -= bytes_of(s);
    ch->count--;
    const void *removed = table_remove(&ps->subscriptions, subscription_key(s));
    must(removed == s);
    link_remove(&s->of_channel);
    link_remove(&s->of_client);
    mem_free(s);
    drop_if_silent(ps, kind, ch);
}

static struct subscription *first_of(const struct subscriber *mine, enum pubsub_kind kind)
{
    const struct link *list = &mine->subscriptions[kind];
    return link_empty(list) ? NULL : LINK_OF(list->next, struct subscription, of_client);
}

static void set_flag(struct client *c, const struct subscriber *mine)
{
    bool any = false;
    for (int kind = 0; kind < PUBSUB_KINDS; kind++)
        any |= mine->counts[kind] > 0;
    if (any)
        c->flags |= CLIENT_PUBSUB;
    else
        client_clear(c, CLIENT_PUBSUB);
}

/* The client goes, or begins anew. */
static void release(struct client *c, void *state)
{
    struct subscriber *mine = state;
    struct subscription *s;
    for (int kind = 0; mine->all && kind < PUBSUB_KINDS; kind++)
        while ((s = first_of(mine, (enum pubsub_kind)kind)))
            drop(mine->all, mine, (enum pubsub_kind)kind, s);
    must(mine->bytes == 0);
    set_flag(c, mine);
}

static size_t subscriber_bytes(const void *state)
{
    return ((const struct subscriber *)state)->bytes;
}

struct pubsub *pubsub_new(struct slots *slots)
{
    struct pubsub *ps = mem_zalloc(sizeof *ps);
    ps->slot = slots_reserve(slots, sizeof(struct subscriber), release);
    slots_measure(slots, ps->slot, subscriber_bytes);
    for (int kind = 0; kind < PUBSUB_KINDS; kind++) {
        table_init(&ps->channels[kind], &channel_type);
        link_init(&ps->names[kind]);
    }
    table_init(&ps->subscriptions, &subscription_type);
    return ps;
}

void pubsub_free(struct pubsub *ps)
{
    must(ps->subscriptions.count == 0);
    for (int kind = 0; kind < PUBSUB_KINDS; kind++) {
        must(ps->channels[kind].count == 0 && link_empty(&ps->names[kind]));
        table_release(&ps->channels[kind]);
    }
    table_release(&ps->subscriptions);
    buf_free(&ps->room[0]);
    buf_free(&ps->room[1]);
    mem_free(ps);
}

struct buf *pubsub_room(struct pubsub *ps)
{
    return ps->room;
}

bool pubsub_subscribe(struct pubsub *ps, struct client *c, enum pubsub_kind kind,
                      struct slice name)
{
    struct channel *ch = channel_get(ps, kind, name);
    if (find(ps, c, ch))
        return false;
    struct subscriber *mine = subscriber_of(ps, c);
    struct subscription *s = mem_alloc(sizeof *s);
    *s = (struct subscription){.key = {ch, c}, .client = c};
    table_add(&ps->subscriptions, s);
    link_push_back(&ch->subscriptions, &s->of_channel);
    link_push_back(&mine->subscriptions[kind], &s->of_client);
    ch->count++;
    mine->counts[kind]++;
    mine->bytes += bytes_of(s);
    set_flag(c, mine);
    return true;
}

bool pubsub_unsubscribe(struct pubsub *ps, struct client *c, enum pubsub_kind kind,
                        struct slice name)
{
    struct subscription *s = find(ps, c, table_find(&ps->channels[kind], name));
    if (!s)
        return false;
    struct subscriber *mine = slot_peek(c, ps->slot);
    must(mine && s->client == c);
    drop(ps, mine, kind, s);
    set_flag(c, mine);
    return true;
}

struct slice pubsub_first(const struct pubsub *ps, const struct client *c, enum pubsub_kind kind)
{
    const struct subscriber *mine = slot_peek(c, ps->slot);
    const struct subscription *s = mine && mine->all ? first_of(mine, kind) : NULL;
    return s ? channel_name(s->key.channel) : (struct slice){0};
}

size_t pubsub_of_client(const struct pubsub *ps, const struct client *c, enum pubsub_kind kind)
{
    const struct subscriber *mine = slot_peek(c, ps->slot);
    return mine ? mine->counts[kind] : 0;
}

void pubsub_each_of_client(const struct pubsub *ps, const struct client *c, enum pubsub_kind kind,
                           pubsub_name *f, void *arg)
{
    const struct subscriber *mine = slot_peek(c, ps->slot);
    if (!mine || !mine->all)
        return;
    LINK_FOR(pos, &mine->subscriptions[kind])
        f(arg, channel_name(LINK_OF(pos, struct subscription, of_client)->key.channel));
}

/* ---- all of them ---- */

size_t pubsub_names(const struct pubsub *ps, enum pubsub_kind kind)
{
    return ps->channels[kind].count;
}

size_t pubsub_subscribers(const struct pubsub *ps, enum pubsub_kind kind, struct slice name)
{
    const struct channel *ch = table_find(&ps->channels[kind], name);
    must(!ch || ch->count > 0);
    return ch ? ch->count : 0;
}

void pubsub_each_name(const struct pubsub *ps, enum pubsub_kind kind, pubsub_name *f, void *arg)
{
    LINK_FOR(pos, &ps->names[kind])
        f(arg, channel_name(LINK_OF(pos, struct channel, all)));
}

void pubsub_each_pattern(const struct pubsub *ps, struct slice channel, pubsub_name *f, void *arg)
{
    LINK_FOR(pos, &ps->names[PUBSUB_PATTERN]) {
        struct slice pattern = channel_name(LINK_OF(pos, struct channel, all));
        if (glob_fits(pattern, channel))
            f(arg, pattern);
    }
}

/* A message mostly goes where the one before it went. */
static const struct channel *channel_to_hear(struct pubsub *ps, enum pubsub_kind kind,
                                             struct slice name)
{
    struct channel *ch = ps->heard[kind];
    if (!ch || !slice_eq(channel_name(ch), name)) {
        ch = table_find(&ps->channels[kind], name);
        ps->heard[kind] = ch;
    }
    return ch;
}

size_t pubsub_each_subscriber(struct pubsub *ps, enum pubsub_kind kind, struct slice name,
                              pubsub_hear *f, void *arg)
{
    const struct channel *ch = channel_to_hear(ps, kind, name);
    size_t n = 0;
    if (!ch)
        return 0;
    LINK_FOR(pos, &ch->subscriptions) {
        f(arg, LINK_OF(pos, struct subscription, of_channel)->client);
        n++;
    }
    must(n == ch->count); /* nobody came or went meanwhile */
    return n;
}
