/* SPDX-License-Identifier: BSD-3-Clause */
/* Watched keys lie in a table by (database number, name); each holds the list of its watchers. A
 * watch is in that list and in its client's, so either end goes without a search:
 *
 *   client.multi.watches -> watch -> watch        watched key -> watch -> watch */
#include "server/multi.h"

#include <string.h>

#include "base/link.h"
#include "base/mem.h"
#include "base/must.h"
#include "containers/table.h"
#include "server/client.h"
#include "server/command.h"
#include "server/ctx.h"
#include "server/held.h"
#include "server/key_name.h"
#include "server/server.h"
#include "store/db.h"

struct watched_key {
    struct link watchers;
    unsigned db_id;
    size_t len;
    char name[]; /* database number (4 bytes), key */
};

struct watch {
    struct link of_client, of_key;
    struct client *client;
    struct watched_key *key;
    /* There was nothing when WATCH was said, or something whose time was over: then going changes
     * nothing. */
    bool was_absent, was_expired;
};

struct watches {
    struct table keys;
};

struct multi {
    struct held_command **queue;
    int count, cap;
    size_t bytes;
    uint32_t flags, all; /* of the queued commands: those that any has, those that all have */
    struct link watches;
    size_t watch_count, watch_bytes;
};

static struct slice watched_name(const void *item)
{
    const struct watched_key *k = item;
    return slice(k->name, k->len);
}

static const struct table_type watched_type = {.key = watched_name};

struct watches *watches_new(void)
{
    struct watches *w = mem_zalloc(sizeof *w);
    table_init(&w->keys, &watched_type);
    return w;
}

void watches_free(struct watches *w)
{
    must(w->keys.count == 0);
    table_release(&w->keys);
    mem_free(w);
}

size_t watches_count(const struct watches *w)
{
    return w->keys.count;
}

/* ---- watching ---- */
static void mark_watchers(struct watched_key *k)
{
    must(!link_empty(&k->watchers));
    LINK_FOR(pos, &k->watchers) {
        struct watch *w = LINK_OF(pos, struct watch, of_key);
        if (!w->was_expired)
            w->client->flags |= CLIENT_DIRTY_CAS;
        /* A key that was gone already and is removed now has not changed for who watches it; the
         * next event, which makes it again, has. */
        w->was_absent = w->was_absent || w->was_expired;
        w->was_expired = false;
    }
}

static struct slice own_name(const struct watched_key *k)
{
    return key_name_key(k->name, k->len);
}

/* The database has other contents than before. */
static void mark_replaced(void *arg, void *item)
{
    struct db *db = arg;
    struct watched_key *k = item;
    if (k->db_id != db->id)
        return;
    const struct entry *e =
        db_find_with(db, own_name(k), DB_NOTOUCH | DB_NOSTATS | DB_KEEP_EXPIRED);
    bool expired = e && db_is_expired(db, e);
    LINK_FOR(pos, &k->watchers) {
        struct watch *w = LINK_OF(pos, struct watch, of_key);
        if ((e && !expired) || (!w->was_absent && !w->was_expired))
            w->client->flags |= CLIENT_DIRTY_CAS;
        w->was_expired = expired;
        w->was_absent = !e;
    }
}

void watches_replaced(struct watches *w, struct db *db)
{
    uint64_t cursor = 0;
    while (w->keys.count && (cursor = table_scan(&w->keys, cursor, mark_replaced, db)))
        ;
}

void watches_touch(struct watches *w, struct db *db, struct slice key)
{
    if (w->keys.count == 0)
        return;
    struct buf name = {0};
    struct watched_key *k = table_find(&w->keys, key_name(&name, db->id, key));
    if (k)
        mark_watchers(k);
    buf_free(&name);
}

static struct multi *multi_of(struct client *c)
{
    if (!c->multi) {
        c->multi = mem_zalloc(sizeof *c->multi);
        link_init(&c->multi->watches);
    }
    return c->multi;
}

static struct watched_key *watched_key_of(struct watches *ws, struct db *db, struct slice key)
{
    struct buf name = {0};
    struct slice full = key_name(&name, db->id, key);
    struct watched_key *k = table_find(&ws->keys, full);
    if (!k) {
        k = mem_alloc(sizeof *k + full.len);
        link_init(&k->watchers);
        k->db_id = db->id;
        k->len = full.len;
        memcpy(k->name, full.data, full.len);
        table_add(&ws->keys, k);
    }
    buf_free(&name);
    return k;
}

/* Each is charged with all that its key takes, as it may be the only one. */
static size_t bytes_of(const struct watch *w)
{
    return mem_usable(w) + mem_usable(w->key) + TABLE_ITEM_BYTES;
}

void multi_watch(struct client *c, struct slice key)
{
    struct multi *m = multi_of(c);
    struct watched_key *k = watched_key_of(server_watches(c->server), c->db, key);
    server_want_changes(c->server, CHANGES_WATCHED, true);
    LINK_FOR(pos, &k->watchers)
        if (LINK_OF(pos, struct watch, of_key)->client == c)
            return;
    struct watch *w = mem_zalloc(sizeof *w);
    struct entry *e =
        db_find_with(c->db, key, DB_NOTOUCH | DB_NOSTATS | DB_KEEP_EXPIRED);
    w->client = c;
    w->key = k;
    w->was_expired = e && db_is_expired(c->db, e);
    w->was_absent = !e;
    link_push_back(&m->watches, &w->of_client);
    link_push_back(&k->watchers, &w->of_key);
    m->watch_count++;
    m->watch_bytes += bytes_of(w);
}

void multi_unwatch(struct client *c)
{
    struct multi *m = c->multi;
    struct watches *ws = server_watches(c->server);
    client_clear(c, CLIENT_DIRTY_CAS);
    if (!m)
        return;
    size_t dropped = 0;
    LINK_FOR_SAFE(pos, &m->watches) {
        struct watch *w = LINK_OF(pos, struct watch, of_client);
        struct watched_key *k = w->key;
        must(w->client == c);
        dropped++;
        must(m->watch_bytes >= bytes_of(w));
        m->watch_bytes -= bytes_of(w);
        link_remove(&w->of_client);
        link_remove(&w->of_key);
        mem_free(w);
        if (link_empty(&k->watchers)) {
            const void *removed = table_remove(&ws->keys, watched_name(k));
            must(removed == k);
            mem_free(k);
        }
    }
    must(dropped == m->watch_count && m->watch_bytes == 0);
    m->watch_count = 0;
    if (!ws->keys.count)
        server_want_changes(c->server, CHANGES_WATCHED, false);
}

void multi_check_expired(struct client *c)
{
    if (!c->multi)
        return;
    LINK_FOR(pos, &c->multi->watches) {
        struct watch *w = LINK_OF(pos, struct watch, of_client);
        struct db *db = keyspace_db(server_keyspace(c->server), w->key->db_id);
        if (w->was_expired)
            continue;
        struct entry *e =
            db_find_with(db, own_name(w->key), DB_NOTOUCH | DB_NOSTATS | DB_KEEP_EXPIRED);
        if (e && db_is_expired(db, e))
            c->flags |= CLIENT_DIRTY_CAS;
    }
}

/* ---- the queue ---- */
void multi_begin(struct client *c)
{
    const struct multi *m = multi_of(c);
    must(!(c->flags & CLIENT_IN_MULTI) && m->count == 0);
    c->flags |= CLIENT_IN_MULTI;
}

void multi_queue(struct client *c, struct command_entry *e, int argc, const struct slice *argv,
                 struct offer *big)
{
    struct multi *m = multi_of(c);
    must(c->flags & CLIENT_IN_MULTI);
    /* Nothing of a transaction that is lost already will run: it need not be kept. */
    if (c->flags & (CLIENT_DIRTY_EXEC | CLIENT_DIRTY_CAS))
        return;
    if (m->count == m->cap) {
        m->cap = m->cap ? m->cap * 2 : 4;
        m->queue = mem_realloc(m->queue, (size_t)m->cap * sizeof *m->queue);
    }
    must(m->count < m->cap);
    m->queue[m->count] = held_command_new(e, argc, argv, big);
    m->bytes += m->queue[m->count++]->bytes;
    m->flags |= e->row.flags;
    m->all = m->count == 1 ? e->row.flags : m->all & e->row.flags;
}

static void drop_queue(struct multi *m)
{
    for (int i = 0; i < m->count; i++) {
        must(m->bytes >= m->queue[i]->bytes);
        m->bytes -= m->queue[i]->bytes;
        held_command_free(m->queue[i]);
    }
    must(m->bytes == 0);
    mem_free(m->queue);
    m->queue = NULL;
    m->count = m->cap = 0;
    m->flags = 0;
}

void multi_discard(struct client *c)
{
    client_clear(c, CLIENT_IN_MULTI | CLIENT_DIRTY_EXEC);
    if (c->multi)
        drop_queue(c->multi);
    multi_unwatch(c);
}

int multi_length(const struct client *c)
{
    if (!(c->flags & CLIENT_IN_MULTI))
        return -1;
    return c->multi ? c->multi->count : 0;
}

struct held_command *multi_queued(const struct client *c, int i)
{
    must(i >= 0 && i < multi_length(c));
    return c->multi->queue[i];
}

size_t multi_memory(const struct client *c)
{
    if (!c->multi)
        return 0;
    return c->multi->bytes + (size_t)c->multi->cap * sizeof *c->multi->queue +
           c->multi->watch_bytes + sizeof *c->multi;
}

uint32_t multi_flags(const struct ctx *ctx)
{
    enum { ALL_MUST_HAVE = CMD_LOADING | CMD_STALE };
    const struct multi *m = ctx->client->multi;
    uint32_t own = ctx->command->flags;
    if (!m || !m->count)
        return own;
    return (own & ~ALL_MUST_HAVE) | (m->flags & ~ALL_MUST_HAVE) | (own & m->all & ALL_MUST_HAVE);
}

void multi_free(struct client *c)
{
    multi_discard(c);
    mem_free(c->multi);
    c->multi = NULL;
}
