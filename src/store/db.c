/* SPDX-License-Identifier: BSD-3-Clause */
/* A database is a table of entries, an index of those that expire, and the slab the entries lie in.
 *
 * Replacing an entry by one of another size means: make the new one, put it into the old one's
 * slot, free the old one. The expiry index holds addresses, so an entry that expires is taken out
 * before and put in after. Events are reported last, when the database is consistent again. */
#include "store/db.h"

#include <limits.h>

#include "base/hash.h"
#include "base/mem.h"
#include "base/must.h"
#include "base/rand.h"
#include "base/slab.h"
#include "store/db_parts.h"
#include "store/entry_make.h"
#include "store/offer.h"
#include "store/str.h"

static struct slice item_key(const void *item)
{
    return entry_key(item);
}

static const struct table_type entries = {.key = item_key};

static void tell(struct db *db, struct slice key, enum key_event_kind kind)
{
    if (db->keyspace->on_event)
        db->keyspace->on_event(db->keyspace->on_event_arg, db, key, kind);
}

/* What most commands cause, and few want to hear. */
static inline void tell_change(struct db *db, struct slice key, enum key_event_kind kind)
{
    if (!db->keyspace->quiet)
        tell(db, key, kind);
}

void db_tell_flushed(struct db *db)
{
    tell(db, SLICE_LIT(""), KEY_FLUSHED);
}

/* A key that was not there has its first value. */
static void tell_new(struct db *db, struct slice key)
{
    if (__builtin_expect(db->keyspace->notify & TELL_NEW, 0))
        tell(db, key, KEY_NEW);
    tell_change(db, key, KEY_SET);
}

static void tell_missed(struct db *db, struct slice key)
{
    db->keyspace->misses++;
    if (__builtin_expect(db->keyspace->notify & TELL_MISSED, 0))
        tell(db, key, KEY_MISSED);
}

static bool inline_value(uint8_t encoding)
{
    return encoding == ENC_INT || encoding == ENC_EMBSTR;
}

/* At the ends of what changes a database as a whole or moves an entry. */
static void db_must_hold(const struct db *db)
{
    must(db->slab && db->id < db->keyspace->count);
    must((db->keys.slots != NULL) == db->keyspace->slots);
    must(db->expires.count <= keys_count(&db->keys));
}

/* ---- where a key belongs ---- */

static uint64_t key_hash(const struct db *db, struct slice key)
{
    struct key_memo *all = db->keyspace->memo;
    return table_hash_from(&db->keys.one, key_memo_takes(key) ? key_memo_of(all, key)->hash
                                                              : hash_slice(key));
}

static __attribute__((noinline)) struct key_place place_in_slot(const struct db *db,
                                                                struct slice key)
{
    if (!key_memo_takes(key))
        return keys_place(&db->keys, key, hash_slice(key));
    struct key_memo *m = key_memo_of(db->keyspace->memo, key);
    if (!m->slot)
        m->slot = key_slot(key) + 1;
    struct table *t = &db->keys.slots->of[m->slot - 1];
    return (struct key_place){t, table_hash_from(t, m->hash)};
}

static inline struct key_place place_of(const struct db *db, struct slice key)
{
    if (__builtin_expect(db->keys.slots != NULL, 0))
        return place_in_slot(db, key);
    return (struct key_place){(struct table *)(uintptr_t)&db->keys.one, key_hash(db, key)};
}

static struct entry *find_at(struct key_place at, struct slice key)
{
    return table_find_hashed(at.table, key, at.hash);
}

/* ---- making, replacing, dropping one entry ---- */

static struct entry *make_entry(struct db *db, const struct entry_parts *p)
{
    struct entry *e = slab_alloc(db->slab, entry_size_of(p));
    entry_fill(e, p);
    return e;
}

static void drop_entry(struct db *db, struct entry *e)
{
    slab_free(db->slab, e, entry_size(e));
}

static struct entry *add_entry(struct db *db, const struct entry_parts *p, struct key_place at)
{
    struct entry *e = make_entry(db, p);
    keys_add(&db->keys, at, e);
    if (p->expire_ms != KEY_NO_EXPIRE)
        expire_add(&db->expires, e);
    return e;
}

/* Puts an entry made of p where *slot is. p->key may point into the old entry, p->text may not. */
static struct entry *replace_entry(struct db *db, struct entry **slot, const struct entry_parts *p)
{
    struct entry *old = *slot, *e = old;
    if (entry_has_expire(old))
        expire_remove(&db->expires, old);
    size_t old_size = entry_size(old);
    bool fits = slab_good_size(old_size) == slab_good_size(entry_size_of(p)) &&
                old_size <= SLAB_MAX && p->key.data != entry_key(old).data;
    if (fits) {
        entry_fill(old, p);
    } else {
        e = make_entry(db, p);
        *slot = e;
        slab_free(db->slab, old, old_size);
    }
    if (p->expire_ms != KEY_NO_EXPIRE)
        expire_add(&db->expires, e);
    return e;
}

struct deferred_val {
    struct val v;
};

static void free_deferred(void *arg)
{
    struct deferred_val *d = arg;
    must(d->v.ptr && !inline_value(d->v.encoding));
    val_free(d->v);
    mem_free(d);
}

enum { LAZY_PARTS_MIN = 64 }; /* below, freeing costs less than handing over */

static void free_val(struct db *db, struct val v, bool lazy)
{
    struct keyspace *ks = db->keyspace;
    bool packed = v.encoding == ENC_LISTPACK || v.encoding == ENC_INTSET || v.encoding == ENC_RAW;
    if (!lazy || !ks->defer || packed || !val_has_parts(&v, LAZY_PARTS_MIN)) {
        val_free(v);
        return;
    }
    struct deferred_val *d = mem_alloc(sizeof *d);
    d->v = v;
    ks->defer(ks->defer_arg, 1, free_deferred, d);
}

static void free_value_of(struct db *db, struct entry *e, bool lazy)
{
    if (inline_value((uint8_t)entry_encoding(e)))
        return;
    struct val v = entry_val(e);
    struct offer *offered = db->keyspace->offered;
    if (!offered || v.encoding != ENC_RAW || !offer_give_back(offered, v.ptr))
        free_val(db, v, lazy);
}

/* ---- access clock: LRU seconds, or LFU minutes 16 | counter 8 ---- */

enum { LFU_START = 5 };

static uint32_t lru_now(const struct keyspace *ks)
{
    return (uint32_t)((uint64_t)ks->now_ms / 1000) & ENTRY_CLOCK_MASK;
}

static uint32_t minutes_now(const struct keyspace *ks)
{
    return (uint32_t)((uint64_t)ks->now_ms / 60000) & 0xffff;
}

static uint32_t fresh_clock(const struct keyspace *ks)
{
    return ks->access == ACCESS_LRU ? lru_now(ks) : minutes_now(ks) << 8 | LFU_START;
}

unsigned entry_freq(const struct keyspace *ks, const struct entry *e)
{
    uint32_t clock = entry_clock(e), counter = clock & 0xff;
    if (ks->lfu_decay_minutes == 0)
        return counter;
    uint32_t elapsed = (minutes_now(ks) - (clock >> 8)) & 0xffff;
    uint64_t periods = elapsed / (uint64_t)ks->lfu_decay_minutes;
    return periods > counter ? 0 : counter - (uint32_t)periods;
}

void entry_set_freq(struct keyspace *ks, struct entry *e, unsigned freq)
{
    entry_set_clock(e, minutes_now(ks) << 8 | (freq & 0xff));
}

int entry_refcount(const struct keyspace *ks, const struct entry *e)
{
    enum { SHARED = 10000 };
    int64_t n;
    bool shared = !ks->saves_access && entry_type(e) == VALUE_STRING &&
                  entry_encoding(e) == ENC_INT && entry_int(e, &n) && n >= 0 && n < SHARED;
    return shared ? INT_MAX : 1;
}

uint64_t entry_idle_ms(const struct keyspace *ks, const struct entry *e)
{
    return (uint64_t)((lru_now(ks) - entry_clock(e)) & ENTRY_CLOCK_MASK) * 1000;
}

void entry_set_idle(struct keyspace *ks, struct entry *e, int64_t idle_s)
{
    uint32_t back = idle_s > (int64_t)ENTRY_CLOCK_MASK ? ENTRY_CLOCK_MASK : (uint32_t)idle_s;
    entry_set_clock(e, (lru_now(ks) - back) & ENTRY_CLOCK_MASK);
}

static void touch(struct keyspace *ks, struct entry *e)
{
    if (ks->held || ks->no_touch)
        return;
    if (ks->access == ACCESS_LRU) {
        uint32_t now = lru_now(ks);
        if (entry_clock(e) != now)
            entry_set_clock(e, now);
        return;
    }
    unsigned freq = entry_freq(ks, e);
    unsigned above = freq > LFU_START ? freq - LFU_START : 0;
    if (freq < 255 && rand_unit() < 1.0 / (double)(above * (uint64_t)ks->lfu_log_factor + 1))
        freq++;
    entry_set_freq(ks, e, freq);
}

/* The key may lie in the entry itself: the entry goes last. */
static bool remove_at(struct db *db, struct slice key, struct key_place at,
                      enum key_event_kind kind, bool lazy)
{
    struct entry *e = keys_remove(&db->keys, at, key);
    if (!e)
        return false;
    if (entry_has_expire(e))
        expire_remove(&db->expires, e);
    if (kind == KEY_EXPIRED)
        db->keyspace->expired++;
    else if (kind == KEY_EVICTED)
        db->keyspace->evicted++;
    else
        must(kind == KEY_REMOVED);
    free_value_of(db, e, lazy);
    if (kind == KEY_REMOVED)
        tell_change(db, key, kind);
    else
        tell(db, key, kind);
    drop_entry(db, e);
    return true;
}

/* ---- looking up ---- */

bool db_is_expired(const struct db *db, const struct entry *e)
{
    return entry_has_expire(e) && entry_expire(e) < db->keyspace->now_ms &&
           db->keyspace->expire_mode != EXPIRE_IGNORE;
}

/* Seldom: kept out of the way of those that are found. */
static __attribute__((noinline)) void remove_expired(struct db *db, struct slice key,
                                                     struct key_place at)
{
    remove_at(db, key, at, KEY_EXPIRED, db->keyspace->lazyfree_expire);
}

bool keyspace_decides_expiry(const struct keyspace *ks)
{
    return ks->expire_mode == EXPIRE_DELETE || ks->expire_mode == EXPIRE_PAUSE;
}

/* The live entry; an expired one is removed on the way. */
static struct entry *find_live(struct db *db, struct slice key, struct key_place at,
                               unsigned flags)
{
    struct entry *e = find_at(at, key);
    if (!e || !db_is_expired(db, e))
        return e;
    enum expire_mode mode = db->keyspace->expire_mode;
    if (mode == EXPIRE_DELETE || (mode == EXPIRE_FORCE && flags & DB_WRITE))
        remove_expired(db, key, at);
    return NULL;
}

struct entry *db_find_with(struct db *db, struct slice key, unsigned flags)
{
    struct keyspace *ks = db->keyspace;
    struct key_place at = place_of(db, key);
    struct entry *e = flags & DB_KEEP_EXPIRED ? find_at(at, key) : find_live(db, key, at, flags);
    if (!(flags & DB_NOSTATS)) {
        if (e)
            ks->hits++;
        else
            tell_missed(db, key);
    }
    if (e && !(flags & DB_NOTOUCH))
        touch(ks, e);
    return e;
}

struct entry *db_find(struct db *db, struct slice key)
{
    return db_find_with(db, key, 0);
}

struct entry *db_find_write(struct db *db, struct slice key)
{
    return db_find_with(db, key, DB_NOSTATS | DB_WRITE);
}

struct entry *db_random(struct db *db)
{
    enum { TRIES = 100 };
    for (int i = 0; i < TRIES; i++) {
        struct entry *e = keys_random(&db->keys);
        if (!e || !db_is_expired(db, e))
            return e;
        if (db->keyspace->expire_mode == EXPIRE_DELETE)
            db_remove_as(db, entry_key(e), KEY_EXPIRED, true);
    }
    return NULL;
}

uint64_t db_count(const struct db *db)
{
    return keys_count(&db->keys);
}

/* Keys of several tables: their buckets first, then each by itself. */
static void prefetch_in_slots(const struct db *db, const struct slice *keys, size_t n)
{
    struct key_place at[TABLE_BATCH];
    void *found;
    for (size_t i = 0; i < n; i++) {
        at[i] = place_of(db, keys[i]);
        table_prefetch(at[i].table, at[i].hash);
    }
    for (size_t i = 0; i < n; i++)
        table_lookup_batch(at[i].table, &keys[i], &at[i].hash, 1, &found);
}

void db_prefetch(const struct db *db, const struct slice *keys, size_t n)
{
    uint64_t hashes[TABLE_BATCH];
    void *found[TABLE_BATCH];
    n = n < TABLE_BATCH ? n : TABLE_BATCH;
    if (__builtin_expect(db->keys.slots != NULL, 0)) {
        prefetch_in_slots(db, keys, n);
        return;
    }
    for (size_t i = 0; i < n; i++)
        hashes[i] = place_of(db, keys[i]).hash;
    table_lookup_batch(&db->keys.one, keys, hashes, n, found);
}

void db_prefetch_soon(const struct db *db, struct slice key)
{
    struct key_place at = place_of(db, key);
    table_prefetch(at.table, at.hash);
}

/* ---- writing ---- */

/* Where the key's entry hangs. One whose time is over goes now: who looked found nothing (it may be
 * only hidden), who did not must not be told that a value was replaced. */
static struct entry **slot_for(struct db *db, struct slice key, struct key_place at)
{
    struct entry **slot = (struct entry **)table_slot(at.table, key, at.hash);
    if (slot && db_is_expired(db, *slot)) {
        remove_expired(db, key, at);
        return NULL;
    }
    return slot;
}

static struct entry_parts text_parts(struct slice key, struct slice text)
{
    struct entry_parts p = {.key = key, .text = text, .type = VALUE_STRING};
    p.encoding = text.len <= ENTRY_EMBED_MAX ? ENC_EMBSTR : ENC_RAW;
    return p;
}

static struct entry_parts string_parts(struct slice key, struct slice text)
{
    struct entry_parts p = text_parts(key, text);
    if (num_parse_i64(text, &p.num))
        p.encoding = ENC_INT;
    return p;
}

static struct str *block_of(struct keyspace *ks, struct slice text)
{
    struct str *s = ks->offered ? offer_take(ks->offered, text) : NULL;
    must(!s || (s->len == text.len && s->bytes == text.data));
    return s ? s : str_of(text);
}

/* The old value's block can take the text: no allocation for a long string set again. */
static bool reuse_block(struct entry *old, struct entry_parts *p, bool offered)
{
    if (p->encoding != ENC_RAW || entry_encoding(old) != ENC_RAW)
        return false;
    struct str *s = entry_val(old).ptr;
    must(s->len <= s->cap);
    if (p->text.len > s->cap || p->text.len < s->cap / 2 || offered)
        return false;
    memcpy(s->bytes, p->text.data, p->text.len);
    s->len = p->text.len;
    p->ptr = s;
    return true;
}

/* Of what replaces a value: how often the key was used stays known. It is a use, too, where the
 * command has not looked the key up. */
static uint32_t clock_after(struct keyspace *ks, struct entry *old, bool looked_up)
{
    if (ks->access == ACCESS_LRU)
        return lru_now(ks);
    must(ks->access == ACCESS_LFU);
    if (!looked_up)
        touch(ks, old);
    return entry_clock(old);
}

static struct entry *set_parts(struct db *db, struct entry_parts *p, int64_t expire_ms,
                               bool looked_up)
{
    struct slice key = p->key;
    struct key_place at = place_of(db, key);
    struct entry **slot = slot_for(db, key, at), *e;
    p->clock = slot ? clock_after(db->keyspace, *slot, looked_up) : fresh_clock(db->keyspace);
    p->expire_ms = expire_ms == DB_KEEP_TTL ? KEY_NO_EXPIRE : expire_ms;
    if (slot) {
        if (expire_ms == DB_KEEP_TTL)
            p->expire_ms = entry_expire(*slot);
        if (!reuse_block(*slot, p, db->keyspace->offered)) {
            free_value_of(db, *slot, db->keyspace->lazyfree_del);
            p->ptr = p->encoding == ENC_RAW ? block_of(db->keyspace, p->text) : NULL;
        }
        e = replace_entry(db, slot, p);
    } else {
        p->ptr = p->encoding == ENC_RAW ? block_of(db->keyspace, p->text) : NULL;
        e = add_entry(db, p, at);
        tell_new(db, key);
        return e;
    }
    tell_change(db, key, KEY_SET);
    return e;
}

struct entry *db_set_string(struct db *db, struct slice key, struct slice text, int64_t expire_ms)
{
    struct entry_parts p = string_parts(key, text);
    return set_parts(db, &p, expire_ms, false);
}

struct entry *db_set_text(struct db *db, struct slice key, struct slice text, int64_t expire_ms)
{
    struct entry_parts p = text_parts(key, text);
    return set_parts(db, &p, expire_ms, true);
}

struct entry *db_put_int(struct db *db, struct entry *e, struct slice key, int64_t n)
{
    if (!e || entry_encoding(e) != ENC_INT) {
        char text[NUM_I64_TEXT];
        struct entry_parts p = string_parts(key, slice(text, num_format_i64(text, n)));
        return set_parts(db, &p, DB_KEEP_TTL, true);
    }
    entry_set_int(e, n);
    tell_change(db, key, KEY_SET);
    return e;
}

static struct entry *make_raw(struct db *db, struct entry **slot, struct slice key, size_t cap)
{
    struct entry *e = *slot;
    if (entry_encoding(e) == ENC_RAW)
        return e;
    char scratch[NUM_I64_TEXT];
    struct slice now = entry_string(e, scratch);
    struct str *s = str_new(cap > now.len ? cap : now.len);
    must(cap <= s->cap && now.len <= s->cap);
    memcpy(s->bytes, now.data, now.len);
    memset(s->bytes + now.len, 0, s->cap - now.len);
    s->len = now.len;
    struct entry_parts p = entry_take_apart(e);
    p.key = key;
    p.encoding = ENC_RAW;
    p.ptr = s;
    return replace_entry(db, slot, &p);
}

void db_string_as_raw(struct db *db, struct slice key)
{
    struct entry **slot = slot_for(db, key, place_of(db, key));
    must(slot);
    make_raw(db, slot, key, 0);
}

struct entry *db_open_string(struct db *db, struct slice key, size_t cap, struct str **text)
{
    struct key_place at = place_of(db, key);
    struct entry **slot = slot_for(db, key, at), *e;
    if (!slot) {
        struct entry_parts p = {.key = key, .type = VALUE_STRING, .encoding = ENC_RAW,
                                .expire_ms = KEY_NO_EXPIRE, .clock = fresh_clock(db->keyspace)};
        p.ptr = *text = str_new(cap);
        must(cap <= (*text)->cap);
        memset((*text)->bytes, 0, (*text)->cap);
        e = add_entry(db, &p, at);
        tell_new(db, key);
        return e;
    }
    e = make_raw(db, slot, key, cap);
    struct val v = entry_val(e);
    struct str *s = v.ptr;
    if (cap > s->cap) {
        size_t good = mem_good_size(sizeof *s + cap);
        s = mem_realloc(s, good);
        s->cap = good - sizeof *s;
        memset(s->bytes + s->len, 0, s->cap - s->len);
        v.ptr = s;
        entry_put_val(e, v);
    }
    must(s->len <= s->cap && cap <= s->cap);
    *text = s;
    tell_change(db, key, KEY_SET);
    return e;
}

struct entry *db_add_val(struct db *db, struct slice key, struct val v)
{
    struct key_place at = place_of(db, key);
    must(v.ptr && !inline_value(v.encoding));
    must(!slot_for(db, key, at));
    must(v.type != VALUE_STRING || v.encoding == ENC_RAW);
    struct entry_parts p = {.key = key, .type = v.type, .encoding = v.encoding, .ptr = v.ptr,
                            .expire_ms = KEY_NO_EXPIRE, .clock = fresh_clock(db->keyspace)};
    struct entry *e = add_entry(db, &p, at);
    tell_new(db, key);
    return e;
}

struct entry *db_replace_val(struct db *db, struct slice key, struct val v)
{
    struct key_place at = place_of(db, key);
    struct entry **slot = slot_for(db, key, at);
    if (!slot)
        return db_add_val(db, key, v);
    must(v.ptr && !inline_value(v.encoding));
    uint32_t clock = clock_after(db->keyspace, *slot, false);
    free_value_of(db, *slot, db->keyspace->lazyfree_del);
    struct entry_parts p = {.key = key, .type = v.type, .encoding = v.encoding, .ptr = v.ptr,
                            .expire_ms = KEY_NO_EXPIRE, .clock = clock};
    struct entry *e = replace_entry(db, slot, &p);
    tell_change(db, key, KEY_SET);
    return e;
}

struct entry *db_put_val(struct db *db, struct entry *e, struct val v)
{
    entry_put_val(e, v);
    if (!val_is_nothing(v)) {
        tell_change(db, entry_key(e), KEY_SET);
        return e;
    }
    db_remove_as(db, entry_key(e), KEY_REMOVED, false);
    return NULL;
}

struct entry *db_set_expire(struct db *db, struct entry *e, int64_t expire_ms)
{
    struct slice key = entry_key(e);
    if (entry_has_expire(e) && expire_ms != KEY_NO_EXPIRE) {
        expire_remove(&db->expires, e);
        entry_set_expire_ms(e, expire_ms);
        expire_add(&db->expires, e);
    } else if (entry_has_expire(e) || expire_ms != KEY_NO_EXPIRE) {
        struct key_place at = place_of(db, key);
        struct entry **slot = (struct entry **)table_slot(at.table, key, at.hash);
        must(slot && *slot == e);
        struct entry_parts p = entry_take_apart(e);
        p.expire_ms = expire_ms;
        if (entry_has_expire(e))
            expire_remove(&db->expires, e);
        struct entry *moved = make_entry(db, &p);
        must(entry_size(moved) == entry_size_of(&p) && entry_expire(moved) == expire_ms);
        *slot = moved;
        drop_entry(db, e);
        e = moved;
        if (expire_ms != KEY_NO_EXPIRE)
            expire_add(&db->expires, e);
        db_must_hold(db);
    }
    must(entry_expire(e) == expire_ms);
    tell_change(db, entry_key(e), KEY_SET);
    return e;
}

void db_changed(struct db *db, struct slice key)
{
    tell_change(db, key, KEY_SET);
}

/* ---- loading ---- */

static struct entry *load_parts(struct db *db, struct entry_parts *p, uint64_t hash)
{
    struct key_place at = keys_place(&db->keys, p->key, hash);
    if (find_at(at, p->key))
        return NULL;
    p->clock = fresh_clock(db->keyspace);
    if (p->encoding == ENC_RAW)
        p->ptr = str_of(p->text);
    struct entry *e = add_entry(db, p, at);
    if (!db->keyspace->quiet || db->keyspace->notify & TELL_LOADED)
        tell(db, p->key, KEY_LOADED);
    return e;
}

struct entry *db_load_string(struct db *db, struct slice key, uint64_t hash, struct slice text,
                             int64_t expire_ms)
{
    struct entry_parts p = string_parts(key, text);
    p.expire_ms = expire_ms;
    return load_parts(db, &p, hash);
}

struct entry *db_load_val(struct db *db, struct slice key, uint64_t hash, struct val v,
                          int64_t expire_ms)
{
    must(v.type != VALUE_STRING && v.ptr && !inline_value(v.encoding));
    struct entry_parts p = {.key = key, .type = v.type, .encoding = v.encoding, .ptr = v.ptr,
                            .expire_ms = expire_ms};
    return load_parts(db, &p, hash);
}

/* ---- removing ---- */

bool db_remove_as(struct db *db, struct slice key, enum key_event_kind kind, bool lazy)
{
    return remove_at(db, key, place_of(db, key), kind, lazy);
}

bool db_remove(struct db *db, struct slice key)
{
    struct key_place at = place_of(db, key);
    return find_live(db, key, at, DB_WRITE) &&
           remove_at(db, key, at, KEY_REMOVED, db->keyspace->lazyfree_del);
}

void db_free_contents(void *contents)
{
    struct db_contents *r = contents;
    must(r->expires.count <= keys_count(&r->keys));
    struct keys_iter it;
    keys_iter_init(&it, &r->keys);
    uint64_t freed = 0;
    for (struct entry *e; (e = keys_iter_next(&it)); freed++) {
        if (!inline_value((uint8_t)entry_encoding(e)))
            val_free(entry_val(e));
        if (entry_size(e) > SLAB_MAX)
            slab_free(r->slab, e, entry_size(e));
    }
    must(freed == keys_count(&r->keys));
    keys_release(&r->keys);
    expire_release(&r->expires);
    slab_drop(r->slab);
    mem_free(r);
}

void db_open(struct db *db)
{
    keys_init(&db->keys, &entries, db->keyspace->slots);
    keys_set_held(&db->keys, keyspace_holds_tables(db->keyspace));
    expire_init(&db->expires, db->keyspace->now_ms);
    db->slab = slab_new();
    must(db_count(db) == 0);
    db_must_hold(db);
}

struct db_contents *db_take_contents(struct db *db)
{
    db_must_hold(db);
    struct db_contents *r = mem_alloc(sizeof *r);
    *r = (struct db_contents){db->keys, db->expires, db->slab};
    return r;
}

void db_put_contents(struct db *db, struct db_contents *contents)
{
    db->keys = contents->keys;
    keys_set_slots(&db->keys, db->keyspace->slots);
    keys_set_held(&db->keys, keyspace_holds_tables(db->keyspace));
    db->expires = contents->expires;
    db->slab = contents->slab;
    mem_free(contents);
    db_must_hold(db);
}

void db_flush(struct db *db, bool lazy)
{
    struct keyspace *ks = db->keyspace;
    struct db_contents *r = db_take_contents(db);
    db_open(db);
    must(db_count(db) == 0 && db->slab != r->slab);
    if (lazy && ks->defer && keys_count(&r->keys) > 0) /* one may hold millions */
        ks->defer(ks->defer_arg, keys_count(&r->keys), db_free_contents, r);
    else
        db_free_contents(r);
    db_tell_flushed(db);
}

void db_flush_all(struct keyspace *ks, bool lazy)
{
    for (unsigned i = 0; i < ks->open_count; i++)
        db_flush(ks->open[i], lazy);
}

void db_rename(struct db *from, struct slice key, struct db *to, struct slice new_key)
{
    struct key_place at = place_of(to, new_key);
    must(from->keyspace == to->keyspace);
    must(!slot_for(to, new_key, at));
    struct entry *e = keys_remove(&from->keys, place_of(from, key), key);
    must(e);
    if (entry_has_expire(e))
        expire_remove(&from->expires, e);
    struct entry_parts p = entry_take_apart(e);
    p.key = new_key;
    add_entry(to, &p, at);
    drop_entry(from, e);
    db_must_hold(from);
    db_must_hold(to);
    tell_change(from, key, KEY_REMOVED);
    tell_new(to, new_key);
}

size_t db_expire_due(struct db *db, size_t max)
{
    size_t removed = 0;
    if (db->keyspace->expire_mode != EXPIRE_DELETE)
        return 0;
    expire_advance(&db->expires, db->keyspace->now_ms - 1);
    for (struct entry *e; removed < max && (e = expire_due(&db->expires)); removed++) {
        must(db_is_expired(db, e));
        bool was_there = db_remove_as(db, entry_key(e), KEY_EXPIRED, db->keyspace->lazyfree_expire);
        must(was_there); /* or it would be due for ever */
    }
    return removed;
}
