/* SPDX-License-Identifier: BSD-3-Clause */
/* An open-addressing table of 64-bit hashes. A slot counts only when its round is the current one,
 * so starting afresh for the next value costs nothing. At most half full. */
#include "base/hash.h"
#include "base/mem.h"
#include "base/must.h"
#include "base/num.h"
#include "containers/listpack.h"
#include "format/rdb_parts.h"

struct rdb_distinct_slot {
    uint64_t hash;
    uint32_t round;
    uint32_t at; /* position in the listpack, where there is one */
};

enum { SIZE_MIN = 64 };

void distinct_start(struct rdb_distinct *d)
{
    d->used = 0;
    if (++d->round == 0) { /* rounds wrapped: old marks could look current */
        for (size_t i = 0; i < d->size; i++)
            d->slots[i].round = 0;
        d->round = 1;
    }
}

void distinct_free(struct rdb_distinct *d)
{
    mem_free(d->slots);
    *d = (struct rdb_distinct){0};
}

static struct rdb_distinct_slot *probe(struct rdb_distinct *d, uint64_t hash)
{
    size_t i = (size_t)hash & (d->size - 1);
    while (d->slots[i].round == d->round && d->slots[i].hash != hash)
        i = (i + 1) & (d->size - 1);
    return &d->slots[i];
}

static void resize(struct rdb_distinct *d, size_t size)
{
    struct rdb_distinct old = *d;
    must((size & (size - 1)) == 0);
    d->slots = mem_zalloc(size * sizeof *d->slots);
    d->size = size;
    for (size_t i = 0; i < old.size; i++)
        if (old.slots[i].round == d->round)
            *probe(d, old.slots[i].hash) = old.slots[i];
    mem_free(old.slots);
}

bool distinct_add(struct rdb_distinct *d, uint64_t hash)
{
    if ((d->used + 1) * 2 > d->size)
        resize(d, d->size ? d->size * 2 : SIZE_MIN);
    struct rdb_distinct_slot *slot = probe(d, hash);
    if (slot->round == d->round)
        return false;
    *slot = (struct rdb_distinct_slot){.hash = hash, .round = d->round};
    d->used++;
    return true;
}

/* The same for integer 1 and text "1". */
static uint64_t element_hash(const uint8_t *lp, size_t at)
{
    int64_t n;
    struct slice text;
    if (!lp_get_int(lp, at, &n, &text)) {
        bool maybe = text.len && text.len < NUM_I64_TEXT && (uint8_t)text.data[0] <= '9';
        if (!maybe || !num_parse_i64(text, &n))
            return hash_slice(text);
    }
    return hash_bytes(&n, sizeof n); /* keyed too: RESTORE payloads come from outside */
}

static bool same_text(const uint8_t *lp, size_t a, size_t b)
{
    char scratch[NUM_I64_TEXT];
    return lp_equal(lp, a, lp_get(lp, b, scratch));
}

bool distinct_listpack(struct rdb_distinct *d, const uint8_t *lp, size_t count, unsigned stride)
{
    distinct_start(d);
    size_t size = SIZE_MIN;
    while (size < count / stride * 2 + 2)
        size *= 2;
    if (d->size < size)
        resize(d, size);
    for (size_t at = lp_first(lp); at;) {
        uint64_t hash = element_hash(lp, at);
        struct rdb_distinct_slot *slot = probe(d, hash);
        while (slot->round == d->round) {
            if (same_text(lp, slot->at, at))
                return false;
            slot = probe(d, ++hash); /* two texts, one hash */
        }
        *slot = (struct rdb_distinct_slot){.hash = hash, .round = d->round, .at = (uint32_t)at};
        d->used++;
        for (unsigned i = 0; i < stride && at; i++)
            at = lp_next(lp, at);
    }
    return true;
}
