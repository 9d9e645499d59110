/* SPDX-License-Identifier: BSD-3-Clause */
/* Entries lie one behind the other, PAGE of them to a page; the first key of each page is kept. One
 * page of the file is in memory; a change goes to both. */
#include "tools/sorted_map.h"

#include <errno.h>
#include <stdbool.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/must.h"
#include "os/file.h"
#include "tools/temp_file.h"

enum { PAGE = 256, HELD_MAX = 1 << 20 };
#define NO_PAGE SIZE_MAX

struct entry {
    uint64_t key, value;
};
struct sorted_map {
    struct buf firsts; /* uint64_t: of each page */
    struct buf held;   /* struct entry: all; with a file, those not yet in it, then a page */
    uint64_t count, last;
    int fd;            /* -1: none */
    size_t page;       /* in held; NO_PAGE */
    size_t entry;      /* of held, that was found last */
    bool ended;
    struct fault fault;
};

struct sorted_map *sorted_map_new(void)
{
    struct sorted_map *m = mem_zalloc(sizeof *m);
    m->fd = -1;
    m->page = NO_PAGE;
    return m;
}

void sorted_map_free(struct sorted_map *m)
{
    if (!m)
        return;
    buf_free(&m->firsts);
    buf_free(&m->held);
    if (m->fd >= 0)
        file_close(m->fd);
    mem_free(m);
}

uint64_t sorted_map_count(const struct sorted_map *m)
{
    return m->count;
}

const struct fault *sorted_map_fault(const struct sorted_map *m)
{
    return &m->fault;
}

static void store(struct sorted_map *m)
{
    temp_file_write(&m->fd, m->held.data, m->held.len, &m->fault);
    buf_clear(&m->held);
}

void sorted_map_append(struct sorted_map *m, uint64_t key, uint64_t value)
{
    struct entry e = {key, value};
    must(!m->ended && (m->count == 0 || key > m->last));
    if (m->count++ % PAGE == 0)
        buf_append(&m->firsts, &key, sizeof key);
    m->last = key;
    buf_append(&m->held, &e, sizeof e);
    if (m->held.len >= HELD_MAX)
        store(m);
}

void sorted_map_end(struct sorted_map *m)
{
    must(!m->ended);
    m->ended = true;
    if (m->fd < 0)
        return;
    store(m);
    buf_free(&m->held);
}

/* ---- looking up ---- */

static size_t pages(const struct sorted_map *m)
{
    return m->firsts.len / sizeof(uint64_t);
}

static uint64_t first_of(const struct sorted_map *m, size_t page)
{
    return ((const uint64_t *)(const void *)m->firsts.data)[page];
}

/* The one that has the key, if any does. */
static size_t page_of(const struct sorted_map *m, uint64_t key)
{
    size_t low = 0, high = pages(m);
    if (m->page != NO_PAGE && key >= first_of(m, m->page) &&
        (m->page + 1 == high || key < first_of(m, m->page + 1)))
        return m->page;
    while (high - low > 1) {
        size_t mid = low + (high - low) / 2;
        if (first_of(m, mid) <= key)
            low = mid;
        else
            high = mid;
    }
    return low;
}

static size_t entries_of(const struct sorted_map *m, size_t page)
{
    uint64_t left = m->count - (uint64_t)page * PAGE;
    return left < PAGE ? (size_t)left : PAGE;
}

static void load(struct sorted_map *m, size_t page)
{
    size_t n = entries_of(m, page) * sizeof(struct entry);
    buf_clear(&m->held);
    if (temp_file_read(m->fd, buf_reserve(&m->held, n), n,
                       (uint64_t)page * PAGE * sizeof(struct entry), &m->fault))
        m->held.len = n;
    m->page = page;
}

uint64_t *sorted_map_find(struct sorted_map *m, uint64_t key)
{
    must(m->ended);
    if (m->count == 0 || key < first_of(m, 0) || key > m->last || fault_is(&m->fault))
        return NULL;
    size_t page = page_of(m, key);
    if (m->fd >= 0 && page != m->page)
        load(m, page);
    if (fault_is(&m->fault))
        return NULL;
    struct entry *all = (struct entry *)(void *)m->held.data;
    size_t low = m->fd < 0 ? page * PAGE : 0, end = low + entries_of(m, page), high = end;
    while (low < high) {
        size_t mid = low + (high - low) / 2;
        if (all[mid].key < key)
            low = mid + 1;
        else
            high = mid;
    }
    m->entry = low;
    return low < end && all[low].key == key ? &all[low].value : NULL;
}

void sorted_map_changed(struct sorted_map *m)
{
    if (m->fd < 0)
        return;
    uint64_t entry = (uint64_t)m->page * PAGE + m->entry;
    if (lseek(m->fd, (off_t)(entry * sizeof(struct entry)), SEEK_SET) < 0)
        fault_io(&m->fault, errno, "seek", "Can't write to a temporary file");
    temp_file_write(&m->fd, (struct entry *)(void *)m->held.data + m->entry, sizeof(struct entry),
                    &m->fault);
}
