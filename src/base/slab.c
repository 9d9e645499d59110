/* SPDX-License-Identifier: BSD-3-Clause */
/* Chunks of 1 MiB (aligned, mapped) are cut into 64 KiB pages; a page serves one size class.
 *
 *   chunk:  | page 0 | page 1 | ... | page 15 |
 *   page:   | header | block block block ...  |     header: class, used count, free list, links
 *
 * A free block's first 8 bytes link the page's free list; blocks never handed out yet are cut from
 * the untouched tail (bump), so a fresh page's memory is not written before it is needed. Pages of
 * a class that have room stand in a list; an emptied page goes back to the arena and can serve
 * another class. The page of a block is its address rounded down. */
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
    CLASSES = SLAB_MAX / 8 + 1,
};

struct page {
    struct link link;  /* in its class's list of pages with room, or in the arena's free pages */
    void *free;        /* blocks given back */
    uint32_t used;     /* blocks handed out */
    uint32_t bump;     /* offset of the first block never handed out */
    uint32_t block;    /* bytes a block; 0: the page is free */
};

struct slab {
    struct link room[CLASSES];
    struct link free_pages;
    void **chunks;
    size_t chunk_count, chunk_cap;
    size_t used_bytes;
};

struct slab *slab_new(void)
{
    struct slab *s = mem_zalloc(sizeof *s);
    for (int i = 0; i < CLASSES; i++)
        link_init(&s->room[i]);
    link_init(&s->free_pages);
    return s;
}

void slab_drop(struct slab *s)
{
    for (size_t i = 0; i < s->chunk_count; i++) {
        ASAN_UNPOISON_MEMORY_REGION(s->chunks[i], CHUNK);
        mem_unmap(s->chunks[i], CHUNK);
    }
    mem_free(s->chunks);
    mem_free(s);
}

static void add_chunk(struct slab *s)
{
    if (s->chunk_count == s->chunk_cap) {
        s->chunk_cap = s->chunk_cap ? s->chunk_cap * 2 : 8;
        s->chunks = mem_realloc(s->chunks, s->chunk_cap * sizeof *s->chunks);
    }
    char *chunk = mem_map(CHUNK, CHUNK);
    s->chunks[s->chunk_count++] = chunk;
    for (int i = 0; i < CHUNK_PAGES; i++) {
        struct page *p = (struct page *)(chunk + (size_t)i * PAGE);
        link_push_back(&s->free_pages, &p->link);
    }
}

static struct page *page_for(struct slab *s, size_t class_index)
{
    if (!link_empty(&s->room[class_index]))
        return LINK_OF(s->room[class_index].next, struct page, link);
    if (link_empty(&s->free_pages))
        add_chunk(s);
    struct page *p = LINK_OF(s->free_pages.next, struct page, link);
    link_remove(&p->link);
    p->free = NULL;
    p->used = 0;
    p->block = (uint32_t)class_index * 8;
    p->bump = sizeof *p;
    ASAN_UNPOISON_MEMORY_REGION(p, PAGE);
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
    s->used_bytes += p->block;
    if (!p->free && p->bump + p->block > PAGE)
        link_remove(&p->link); /* full: it comes back with its first freed block */
    return block;
}

void slab_free(struct slab *s, void *block, size_t size)
{
    if (size > SLAB_MAX) {
        mem_free_sized(block, size);
        return;
    }
    struct page *p = (struct page *)((uintptr_t)block & ~(uintptr_t)(PAGE - 1));
    must(p->block == (size ? (size + 7) / 8 * 8 : 8));
    bool was_full = !p->free && p->bump + p->block > PAGE;
    memcpy(block, &p->free, sizeof p->free);
    p->free = block;
    ASAN_POISON_MEMORY_REGION(block, p->block);
    s->used_bytes -= p->block;
    if (--p->used == 0) {
        if (!was_full)
            link_remove(&p->link);
        p->block = 0;
        link_push_front(&s->free_pages, &p->link);
    } else if (was_full) {
        link_push_back(&s->room[p->block / 8], &p->link);
    }
}

size_t slab_good_size(size_t size)
{
    return size > SLAB_MAX ? mem_good_size(size) : size ? (size + 7) / 8 * 8 : 8;
}

void slab_stats(const struct slab *s, size_t *held, size_t *used)
{
    *held = s->chunk_count * CHUNK;
    *used = s->used_bytes;
}
