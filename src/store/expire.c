/* SPDX-License-Identifier: BSD-3-Clause */
/* A time t is compared with the clock digit by digit in base 64 (6 bits, EXPIRE_LEVELS digits). The
 * entry lies at the level of the highest digit that differs, in the slot of t's digit there:
 *
 *   clock  ... 3 17 60     t = ... 3 17 63 -> level 0, slot 63
 *                          t = ... 3 20 01 -> level 1, slot 20
 *
 * So the place of an entry is a function of its time and the clock. When the clock moves, only
 * slots that its digits pass or enter change: passed ones are due, the one entered is dealt down
 * again. Times at or before the clock lie in `due`. Negative times are due at once.
 *
 * `due` is a queue, and in order by itself: slots are passed in the order of their times, and what
 * becomes due of one slot is sorted first (a slot of level 0 holds one time only). An entry that is
 * removed before its turn leaves a hole. Only one that is added when its time is past already may
 * stand too far behind; then the queue is sorted before it is used again.
 *
 *   due   |taken|first.. e e - e e e ..count|      -: a hole */
#include "store/expire.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/must.h"
#include "base/rand.h"
#include "store/entry.h"
#include "store/entry_make.h"

void expire_init(struct expire_index *x, int64_t now_ms)
{
    memset(x, 0, sizeof *x);
    x->now_ms = now_ms;
    x->clock_ms = now_ms > 0 ? (uint64_t)now_ms : 0;
    x->due_last_ms = INT64_MIN;
}

void expire_release(struct expire_index *x)
{
    for (int level = 0; level < EXPIRE_LEVELS; level++) {
        if (!x->levels[level])
            continue;
        for (int slot = 0; slot < EXPIRE_SLOTS; slot++)
            mem_free(x->levels[level][slot].entries);
        mem_free(x->levels[level]);
    }
    mem_free(x->due.entries);
    memset(x, 0, sizeof *x);
}

/* At the ends of what takes entries out and moves the clock. */
static void index_must_hold(const struct expire_index *x)
{
    must(x->due_first <= x->due.count && x->due.count <= x->due.cap);
    must(x->due_live <= x->count && x->due_live <= x->due.count - x->due_first);
    must((x->due_live == 0) == (x->due.count == 0));
    must(x->due_live > 0 || (!x->due_mixed && x->due_last_ms == INT64_MIN));
}

static unsigned digit(uint64_t t, unsigned level)
{
    return t >> (6 * level) & 63;
}

/* Where time t belongs now; *level is -1 for due. */
static struct expire_slot *slot_for(struct expire_index *x, int64_t t, int *level, unsigned *slot)
{
    *slot = 0;
    if (t <= (int64_t)x->clock_ms) {
        *level = -1;
        return &x->due;
    }
    uint64_t differs = (uint64_t)t ^ x->clock_ms;
    *level = (63 - __builtin_clzll(differs)) / 6;
    must(*level < EXPIRE_LEVELS);
    *slot = digit((uint64_t)t, (unsigned)*level);
    if (!x->levels[*level])
        x->levels[*level] = mem_zalloc(EXPIRE_SLOTS * sizeof(struct expire_slot));
    return &x->levels[*level][*slot];
}

/* Of long arrays little lies idle, also while one drains and another fills: they may be a tenth of
 * what a cache holds. */
enum { SLOT_SHORT = 64, SLOT_LONG = 1024 };

static void slot_push(struct expire_slot *s, struct entry *e)
{
    if (s->count == s->cap) {
        s->cap += s->cap / (s->cap < SLOT_LONG ? 4 : 16) + 2;
        s->entries = mem_realloc(s->entries, s->cap * sizeof *s->entries);
    }
    must(s->count < s->cap);
    entry_set_place(e, s->count);
    s->entries[s->count++] = e;
}

static void slot_give_back(struct expire_slot *s)
{
    uint32_t idle = s->cap - s->count;
    must(s->count > 0 && s->count <= s->cap);
    if (s->cap <= SLOT_SHORT || idle <= s->cap / (s->cap < SLOT_LONG ? 2 : 8))
        return;
    s->cap = s->count + s->count / (s->count < SLOT_LONG ? 4 : 32) + 1;
    s->entries = mem_realloc(s->entries, s->cap * sizeof *s->entries);
}

/* ---- the queue of due entries ---- */

struct timed {
    int64_t ms;
    struct entry *e;
};

static int by_time(const void *a, const void *b)
{
    int64_t x = ((const struct timed *)a)->ms, y = ((const struct timed *)b)->ms;
    return (x > y) - (x < y);
}

/* The times stand beside the pointers, so that a comparison does not go through memory. */
static void sort_by_time(struct entry **entries, size_t n)
{
    if (n < 2)
        return;
    struct timed *all = mem_alloc(n * sizeof *all);
    for (size_t i = 0; i < n; i++)
        all[i] = (struct timed){.ms = entry_expire(entries[i]), .e = entries[i]};
    qsort(all, n, sizeof *all, by_time);
    for (size_t i = 0; i < n; i++)
        entries[i] = all[i].e;
    mem_free(all);
}

/* Without holes, from the array's start. */
static void due_compact(struct expire_index *x)
{
    struct expire_slot *s = &x->due;
    uint32_t n = 0;
    must(x->due_first <= s->count);
    for (uint32_t i = x->due_first; i < s->count; i++) {
        if (s->entries[i]) {
            entry_set_place(s->entries[i], n);
            s->entries[n++] = s->entries[i];
        }
    }
    must(n == x->due_live);
    s->count = n;
    x->due_first = 0;
}

static void due_push(struct expire_index *x, struct entry *e)
{
    int64_t ms = entry_expire(e);
    if (x->due.count == x->due.cap && x->due_live < x->due.count / 2)
        due_compact(x);
    slot_push(&x->due, e);
    x->due_live++;
    if (ms < x->due_last_ms)
        x->due_mixed = true;
    else
        x->due_last_ms = ms;
}

static void due_remove(struct expire_index *x, struct entry *e)
{
    struct expire_slot *s = &x->due;
    uint32_t at = entry_place(e);
    must(at >= x->due_first && at < s->count && s->entries[at] == e);
    s->entries[at] = NULL;
    if (--x->due_live == 0) {
        mem_free(s->entries);
        *s = (struct expire_slot){0};
        x->due_first = 0;
        x->due_last_ms = INT64_MIN;
        x->due_mixed = false;
        return;
    }
    while (!s->entries[x->due_first])
        x->due_first++;
    must(x->due_live <= s->count - x->due_first);
}

struct entry *expire_due(struct expire_index *x)
{
    if (x->due_live == 0)
        return NULL;
    if (x->due_mixed) {
        due_compact(x);
        sort_by_time(x->due.entries, x->due.count);
        for (uint32_t i = 0; i < x->due.count; i++)
            entry_set_place(x->due.entries[i], i);
        x->due_mixed = false;
        index_must_hold(x);
    }
    struct entry *first = x->due.entries[x->due_first];
    must(first); /* the queue begins behind its holes */
    return entry_expire(first) <= x->now_ms ? first : NULL;
}

/* ---- the wheel ---- */

static void place(struct expire_index *x, struct entry *e)
{
    int level;
    unsigned slot;
    struct expire_slot *s = slot_for(x, entry_expire(e), &level, &slot);
    if (level < 0) {
        due_push(x, e);
        return;
    }
    slot_push(s, e);
    x->filled[level] |= (uint64_t)1 << slot;
}

void expire_add(struct expire_index *x, struct entry *e)
{
    place(x, e);
    x->count++;
    x->times_ms += entry_expire(e);
}

static void slot_emptied(struct expire_slot *s)
{
    mem_free(s->entries);
    *s = (struct expire_slot){0};
}

void expire_remove(struct expire_index *x, struct entry *e)
{
    int level;
    unsigned slot;
    struct expire_slot *s = slot_for(x, entry_expire(e), &level, &slot);
    must(x->count > 0);
    x->count--;
    x->times_ms -= entry_expire(e);
    if (level < 0) {
        due_remove(x, e);
        index_must_hold(x);
        return;
    }
    must(x->filled[level] >> slot & 1);
    uint32_t at = entry_place(e);
    must(at < s->count && s->entries[at] == e);
    struct entry *last = s->entries[--s->count];
    if (last != e) {
        s->entries[at] = last;
        entry_set_place(last, at);
    }
    if (s->count == 0) {
        slot_emptied(s);
        x->filled[level] &= ~((uint64_t)1 << slot);
    } else {
        slot_give_back(s);
    }
}

void expire_moved(struct expire_index *x, struct entry *e)
{
    int level;
    unsigned slot;
    struct expire_slot *s = slot_for(x, entry_expire(e), &level, &slot);
    must(entry_place(e) < s->count && s->entries[entry_place(e)]);
    s->entries[entry_place(e)] = e;
}

/* Takes a slot's array out and places its entries anew, by the clock as it is now: those that are
 * due gather at its front, and go in the order of their times. */
static void deal(struct expire_index *x, unsigned level, unsigned slot)
{
    struct expire_slot old = x->levels[level][slot];
    x->levels[level][slot] = (struct expire_slot){0};
    x->filled[level] &= ~((uint64_t)1 << slot);
    uint32_t due = 0;
    must(old.count > 0); /* filled said so */
    for (uint32_t i = 0; i < old.count; i++) {
        if (entry_expire(old.entries[i]) <= (int64_t)x->clock_ms)
            old.entries[due++] = old.entries[i];
        else
            place(x, old.entries[i]);
    }
    must(level > 0 || due == old.count); /* a slot there is one time */
    if (level > 0)
        sort_by_time(old.entries, due);
    for (uint32_t i = 0; i < due; i++)
        due_push(x, old.entries[i]);
    mem_free(old.entries);
}

/* The clock was set back: what seemed due is not, and no place is right. All are placed anew. */
static void set_back(struct expire_index *x, uint64_t now)
{
    struct expire_index old = *x;
    due_compact(&old);
    expire_init(x, (int64_t)now);
    x->count = old.count;
    x->times_ms = old.times_ms;
    size_t placed = old.due.count;
    for (uint32_t i = 0; i < old.due.count; i++)
        place(x, old.due.entries[i]);
    for (int level = 0; level < EXPIRE_LEVELS; level++) {
        for (uint64_t bits = old.filled[level]; bits; bits &= bits - 1) {
            const struct expire_slot *s = &old.levels[level][__builtin_ctzll(bits)];
            for (uint32_t i = 0; i < s->count; i++)
                place(x, s->entries[i]);
            placed += s->count;
        }
    }
    must(placed == x->count);
    expire_release(&old);
}

void expire_advance(struct expire_index *x, int64_t now_ms)
{
    enum { AGAIN_MS = 1000 }; /* steps of a clock that is being set right are not worth it */
    uint64_t now = now_ms > 0 ? (uint64_t)now_ms : 0, before = x->clock_ms;
    x->now_ms = now_ms;
    if (now + AGAIN_MS < before)
        set_back(x, now);
    if (now <= before)
        return;
    x->clock_ms = now;
    int highest = (63 - __builtin_clzll(now ^ before)) / 6;
    must(highest < EXPIRE_LEVELS);
    /* Levels below the highest changed digit: every slot lay behind the old clock's digit and is
     * passed. At the highest: the slots passed, and the one entered. */
    for (int level = 0; level <= highest; level++) {
        unsigned from = digit(before, (unsigned)level), to = digit(now, (unsigned)level);
        uint64_t passed = x->filled[level];
        if (level == highest) {
            uint64_t upto = to == 63 ? ~(uint64_t)0 : ((uint64_t)1 << (to + 1)) - 1;
            passed &= upto & ~(((uint64_t)2 << from) - 1);
        }
        for (; passed; passed &= passed - 1)
            deal(x, (unsigned)level, (unsigned)__builtin_ctzll(passed));
    }
    index_must_hold(x);
}

/* A slot by chance among the filled ones, then an entry of it. */
struct entry *expire_random(const struct expire_index *x)
{
    if (x->count == 0)
        return NULL;
    uint64_t pick = rand_below(x->count);
    if (pick < x->due_live) { /* holes are passed over */
        must(x->due_first < x->due.count);
        uint32_t at = x->due_first + (uint32_t)rand_below(x->due.count - x->due_first);
        while (!x->due.entries[at])
            at = at + 1 < x->due.count ? at + 1 : x->due_first;
        return x->due.entries[at];
    }
    pick -= x->due_live;
    for (int level = 0; level < EXPIRE_LEVELS; level++) {
        for (uint64_t bits = x->filled[level]; bits; bits &= bits - 1) {
            const struct expire_slot *s = &x->levels[level][__builtin_ctzll(bits)];
            if (pick < s->count)
                return s->entries[pick];
            pick -= s->count;
        }
    }
    must(!"the index's count is the sum of its slots");
    return NULL;
}

int64_t expire_average_ms(const struct expire_index *x)
{
    must(x->count > 0 || x->times_ms == 0);
    return x->count ? (int64_t)(x->times_ms / (__int128)x->count) : 0;
}

size_t expire_memory(const struct expire_index *x)
{
    size_t bytes = x->due.cap * sizeof(void *);
    for (int level = 0; level < EXPIRE_LEVELS; level++) {
        if (!x->levels[level])
            continue;
        bytes += EXPIRE_SLOTS * sizeof(struct expire_slot);
        for (int slot = 0; slot < EXPIRE_SLOTS; slot++)
            bytes += x->levels[level][slot].cap * sizeof(void *);
    }
    return bytes;
}
