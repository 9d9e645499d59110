/* SPDX-License-Identifier: BSD-3-Clause */
/* A database: entries by their keys, and their expiry.
 *
 *   struct entry *e = db_find(db, key);            // logically expired keys are not found
 *   db_set_string(db, key, value, KEY_NO_EXPIRE);  // creates or replaces
 *
 * Everything that changes a key goes through here, and reports through the on_event of its
 * keyspace, so that WATCH, the log and statistics see it. One thread. Pointers to entries are valid
 * until the next call that may change that key (or any lookup, which may expire it). */
#ifndef STORE_DB_H
#define STORE_DB_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "store/entry.h"
#include "store/keyspace.h"
#include "store/value.h"

struct str;

/* ---- looking up ---- */
/* NULL when absent or expired (an expired one is removed and reported under EXPIRE_DELETE). Touches
 * the access clock unless no_touch was asked for; counts hit or miss, and reports a miss. */
struct entry *db_find(struct db *db, struct slice key);
enum { DB_NOTOUCH = 1, DB_NOSTATS = 2, DB_KEEP_EXPIRED = 4, DB_WRITE = 8 };
struct entry *db_find_with(struct db *db, struct slice key, unsigned flags);
/* For writing: as db_find, without counting a hit or miss (DB_WRITE and DB_NOSTATS). */
struct entry *db_find_write(struct db *db, struct slice key);
bool db_is_expired(const struct db *db, const struct entry *e);
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
/* The same of a key that was looked up, but kept as text whatever it says: INCRBYFLOAT's result,
 * until it is set or loaded. */
struct entry *db_set_text(struct db *db, struct slice key, struct slice text, int64_t expire_ms);
/* In place when it can: for INCR and friends, who have looked the key up. e is what was found, NULL
 * when nothing was. Expiry kept. */
struct entry *db_put_int(struct db *db, struct entry *e, struct slice key, int64_t n);
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

/* As OBJECT REFCOUNT tells it: INT_MAX for what 7.2 shares, which are integers from 0 to 9999,
 * unless a policy looks at the access times of keys. */
int entry_refcount(const struct keyspace *ks, const struct entry *e);

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
