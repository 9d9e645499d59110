/* SPDX-License-Identifier: BSD-3-Clause */
/* Runs of records, each run one block of up to RUN_BYTES, and an array of their places:
 *
 *   places   [ free | from run | from run | ... | free ]
 *   run      begin, count, cap, records: [ free | record... | free ]
 *
 * An index that never had two runs, as most are, has no places, only the run. Room in front, in
 * both, makes removing the first record a matter of a number. A full run that is added to at the
 * very end is left full, and a new one begun; one that is full in the middle gives its second half
 * to a new one. One that has become half empty is joined with a neighbour when both fit one run
 * with a little room, else its block shrinks. */
#include "store/id_index.h"

#include <string.h>

#include "base/mem.h"
#include "base/must.h"

enum { RUN_BYTES = 16384, RUN_FIRST = 1, PLACES_FIRST = 2 };

struct id_run {
    uint32_t begin : 16, count : 16;
    uint32_t cap;
    char records[];
};

static uint32_t run_most(const struct id_index *x)
{
    must(x->size > 0); /* it was initialised */
    return (uint32_t)((RUN_BYTES - sizeof(struct id_run)) / x->size);
}

static size_t run_bytes(const struct id_index *x, uint32_t cap)
{
    return sizeof(struct id_run) + (size_t)cap * x->size;
}

static inline struct id_place *place_at(const struct id_index *x, uint32_t place)
{
    must(place < x->count);
    return &x->places[x->begin + place];
}

static inline struct id_run *run_at(const struct id_index *x, uint32_t place)
{
    if (x->cap)
        return place_at(x, place)->run;
    must(place == 0 && x->count == 1);
    return x->only;
}

static void set_run(struct id_index *x, uint32_t place, struct id_run *r)
{
    if (x->cap)
        place_at(x, place)->run = r;
    else
        x->only = r;
}

static inline char *record_at(const struct id_index *x, const struct id_run *r, uint32_t at)
{
    return (char *)(uintptr_t)r->records + (size_t)(r->begin + at) * x->size;
}

static inline struct stream_id id_at(const struct id_index *x, const struct id_run *r, uint32_t at)
{
    struct stream_id id;
    memcpy(&id, record_at(x, r, at), sizeof id);
    return id;
}

/* ---- runs ---- */

/* As large as the allocator makes it anyway. */
static uint32_t good_cap(const struct id_index *x, uint32_t wanted)
{
    uint32_t most = run_most(x);
    must(wanted <= most);
    size_t bytes = mem_good_size(run_bytes(x, wanted));
    uint32_t cap = (uint32_t)((bytes - sizeof(struct id_run)) / x->size);
    must(cap >= wanted);
    return cap < most ? cap : most;
}

static struct id_run *run_new(const struct id_index *x, uint32_t wanted)
{
    uint32_t cap = good_cap(x, wanted);
    struct id_run *r = mem_alloc(run_bytes(x, cap));
    must(cap >= wanted);
    *r = (struct id_run){.cap = cap};
    return r;
}

/* The run in a block with room for so many, its records at the block's start. */
static struct id_run *run_resize(const struct id_index *x, struct id_run *r, uint32_t wanted)
{
    must(wanted >= r->count);
    if (r->begin)
        memmove(r->records, record_at(x, r, 0), (size_t)r->count * x->size);
    r->begin = 0;
    uint32_t cap = good_cap(x, wanted);
    if (cap == r->cap)
        return r;
    r = mem_realloc(r, run_bytes(x, cap));
    r->cap = cap;
    return r;
}

/* Makes room for a record at that place, by moving those in front of it or those behind. */
static char *run_open(const struct id_index *x, struct id_run *r, uint32_t at)
{
    must(r->count < r->cap && at <= r->count);
    bool room_behind = r->begin + r->count < r->cap;
    if (r->begin && (at < r->count / 2 || !room_behind)) {
        char *first = record_at(x, r, 0);
        memmove(first - x->size, first, (size_t)at * x->size);
        r->begin--;
    } else {
        char *from = record_at(x, r, at);
        memmove(from + x->size, from, (size_t)(r->count - at) * x->size);
    }
    r->count++;
    return record_at(x, r, at);
}

static void run_close(const struct id_index *x, struct id_run *r, uint32_t at)
{
    must(at < r->count);
    if (at < r->count / 2) {
        char *first = record_at(x, r, 0);
        memmove(first + x->size, first, (size_t)at * x->size);
        r->begin++;
    } else {
        char *from = record_at(x, r, at);
        memmove(from, from + x->size, (size_t)(r->count - at - 1u) * x->size);
    }
    r->count--;
}

/* The first record whose id is not below; count when there is none. */
static uint32_t run_seek(const struct id_index *x, const struct id_run *r, struct stream_id id)
{
    uint32_t low = 0, high = r->count;
    while (low < high) {
        uint32_t middle = (low + high) / 2;
        if (stream_id_cmp(id_at(x, r, middle), id) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* ---- places ---- */

/* The last place that does not begin above id, or the first one. */
static uint32_t place_of(const struct id_index *x, struct stream_id id)
{
    uint32_t low = 0, high = x->count;
    must(x->count > 0);
    if (high == 1)
        return 0;
    if (stream_id_cmp(place_at(x, x->count - 1)->from, id) <= 0)
        return x->count - 1;
    while (high - low > 1) {
        uint32_t middle = (low + high) / 2;
        if (stream_id_cmp(place_at(x, middle)->from, id) <= 0)
            low = middle;
        else
            high = middle;
    }
    return low;
}

static void more_places(struct id_index *x)
{
    if (!x->cap) {
        struct id_place *places = mem_alloc(PLACES_FIRST * sizeof *places);
        must(x->count == 1);
        places[0] = (struct id_place){.run = x->only}; /* no id is below 0-0 */
        x->places = places;
        x->cap = PLACES_FIRST;
    } else if (x->begin > x->count / 2) {
        memmove(x->places, x->places + x->begin, x->count * sizeof *x->places);
        x->begin = 0;
    } else {
        must(x->cap <= UINT32_MAX / 2);
        x->cap *= 2;
        x->places = mem_realloc(x->places, x->cap * sizeof *x->places);
    }
}

static void place_insert(struct id_index *x, uint32_t place, struct stream_id from,
                         struct id_run *run)
{
    must(place <= x->count);
    if (!x->cap && !x->count) {
        x->only = run;
        x->count = 1;
        return;
    }
    if (x->begin + x->count >= x->cap)
        more_places(x);
    struct id_place *at = &x->places[x->begin + place];
    memmove(at + 1, at, (x->count - place) * sizeof *at);
    *at = (struct id_place){from, run};
    x->count++;
}

static void place_remove(struct id_index *x, uint32_t place)
{
    mem_free_sized(run_at(x, place), run_bytes(x, run_at(x, place)->cap));
    x->count--;
    if (!x->cap) {
        x->only = NULL;
        return;
    }
    struct id_place *at = &x->places[x->begin + place];
    if (place == 0)
        x->begin++;
    else
        memmove(at, at + 1, (x->count - place) * sizeof *at);
    const uint32_t few = 64;
    if (x->cap > few && x->count < x->cap / 4) {
        memmove(x->places, x->places + x->begin, x->count * sizeof *x->places);
        x->begin = 0;
        x->cap /= 2;
        x->places = mem_realloc(x->places, x->cap * sizeof *x->places);
    }
    if (x->count == 0)
        x->begin = 0;
    must(x->begin + x->count <= x->cap);
}

/* ---- adding ---- */

/* The second half of a full run becomes one of its own. */
static void split(struct id_index *x, uint32_t place)
{
    struct id_run *r = run_at(x, place);
    uint32_t keep = r->count / 2u, moved = r->count - keep;
    struct id_run *second = run_new(x, run_most(x));
    must(keep > 0 && moved <= second->cap);
    memcpy(second->records, record_at(x, r, keep), (size_t)moved * x->size);
    second->count = moved & 0xffff;
    r->count = keep & 0xffff;
    place_insert(x, place + 1, id_at(x, second, 0), second);
}

/* Room for one record more in the run of that place; false: it is full. */
static bool make_room(struct id_index *x, uint32_t place)
{
    struct id_run *r = run_at(x, place);
    uint32_t most = run_most(x), wanted = r->count + 1u;
    must(r->count <= r->cap && r->cap <= most);
    if (r->count < r->cap)
        return true;
    if (r->cap == most)
        return false;
    wanted = wanted + wanted / 2 < most ? wanted + wanted / 2 : most;
    set_run(x, place, run_resize(x, r, wanted));
    return true;
}

/* The place and the position for a new record. */
static struct id_cursor open_for(struct id_index *x, struct stream_id id)
{
    if (x->count == 0) {
        place_insert(x, 0, id, run_new(x, RUN_FIRST));
        return (struct id_cursor){0};
    }
    struct id_cursor to = {.place = place_of(x, id)};
    struct id_run *r = run_at(x, to.place);
    bool behind = stream_id_cmp(id_at(x, r, r->count - 1u), id) < 0;
    to.at = behind ? r->count : run_seek(x, r, id);
    must(to.at == r->count || stream_id_cmp(id_at(x, r, to.at), id) != 0);
    if (make_room(x, to.place))
        return to;
    if (behind && to.place + 1 == x->count) { /* growing at the end: full runs stay full */
        place_insert(x, x->count, id, run_new(x, run_most(x) / 2));
        return (struct id_cursor){.place = x->count - 1};
    }
    split(x, to.place);
    uint32_t kept = run_at(x, to.place)->count;
    if (to.at > kept) {
        to.place++;
        to.at -= kept;
    }
    return to;
}

void *id_index_add(struct id_index *x, struct stream_id id)
{
    struct id_cursor to = open_for(x, id);
    struct id_run *r = run_at(x, to.place);
    must(to.at <= r->count);
    char *record = run_open(x, r, to.at);
    memset(record, 0, x->size);
    memcpy(record, &id, sizeof id);
    if (x->cap && to.place == 0 && stream_id_cmp(id, place_at(x, 0)->from) < 0)
        place_at(x, 0)->from = id;
    x->records++;
    return record;
}

/* ---- removing ---- */

/* The run of that place and the next become one, when that leaves a little room. */
static bool join(struct id_index *x, uint32_t place)
{
    if (place + 1 >= x->count)
        return false;
    struct id_run *r = run_at(x, place);
    const struct id_run *next = run_at(x, place + 1);
    uint32_t most = run_most(x), sum = r->count + next->count;
    if (sum > most - most / 16)
        return false;
    r = run_resize(x, r, sum);
    set_run(x, place, r);
    memcpy(record_at(x, r, r->count), record_at(x, next, 0), (size_t)next->count * x->size);
    r->count = sum & 0xffff;
    must(r->count <= r->cap);
    place_remove(x, place + 1);
    return true;
}

/* A record of that run went. */
static void tidy(struct id_index *x, uint32_t place)
{
    struct id_run *r = run_at(x, place);
    uint32_t count = r->count, most = run_most(x);
    if (count == 0) {
        place_remove(x, place);
        return;
    }
    if (place == 0 && x->count > 1) /* what is worked off in order will soon be gone whole */
        return;
    if (r->cap - count < 8 || r->cap - count < r->cap / 3)
        return;
    if (count <= most / 2 && (join(x, place) || (place > 0 && join(x, place - 1))))
        return;
    set_run(x, place, run_resize(x, r, count + count / 16 + 1));
}

bool id_index_remove(struct id_index *x, struct stream_id id)
{
    if (x->count == 0)
        return false;
    uint32_t place = place_of(x, id);
    struct id_run *r = run_at(x, place);
    must(r->count > 0 && x->records >= r->count);
    uint32_t at = run_seek(x, r, id);
    if (at == r->count || stream_id_cmp(id_at(x, r, at), id) != 0)
        return false;
    run_close(x, r, at);
    x->records--;
    tidy(x, place);
    must((x->records == 0) == (x->count == 0));
    return true;
}

/* ---- looking ---- */

void *id_index_find(const struct id_index *x, struct stream_id id)
{
    if (x->count == 0)
        return NULL;
    const struct id_run *r = run_at(x, place_of(x, id));
    uint32_t at = run_seek(x, r, id);
    bool found = at < r->count && stream_id_cmp(id_at(x, r, at), id) == 0;
    return found ? record_at(x, r, at) : NULL;
}

void *id_index_first(const struct id_index *x)
{
    return x->count ? record_at(x, run_at(x, 0), 0) : NULL;
}

void *id_index_last(const struct id_index *x)
{
    if (x->count == 0)
        return NULL;
    const struct id_run *r = run_at(x, x->count - 1);
    must(r->count > 0);
    return record_at(x, r, r->count - 1u);
}

void *id_index_from(const struct id_index *x, struct stream_id id, struct id_cursor *at)
{
    if (x->count == 0)
        return NULL;
    at->place = place_of(x, id);
    const struct id_run *r = run_at(x, at->place);
    at->at = run_seek(x, r, id);
    if (at->at < r->count)
        return record_at(x, r, at->at);
    at->at = r->count - 1u;
    return id_index_next(x, at);
}

void *id_index_upto(const struct id_index *x, struct stream_id id, struct id_cursor *at)
{
    if (x->count == 0)
        return NULL;
    at->place = place_of(x, id);
    const struct id_run *r = run_at(x, at->place);
    at->at = run_seek(x, r, id);
    if (at->at < r->count && stream_id_cmp(id_at(x, r, at->at), id) == 0)
        return record_at(x, r, at->at);
    return id_index_prev(x, at);
}

void *id_index_next(const struct id_index *x, struct id_cursor *at)
{
    const struct id_run *r = run_at(x, at->place);
    must(at->at < r->count);
    if (++at->at < r->count)
        return record_at(x, r, at->at);
    if (at->place + 1 == x->count)
        return NULL;
    at->at = 0;
    return record_at(x, run_at(x, ++at->place), 0);
}

void *id_index_prev(const struct id_index *x, struct id_cursor *at)
{
    must(at->at <= run_at(x, at->place)->count);
    if (at->at == 0) {
        if (at->place == 0)
            return NULL;
        at->at = run_at(x, --at->place)->count;
    }
    return record_at(x, run_at(x, at->place), --at->at);
}

/* ---- the whole ---- */

void id_index_init(struct id_index *x, size_t size)
{
    must(size >= sizeof(struct stream_id) && size <= RUN_BYTES / 8);
    *x = (struct id_index){.size = (uint32_t)size};
}

void id_index_release(struct id_index *x)
{
    for (uint32_t i = 0; i < x->count; i++)
        mem_free_sized(run_at(x, i), run_bytes(x, run_at(x, i)->cap));
    if (x->cap)
        mem_free(x->places);
    id_index_init(x, x->size);
}

void id_index_copy(struct id_index *to, const struct id_index *from)
{
    id_index_init(to, from->size);
    for (uint32_t i = 0; i < from->count; i++) {
        const struct id_run *r = run_at(from, i);
        struct id_run *copy = run_new(to, r->count);
        memcpy(copy->records, record_at(from, r, 0), (size_t)r->count * from->size);
        copy->count = r->count;
        place_insert(to, i, id_at(from, r, 0), copy);
    }
    to->records = from->records;
    must(to->count == from->count);
}

size_t id_index_memory(const struct id_index *x)
{
    size_t bytes = x->cap ? mem_usable(x->places) : 0;
    for (uint32_t i = 0; i < x->count; i++)
        bytes += mem_usable(run_at(x, i));
    return bytes;
}
