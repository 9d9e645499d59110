/* SPDX-License-Identifier: BSD-3-Clause */
/* Key notifications: what happened to which key, by the names and classes that modules and
 * notify-keyspace-events know ("lpush", "rename_from", "expired"). A handler tells each thing it
 * did, in the order in which clients are to hear of it: the command's own event, then "del" of a
 * key that became empty.
 *
 *   ctx_notify(c, NOTIFY_LIST, "lpush", c->argv[1]);
 *
 * Told at once, inside the unit, also while the log is replayed. While nobody listens it costs the
 * test of a bit. Whoever tells is in the middle of something, a handler or the store itself
 * (expired, evicted, loaded, new, keymiss): a listener notes what it hears, and neither looks keys
 * up nor changes any. The key's bytes are valid during the call. */
#ifndef SERVER_NOTIFY_H
#define SERVER_NOTIFY_H

#include <stdint.h>

#include "base/slice.h"
#include "server/ctx.h"
#include "store/db.h"

struct notify; /* opaque */
struct server;

/* The bits of Redis 7.2, with the letter of notify-keyspace-events. */
enum notify_class {
    NOTIFY_KEYSPACE = 1 << 0,      /* K */
    NOTIFY_KEYEVENT = 1 << 1,      /* E */
    NOTIFY_GENERIC = 1 << 2,       /* g */
    NOTIFY_STRING = 1 << 3,        /* $ */
    NOTIFY_LIST = 1 << 4,          /* l */
    NOTIFY_SET = 1 << 5,           /* s */
    NOTIFY_HASH = 1 << 6,          /* h */
    NOTIFY_ZSET = 1 << 7,          /* z */
    NOTIFY_EXPIRED = 1 << 8,       /* x */
    NOTIFY_EVICTED = 1 << 9,       /* e */
    NOTIFY_STREAM = 1 << 10,       /* t */
    NOTIFY_KEY_MISS = TELL_MISSED, /* m, not in A */
    NOTIFY_LOADED = TELL_LOADED,   /* for modules, not in A: from a dump file */
    NOTIFY_MODULE = 1 << 13,       /* d */
    NOTIFY_NEW = TELL_NEW,         /* n, not in A */
    NOTIFY_ALL = NOTIFY_GENERIC | NOTIFY_STRING | NOTIFY_LIST | NOTIFY_SET | NOTIFY_HASH |
                 NOTIFY_ZSET | NOTIFY_EXPIRED | NOTIFY_EVICTED | NOTIFY_STREAM | NOTIFY_MODULE,
};

typedef void notify_listen(void *arg, struct db *db, enum notify_class what, const char *event,
                           struct slice key);

struct notify *notify_new(struct keyspace *ks);
void notify_free(struct notify *n);
/* One entry a listener and arg: called again it changes its classes. 0: it hears nothing any more.
 * Also from inside a listener. */
void notify_on(struct notify *n, uint32_t classes, notify_listen *f, void *arg);
/* To those who listen for the class, in the order in which they came. */
void notify_event(struct notify *n, struct db *db, enum notify_class what, const char *event,
                  struct slice key);

/* ---- for handlers ---- */
void ctx_notify_slow(struct ctx *c, struct db *db, enum notify_class what, const char *event,
                     struct slice key);

/* In another database than the client's: MOVE, COPY. */
static inline void ctx_notify_in(struct ctx *c, struct db *db, enum notify_class what,
                                 const char *event, struct slice key)
{
    if (__builtin_expect(c->keyspace->notify & what, 0)) /* what anybody listens for */
        ctx_notify_slow(c, db, what, event, key);
}

static inline void ctx_notify(struct ctx *c, enum notify_class what, const char *event,
                              struct slice key)
{
    ctx_notify_in(c, c->db, what, event, key);
}

#endif
