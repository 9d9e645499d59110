/* SPDX-License-Identifier: BSD-3-Clause */
/* A list of listeners. keyspace.notify holds the classes of all of them, so that who tells need not
 * look here. One that leaves while an event is told keeps its place until that is over. */
#include "server/notify.h"

#include "base/mem.h"
#include "base/must.h"
#include "server/server.h"

enum { LISTENERS_MAX = 64 };

struct listener {
    notify_listen *f;
    void *arg;
    uint32_t classes;
};

struct notify {
    struct keyspace *keyspace;
    struct listener listeners[LISTENERS_MAX];
    int count;
    int telling; /* events within events */
};

struct notify *notify_new(struct keyspace *ks)
{
    struct notify *n = mem_zalloc(sizeof *n);
    n->keyspace = ks;
    return n;
}

void notify_free(struct notify *n)
{
    must(!n->telling);
    n->keyspace->notify = 0;
    mem_free(n);
}

static struct listener *listener_of(struct notify *n, notify_listen *f, const void *arg)
{
    for (int i = 0; i < n->count; i++)
        if (n->listeners[i].f == f && n->listeners[i].arg == arg)
            return &n->listeners[i];
    return NULL;
}

static void forget_idle(struct notify *n)
{
    int kept = 0;
    must(!n->telling);
    for (int i = 0; i < n->count; i++)
        if (n->listeners[i].classes)
            n->listeners[kept++] = n->listeners[i];
    n->count = kept;
}

void notify_on(struct notify *n, uint32_t classes, notify_listen *f, void *arg)
{
    struct listener *l = listener_of(n, f, arg);
    if (!l) {
        must(f && n->count < LISTENERS_MAX);
        l = &n->listeners[n->count++];
        *l = (struct listener){.f = f, .arg = arg};
    }
    l->classes = classes;
    n->keyspace->notify = 0;
    for (int i = 0; i < n->count; i++)
        n->keyspace->notify |= n->listeners[i].classes;
    if (!n->telling)
        forget_idle(n);
}

void notify_event(struct notify *n, struct db *db, enum notify_class what, const char *event,
                  struct slice key)
{
    n->telling++;
    for (int i = 0; i < n->count; i++)
        if (n->listeners[i].classes & what)
            n->listeners[i].f(n->listeners[i].arg, db, what, event, key);
    must(n->telling > 0);
    if (--n->telling == 0)
        forget_idle(n);
}

void ctx_notify_slow(struct ctx *c, struct db *db, enum notify_class what, const char *event,
                     struct slice key)
{
    notify_event(server_notify(c->server), db, what, event, key);
}
