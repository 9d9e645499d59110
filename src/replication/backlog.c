/* SPDX-License-Identifier: BSD-3-Clause */
/* Blocks form a chain, oldest first; bytes are appended to the last.
 *
 *   oldest -> block -> block -> last
 *               ^cursor
 *
 * A block lives while it is pointed at: by the backlog (oldest), by the block in front of it, or by
 * cursors. So what stands behind a cursor stays, and when the backlog gives its oldest block up,
 * that goes at once or stays for whoever reads there. What the backlog gives up is whole blocks
 * that end before the last keep bytes; which bytes it has is counted exactly (backlog_first). */
#include "replication/backlog.h"

#include <string.h>

#include "base/mem.h"
#include "base/must.h"
#include "replication/backlog_memory.h"

struct backlog_block {
    struct backlog_block *next; /* counts as one of its users */
    size_t users, len;
    uint64_t start;  /* which backlog_start it is of */
    int64_t offset; /* of the first byte */
    struct backlog_chunk *of;
    char bytes[BACKLOG_BLOCK - 6 * sizeof(size_t)];
};
_Static_assert(sizeof(struct backlog_block) == BACKLOG_BLOCK, "a size class of the allocator");

struct backlog {
    size_t keep;
    uint64_t starts;
    struct backlog_block *oldest, *last; /* NULL: it is off */
    struct backlog_memory blocks;
    int64_t first, next;
};

static void must_hold(const struct backlog *b)
{
    must(!b->oldest == !b->last);
    must(!b->last || b->next == b->last->offset + (int64_t)b->last->len);
    must(b->first <= b->next);
}

static struct backlog_block *block_new(struct backlog *b, int64_t offset)
{
    struct backlog_chunk *of;
    struct backlog_block *block = backlog_memory_take(&b->blocks, &of);
    block->of = of;
    block->next = NULL;
    block->users = 1; /* who asked for it */
    block->len = 0;
    block->start = b->starts;
    block->offset = offset;
    return block;
}

static void block_release(struct backlog *b, struct backlog_block *block)
{
    while (block) {
        struct backlog_block *next = block->next;
        must(block->users > 0);
        if (--block->users)
            break;
        backlog_memory_give(&b->blocks, block, block->of);
        block = next;
    }
    if (!b->oldest)
        backlog_memory_rest(&b->blocks);
}

struct backlog *backlog_new(size_t keep_bytes)
{
    struct backlog *b = mem_zalloc(sizeof *b);
    b->keep = keep_bytes;
    return b;
}

void backlog_free(struct backlog *b)
{
    backlog_stop(b);
    must(b->blocks.held == 0);
    mem_free(b);
}

void backlog_start(struct backlog *b, int64_t first)
{
    backlog_stop(b);
    b->starts++;
    b->oldest = b->last = block_new(b, first);
    b->first = b->next = first;
    must_hold(b);
}

void backlog_stop(struct backlog *b)
{
    struct backlog_block *oldest = b->oldest;
    b->oldest = b->last = NULL;
    block_release(b, oldest);
    b->first = b->next = 0;
}

bool backlog_is_on(const struct backlog *b)
{
    return b->oldest != NULL;
}

/* Gives up what lies before the last keep bytes. */
static void trim(struct backlog *b)
{
    int64_t least = b->next - (int64_t)b->keep;
    if ((uint64_t)(b->next - b->first) > b->keep)
        b->first = least;
    while (b->oldest != b->last && b->oldest->offset + (int64_t)b->oldest->len <= b->first) {
        struct backlog_block *gone = b->oldest;
        b->oldest = gone->next;
        b->oldest->users++;
        block_release(b, gone);
    }
    must_hold(b);
}

void backlog_resize(struct backlog *b, size_t keep_bytes)
{
    b->keep = keep_bytes;
    if (backlog_is_on(b))
        trim(b);
}

char *backlog_room(struct backlog *b, size_t *room)
{
    must(b->last);
    if (b->last->len == sizeof b->last->bytes) {
        b->last->next = block_new(b, b->next);
        b->last = b->last->next;
    }
    *room = sizeof b->last->bytes - b->last->len;
    return b->last->bytes + b->last->len;
}

void backlog_grew(struct backlog *b, size_t n)
{
    must(n <= sizeof b->last->bytes - b->last->len);
    b->last->len += n;
    b->next += (int64_t)n;
    trim(b);
}

void backlog_add(struct backlog *b, struct slice bytes)
{
    while (bytes.len) {
        size_t room;
        char *to = backlog_room(b, &room);
        size_t n = bytes.len < room ? bytes.len : room;
        memcpy(to, bytes.data, n);
        backlog_grew(b, n);
        bytes = slice_from(bytes, n);
    }
}

int64_t backlog_first(const struct backlog *b)
{
    return b->first;
}

int64_t backlog_next(const struct backlog *b)
{
    return b->next;
}

size_t backlog_kept(const struct backlog *b)
{
    return (size_t)(b->next - b->first);
}

size_t backlog_memory(const struct backlog *b)
{
    return b->blocks.held;
}

/* ---- cursors ---- */
static void stand(struct backlog *b, struct backlog_cursor *c, struct backlog_block *block,
                  size_t at)
{
    struct backlog_block *before = c->block;
    must(at <= block->len);
    block->users++;
    c->block = block;
    c->at = at;
    c->offset = block->offset + (int64_t)at;
    block_release(b, before);
}

void backlog_seek(struct backlog *b, struct backlog_cursor *c, int64_t offset)
{
    struct backlog_block *block = b->oldest;
    must(block && !c->block && offset >= b->first && offset <= b->next);
    while (offset > block->offset + (int64_t)block->len)
        block = block->next;
    stand(b, c, block, (size_t)(offset - block->offset));
}

void backlog_release(struct backlog *b, struct backlog_cursor *c)
{
    block_release(b, c->block);
    c->block = NULL;
}

size_t backlog_left(const struct backlog *b, const struct backlog_cursor *c)
{
    const struct backlog_block *block = c->block;
    if (!block)
        return 0;
    if (b->last && block->start == b->starts)
        return (size_t)(b->next - c->offset);
    size_t left = block->len - c->at;
    while ((block = block->next))
        left += block->len;
    return left;
}

int backlog_parts(const struct backlog *b, const struct backlog_cursor *c, size_t most,
                  struct iovec *to, int max)
{
    const struct backlog_block *block = c->block;
    size_t at = c->at;
    int count = 0;
    (void)b;
    for (; block && most && count < max; block = block->next, at = 0) {
        size_t n = block->len - at < most ? block->len - at : most;
        if (!n)
            continue;
        to[count].iov_base = (char *)(uintptr_t)(block->bytes + at);
        to[count++].iov_len = n;
        most -= n;
    }
    return count;
}

void backlog_take(struct backlog *b, struct backlog_cursor *c, size_t n)
{
    struct backlog_block *block = c->block;
    size_t at = c->at + n;
    must(block);
    while (at > block->len || (at == block->len && block->next)) {
        must(block->next); /* it takes no more than there is */
        at -= block->len;
        block = block->next;
    }
    if (block != c->block) {
        stand(b, c, block, at);
        return;
    }
    c->at = at;
    c->offset += (int64_t)n;
}
