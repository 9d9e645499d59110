/* SPDX-License-Identifier: BSD-3-Clause */
/* Stretches follow each other in positions and in offsets; between two of them one of the numbers,
 * or both, went on alone. When bytes that only replicas get come several times at one position, the
 * first stretch that ends there keeps the offset of what was logged, the last that begins there is
 * moved. */
#include "replication/offset_map.h"

#include <stdbool.h>

#include "base/must.h"

static unsigned place(const struct offset_map *m, unsigned i)
{
    must(i < m->count);
    return (m->first + i) % OFFSET_MAP_SIZE;
}

static const struct offset_stretch *at(const struct offset_map *m, unsigned i)
{
    return &m->stretches[place(m, i)];
}

static struct offset_stretch *latest(struct offset_map *m)
{
    return &m->stretches[place(m, m->count - 1)];
}

static int64_t offset_at(const struct offset_stretch *s, uint64_t position)
{
    return (int64_t)position + s->ahead;
}

static void add(struct offset_map *m, uint64_t position, int64_t ahead)
{
    if (m->count == OFFSET_MAP_SIZE) {
        m->first = (m->first + 1) % OFFSET_MAP_SIZE;
        m->count--;
    }
    m->count++;
    *latest(m) = (struct offset_stretch){position, position, ahead};
}

void offset_map_start(struct offset_map *m, uint64_t position, int64_t offset)
{
    m->first = m->count = 0;
    m->sendable = offset;
    add(m, position, offset - (int64_t)position);
}

void offset_map_note(struct offset_map *m, uint64_t position, int64_t offset)
{
    struct offset_stretch *last = latest(m);
    int64_t ahead = offset - (int64_t)position;
    must(position >= last->to && offset >= offset_at(last, last->to));
    if (ahead == last->ahead) {
        last->to = position;
        return;
    }
    bool point = last->from == position && m->count > 1 && at(m, m->count - 2)->to == position;
    if (point)
        last->ahead = ahead;
    else
        add(m, position, ahead);
}

int64_t offset_map_needed(const struct offset_map *m, uint64_t position)
{
    unsigned low = 0, high = m->count - 1;
    if (position > at(m, high)->to) /* logged alone since */
        return offset_at(at(m, high), at(m, high)->to);
    while (low < high) { /* the first that ends at or behind it */
        unsigned middle = (low + high) / 2;
        if (at(m, middle)->to >= position)
            high = middle;
        else
            low = middle + 1;
    }
    const struct offset_stretch *s = at(m, low);
    return offset_at(s, position > s->from ? position : s->from);
}

uint64_t offset_map_held(const struct offset_map *m, int64_t offset)
{
    unsigned low = 0, high = m->count;
    while (low < high) { /* the first that begins behind it */
        unsigned middle = (low + high) / 2;
        const struct offset_stretch *s = at(m, middle);
        if (offset_at(s, s->from) > offset)
            high = middle;
        else
            low = middle + 1;
    }
    if (!low)
        return 0;
    const struct offset_stretch *s = at(m, low - 1);
    return offset < offset_at(s, s->to) ? (uint64_t)(offset - s->ahead) : s->to;
}

int64_t offset_map_sendable(struct offset_map *m, uint64_t position)
{
    unsigned low = 0, high = m->count;
    while (low < high) { /* the first that begins behind it */
        unsigned middle = (low + high) / 2;
        if (at(m, middle)->from > position)
            high = middle;
        else
            low = middle + 1;
    }
    if (low > 0) {
        const struct offset_stretch *s = at(m, low - 1);
        int64_t offset = offset_at(s, position < s->to ? position : s->to);
        m->sendable = offset > m->sendable ? offset : m->sendable;
    }
    return m->sendable;
}
