/* SPDX-License-Identifier: BSD-3-Clause */
/* A waiting client is a waiter, with a place in the queue of each of its keys. A KEY event of such
 * a key only notes it; a job behind the unit goes through the queues. */
#include "server/wait_keys.h"

#include "base/buf.h"
#include "base/link.h"
#include "base/mem.h"
#include "base/must.h"
#include "containers/table.h"
#include "server/block.h"
#include "server/clients.h"
#include "server/command.h"
#include "server/ctx.h"
#include "server/exec.h"
#include "server/held.h"
#include "server/hooks.h"
#include "server/key_name.h"
#include "server/pause.h"
#include "server/server.h"
#include "store/db.h"

struct waiter;

struct place {
    struct link of_key;
    struct queue *queue;
    struct waiter *waiter;
};

struct waiter {
    struct waits *all;
    struct client *client;
    struct held_command *command;
    enum value_type type;
    bool gone_too;
    bool again;              /* it runs, and asked to wait again */
    bool twice;              /* it named a key twice: places are not its keys */
    uint64_t strange;        /* of waits, when it came */
    void (*too_late)(struct ctx *c);
    int count;
    struct place places[];
};

/* Those who wait for a key. */
struct queue {
    struct link places;
    struct link ready;       /* linked: to be served */
    struct link *next;       /* while it is served: the place to look at next */
    bool served;             /* so it stays, empty or not */
    int gone_too;            /* waiters to whom the key's end matters */
    int of_type[VALUE_MODULE + 1]; /* waiters for a value of each type */
    unsigned db_id;
    size_t len;
    char name[];             /* key_name.h */
};

struct waits {
    struct server *server;
    struct table queues;
    size_t on_no_key;        /* of them: somebody wants to know when the key goes */
    struct link ready;       /* queues */
    struct unit_job job;
    struct waiter *running;  /* whose command is run again */
    int only;                /* the index of its only ready key, or -1 */
    uint64_t strange;        /* times a key held what somebody does not wait for */
    bool passed_over;        /* somebody was, in a pause */
};

static struct slice queue_name(const void *item)
{
    const struct queue *q = item;
    return slice(q->name, q->len);
}

static const struct table_type queue_type = {.key = queue_name};

static struct slice key_of(const struct queue *q)
{
    return key_name_key(q->name, q->len);
}

/* ---- becoming ready ---- */
static void note(struct waits *ws, struct queue *q)
{
    if (!link_linked(&q->ready))
        link_push_back(&ws->ready, &q->ready);
    exec_after_unit(server_exec(ws->server), &ws->job);
}

struct in_db {
    struct waits *ws;
    unsigned id;
};

static void note_in_db(void *arg, void *item)
{
    struct queue *q = item;
    const struct in_db *which = arg;
    if (q->db_id == which->id)
        note(which->ws, q);
}

static void note_db(struct waits *ws, unsigned id)
{
    struct in_db which = {ws, id};
    uint64_t cursor = 0;
    do
        cursor = table_scan(&ws->queues, cursor, note_in_db, &which);
    while (cursor);
}

/* Registered while somebody waits. */
static void on_key(void *arg, struct db *db, struct slice key, enum key_event_kind kind)
{
    struct waits *ws = arg;
    struct buf name = {0};
    if (kind == KEY_FLUSHED || kind == KEY_SWAPPED) {
        note_db(ws, db->id);
        return;
    }
    struct queue *q = table_find(&ws->queues, key_name(&name, db->id, key));
    buf_free(&name);
    if (q)
        note(ws, q);
}

/* ---- queues ---- */
static struct queue *queue_of(struct waits *ws, unsigned db, struct slice key)
{
    struct buf name = {0};
    struct slice full = key_name(&name, db, key);
    struct queue *q = table_find(&ws->queues, full);
    if (!q) {
        q = mem_zalloc(sizeof *q + full.len);
        q->db_id = db;
        q->len = full.len;
        memcpy(q->name, full.data, full.len);
        link_init(&q->places);
        link_init(&q->ready);
        if (!ws->queues.count)
            hooks_on_key(server_hooks(ws->server), on_key, ws);
        table_add(&ws->queues, q);
    }
    buf_free(&name);
    return q;
}

static void drop_if_empty(struct waits *ws, struct queue *q)
{
    if (!link_empty(&q->places) || q->served)
        return;
    must(q->gone_too == 0);
    const void *removed = table_remove(&ws->queues, queue_name(q));
    must(removed == q);
    link_remove(&q->ready);
    mem_free(q);
    if (!ws->queues.count)
        hooks_off_key(server_hooks(ws->server), ws);
}

/* While w joins its queues: nobody has come behind it. */
static bool is_in(const struct waiter *w, const struct queue *q)
{
    must(!w->client->block); /* not yet */
    return !link_empty(&q->places) &&
           LINK_OF(q->places.prev, struct place, of_key)->waiter == w;
}

static void leave_queues(struct waiter *w)
{
    for (int i = 0; i < w->count; i++) {
        struct place *p = &w->places[i];
        if (p->queue->next == &p->of_key)
            p->queue->next = p->of_key.next;
        link_remove(&p->of_key);
        p->queue->gone_too -= w->gone_too;
        w->all->on_no_key -= w->gone_too && p->queue->gone_too == 0;
        p->queue->of_type[w->type]--;
        must(p->queue->gone_too >= 0 && p->queue->of_type[w->type] >= 0);
        drop_if_empty(w->all, p->queue);
    }
    w->count = 0;
}

/* ---- a waiter ---- */
static void time_is_over(struct ctx *c, void *arg, enum block_why why)
{
    struct waiter *w = arg;
    must(why == BLOCK_TIMEOUT);
    w->too_late(c);
}

static void release(struct client *client, void *arg)
{
    struct waiter *w = arg;
    (void)client;
    leave_queues(w);
    held_command_free(w->command);
    mem_free(w);
}

static size_t kept_bytes(const void *arg)
{
    const struct waiter *w = arg;
    return sizeof *w + (size_t)w->count * sizeof *w->places + w->command->bytes;
}

static const struct block_kind waits_for_keys = {.wake = time_is_over, .release = release,
                                                 .bytes = kept_bytes};

void wait_for_keys(struct ctx *c, int64_t timeout_ms, const struct wait_keys *k)
{
    struct waits *ws = server_waits(c->server);
    if (!block_may(c)) { /* also inside the command that runs again */
        k->too_late(c);
        return;
    }
    if (ws->running && ws->running->client == c->client) {
        ws->running->again = true;
        block_still(c);
        return;
    }
    struct waiter *w = mem_zalloc(sizeof *w + (size_t)k->count * sizeof *w->places);
    *w = (struct waiter){.all = ws, .client = c->client, .type = k->type,
                         .gone_too = k->gone_too, .too_late = k->too_late,
                         .strange = ws->strange};
    w->command = held_command_new(c->client->last_command, c->argc, c->argv,
                                  c->keyspace->offered);
    for (int i = 0; i < k->count; i++) {
        struct queue *q = queue_of(ws, c->db->id, c->argv[k->at[i]]);
        struct place *p = &w->places[w->count];
        if (is_in(w, q)) /* the same key twice */
            continue;
        *p = (struct place){.queue = q, .waiter = w};
        link_push_back(&q->places, &p->of_key);
        ws->on_no_key += w->gone_too && q->gone_too == 0;
        q->gone_too += w->gone_too;
        q->of_type[w->type]++;
        w->count++;
    }
    must(w->count > 0 && w->count <= k->count);
    w->twice = w->count < k->count;
    block_client(c, timeout_ms, &waits_for_keys, w);
}

/* ---- serving ---- */
static bool may_serve(const struct waiter *w, const struct entry *e)
{
    /* Its time is over, and it only has not been told yet; or it is about to go; or the server is,
     * maybe since the one before it in the queue was served. */
    if (block_is_woken(w->client) || w->client->flags & CLIENT_CLOSE_SOON ||
        server_clients(w->all->server)->over)
        return false;
    if (!w->gone_too && (!e || entry_type(e) != w->type))
        return false;
    if (!pause_holds(server_pauses(w->all->server), w->command->entry->row.flags))
        return true;
    w->all->passed_over = true;
    return false;
}

/* What became ready was noted, and either is still, or was served then. */
static bool only_one_is_ready(const struct waits *ws, const struct waiter *w)
{
    return link_empty(&ws->ready) && !ws->passed_over && !w->twice && w->strange == ws->strange;
}

static void run_again(struct waits *ws, struct waiter *w, const struct place *p)
{
    struct client *c = w->client;
    must(!ws->running && p->waiter == w);
    ws->running = w;
    ws->only = only_one_is_ready(ws, w) ? (int)(p - w->places) : -1;
    w->again = false;
    exec_again(c, w->command);
    ws->running = NULL;
    if (!w->again)
        block_served(c);
}

static struct entry *look(struct waits *ws, const struct queue *q)
{
    struct db *db = keyspace_peek(server_keyspace(ws->server), q->db_id);
    return db ? db_find_with(db, key_of(q), DB_NOTOUCH | DB_NOSTATS | DB_KEEP_EXPIRED) : NULL;
}

/* Those who are in the queue now, each once, as long as there may be something for them. */
static void serve(struct waits *ws, struct queue *q)
{
    struct link *last = q->places.prev;
    bool done = link_empty(&q->places);
    must(!q->served);
    q->served = true;
    q->next = q->places.next;
    while (!done && q->next != &q->places) {
        struct place *p = LINK_OF(q->next, struct place, of_key);
        must(p->queue == q);
        done = q->next == last;
        q->next = q->next->next;
        const struct entry *e = look(ws, q);
        ws->strange += e && entry_type(e) != p->waiter->type;
        done = done || (!q->gone_too && (!e || !q->of_type[entry_type(e)]));
        if (may_serve(p->waiter, e))
            run_again(ws, p->waiter, p);
    }
    q->served = false;
    q->next = NULL;
    drop_if_empty(ws, q);
}

static void serve_ready(struct unit_job *job)
{
    struct waits *ws = LINK_OF(job, struct waits, job);
    while (!link_empty(&ws->ready)) {
        struct queue *q = LINK_OF(ws->ready.next, struct queue, ready);
        link_remove(&q->ready);
        serve(ws, q);
    }
}

static void note_any(void *arg, void *item)
{
    note(arg, item);
}

void waits_pause_over(struct waits *ws)
{
    uint64_t cursor = 0;
    if (!ws->passed_over)
        return;
    ws->passed_over = false;
    exec_begin_loose(server_exec(ws->server));
    do
        cursor = table_scan(&ws->queues, cursor, note_any, ws);
    while (cursor);
    exec_end_loose(server_exec(ws->server));
}

struct waits *waits_new(struct server *s)
{
    struct waits *ws = mem_zalloc(sizeof *ws);
    ws->server = s;
    table_init(&ws->queues, &queue_type);
    link_init(&ws->ready);
    link_init(&ws->job.link);
    ws->job.run = serve_ready;
    return ws;
}

void waits_free(struct waits *ws)
{
    must(ws->queues.count == 0 && link_empty(&ws->ready));
    must(!ws->running);
    link_remove(&ws->job.link);
    table_release(&ws->queues);
    mem_free(ws);
}

int wait_only_key(const struct ctx *c)
{
    const struct waits *ws = server_waits(c->server);
    return ws->running && ws->running->client == c->client ? ws->only : -1;
}

size_t waits_keys(const struct waits *ws)
{
    return ws->queues.count;
}
size_t waits_keys_gone(const struct waits *ws)
{
    must(ws->on_no_key <= ws->queues.count);
    return ws->on_no_key;
}
