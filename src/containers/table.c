/* SPDX-License-Identifier: BSD-3-Clause */
/* Linear hashing over cache-line buckets.
 *
 *   bucket (64 bytes):  tag0..tag6 | meta | slot0 .. slot6
 *     tag   top byte of the item's hash: seven are compared at once before any item is touched
 *     meta  bit i: slot i holds an item; bit 7: slot 6 is a pointer to an overflow bucket
 *
 * There are 2^level + split buckets. An item belongs to bucket hash mod 2^(level+1) when that
 * bucket exists already, else hash mod 2^level. When the load passes LOAD items a bucket, bucket
 * `split` is divided between itself and the new last bucket, and split moves on; when it has
 * reached 2^level a new round begins. Shrinking is the same backwards. So growth costs one bucket's
 * rehash at a time.
 *
 * Buckets lie in segments of SEGMENT; only the first segment is ever smaller, so a small table is
 * small.
 *
 * Scan order is the order of the bit-reversed hash: each bucket covers one interval of it, whatever
 * the number of buckets is. The cursor is a point in that order, so a scan may go on after any
 * number of splits and merges: it visits the bucket whose interval holds the point and moves to the
 * interval's end. */
#include "containers/table.h"

#include <limits.h>

#include "base/hash.h"
#include "base/mem.h"
#include "base/must.h"
#include "base/rand.h"

#ifdef __SSE2__
#include <emmintrin.h>
#endif

enum {
    SLOTS = 7,
    SEGMENT_SHIFT = 12,
    SEGMENT = 1 << SEGMENT_SHIFT,
    CHAINED = 0x80,
};

struct table_bucket {
    uint8_t tags[SLOTS];
    uint8_t meta;
    void *slots[SLOTS];
};

/* Splits above 4.75 items a bucket, merges below 1.25. Chosen, not measured: with items spread
 * evenly by chance about one bucket in ten then holds more than its seven slots. */
static bool over_loaded(const struct table *t, size_t buckets)
{
    return t->count * 4 > buckets * (t->held ? 38 : 19);
}

static bool under_loaded(const struct table *t, size_t buckets)
{
    return t->count * 4 < buckets * 5 && !t->held;
}

/* Merges below 2.5 when there is time: half of what it splits at, so it does not swing. */
static bool half_loaded(const struct table *t, size_t buckets)
{
    return t->count * 2 < buckets * 5 && !t->held;
}

static inline uint8_t tag_of(uint64_t hash)
{
    return (uint8_t)(hash >> 56);
}

static inline bool chained(const struct table_bucket *b)
{
    return b->meta & CHAINED;
}

static inline struct table_bucket *overflow_of(const struct table_bucket *b)
{
    return b->slots[SLOTS - 1];
}

static inline unsigned item_bits(const struct table_bucket *b)
{
    return b->meta & 0x7f;
}

/* Bits of the slots whose tag matches and that hold an item. */
static inline unsigned match(const struct table_bucket *b, uint8_t tag)
{
#ifdef __SSE2__
    __m128i tags = _mm_loadl_epi64((const __m128i *)(const void *)b);
    unsigned bits = (unsigned)_mm_movemask_epi8(_mm_cmpeq_epi8(tags, _mm_set1_epi8((char)tag)));
    return bits & item_bits(b);
#else
    unsigned bits = 0;
    for (unsigned i = 0; i < SLOTS; i++)
        bits |= (unsigned)(b->tags[i] == tag) << i;
    return bits & item_bits(b);
#endif
}

size_t table_buckets(const struct table *t)
{
    return t->segments ? ((size_t)1 << t->level) + t->split : 0;
}

static inline size_t index_of(const struct table *t, uint64_t hash)
{
    size_t index = hash & (((size_t)1 << t->level) - 1);
    if (index < t->split)
        index = hash & (((size_t)2 << t->level) - 1);
    return index;
}

static inline struct table_bucket *bucket_at(const struct table *t, size_t index)
{
    return t->segments[index >> SEGMENT_SHIFT] + (index & (SEGMENT - 1));
}

static inline struct slice key_of(const struct table *t, const void *item)
{
    return t->type->key(item);
}

/* Keys that share a bucket here, as whoever scans the table can see, need not in another one: the
 * bucket is taken from the upper bits of the product, to which all bits below contribute. */
uint64_t table_hash_from(const struct table *t, uint64_t hash)
{
    return __builtin_bswap64(hash * ((uint64_t)t->seed << 32 | 0x9e3779b1u));
}

uint64_t table_hash(const struct table *t, struct slice key)
{
    return table_hash_from(t, t->type->hash ? t->type->hash(key) : hash_slice(key));
}

static inline bool same_key(const struct table *t, struct slice a, struct slice b)
{
    return t->type->equal ? t->type->equal(a, b) : slice_eq(a, b);
}

/* ---- segments ---- */

static size_t segments_for(size_t buckets)
{
    return (buckets + SEGMENT - 1) >> SEGMENT_SHIFT;
}

/* Buckets the first segment has room for when the table has this many: grows by an eighth of the
 * power of two below. */
static size_t first_segment_room(size_t buckets)
{
    size_t power = 1;
    while (power * 2 <= buckets && power < SEGMENT)
        power *= 2;
    if (power == SEGMENT)
        return SEGMENT;
    size_t step = power < 8 ? 1 : power / 8;
    return (buckets + step - 1) / step * step;
}

static size_t directory_room(size_t segments)
{
    size_t room = 1;
    while (room < segments)
        room *= 2;
    return room;
}

/* Makes room for one more bucket behind the last and returns it, empty. */
static struct table_bucket *push_bucket(struct table *t)
{
    size_t index = table_buckets(t), segment = index >> SEGMENT_SHIFT;
    if ((index & (SEGMENT - 1)) == 0) {
        if (segment == directory_room(segment))
            t->segments = mem_realloc(t->segments, 2 * segment * sizeof *t->segments);
        t->segments[segment] = mem_alloc(SEGMENT * sizeof(struct table_bucket));
    } else if (segment == 0 && index == first_segment_room(index)) {
        t->segments[0] = mem_realloc(t->segments[0], first_segment_room(index + 1) *
                                                         sizeof(struct table_bucket));
    }
    struct table_bucket *b = t->segments[segment] + (index & (SEGMENT - 1));
    b->meta = 0;
    return b;
}

/* The table has one bucket fewer now, new_count: gives back what is not needed any more. */
static void popped_bucket(struct table *t, size_t new_count)
{
    if (new_count >= SEGMENT) {
        if ((new_count & (SEGMENT - 1)) == 0)
            mem_free(t->segments[new_count >> SEGMENT_SHIFT]);
    } else if (new_count == first_segment_room(new_count)) {
        t->segments[0] = mem_realloc(t->segments[0], new_count * sizeof(struct table_bucket));
    }
}

static void make_buckets(struct table *t, size_t buckets)
{
    size_t segments = segments_for(buckets);
    must(!t->segments && t->count == 0);
    t->segments = mem_alloc(directory_room(segments) * sizeof *t->segments);
    for (size_t i = 0; i < segments; i++) {
        size_t room = i ? SEGMENT : first_segment_room(buckets);
        t->segments[i] = mem_alloc(room * sizeof(struct table_bucket));
    }
    t->level = 0;
    while ((size_t)2 << t->level <= buckets)
        t->level++;
    t->split = (uint32_t)(buckets - ((size_t)1 << t->level));
    must(table_buckets(t) == buckets);
    for (size_t i = 0; i < buckets; i++)
        bucket_at(t, i)->meta = 0;
}

/* ---- one bucket and its chain ---- */

static void chain_add(struct table *t, struct table_bucket *b, void *item, uint8_t tag)
{
    for (;;) {
        unsigned room = chained(b) ? 0x3f : 0x7f, free_bits = ~item_bits(b) & room;
        if (free_bits) {
            unsigned slot = (unsigned)__builtin_ctz(free_bits);
            b->tags[slot] = tag;
            b->slots[slot] = item;
            b->meta |= (uint8_t)(1u << slot);
            return;
        }
        if (!chained(b)) {
            struct table_bucket *more = mem_alloc(sizeof *more);
            more->tags[0] = b->tags[SLOTS - 1];
            more->slots[0] = b->slots[SLOTS - 1];
            more->meta = 1;
            b->slots[SLOTS - 1] = more;
            b->meta = 0x3f | CHAINED;
            t->overflow++;
        }
        b = overflow_of(b);
    }
}

static void unlink_overflow(struct table *t, struct table_bucket *before,
                            struct table_bucket *empty)
{
    must(t->overflow > 0 && item_bits(empty) == 0);
    if (chained(empty))
        before->slots[SLOTS - 1] = overflow_of(empty);
    else
        before->meta &= (uint8_t)~CHAINED;
    mem_free(empty);
    t->overflow--;
}

static void free_chain(struct table *t, struct table_bucket *b)
{
    struct table_bucket *next = chained(b) ? overflow_of(b) : NULL;
    while (next) {
        struct table_bucket *gone = next;
        next = chained(gone) ? overflow_of(gone) : NULL;
        mem_free(gone);
        must(t->overflow > 0);
        t->overflow--;
    }
    b->meta = 0;
}

/* Divides bucket `split` between itself and a new last bucket. */
static void split_one(struct table *t)
{
    size_t from_index = t->split;
    must(from_index < (size_t)1 << t->level);
    uint64_t bit = (uint64_t)1 << t->level;
    struct table_bucket *to = push_bucket(t), *from = bucket_at(t, from_index);
    if (++t->split == (uint64_t)1 << t->level) {
        t->level++;
        t->split = 0;
    }
    struct table_bucket old = *from;
    from->meta = 0;
    for (struct table_bucket *b = &old;;) {
        for (unsigned bits = item_bits(b); bits; bits &= bits - 1)
            __builtin_prefetch(b->slots[__builtin_ctz(bits)]);
        for (unsigned bits = item_bits(b); bits; bits &= bits - 1) {
            unsigned slot = (unsigned)__builtin_ctz(bits);
            uint64_t hash = table_hash(t, key_of(t, b->slots[slot]));
            chain_add(t, hash & bit ? to : from, b->slots[slot], b->tags[slot]);
        }
        struct table_bucket *next = chained(b) ? overflow_of(b) : NULL;
        if (b != &old) {
            mem_free(b);
            t->overflow--;
        }
        if (!next)
            break;
        b = next;
    }
}

/* Puts the last bucket's items back to the bucket they were split from. */
static void merge_one(struct table *t)
{
    must(table_buckets(t) > 1);
    if (t->split == 0) {
        t->level--;
        t->split = (uint32_t)1 << t->level;
    }
    size_t into = --t->split, last = into + ((size_t)1 << t->level);
    struct table_bucket *from = bucket_at(t, last), *to = bucket_at(t, into);
    for (struct table_bucket *b = from; b; b = chained(b) ? overflow_of(b) : NULL) {
        for (unsigned bits = item_bits(b); bits; bits &= bits - 1) {
            unsigned slot = (unsigned)__builtin_ctz(bits);
            chain_add(t, to, b->slots[slot], b->tags[slot]);
        }
    }
    free_chain(t, from);
    popped_bucket(t, last);
}

/* ---- the table ---- */

void table_init(struct table *t, const struct table_type *type)
{
    *t = (struct table){.type = type, .seed = (uint32_t)rand_u64()};
}

void table_release(struct table *t)
{
    size_t buckets = table_buckets(t);
    for (size_t i = 0; i < buckets && t->overflow; i++)
        free_chain(t, bucket_at(t, i));
    must(t->overflow == 0);
    for (size_t i = 0; i < segments_for(buckets); i++)
        mem_free(t->segments[i]);
    mem_free(t->segments);
    *t = (struct table){.type = t->type, .seed = t->seed};
}

void table_reserve(struct table *t, size_t count)
{
    size_t buckets = count * 4 / 19 + 1; /* just not over_loaded with count items */
    if (t->count == 0 && buckets > table_buckets(t)) {
        uint16_t held = t->held;
        table_release(t);
        t->held = held;
        make_buckets(t, buckets);
    }
}

static void *const *find_slot(const struct table *t, struct slice key, uint64_t hash)
{
    if (!t->segments)
        return NULL;
    const struct table_bucket *b = bucket_at(t, index_of(t, hash));
    uint8_t tag = tag_of(hash);
    for (;;) {
        for (unsigned bits = match(b, tag); bits; bits &= bits - 1) {
            unsigned slot = (unsigned)__builtin_ctz(bits);
            if (same_key(t, key_of(t, b->slots[slot]), key))
                return &b->slots[slot];
        }
        if (!chained(b))
            return NULL;
        b = overflow_of(b);
    }
}

void *table_find_hashed(const struct table *t, struct slice key, uint64_t hash)
{
    void *const *slot = find_slot(t, key, hash);
    return slot ? *slot : NULL;
}

void *table_find(const struct table *t, struct slice key)
{
    return table_find_hashed(t, key, table_hash(t, key));
}

void **table_slot(struct table *t, struct slice key, uint64_t hash)
{
    return (void **)(uintptr_t)find_slot(t, key, hash);
}

void table_add_hashed(struct table *t, void *item, uint64_t hash)
{
    if (!t->segments)
        make_buckets(t, 1);
    chain_add(t, bucket_at(t, index_of(t, hash)), item, tag_of(hash));
    t->count++;
    if (over_loaded(t, table_buckets(t)))
        split_one(t);
}

void table_add(struct table *t, void *item)
{
    table_add_hashed(t, item, table_hash(t, key_of(t, item)));
}

/* The last bucket of a chain has one item: it fits where the pointer to that bucket is. */
static void fold_tail(struct table *t, struct table_bucket *before, struct table_bucket *tail)
{
    unsigned slot = (unsigned)__builtin_ctz(item_bits(tail));
    must(t->overflow > 0 && !chained(tail) && item_bits(tail) == 1u << slot);
    before->tags[SLOTS - 1] = tail->tags[slot];
    before->slots[SLOTS - 1] = tail->slots[slot];
    before->meta ^= CHAINED | 1u << (SLOTS - 1);
    mem_free(tail);
    t->overflow--;
}

/* A hole in a chain is filled from its last bucket, or else a table whose items come and go would
 * get long chains of nearly empty ones. Not while it is held: iteration may be on its way. */
static void fill_hole(struct table *t, struct table_bucket *b, unsigned slot,
                      struct table_bucket *before)
{
    struct table_bucket *tail = b;
    for (; chained(tail); tail = overflow_of(tail))
        before = tail;
    if (tail != b) {
        unsigned last = (unsigned)__builtin_ctz(item_bits(tail));
        b->tags[slot] = tail->tags[last];
        b->slots[slot] = tail->slots[last];
        b->meta |= (uint8_t)(1u << slot);
        tail->meta &= (uint8_t)~(1u << last);
    }
    if (!before)
        return;
    if (item_bits(tail) == 0)
        unlink_overflow(t, before, tail);
    else if ((item_bits(tail) & (item_bits(tail) - 1)) == 0)
        fold_tail(t, before, tail);
}

void *table_remove(struct table *t, struct slice key)
{
    return table_remove_hashed(t, key, table_hash(t, key));
}

void *table_remove_hashed(struct table *t, struct slice key, uint64_t hash)
{
    if (!t->segments)
        return NULL;
    struct table_bucket *b = bucket_at(t, index_of(t, hash)), *before = NULL;
    for (;; before = b, b = overflow_of(b)) {
        for (unsigned bits = match(b, tag_of(hash)); bits; bits &= bits - 1) {
            unsigned slot = (unsigned)__builtin_ctz(bits);
            void *item = b->slots[slot];
            if (!same_key(t, key_of(t, item), key))
                continue;
            b->meta &= (uint8_t)~(1u << slot);
            if (t->held && before && item_bits(b) == 0)
                unlink_overflow(t, before, b);
            else if (!t->held && (before || chained(b)))
                fill_hole(t, b, slot, before);
            t->count--;
            /* Two at a time: a shrinking table may catch up after a child held it. */
            for (int i = 0; i < 2 && table_buckets(t) > 1 && under_loaded(t, table_buckets(t)); i++)
                merge_one(t);
            return item;
        }
        if (!chained(b))
            return NULL;
    }
}

void table_prefetch(const struct table *t, uint64_t hash)
{
    if (t->segments)
        __builtin_prefetch(bucket_at(t, index_of(t, hash)));
}

void table_lookup_batch(const struct table *t, const struct slice *keys, const uint64_t *hashes,
                        size_t n, void **items)
{
    must(n <= TABLE_BATCH);
    if (!t->segments) {
        memset(items, 0, n * sizeof *items);
        return;
    }
    for (size_t i = 0; i < n; i++)
        table_prefetch(t, hashes[i]);
    for (size_t i = 0; i < n; i++) {
        const struct table_bucket *b = bucket_at(t, index_of(t, hashes[i]));
        unsigned bits = match(b, tag_of(hashes[i]));
        if (bits)
            __builtin_prefetch(b->slots[__builtin_ctz(bits)]);
        else if (chained(b))
            __builtin_prefetch(overflow_of(b));
    }
    for (size_t i = 0; i < n; i++)
        items[i] = table_find_hashed(t, keys[i], hashes[i]);
}

void table_hold(struct table *t)
{
    must(t->held < UINT16_MAX);
    t->held++;
}

void table_unhold(struct table *t)
{
    must(t->held > 0);
    t->held--;
}

size_t table_settle(struct table *t, size_t buckets)
{
    if (!t->segments)
        return buckets;
    while (buckets > 0 && over_loaded(t, table_buckets(t))) {
        split_one(t);
        buckets--;
    }
    while (buckets > 0 && table_buckets(t) > 1 && half_loaded(t, table_buckets(t))) {
        merge_one(t);
        buckets--;
    }
    return buckets;
}

void table_add_shape(const struct table *t, struct table_shape *sum)
{
    size_t buckets = table_buckets(t), seen = 0;
    for (size_t i = 0; i < buckets; i++) {
        size_t items = 0;
        const struct table_bucket *b = bucket_at(t, i);
        for (; chained(b); b = overflow_of(b))
            items += (size_t)__builtin_popcount(item_bits(b));
        items += (size_t)__builtin_popcount(item_bits(b));
        sum->with[items < TABLE_SHAPE_MAX ? items : TABLE_SHAPE_MAX - 1]++;
        sum->most = items > sum->most ? items : sum->most;
        seen += items;
    }
    must(seen == t->count);
    sum->items += seen;
    sum->buckets += buckets;
    sum->overflow += t->overflow;
}

/* ---- scan, iteration, chance ---- */

static uint64_t reverse_bits(uint64_t x)
{
    x = (x >> 1 & 0x5555555555555555u) | (x & 0x5555555555555555u) << 1;
    x = (x >> 2 & 0x3333333333333333u) | (x & 0x3333333333333333u) << 2;
    x = (x >> 4 & 0x0f0f0f0f0f0f0f0fu) | (x & 0x0f0f0f0f0f0f0f0fu) << 4;
    return __builtin_bswap64(x);
}

uint64_t table_scan(const struct table *t, uint64_t cursor, table_visit *visit, void *arg)
{
    if (!t->segments)
        return 0;
    size_t index = index_of(t, cursor);
    must(index < table_buckets(t));
    bool deep = index < t->split || index >= (size_t)1 << t->level;
    unsigned depth = t->level + deep;
    for (const struct table_bucket *b = bucket_at(t, index); b;
         b = chained(b) ? overflow_of(b) : NULL) {
        for (unsigned bits = item_bits(b); bits; bits &= bits - 1)
            visit(arg, b->slots[__builtin_ctz(bits)]);
    }
    if (depth == 0)
        return 0;
    return reverse_bits(reverse_bits(index) + ((uint64_t)1 << (64 - depth)));
}

void table_iter_init(struct table_iter *it, struct table *t)
{
    it->table = t;
    it->bucket = 0;
    it->chain = NULL;
    it->left = 0;
}

/* Copies a bucket's items, last slot first so that they come out in slot order. */
static void iter_enter(struct table_iter *it, struct table_bucket *b)
{
    it->left = 0;
    for (int slot = SLOTS - 1; slot >= 0; slot--) {
        if (item_bits(b) >> slot & 1)
            it->items[it->left++] = b->slots[slot];
    }
    for (unsigned i = 0; i < it->left; i++)
        __builtin_prefetch(it->items[i]);
    it->chain = chained(b) ? overflow_of(b) : NULL;
}

void *table_iter_next(struct table_iter *it)
{
    while (it->left == 0) {
        if (it->chain)
            iter_enter(it, it->chain);
        else if (it->bucket < table_buckets(it->table))
            iter_enter(it, bucket_at(it->table, it->bucket++));
        else
            return NULL;
    }
    return it->items[--it->left];
}

static unsigned chain_items(const struct table_bucket *b)
{
    unsigned n = 0;
    for (; b; b = chained(b) ? overflow_of(b) : NULL)
        n += (unsigned)__builtin_popcount(item_bits(b));
    return n;
}

static void *chain_item(const struct table_bucket *b, unsigned n)
{
    for (;; b = overflow_of(b)) {
        for (unsigned bits = item_bits(b); bits; bits &= bits - 1) {
            if (n-- == 0)
                return b->slots[__builtin_ctz(bits)];
        }
        must(chained(b));
    }
}

/* A bucket is taken with a chance in proportion to its items (up to FAIR), then one of them:
 * uniform unless a chain is longer than that. */
void *table_random(const struct table *t)
{
    enum { FAIR = 16, TRIES = 1000 };
    if (t->count == 0)
        return NULL;
    size_t buckets = table_buckets(t);
    for (int i = 0; i < TRIES; i++) {
        const struct table_bucket *b = bucket_at(t, rand_below(buckets));
        unsigned n = chain_items(b);
        if (n && rand_below(FAIR) < n)
            return chain_item(b, (unsigned)rand_below(n));
    }
    for (size_t i = 0, start = rand_below(buckets); i < buckets; i++) {
        const struct table_bucket *b = bucket_at(t, (start + i) % buckets);
        if (chain_items(b))
            return chain_item(b, 0);
    }
    must(!"its count is what its buckets hold");
    return NULL;
}

/* Where it begins is a slot by chance, empty or not, so that an item comes as often as the gaps in
 * front of the few before it are wide: about evenly, and wherever in its chain it stands. */
size_t table_some(const struct table *t, void **items, size_t n)
{
    enum { DEEP = 8 }; /* one time in so many it begins behind the first bucket of the chain */
    size_t buckets = table_buckets(t), got = 0;
    size_t at = buckets ? rand_below(buckets) : 0;
    unsigned chance = (unsigned)rand_below(SLOTS * DEEP);
    unsigned first = chance % SLOTS + (chance < SLOTS ? SLOTS : 0);
    for (size_t seen = 0; buckets && seen <= buckets && got < n; seen++) {
        /* The first chain's slots in front of the start come last. */
        unsigned from = seen == 0 ? first : 0, end = seen == buckets ? first : UINT_MAX, base = 0;
        for (const struct table_bucket *b = bucket_at(t, at); b && got < n;
             b = chained(b) ? overflow_of(b) : NULL, base += SLOTS) {
            for (unsigned bits = item_bits(b); bits && got < n; bits &= bits - 1) {
                unsigned slot = base + (unsigned)__builtin_ctz(bits);
                if (slot < from || slot >= end)
                    continue;
                items[got] = b->slots[slot - base];
                __builtin_prefetch(items[got++]);
            }
        }
        at = at + 1 < buckets ? at + 1 : 0;
    }
    must(got <= n && (got > 0 || n == 0 || t->count == 0));
    return got;
}

size_t table_memory(const struct table *t)
{
    size_t buckets = table_buckets(t);
    if (!buckets)
        return 0;
    size_t segments = segments_for(buckets);
    size_t room = segments > 1 ? segments << SEGMENT_SHIFT : first_segment_room(buckets);
    return (room + t->overflow) * sizeof(struct table_bucket) +
           directory_room(segments) * sizeof *t->segments;
}

size_t table_items_memory(const struct table *t, size_t samples)
{
    size_t seen = 0, bytes = 0;
    struct table_iter it;
    table_iter_init(&it, (struct table *)t); /* nothing is removed */
    for (const void *item; (samples == 0 || seen < samples) && (item = table_iter_next(&it));
         seen++)
        bytes += mem_usable(item);
    must(seen <= t->count);
    return seen ? (size_t)((double)bytes / (double)seen * (double)t->count) : 0;
}
