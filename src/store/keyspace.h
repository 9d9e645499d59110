/* SPDX-License-Identifier: BSD-3-Clause */
/* The keyspace: numbered databases, what they have in common, and the events of their keys. */
#ifndef STORE_KEYSPACE_H
#define STORE_KEYSPACE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/slice.h"
#include "store/expire.h"
#include "store/foreign.h"
#include "store/key_memo.h"
#include "store/key_tables.h"
#include "store/value_limits.h"

struct keyspace;
struct offer;
struct slab;

struct db {
    struct key_tables keys;
    struct expire_index expires;
    struct slab *slab;       /* its entries, never its collections */
    unsigned id;
    struct keyspace *keyspace;
};

enum key_event_kind {
    KEY_SET,      /* created or its value changed in any way, or its expiry */
    KEY_REMOVED,  /* by a command: DEL, RENAME's source, an emptied collection... */
    KEY_EXPIRED,  /* by time: the listener logs the DEL */
    KEY_EVICTED,  /* by maxmemory: the listener logs the DEL */
    KEY_LOADED,   /* it came from a file: nobody changed it, so no KEY_SET, no KEY_NEW */
    KEY_FLUSHED,  /* every key of the db: key is empty */
    KEY_SWAPPED,  /* other keys lie in the db now (SWAPDB): key is empty. By whoever exchanges */
    /* Only while somebody wants to know (keyspace.notify), and no changes by themselves: */
    KEY_NEW,      /* it came into being: in front of its KEY_SET */
    KEY_MISSED,   /* it was looked up to be read, and is not there */
};
/* Bits of keyspace.notify; the others mean something to others (server/notify.h). */
enum { TELL_MISSED = 1 << 11, TELL_LOADED = 1 << 12, TELL_NEW = 1 << 14 };
typedef void keyspace_listen(void *arg, struct db *db, struct slice key, enum key_event_kind kind);

/* What is done about a key whose time is over. In all but IGNORE it is not found, and goes
 * (KEY_EXPIRED) when it is written over; only under DELETE it goes by time. */
enum expire_mode {
    EXPIRE_DELETE, /* it is removed when it is met */
    EXPIRE_PAUSE,  /* CLIENT PAUSE: left alone for a while */
    EXPIRE_HIDE,   /* replica: left alone, until its primary says so */
    EXPIRE_FORCE,  /* replica that clients may write to: removed when looked up for writing */
    EXPIRE_IGNORE, /* loading, commands of the primary: as any other key */
};

enum access_clock { ACCESS_LRU, ACCESS_LFU };

/* Databases are made when they are first asked for: however many there may be, only those that were
 * cost anything (some 10 KB). They stay where they are until the keyspace goes. */
struct keyspace {
    struct db **open;       /* those made so far, by id */
    unsigned open_count, open_cap;
    unsigned count;         /* how many there may be */
    struct value_limits limits;
    struct foreign_types foreign; /* those that modules brought */
    enum access_clock access;
    bool saves_access;      /* dumps tell idle times or frequencies: a policy needs them */
    int64_t lfu_decay_minutes, lfu_log_factor;
    int64_t now_ms;         /* the time by which keys expire; set by the executor for each unit */
    enum expire_mode expire_mode;
    bool slots;             /* the keys of each slot have a table of their own */
    bool held;              /* a child lives: access clocks stand still, pages stay shared */
    bool settles;           /* activerehashing: tables shrink and grow by the clock, too */
    bool no_resizing;       /* DEBUG DICT-RESIZING: tables stay as while held */
    bool no_touch;          /* CLIENT NO-TOUCH: so they do for the command that runs now */
    struct offer *offered;  /* of the command that runs now, set by who runs it; NULL: nothing */
    keyspace_listen *on_event;
    void *on_event_arg;
    uint32_t notify;        /* classes of notifications that somebody listens for */
    bool quiet;             /* nobody wants to hear KEY_SET, KEY_REMOVED, KEY_LOADED just now */
    int dump_version;       /* RDB version of DUMP payloads (rdb-target-version); 0: ours */
    uint64_t hits, misses, expired, evicted;
    uint64_t expired_time_cap; /* times active expiry ran out of its share */
    bool lazyfree_expire, lazyfree_eviction, lazyfree_del; /* big values are freed by a worker */
    /* Runs job(job_arg), which frees so many values, on a worker some time; NULL: at once, here. */
    void (*defer)(void *arg, uint64_t values, void (*job)(void *job_arg), void *job_arg);
    void *defer_arg;
    unsigned next_compact, next_settle; /* databases where keyspace_compact, _give_back go on */
    struct key_memo memo[KEY_MEMO_PLACES];
};

void keyspace_init(struct keyspace *ks, unsigned databases);
/* Another number, while none above it was asked for. */
void keyspace_set_databases(struct keyspace *ks, unsigned databases);
struct db *keyspace_db(struct keyspace *ks, unsigned id);        /* id < count; made if need be */
struct db *keyspace_peek(const struct keyspace *ks, unsigned id); /* NULL: not made, so empty */
void keyspace_release(struct keyspace *ks);
uint64_t keyspace_count(const struct keyspace *ks);    /* keys in all databases */
void keyspace_swap(struct keyspace *ks, unsigned a, unsigned b); /* SWAPDB; no event */
/* One table for each key slot, or one for all. Cost: O(keys) when there are any. Not while held. */
void keyspace_set_slots(struct keyspace *ks, bool slots);
/* A child lives: tables stay as they are. */
void keyspace_hold(struct keyspace *ks, bool held);
void keyspace_set_resizing(struct keyspace *ks, bool on);
static inline bool keyspace_holds_tables(const struct keyspace *ks)
{
    return ks->held || ks->no_resizing;
}
/* False: another server tells when keys expire, or a log; a time that is past is only noted. */
bool keyspace_decides_expiry(const struct keyspace *ks);

#endif
