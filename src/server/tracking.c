/* SPDX-License-Identifier: BSD-3-Clause */
/* A client that ever tracked has a number, which stands for it in the rows of keys: what it has
 * read is found by nobody any more when it has gone, and taken out when its keys change.
 *
 * While somebody tracks, or may do so again and is remembered, there is a KEY listener; and an
 * observer of commands while somebody tracks by what it reads. */
#include "server/tracking.h"

#include <limits.h>

#include "base/buf.h"
#include "base/link.h"
#include "base/mem.h"
#include "base/must.h"
#include "containers/table.h"
#include "format/resp_write.h"
#include "server/clients.h"
#include "server/command.h"
#include "server/config.h"
#include "server/ctx.h"
#include "server/exec.h"
#include "server/hooks.h"
#include "server/info.h"
#include "server/push.h"
#include "server/reply.h"
#include "server/server.h"
#include "server/slots.h"
#include "server/tracked_keys.h"
#include "server/tracked_prefixes.h"
#include "store/db.h"

enum { TRIM_A_READ = 16, TRIM_A_TICK = 10000, RELEASED_HERE = 1000, ROOM_KEPT = 64 * 1024 };

/* A client's. */
struct tracker {
    struct tracking *all;
    struct client *client;
    struct link link;     /* of those that are on */
    struct link prefixes; /* tracked_prefixes.h */
    size_t prefix_bytes;
    uint32_t number;
    unsigned modes;
};

struct tracking {
    struct server *server;
    int slot;
    struct link on;             /* struct tracker's */
    size_t on_count, readers;   /* of them, and those without BCAST */
    bool hears_keys, observes;
    struct table by_number;     /* all there are */
    uint32_t next_number;
    struct tracked_keys keys;
    struct prefixes *prefixes;
    int64_t max_keys;           /* the option; 0: no limit */
    struct buf encoded;         /* a key as it is told */
    bool flushed;               /* it has been told, and nobody has read since */
    struct unit_job flush_over; /* the unit is */
};

static bool is_on(const struct client *c)
{
    return c->flags & CLIENT_TRACKING;
}

static struct slice number_of(const void *item)
{
    const struct tracker *tr = item;
    return slice(&tr->number, sizeof tr->number);
}

static const struct table_type by_number_type = {.key = number_of};

/* ---- telling ---- */

static void tell_broken(const struct tracker *tr)
{
    struct client *c = tr->client;
    struct push p;
    c->flags |= CLIENT_TRACKING_BROKEN;
    if (c->resp != 3)
        return;
    push_begin(&p, c);
    reply_push(&p.ctx, 2);
    reply_bulk_str(&p.ctx, "tracking-redir-broken");
    reply_int(&p.ctx, (int64_t)c->redirect);
    push_end(&p);
}

/* keys: an encoded array; NULL: everything. */
static void tell(const struct tracker *tr, const struct slice *keys)
{
    struct client *to = tr->client;
    struct push p;
    uint64_t redirect = to->redirect;
    if (redirect) {
        to = clients_find(server_clients(tr->all->server), redirect);
        if (!to || to->flags & CLIENT_CLOSE_SOON) {
            tell_broken(tr);
            return;
        }
    }
    if (to->resp != 3 && !(redirect && to->flags & CLIENT_PUBSUB))
        return; /* it could not tell a message from a reply */
    push_begin(&p, to);
    if (to->resp == 3) {
        reply_push(&p.ctx, 2);
        reply_bulk_str(&p.ctx, "invalidate");
    } else {
        reply_array(&p.ctx, 3);
        reply_bulk_str(&p.ctx, "message");
        reply_bulk_str(&p.ctx, "__redis__:invalidate");
    }
    if (keys)
        reply_raw(&p.ctx, *keys);
    else
        reply_null(&p.ctx);
    push_end(&p);
}

/* Its client's change, for who hears of prefixes. What a script changes its caller may not know;
 * of a transaction with one in it that is all. */
static uint64_t knows(const struct tracking *t, const struct client *by)
{
    const struct ctx *c = server_clients(t->server)->running;
    return !by || c->command_flags & CMD_SKIP_MONITOR ? 0 : by->id;
}

static const struct client *running(const struct tracking *t)
{
    const struct ctx *c = server_clients(t->server)->running;
    return c ? c->client : NULL;
}

/* NULL: the client has gone, or tracks no more what it reads. */
static const struct tracker *reader_of(const struct tracking *t, uint32_t number)
{
    const struct tracker *tr = table_find(&t->by_number, slice(&number, sizeof number));
    return tr && is_on(tr->client) && !(tr->modes & TRACKING_BCAST) ? tr : NULL;
}

/* by: whose change it is; NULL: nobody's. */
static void tell_readers(struct tracking *t, struct tracked *k, const struct client *by)
{
    size_t count;
    const uint32_t *numbers = tracked_numbers(k, &count);
    buf_clear(&t->encoded);
    resp_put_head(&t->encoded, '*', 1);
    resp_put_bulk(&t->encoded, tracked_key(k));
    struct slice keys = buf_slice(&t->encoded);
    for (size_t i = 0; i < count; i++) {
        const struct tracker *tr = reader_of(t, numbers[i]);
        if (tr && !(tr->modes & TRACKING_NOLOOP && tr->client == by))
            tell(tr, &keys);
    }
    tracked_free(k);
    if (t->encoded.cap > ROOM_KEPT)
        buf_free(&t->encoded);
}

/* ---- forgetting ---- */

static void release_keys(void *arg)
{
    tracked_keys_release(arg);
    mem_free(arg);
}

/* Also by one that does not track now, and may again: it is told of what it had read. */
static bool number_is_used(const void *arg, uint32_t number)
{
    const struct tracking *t = arg;
    return table_find(&t->by_number, slice(&number, sizeof number)) != NULL;
}

static void drop_keys(struct tracking *t)
{
    struct keyspace *ks = server_keyspace(t->server);
    if (t->keys.keys.count < RELEASED_HERE || !ks->defer) {
        tracked_keys_release(&t->keys);
    } else {
        struct tracked_keys *old = mem_alloc(sizeof *old);
        *old = t->keys;
        ks->defer(ks->defer_arg, old->keys.count, release_keys, old);
    }
    tracked_keys_init(&t->keys, number_is_used, t);
}

static void flush_is_over(struct unit_job *job)
{
    LINK_OF(job, struct tracking, flush_over)->flushed = false;
}

/* FLUSHALL tells it of each database. */
static void tell_flushed(struct tracking *t)
{
    if (t->flushed)
        return;
    LINK_FOR(pos, &t->on)
        tell(LINK_OF(pos, struct tracker, link), NULL);
    drop_keys(t);
    t->flushed = true;
    exec_after_unit(server_exec(t->server), &t->flush_over);
}

static void on_flushed(void *arg)
{
    struct tracking *t = arg;
    if (t->hears_keys)
        tell_flushed(t);
}

static void on_key(void *arg, struct db *db, struct slice key, enum key_event_kind kind)
{
    struct tracking *t = arg;
    bool by_command = kind == KEY_SET || kind == KEY_REMOVED;
    must(t->hears_keys);
    (void)db;
    if (kind == KEY_LOADED)
        return;
    if (kind == KEY_FLUSHED || kind == KEY_SWAPPED) {
        tell_flushed(t);
        return;
    }
    const struct client *by = by_command ? running(t) : NULL;
    if (prefixes_count(t->prefixes))
        prefixes_changed(t->prefixes, key, knows(t, by));
    struct tracked *k = t->keys.keys.count ? tracked_keys_take(&t->keys, key) : NULL;
    if (k)
        tell_readers(t, k, by);
}

/* Clients that keep what is forgotten here would hear of no change of it. */
static void trim(struct tracking *t, int most)
{
    while (most-- > 0 && t->max_keys && t->keys.keys.count > (size_t)t->max_keys)
        tell_readers(t, tracked_keys_take_any(&t->keys), NULL);
}


static uint64_t own_changes(const void *member)
{
    const struct tracker *tr = member;
    return tr->modes & TRACKING_NOLOOP ? tr->client->id : 0;
}

static void tell_prefix(void *arg, void *member, struct slice encoded)
{
    (void)arg;
    tell(member, &encoded);
}

static void stage(void *arg)
{
    struct tracking *t = arg;
    prefixes_tell(t->prefixes, own_changes, tell_prefix, NULL);
}

/* ---- remembering ---- */

static void remember(struct tracking *t, uint32_t number, struct slice key)
{
    must(t->hears_keys);
    t->flushed = false;
    if (tracked_keys_add(&t->keys, key, number))
        trim(t, TRIM_A_READ);
}

static void remember_found(struct tracking *t, uint32_t number, const struct ctx *c,
                           const struct command_entry *e)
{
    struct buf room = {0};
    struct key_use *uses = (void *)buf_reserve(&room, (size_t)c->argc * sizeof *uses);
    int n = command_key_uses(e, c->argc, c->argv, uses, c->argc);
    for (int i = 0; i < n && i < c->argc; i++)
        remember(t, number, c->argv[uses[i].at]);
    buf_free(&room);
}

static void remember_keys(struct tracking *t, uint32_t number, const struct ctx *c,
                          const struct command_entry *e)
{
    if (e->row.flags & CMD_MOVABLE_KEYS) {
        remember_found(t, number, c, e);
        return;
    }
    int last = e->last_key < 0 ? c->argc + e->last_key : e->last_key;
    for (int i = e->first_key; i > 0 && i <= last && i < c->argc; i += e->key_step)
        remember(t, number, c->argv[i]);
}

static bool wants(const struct tracker *tr)
{
    if (tr->modes & TRACKING_BCAST)
        return false;
    if (tr->modes & TRACKING_OPTIN)
        return tr->client->flags & CLIENT_EXCEPTED;
    return !(tr->modes & TRACKING_OPTOUT && tr->client->flags & CLIENT_EXCEPTED);
}

/* Scripts read nothing themselves: their commands do. */
static void observe(void *arg, const struct ctx *c, const struct command_entry *e, uint64_t took_us)
{
    struct tracking *t = arg;
    const struct client *caller = c->client->flags & CLIENT_FAKE ? running(t) : c->client;
    struct tracker *tr = caller && is_on(caller) ? slot_peek(caller, t->slot) : NULL;
    (void)took_us;
    if (!tr)
        return;
    if (e->row.flags & CMD_READONLY && !(e->row.flags & CMD_SKIP_MONITOR) && wants(tr))
        remember_keys(t, tr->number, c, e);
}

/* ---- who ---- */

static void watch(struct tracking *t)
{
    enum { EACH = OBSERVE_ANSWERED | OBSERVE_WAITING | OBSERVE_AGAIN };
    bool again = t->by_number.count && t->keys.keys.count; /* somebody may be on again */
    bool hear = t->on_count || again, see = t->readers > 0;
    must(t->readers <= t->on_count);
    if (hear && !t->hears_keys)
        hooks_on_key(server_hooks(t->server), on_key, t);
    else if (!hear && t->hears_keys)
        hooks_off_key(server_hooks(t->server), t);
    if (see && !t->observes)
        exec_observe(server_exec(t->server), EACH, 0, observe, t);
    else if (!see && t->observes)
        exec_unobserve(server_exec(t->server), t);
    t->hears_keys = hear;
    t->observes = see;
    if (!hear) /* nobody would be told */
        drop_keys(t);
}

static void on_tick(void *arg, int64_t mono_ms)
{
    struct tracking *t = arg;
    (void)mono_ms;
    trim(t, TRIM_A_TICK);
    if (t->hears_keys && !t->on_count)
        watch(t);
}

static struct tracker *tracker_of(struct tracking *t, struct client *c)
{
    struct tracker *tr = slot_get(c, t->slot);
    if (tr->all)
        return tr;
    tr->all = t;
    tr->client = c;
    link_init(&tr->link);
    link_init(&tr->prefixes);
    do /* numbers come again after four billion trackers */
        tr->number = ++t->next_number;
    while (table_find(&t->by_number, number_of(tr)));
    table_add(&t->by_number, tr);
    return tr;
}

void tracking_off(struct tracking *t, struct client *c)
{
    struct tracker *tr = slot_peek(c, t->slot);
    if (!is_on(c))
        return;
    must(tr && link_linked(&tr->link) && t->on_count > 0);
    prefixes_leave_all(t->prefixes, &tr->prefixes);
    tr->prefix_bytes = 0;
    link_remove(&tr->link);
    t->on_count--;
    t->readers -= !(tr->modes & TRACKING_BCAST);
    c->redirect = 0;
    client_clear(c, CLIENT_TRACKING | CLIENT_TRACKING_BCAST | CLIENT_TRACKING_BROKEN |
                        CLIENT_EXCEPTED);
    watch(t);
}

void tracking_on(struct tracking *t, struct client *c, unsigned modes, uint64_t redirect)
{
    struct tracker *tr = tracker_of(t, c);
    bool was_on = is_on(c), bcast = modes & TRACKING_BCAST;
    must(!was_on || !(tr->modes & TRACKING_BCAST) == !bcast);
    must(tr->client == c && redirect != UINT64_MAX);
    client_clear(c, CLIENT_TRACKING_BROKEN);
    tr->modes = modes;
    c->redirect = redirect;
    if (was_on)
        return;
    c->flags |= CLIENT_TRACKING | (bcast ? CLIENT_TRACKING_BCAST : 0);
    link_push_back(&t->on, &tr->link);
    t->on_count++;
    t->readers += !bcast;
    watch(t);
}

void tracking_add_prefix(struct tracking *t, struct client *c, struct slice prefix)
{
    struct tracker *tr = slot_peek(c, t->slot);
    must(tr && is_on(c) && tr->modes & TRACKING_BCAST);
    tr->prefix_bytes += prefixes_join(t->prefixes, prefix, &tr->prefixes, tr);
}

void tracking_except_next(struct tracking *t, struct client *c)
{
    const struct tracker *tr = slot_peek(c, t->slot);
    must(tr && is_on(c));
    c->flags |= CLIENT_EXCEPTED;
}

struct tracking_view tracking_view(const struct tracking *t, const struct client *c)
{
    const struct tracker *tr = slot_peek(c, t->slot);
    if (!is_on(c))
        return (struct tracking_view){.on = false};
    must(tr);
    return (struct tracking_view){true, c->flags & CLIENT_EXCEPTED,
                                  c->flags & CLIENT_TRACKING_BROKEN, tr->modes, c->redirect};
}

void tracking_each_prefix(const struct tracking *t, const struct client *c, tracking_visit *visit,
                          void *arg)
{
    const struct tracker *tr = slot_peek(c, t->slot);
    if (is_on(c))
        prefixes_each(&tr->prefixes, visit, arg);
}

/* The client goes, or begins anew. */
static void release(struct client *c, void *state)
{
    struct tracker *tr = state;
    if (!tr->all)
        return;
    tracking_off(tr->all, c);
    const void *removed = table_remove(&tr->all->by_number, number_of(tr));
    must(removed == tr);
    watch(tr->all);
}

static size_t tracker_bytes(const void *state)
{
    return ((const struct tracker *)state)->prefix_bytes;
}

/* ---- numbers, life ---- */

static uint64_t count_keys(const void *arg)
{
    return ((const struct tracking *)arg)->keys.keys.count;
}

static uint64_t count_items(const void *arg)
{
    return ((const struct tracking *)arg)->keys.items;
}

static uint64_t count_prefixes(const void *arg)
{
    return prefixes_count(((const struct tracking *)arg)->prefixes);
}

static uint64_t count_clients(const void *arg)
{
    return ((const struct tracking *)arg)->on_count;
}

static const struct config_option options[] = {
    {.name = "tracking-table-max-keys", CONFIG_INT_AT(struct tracking, max_keys),
     .initial = "1000000", .min = 0, .max = INT64_MAX},
    {.name = NULL}};

struct tracking *tracking_new(struct server *s)
{
    struct tracking *t = mem_zalloc(sizeof *t);
    struct info *info = server_info(s);
    t->server = s;
    t->slot = slots_reserve(server_slots(s), sizeof(struct tracker), release);
    slots_measure(server_slots(s), t->slot, tracker_bytes);
    link_init(&t->on);
    table_init(&t->by_number, &by_number_type);
    tracked_keys_init(&t->keys, number_is_used, t);
    t->prefixes = prefixes_new();
    t->flush_over.run = flush_is_over;
    link_init(&t->flush_over.link);
    config_add(server_config(s), options, t);
    hooks_on_stage(server_hooks(s), STAGE_UNBLOCK, stage, t);
    hooks_on_tick(server_hooks(s), on_tick, t);
    hooks_on_flushed(server_hooks(s), on_flushed, t);
    info_provide(info, "tracking_total_keys", count_keys, t);
    info_provide(info, "tracking_total_items", count_items, t);
    info_provide(info, "tracking_total_prefixes", count_prefixes, t);
    info_provide(info, "tracking_clients", count_clients, t);
    return t;
}

void tracking_free(struct tracking *t)
{
    must(t->on_count == 0 && t->by_number.count == 0);
    config_release(server_config(t->server), t);
    tracked_keys_release(&t->keys);
    prefixes_free(t->prefixes);
    table_release(&t->by_number);
    buf_free(&t->encoded);
    mem_free(t);
}
