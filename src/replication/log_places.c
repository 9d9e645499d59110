/* SPDX-License-Identifier: BSD-3-Clause */
#include "replication/log_places.h"

#include <string.h>

#include "base/mem.h"
#include "base/must.h"

void log_places_free(struct log_places *p)
{
    mem_free(p->places);
    *p = (struct log_places){0};
}

/* The oldest stays: it tells how far back the log reaches. */
static void thin(struct log_places *p)
{
    size_t kept = 0;
    must(p->count == LOG_PLACES_MAX);
    for (size_t i = 0; i < p->count; i += 2)
        p->places[kept++] = p->places[i];
    p->count = kept;
    p->step = p->count > 1 ? (uint64_t)(p->places[kept - 1].offset - p->places[0].offset) / kept
                           : 0;
}

static void make_room(struct log_places *p)
{
    if (!p->places)
        p->places = mem_alloc(LOG_PLACES_MAX * sizeof *p->places);
    must(p->count <= LOG_PLACES_MAX);
}

void log_places_add_older(struct log_places *p, const struct aof_place *at, int64_t offset)
{
    make_room(p);
    must(!p->count || (offset <= p->places[0].offset && at->seq < p->places[0].at.seq));
    if (p->count == LOG_PLACES_MAX)
        return;
    memmove(p->places + 1, p->places, p->count * sizeof *p->places);
    p->places[0] = (struct log_place){*at, offset};
    p->count++;
}

void log_places_add(struct log_places *p, const struct aof_place *at, int64_t offset)
{
    make_room(p);
    const struct log_place *last = p->count ? &p->places[p->count - 1] : NULL;
    must(!last || offset >= last->offset);
    must(!last || at->seq > last->at.seq || (at->seq == last->at.seq && at->at >= last->at.at));
    if (last && at->seq == last->at.seq && (uint64_t)(offset - last->offset) < p->step)
        return;
    if (p->count == LOG_PLACES_MAX)
        thin(p);
    p->places[p->count++] = (struct log_place){*at, offset};
}

const struct log_place *log_places_find(const struct log_places *p, int64_t offset)
{
    size_t low = 0, high = p->count;
    while (low < high) { /* the first that lies behind it */
        size_t middle = (low + high) / 2;
        if (p->places[middle].offset > offset)
            high = middle;
        else
            low = middle + 1;
    }
    return low ? &p->places[low - 1] : NULL;
}

void log_places_forget(struct log_places *p, int64_t seq)
{
    size_t gone = 0;
    while (gone < p->count && p->places[gone].at.seq <= seq)
        gone++;
    must(gone <= p->count);
    p->count -= gone;
    if (gone)
        memmove(p->places, p->places + gone, p->count * sizeof *p->places);
}
