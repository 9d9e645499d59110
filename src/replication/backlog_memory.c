/* SPDX-License-Identifier: BSD-3-Clause */
#include "replication/backlog_memory.h"

#include <stdbool.h>
#include <stdint.h>

#include "base/mem.h"
#include "base/must.h"

enum {
    PAGE = 4096, CHUNK = 2 << 20, CHUNK_BLOCKS = CHUNK / BACKLOG_BLOCK,
    CHUNK_FROM = 4 * CHUNK, /* a small backlog stays small */
};

struct backlog_chunk {
    char *base;
    unsigned cut, used; /* blocks so far; of them those that were not given back */
};

static struct backlog_chunk *chunk_new(void)
{
    struct backlog_chunk *c = mem_zalloc(sizeof *c);
    c->base = mem_map(CHUNK, CHUNK);
    mem_want_huge(c->base, CHUNK);
    return c;
}

/* It is no one's: nothing is cut from it any more, and no block of it is out. */
static void drop_if_idle(struct backlog_chunk *c)
{
    if (!c || c->used)
        return;
    must(c->cut > 0);
    mem_hold(-(int64_t)BACKLOG_BLOCK * c->cut);
    mem_unmap(c->base, CHUNK);
    mem_free(c);
}

static void *cut(struct backlog_memory *m)
{
    if (m->chunk && m->chunk->cut == CHUNK_BLOCKS) {
        struct backlog_chunk *full = m->chunk;
        m->chunk = NULL;
        drop_if_idle(full);
    }
    if (!m->chunk)
        m->chunk = chunk_new();
    struct backlog_chunk *c = m->chunk;
    void *block = c->base + (size_t)c->cut++ * BACKLOG_BLOCK;
    c->used++;
    mem_populate(block, BACKLOG_BLOCK);
    mem_hold(BACKLOG_BLOCK);
    mem_count(BACKLOG_BLOCK);
    return block;
}

static void *allocate(void)
{
    void *block = mem_alloc(BACKLOG_BLOCK);
    uintptr_t from = ((uintptr_t)block + PAGE - 1) & -(uintptr_t)PAGE;
    mem_populate((void *)from, ((uintptr_t)block + BACKLOG_BLOCK - from) & -(uintptr_t)PAGE);
    return block;
}

void *backlog_memory_take(struct backlog_memory *m, struct backlog_chunk **of)
{
    void *block = m->spare;
    if (block) {
        *of = m->spare_chunk;
        m->spare = NULL;
        return block;
    }
    bool from_chunk = m->held >= CHUNK_FROM;
    block = from_chunk ? cut(m) : allocate();
    *of = from_chunk ? m->chunk : NULL;
    m->held += BACKLOG_BLOCK;
    return block;
}

static void release(struct backlog_memory *m, void *block, struct backlog_chunk *of)
{
    must(m->held >= BACKLOG_BLOCK);
    m->held -= BACKLOG_BLOCK;
    if (!of) {
        mem_free(block);
        return;
    }
    must(of->used > 0);
    of->used--;
    mem_count(-(int64_t)BACKLOG_BLOCK);
    if (of != m->chunk)
        drop_if_idle(of);
}

void backlog_memory_give(struct backlog_memory *m, void *block, struct backlog_chunk *of)
{
    if (m->spare) {
        release(m, block, of);
        return;
    }
    m->spare = block;
    m->spare_chunk = of;
}

void backlog_memory_rest(struct backlog_memory *m)
{
    if (m->spare)
        release(m, m->spare, m->spare_chunk);
    m->spare = NULL;
    struct backlog_chunk *chunk = m->chunk;
    m->chunk = NULL;
    drop_if_idle(chunk);
}
