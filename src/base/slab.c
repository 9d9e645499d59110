/* SPDX-License-Identifier: BSD-3-Clause */
/* Chunks of 1 MiB (aligned, mapped) are cut into 64 KiB pages; a page serves one size class.
 *
 *   chunk:  | page 0 | page 1 | ... | page 15 |     which are free stands elsewhere: struct chunk
 *   page:   | header | block block block ...  |     struct page: block size, free list, counts
 *
 * A free block's first 8 bytes link the page's free list; blocks never handed out yet are cut from
 * the untouched tail (bump), so a fresh page's memory is not written before it is needed. Pages of
 * a class that have room stand in a list. The page of a block is its address rounded down.
 *
 * A page's life:  clean -> serves a class -> dirty (free, its memory still here) -> serves ...
 *                   ^--------- given back to the system -------'
 *
 * Dirty pages are a reserve, of an eighth of the pages in use and a chunk's worth: what lies beyond
 * is given back at once, half of the reserve at a time, so that a busy arena does not pay a system
 * call a page; the rest a part at a time (slab_give_back). A chunk of which no page is in use is
 * unmapped.
 *
 * Compaction takes the emptiest of some pages from the back of a class's list while blocks are
 * handed out from the front: so pages fill up at one end and drain at the other. */
#include "base/slab.h"

#include <string.h>

#include "base/link.h"
#include "base/mem.h"
#include "base/must.h"

/* Under the address sanitizer free blocks are poisoned, so that a late use is seen. */
#ifdef __SANITIZE_ADDRESS__
#include <sanitizer/asan_interface.h>
#else
#define ASAN_POISON_MEMORY_REGION(p, n) ((void)(p), (void)(n))
#define ASAN_UNPOISON_MEMORY_REGION(p, n) ((void)(p), (void)(n))
#endif

enum {
    PAGE = 64 * 1024,
    CHUNK_PAGES = 16,
    CHUNK = PAGE * CHUNK_PAGES,
    ALL_PAGES = (1 << CHUNK_PAGES) - 1,
    CLASSES = SLAB_MAX / 8 + 1,
};

struct chunk {
    struct link link;     /* all chunks */
    struct link room;     /* those with a free page: first the ones that have a dirty one */
    char *base;
    uint32_t free, dirty; /* a bit a page; dirty ones are free too */
};

struct page {
    struct link link;  /* in its class's list of pages with room */
    struct chunk *chunk;
    void *free;        /* blocks given back */
    uint32_t used;     /* blocks handed out */
    uint32_t bump;     /* offset of the first block never handed out */
    uint32_t block;    /* bytes a block; 0: the page is free */
};

struct slab {
    struct link room[CLASSES];
    uint32_t pages_of[CLASSES]; /* that serve the class */
    size_t used_of[CLASSES];    /* blocks handed out */
    struct link chunks, chunks_with_room;
    size_t pages, dirty; /* serving a class; free, with memory */
    unsigned next_class; /* compaction goes on here */
};

struct slab *slab_new(void)
{
    struct slab *s = mem_zalloc(sizeof *s);
    for (int i = 0; i < CLASSES; i++)
        link_init(&s->room[i]);
    link_init(&s->chunks);
    link_init(&s->chunks_with_room);
    return s;
}

static uint32_t blocks_a_page(unsigned class_index)
{
    return (PAGE - sizeof(struct page)) / (class_index * 8);
}

/* ---- chunks and free pages ---- */

static void add_chunk(struct slab *s)
{
    struct chunk *c = mem_alloc(sizeof *c);
    c->base = mem_map(CHUNK, CHUNK);
    c->free = ALL_PAGES;
    c->dirty = 0;
    link_push_back(&s->chunks, &c->link);
    link_push_back(&s->chunks_with_room, &c->room);
}

static void drop_chunk(struct slab *s, struct chunk *c)
{
    must((c->dirty & ~c->free) == 0);
    must(s->dirty >= (unsigned)__builtin_popcount(c->dirty));
    s->dirty -= (unsigned)__builtin_popcount(c->dirty);
    link_remove(&c->link);
    link_remove(&c->room);
    ASAN_UNPOISON_MEMORY_REGION(c->base, CHUNK);
    mem_hold(-(int64_t)PAGE * __builtin_popcount(ALL_PAGES & ~(c->free & ~c->dirty)));
    mem_unmap(c->base, CHUNK);
    mem_free(c);
}

static struct page *take_page(struct slab *s)
{
    if (link_empty(&s->chunks_with_room))
        add_chunk(s);
    struct chunk *c = LINK_OF(s->chunks_with_room.next, struct chunk, room);
    bool dirty = c->dirty;
    must(c->free && (c->dirty & ~c->free) == 0);
    unsigned i = (unsigned)__builtin_ctz(dirty ? c->dirty : c->free);
    c->free &= ~(1u << i);
    c->dirty &= ~(1u << i);
    if (dirty)
        s->dirty--;
    else
        mem_hold(PAGE);
    if (!c->free || (dirty && !c->dirty))
        link_remove(&c->room);
    if (c->free && dirty && !c->dirty)
        link_push_back(&s->chunks_with_room, &c->room);
    struct page *p = (struct page *)(c->base + (size_t)i * PAGE);
    ASAN_UNPOISON_MEMORY_REGION(p, PAGE);
    if (!dirty && s->pages >= CHUNK_PAGES) /* a small arena stays small */
        mem_populate(p, PAGE);
    p->chunk = c;
    s->pages++;
    return p;
}

/* Down to keep dirty pages. */
static void give_back(struct slab *s, size_t keep)
{
    while (s->dirty > keep) {
        struct chunk *c = LINK_OF(s->chunks_with_room.next, struct chunk, room);
        must(c->dirty);
        if (c->free == ALL_PAGES) {
            drop_chunk(s, c);
            continue;
        }
        while (c->dirty) {
            unsigned first = (unsigned)__builtin_ctz(c->dirty);
            unsigned n = (unsigned)__builtin_ctz(~(c->dirty >> first));
            mem_discard(c->base + (size_t)first * PAGE, (size_t)n * PAGE);
            mem_hold(-(int64_t)PAGE * n);
            c->dirty &= ~(((1u << n) - 1) << first);
            s->dirty -= n;
        }
        link_remove(&c->room);
        link_push_back(&s->chunks_with_room, &c->room);
    }
}

static void release_page(struct slab *s, struct page *p)
{
    struct chunk *c = p->chunk;
    unsigned i = (unsigned)(((char *)p - c->base) / PAGE);
    must(p->used == 0 && !(c->free >> i & 1));
    must(s->pages > 0 && s->pages_of[p->block / 8] > 0);
    mem_count(-(int64_t)sizeof *p);
    s->pages_of[p->block / 8]--;
    s->pages--;
    p->block = 0;
    c->free |= 1u << i;
    c->dirty |= 1u << i;
    link_remove(&c->room);
    link_push_front(&s->chunks_with_room, &c->room);
    size_t reserve = CHUNK_PAGES + s->pages / 8;
    if (++s->dirty > reserve)
        give_back(s, reserve / 2);
}

void slab_give_back(struct slab *s)
{
    give_back(s, s->dirty / 2);
}

void slab_drop(struct slab *s)
{
    size_t held, used;
    slab_stats(s, &held, &used);
    mem_count(-(int64_t)(used + s->pages * sizeof(struct page)));
    LINK_FOR_SAFE(pos, &s->chunks)
        drop_chunk(s, LINK_OF(pos, struct chunk, link));
    must(s->dirty == 0 && link_empty(&s->chunks_with_room));
    mem_free(s);
}

/* ---- blocks ---- */

static struct page *page_for(struct slab *s, size_t class_index)
{
    if (!link_empty(&s->room[class_index]))
        return LINK_OF(s->room[class_index].next, struct page, link);
    must(class_index > 0 && class_index < CLASSES);
    struct page *p = take_page(s);
    p->free = NULL;
    p->used = 0;
    p->block = (uint32_t)class_index * 8;
    p->bump = sizeof *p;
    s->pages_of[class_index]++;
    mem_count(sizeof *p);
    link_init(&p->link);
    link_push_front(&s->room[class_index], &p->link);
    return p;
}

void *slab_alloc(struct slab *s, size_t size)
{
    if (size > SLAB_MAX)
        return mem_alloc(size);
    size_t class_index = size ? (size + 7) / 8 : 1;
    struct page *p = page_for(s, class_index);
    void *block = p->free;
    if (block) {
        ASAN_UNPOISON_MEMORY_REGION(block, p->block);
        memcpy(&p->free, block, sizeof p->free);
    } else {
        block = (char *)p + p->bump;
        p->bump += p->block;
    }
    p->used++;
    s->used_of[class_index]++;
    mem_count(p->block);
    if (!p->free && p->bump + p->block > PAGE)
        link_remove(&p->link); /* full: it comes back with its first freed block */
    return block;
}

static struct page *page_of(const void *block)
{
    return (struct page *)((uintptr_t)block & ~(uintptr_t)(PAGE - 1));
}

void slab_free(struct slab *s, void *block, size_t size)
{
    if (size > SLAB_MAX) {
        mem_free_sized(block, size);
        return;
    }
    struct page *p = page_of(block);
    size_t class_index = size ? (size + 7) / 8 : 1;
    must(p->block == class_index * 8);
    bool was_full = !p->free && p->bump + p->block > PAGE;
    memcpy(block, &p->free, sizeof p->free);
    p->free = block;
    ASAN_POISON_MEMORY_REGION(block, p->block);
    s->used_of[class_index]--;
    mem_count(-(int64_t)p->block);
    if (--p->used == 0) {
        if (!was_full)
            link_remove(&p->link);
        release_page(s, p);
    } else if (was_full) {
        link_push_back(&s->room[class_index], &p->link);
    }
}

size_t slab_good_size(size_t size)
{
    return size > SLAB_MAX ? mem_good_size(size) : size ? (size + 7) / 8 * 8 : 8;
}

void slab_stats(const struct slab *s, size_t *held, size_t *used)
{
    *held = (s->pages + s->dirty) * PAGE;
    *used = 0;
    for (size_t i = 1; i < CLASSES; i++)
        *used += s->used_of[i] * i * 8;
}

/* ---- compaction ---- */

/* Blocks a class has too many: an eighth of all and two pages' worth may lie idle. With two pages'
 * worth, the others have room for all that the emptied page holds. */
static size_t idle_blocks(const struct slab *s, unsigned class_index)
{
    size_t all = (size_t)s->pages_of[class_index] * blocks_a_page(class_index);
    must(s->used_of[class_index] <= all);
    size_t idle = all - s->used_of[class_index];
    size_t fine = all / 8 + 2 * blocks_a_page(class_index);
    return idle > fine ? idle - fine : 0;
}

size_t slab_slack(const struct slab *s)
{
    size_t bytes = 0;
    for (unsigned i = 1; i < CLASSES; i++)
        bytes += idle_blocks(s, i) * i * 8;
    return bytes;
}

/* The emptiest of some pages; rather full ones go to the front, to be filled up. NULL: those were.
 */
static struct page *sparse_page(struct slab *s, unsigned class_index)
{
    enum { LOOKS = 16 };
    struct link *list = &s->room[class_index];
    struct page *best = NULL;
    struct link *pos = list->prev;
    for (int i = 0; i < LOOKS && pos != list; i++) {
        struct page *p = LINK_OF(pos, struct page, link);
        pos = pos->prev;
        if (p->used > blocks_a_page(class_index) * 3 / 4) {
            link_remove(&p->link);
            link_push_front(list, &p->link);
        } else if (!best || p->used < best->used) {
            best = p;
        }
    }
    return best;
}

static void empty_page(struct page *p, slab_move *move, void *arg)
{
    uint64_t idle[PAGE / 8 / 64] = {0};
    void *batch[SLAB_BATCH];
    uint32_t block = p->block, left = p->used, n = 0;
    must(left > 0 && left <= blocks_a_page(block / 8));
    link_remove(&p->link); /* nothing is handed out from it any more */
    ASAN_UNPOISON_MEMORY_REGION((char *)p + sizeof *p, PAGE - sizeof *p);
    for (void *at = p->free; at; memcpy(&at, at, sizeof at)) {
        size_t i = ((size_t)((char *)at - (char *)p) - sizeof *p) / block;
        idle[i / 64] |= (uint64_t)1 << (i % 64);
    }
    for (uint32_t i = 0; left; i++) {
        if (idle[i / 64] >> (i % 64) & 1)
            continue;
        batch[n++] = (char *)p + sizeof *p + (size_t)i * block;
        if (--left == 0 || n == SLAB_BATCH) {
            move(arg, batch, n);
            n = 0;
        }
    }
}

bool slab_compact(struct slab *s, slab_move *move, void *arg)
{
    for (unsigned tried = 0; tried < CLASSES; tried++) {
        s->next_class = s->next_class % (CLASSES - 1) + 1;
        if (!idle_blocks(s, s->next_class))
            continue;
        struct page *p = sparse_page(s, s->next_class);
        if (p)
            empty_page(p, move, arg);
        return true;
    }
    return false;
}
