/* SPDX-License-Identifier: BSD-3-Clause */
/* The sealed blocks are an array that is taken from at the front. It is moved down when it would
 * grow and half of it is taken, so that a block costs O(1) moves. */
#include "server/output.h"

#include "base/mem.h"
#include "base/must.h"

struct output_sealed {
    size_t first, count, cap; /* blocks[first .. first + count) */
    size_t memory;            /* of the blocks */
    struct buf blocks[];
};

/* A block that has more than that share of it free gives it back when it is sealed. */
enum { FIRST_CAP = 8, SPARE_SHARE = 8 };

/* Whenever the blocks have changed, but for what a send takes from the front. */
static void output_must_hold(const struct output *o)
{
    must(o->sealed || o->sealed_len == 0);
    must(o->sent <= o->sealed_len + o->open.len && o->sent <= o->sent_total);
    must(!o->sealed || o->sealed->first + o->sealed->count <= o->sealed->cap);
}

static void make_room(struct output *o)
{
    struct output_sealed *s = o->sealed;
    if (s && s->first + s->count < s->cap)
        return;
    if (s && s->first >= s->cap / 2) {
        memmove(s->blocks, s->blocks + s->first, s->count * sizeof *s->blocks);
        s->first = 0;
        return;
    }
    size_t cap = s ? s->cap * 2 : FIRST_CAP;
    o->sealed = mem_realloc(s, sizeof *s + cap * sizeof *s->blocks);
    if (!s)
        o->sealed->first = o->sealed->count = o->sealed->memory = 0;
    o->sealed->cap = cap;
}

void output_seal(struct output *o, size_t more)
{
    if (!o->open.len)
        return;
    make_room(o);
    struct output_sealed *s = o->sealed;
    must(s->first + s->count < s->cap);
    if (o->open.cap - o->open.len > o->open.cap / SPARE_SHARE)
        buf_shrink(&o->open);
    s->blocks[s->first + s->count++] = o->open;
    s->memory += o->open.cap;
    o->sealed_len += o->open.len;
    o->open = (struct buf){0};
    output_must_hold(o);
    if (more <= OUTPUT_FULL)
        buf_reserve(&o->open, OUTPUT_BLOCK);
}

void output_add(struct output *o, struct buf *b)
{
    if (o->open.len + b->len <= OUTPUT_FULL) {
        buf_add(&o->open, buf_slice(b));
        buf_free(b);
        return;
    }
    output_seal(o, SIZE_MAX);
    buf_free(&o->open);
    o->open = *b;
    *b = (struct buf){0};
    output_must_hold(o);
}

void output_take(struct output *o, struct output *from)
{
    struct output_sealed *s = from->sealed;
    must(from->sent == 0 && from->sent_total == 0);
    for (size_t i = 0; s && i < s->count; i++)
        output_add(o, &s->blocks[s->first + i]);
    output_add(o, &from->open);
    mem_free(s);
    *from = (struct output){0};
}

static void free_block(struct output *o, struct buf *block)
{
    must(o->sealed->count > 0);
    must(block->len <= o->sealed_len && block->cap <= o->sealed->memory);
    o->sealed_len -= block->len;
    o->sealed->memory -= block->cap;
    o->sealed->count--;
    buf_free(block);
}

struct buf *output_find(struct output *o, uint64_t place, size_t *offset)
{
    uint64_t begin = output_end(o) - o->open.len;
    struct buf *block = &o->open;
    must(place <= output_end(o));
    for (size_t i = o->sealed ? o->sealed->count : 0; place < begin; i--) {
        must(i > 0);
        block = &o->sealed->blocks[o->sealed->first + i - 1];
        begin -= block->len;
    }
    *offset = (size_t)(place - begin);
    return block;
}

void output_shrink(struct output *o, struct buf *block, size_t n)
{
    must(n <= block->len);
    block->len -= n;
    if (block != &o->open)
        o->sealed_len -= n;
    output_must_hold(o);
}

void output_cut(struct output *o, uint64_t place)
{
    must(place >= o->sent_total && place <= output_end(o));
    while (output_end(o) > place) {
        size_t at;
        uint64_t last = output_end(o) - 1;
        struct buf *block = output_find(o, last, &at);
        uint64_t begin = last - at;
        size_t stays = place > begin ? (size_t)(place - begin) : 0;
        output_shrink(o, block, at + 1 - stays);
    }
}

int output_parts(const struct output *o, size_t most, struct iovec *parts, int max)
{
    const struct output_sealed *s = o->sealed;
    size_t sealed = s ? s->count : 0, skip = o->sent;
    int n = 0;
    for (size_t i = 0; i <= sealed && most && n < max; i++) {
        const struct buf *block = i < sealed ? &s->blocks[s->first + i] : &o->open;
        must(skip <= block->len);
        size_t len = block->len - skip < most ? block->len - skip : most;
        if (len)
            parts[n++] = (struct iovec){block->data + skip, len};
        most -= len;
        skip = 0;
    }
    return n;
}

void output_sent(struct output *o, size_t n, size_t keep)
{
    struct output_sealed *s = o->sealed;
    must(n <= output_unsent(o));
    o->sent += n;
    o->sent_total += n;
    while (s && s->count && o->sent >= s->blocks[s->first].len) {
        o->sent -= s->blocks[s->first].len;
        free_block(o, &s->blocks[s->first++]);
    }
    if (o->sealed_len || o->sent < o->open.len)
        return;
    o->sent = 0;
    if (s) {
        mem_free(s);
        o->sealed = NULL;
    }
    if (o->open.cap > keep)
        buf_free(&o->open);
    o->open.len = 0;
}

size_t output_memory(const struct output *o)
{
    const struct output_sealed *s = o->sealed;
    return o->open.cap + (s ? s->memory + sizeof *s + s->cap * sizeof *s->blocks : 0);
}

void output_free(struct output *o)
{
    struct output_sealed *s = o->sealed;
    for (size_t i = 0; s && i < s->count; i++)
        buf_free(&s->blocks[s->first + i]);
    mem_free(s);
    buf_free(&o->open);
    *o = (struct output){.sent_total = o->sent_total};
}
