/* SPDX-License-Identifier: BSD-3-Clause */
/* Open addressing in one array of words, cleared for each value as far as that value needs it; at
 * most half full. For single elements a word is the element's hash. For a listpack it is the upper
 * half of the hash and the element's position: a meeting of hashes is settled by looking. */
#include "base/hash.h"
#include "base/mem.h"
#include "base/must.h"
#include "base/num.h"
#include "containers/listpack.h"
#include "format/rdb_parts.h"

enum { SIZE_MIN = 16, START_MAX = 1 << 16 };

static void make_room(struct rdb_distinct *d, size_t size)
{
    must((size & (size - 1)) == 0);
    must(size >= SIZE_MIN);
    if (size > d->cap) {
        mem_free(d->slots);
        d->slots = mem_alloc(size * sizeof *d->slots);
        d->cap = size;
    }
    memset(d->slots, 0, size * sizeof *d->slots);
    d->size = size;
    d->used = 0;
    must(d->slots && d->size <= d->cap);
}

void distinct_start(struct rdb_distinct *d, uint64_t expected)
{
    size_t size = SIZE_MIN;
    while (size < START_MAX && size / 2 < expected) /* beyond it only as they come */
        size *= 2;
    make_room(d, size);
}

void distinct_end(struct rdb_distinct *d)
{
    if (d->cap > START_MAX)
        distinct_free(d);
}

void distinct_free(struct rdb_distinct *d)
{
    mem_free(d->slots);
    *d = (struct rdb_distinct){0};
}

static uint64_t *probe(struct rdb_distinct *d, uint64_t hash)
{
    size_t i = (size_t)hash & (d->size - 1);
    while (d->slots[i] && d->slots[i] != hash)
        i = (i + 1) & (d->size - 1);
    return &d->slots[i];
}

static void grow(struct rdb_distinct *d)
{
    enum { FACTOR = 4 };
    struct rdb_distinct old = *d;
    must(old.used * 2 <= old.size); /* half of it is free: a probe ends */
    d->slots = NULL;
    d->cap = 0;
    make_room(d, old.size * FACTOR);
    for (size_t i = 0; i < old.size; i++)
        if (old.slots[i])
            *probe(d, old.slots[i]) = old.slots[i];
    d->used = old.used;
    mem_free(old.slots);
}

bool distinct_add(struct rdb_distinct *d, uint64_t hash)
{
    hash += hash == 0; /* 0 marks a free slot */
    if ((d->used + 1) * 2 > d->size)
        grow(d);
    uint64_t *slot = probe(d, hash);
    if (*slot)
        return false;
    *slot = hash;
    d->used++;
    return true;
}

/* The same for integer 1 and text "1". seed 0: by the hash that nobody outside can aim at. */
static uint64_t element_hash(const uint8_t *lp, size_t at, uint64_t seed)
{
    int64_t n;
    struct slice text;
    if (!lp_get_int(lp, at, &n, &text)) {
        bool maybe = text.len && text.len < NUM_I64_TEXT && (uint8_t)text.data[0] <= '9';
        if (!maybe || !num_parse_i64(text, &n))
            return seed ? hash_fixed64(text.data, text.len, seed) : hash_slice(text);
    }
    return seed ? hash_fixed64(&n, sizeof n, seed) : hash_bytes(&n, sizeof n);
}

static bool same_text(const uint8_t *lp, size_t a, size_t b)
{
    char scratch[NUM_I64_TEXT];
    return lp_equal(lp, a, lp_get(lp, b, scratch));
}

enum looked { LOOK_DISTINCT, LOOK_TWICE, LOOK_CROWDED };

/* CROWDED: more elements meet in one place than chance has it; not with seed 0. */
static enum looked look(struct rdb_distinct *d, const uint8_t *lp, unsigned stride, size_t steps,
                        uint64_t seed)
{
    size_t mask = d->size - 1;
    for (size_t at = lp_first(lp); at;) {
        uint64_t hash = element_hash(lp, at, seed);
        uint64_t word = (hash & ~(uint64_t)UINT32_MAX) | at;
        size_t i = (size_t)hash & mask;
        for (; d->slots[i]; i = (i + 1) & mask) {
            if (d->slots[i] >> 32 == word >> 32 && same_text(lp, (uint32_t)d->slots[i], at))
                return LOOK_TWICE;
            if (seed && steps-- == 0)
                return LOOK_CROWDED;
        }
        d->slots[i] = word;
        for (unsigned skip = 0; skip < stride && at; skip++)
            at = lp_next(lp, at);
    }
    return LOOK_DISTINCT;
}

/* A listpack is in memory whole: its count is backed by bytes. A meeting of hashes is settled by
 * looking, so a fast hash will do; who makes elements that all meet (a payload of RESTORE comes
 * from outside) gains no more than that they are looked at again with the keyed one. */
bool distinct_listpack(struct rdb_distinct *d, const uint8_t *lp, size_t count, unsigned stride)
{
    enum { STEPS_EACH = 4, STEPS_FREE = 256 };
    size_t size = SIZE_MIN, elements = count / stride + 1;
    must(stride > 0 && count % stride == 0);
    while (size / 2 < elements)
        size *= 2;
    make_room(d, size);
    uint64_t seed = hash_bytes(&size, sizeof size) | 1;
    enum looked found = look(d, lp, stride, STEPS_EACH * elements + STEPS_FREE, seed);
    if (found == LOOK_CROWDED) {
        make_room(d, size);
        found = look(d, lp, stride, 0, 0);
    }
    return found == LOOK_DISTINCT;
}
