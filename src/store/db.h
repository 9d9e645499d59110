/* SPDX-License-Identifier: BSD-3-Clause */
/* The keyspace: numbered databases of entries, their expiry, and the events of keys.
 *
 *   struct entry *e = db_find(db, key);            // logically expired keys are not found
 *   db_set_string(db, key, value, KEY_NO_EXPIRE);  // creates or replaces
 *
 * Everything that changes a key goes through here, and reports through keyspace.on_event, so that
 * WATCH, the log and statistics see it. One thread. Pointers to entries are valid until the next
 * call that may change that key (or any lookup, which may expire it). */
#ifndef STORE_DB_H
#define STORE_DB_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "store/entry.h"
#include "store/expire.h"
#include "store/foreign.h"
#include "store/key_memo.h"
#include "store/key_tables.h"
#include "store/value.h"

struct slab;
struct keyspace;
struct offer;

struct db {
    struct key_tables keys;
    struct expire_index expires;
    struct slab *slab;       /* its entries, never its collections */
    unsigned id;
    struct keyspace *keyspace;
    int64_t expires_avg_ttl_ms; /* as last sampled, for INFO */
};

enum key_event_kind {
    KEY_SET,      /* created or its value changed in any way, or its expiry */
    KEY_REMOVED,  /* by a command: DEL, RENAME's source, an emptied collection... */
    KEY_EXPIRED,  /* by time: the listener logs the DEL */
    KEY_EVICTED,  /* by maxmemory: the listener logs the DEL */
    KEY_LOADED,   /* it came from a file: nobody changed it, so no KEY_SET, no KEY_NEW */
    KEY_FLUSHED,  /* every key of the db: key is empty */
    /* Only while somebody wants to know (keyspace.notify), and no changes by themselves: */
    KEY_NEW,      /* it came into being: in front of its KEY_SET */
    KEY_MISSED,   /* it was looked up to be read, and is not there */
};
/* Bits of keyspace.notify; the others mean something to others (server/notify.h). */
enum { TELL_MISSED = 1 << 11, TELL_NEW = 1 << 14 };
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
    /* Runs job(job_arg) on a worker some time; NULL: at once, here. */
    void (*defer)(void *arg, void (*job)(void *job_arg), void *job_arg);
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
void keyspace_limits_default(struct value_limits *limits);
uint64_t keyspace_count(const struct keyspace *ks);    /* keys in all databases */
void keyspace_swap(struct keyspace *ks, unsigned a, unsigned b); /* SWAPDB; no event */
/* One table for each key slot, or one for all. Cost: O(keys) when there are any. Not while held. */
void keyspace_set_slots(struct keyspace *ks, bool slots);
/* A child lives: tables stay as they are. */
void keyspace_hold(struct keyspace *ks, bool held);

/* ---- looking up ---- */
/* NULL when absent or expired (an expired one is removed and reported under EXPIRE_DELETE). Touches
 * the access clock unless no_touch was asked for; counts hit or miss, and reports a miss. */
struct entry *db_find(struct db *db, struct slice key);
enum { DB_NOTOUCH = 1, DB_NOSTATS = 2, DB_KEEP_EXPIRED = 4, DB_WRITE = 8 };
struct entry *db_find_with(struct db *db, struct slice key, unsigned flags);
/* For writing: as db_find, without counting a hit or miss (DB_WRITE and DB_NOSTATS). */
struct entry *db_find_write(struct db *db, struct slice key);
bool db_is_expired(const struct db *db, const struct entry *e);
/* False: another server tells when keys expire, or a log; a time that is past is only noted. */
bool keyspace_decides_expiry(const struct keyspace *ks);
struct entry *db_random(struct db *db); /* not expired; NULL when none */
uint64_t db_count(const struct db *db);
/* Brings the memory of n keys that will soon be looked up closer. */
void db_prefetch(const struct db *db, const struct slice *keys, size_t n);
/* The place where a key is looked for, of a command that comes a little later. */
void db_prefetch_soon(const struct db *db, struct slice key);

/* ---- writing; each returns the entry as it now stands ---- */
/* Text that is an int64 is kept as ENC_INT. expire_ms KEY_NO_EXPIRE removes an expiry, DB_KEEP_TTL
 * keeps the one there is. */
#define DB_KEEP_TTL INT64_MIN
struct entry *db_set_string(struct db *db, struct slice key, struct slice text, int64_t expire_ms);
/* The same, but kept as text whatever it says: INCRBYFLOAT's result, until it is set or loaded. */
struct entry *db_set_text(struct db *db, struct slice key, struct slice text, int64_t expire_ms);
/* In place when it can: for INCR and friends. Expiry kept. */
struct entry *db_set_int(struct db *db, struct slice key, int64_t n);
/* The entry's string as ENC_RAW with room for cap bytes (zero-filled behind its length), for
 * APPEND, SETRANGE, SETBIT; absent: an empty one is made. *text may be written, up to cap. Then set
 * len. */
struct entry *db_open_string(struct db *db, struct slice key, size_t cap, struct str **text);
/* The same value as ENC_RAW, which nobody is told of. The key must hold a string. */
void db_string_as_raw(struct db *db, struct slice key);
/* Creates the key with a collection; the key must be absent. Takes over v.ptr. */
struct entry *db_add_val(struct db *db, struct slice key, struct val v);
/* Replaces whatever the key held; expiry removed. Takes over v.ptr. */
struct entry *db_replace_val(struct db *db, struct slice key, struct val v);
/* Writes a changed collection back and reports KEY_SET. One that is nothing now removes the key:
 * returns NULL then. */
struct entry *db_put_val(struct db *db, struct entry *e, struct val v);
/* Sets or (KEY_NO_EXPIRE) removes the expiry. The entry may move. */
struct entry *db_set_expire(struct db *db, struct entry *e, int64_t expire_ms);
/* Tells on_event that the value was changed in place (db_put_val does it by itself). */
void db_changed(struct db *db, struct slice key);

/* ---- loading: the caller has hash_slice(key) ---- */
/* Creates the key, with its expiry (KEY_LOADED). NULL when it is there, expired or not: v is still
 * then, else it is taken over. */
struct entry *db_load_string(struct db *db, struct slice key, uint64_t hash, struct slice text,
                             int64_t expire_ms);
struct entry *db_load_val(struct db *db, struct slice key, uint64_t hash, struct val v,
                          int64_t expire_ms);

/* ---- removing ---- */
bool db_remove(struct db *db, struct slice key);      /* DEL; false when absent or expired */
bool db_remove_as(struct db *db, struct slice key, enum key_event_kind kind, bool lazy);
void db_flush(struct db *db, bool lazy);              /* all keys; reports KEY_FLUSHED */
void db_flush_all(struct keyspace *ks, bool lazy);    /* every database; one event each */
/* Moves the entry with its expiry, access clock and value to another key (and db); the target must
 * be absent. */
void db_rename(struct db *from, struct slice key, struct db *to, struct slice new_key);

/* ---- access clock ---- */
uint64_t entry_idle_ms(const struct keyspace *ks, const struct entry *e); /* LRU */
unsigned entry_freq(const struct keyspace *ks, const struct entry *e);    /* LFU, decayed */
void entry_set_idle(struct keyspace *ks, struct entry *e, int64_t idle_s);
void entry_set_freq(struct keyspace *ks, struct entry *e, unsigned freq);

/* ---- expiry by time ---- */
/* Removes keys whose time has come, at most max of them, and returns how many: fewer than max means
 * none is left. Cost: O(1) a key. */
size_t db_expire_due(struct db *db, size_t max);

#endif
