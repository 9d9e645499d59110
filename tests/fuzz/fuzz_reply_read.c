/* SPDX-License-Identifier: BSD-3-Clause */
/* Any bytes, whole and cut in pieces: the same items, the same error, no byte outside touched. The
 * items form a grammar, which a second reader goes through by recursion: depths (never over the
 * limit), which items end a reply, all elements there unless the stream ends. What is wanted is
 * neither too much nor too little, and nothing grows by what was only claimed. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "format/reply_read.h"
#include "tests/fuzz/fuzz.h"

#define REQUIRE(x) ((x) ? (void)0 : broken(#x, __LINE__))

static _Noreturn void broken(const char *what, int line)
{
    fprintf(stderr, "line %d: %s does not hold\n", line, what);
    abort();
}

struct reading {
    struct reply_reader r;
    struct reply_item *items; /* without their texts, which are in trace */
    size_t count, cap;
    struct buf trace;
    enum reply_got got;
};

static void keep(struct reading *g, const struct reply_item *item)
{
    if (g->count == g->cap) {
        g->cap = g->cap ? g->cap * 2 : 64;
        g->items = mem_realloc(g->items, g->cap * sizeof *g->items);
    }
    g->items[g->count++] = *item;
    buf_printf(&g->trace, "%u %d %d %lld %g %s %zu ", item->depth, item->kind, item->last,
               (long long)item->number, item->real, item->format, item->text.len);
    buf_add(&g->trace, item->text);
}

/* All items of a block; wanted is what was wanted before more bytes came. */
static void read_block(struct reading *g, const char *block, size_t len, size_t more,
                       size_t wanted)
{
    struct reply_item item;
    size_t before = g->count, from = g->r.at;
    while ((g->got = reply_next(&g->r, block, len, &item)) == REPLY_ITEM) {
        REQUIRE(g->r.at > from && g->r.at <= len);
        REQUIRE(!item.text.data || (item.text.data > block + from &&
                                    item.text.data + item.text.len <= block + g->r.at));
        from = g->r.at;
        keep(g, &item);
    }
    REQUIRE(g->r.at == from);
    REQUIRE(!wanted || more < wanted || g->got == REPLY_BAD || g->count > before);
    REQUIRE(!wanted || more >= wanted || (g->got == REPLY_MORE && g->count == before));
}

static void read_all(struct reading *g, const uint8_t *data, size_t size, uint32_t cuts,
                     const struct reply_limits *limits)
{
    char *block = NULL;
    size_t len = 0, total = size;
    *g = (struct reading){0};
    reply_open(&g->r, limits);
    while (size && g->got != REPLY_BAD) {
        size_t n = size, wanted = reply_wanted(&g->r, len);
        if (cuts) {
            cuts = cuts * 1103515245u + 12345u;
            n = 1 + (cuts >> 16) % (cuts >> 12 & 1 ? 3 : 40 + size / 16);
            n = cuts >> 13 & 1 && wanted ? wanted : n;
            n = n > size ? size : n;
        }
        /* Every piece into a new block of the exact size, so that a step outside is seen. */
        size_t kept = len - g->r.at;
        char *next = mem_alloc(kept + n);
        if (kept)
            memcpy(next, block + g->r.at, kept);
        memcpy(next + kept, data, n);
        mem_free(block);
        block = next;
        len = kept + n;
        g->r.at = 0;
        data += n;
        size -= n;
        read_block(g, block, len, n, wanted);
    }
    buf_printf(&g->trace, "end %s", g->got == REPLY_BAD ? g->r.error : "");
    REQUIRE(g->got != REPLY_BAD || strncmp(g->r.error, "Protocol error: ", 16) == 0);
    REQUIRE(g->r.cap <= 8 || g->r.cap <= total);
    mem_free(block);
}

static void forget(struct reading *g)
{
    reply_close(&g->r);
    mem_free(g->items);
    buf_free(&g->trace);
}

/* ---- the grammar ---- */
struct walk {
    const struct reply_item *items;
    size_t count, at;
    unsigned depth_max;
};

static uint64_t elements(const struct reply_item *item)
{
    switch (item->kind) {
    case REPLY_ARRAY: case REPLY_SET: case REPLY_PUSH: return (uint64_t)item->number;
    case REPLY_MAP: case REPLY_ATTRIBUTE: return 2 * (uint64_t)item->number;
    default: return 0;
    }
}

/* A value with its attributes; ends: a reply ends with it. False: the items end before. */
static bool take_value(struct walk *w, unsigned depth, bool ends)
{
    const struct reply_item *item;
    bool attribute;
    REQUIRE(depth <= w->depth_max);
    do {
        if (w->at == w->count)
            return false;
        item = &w->items[w->at++];
        attribute = item->kind == REPLY_ATTRIBUTE;
        uint64_t count = elements(item);
        REQUIRE(item->depth == depth);
        REQUIRE(item->last == (ends && !attribute && count == 0));
        for (uint64_t i = 0; i < count; i++)
            if (!take_value(w, depth + 1, ends && !attribute && i == count - 1))
                return false;
    } while (attribute);
    return true;
}

static void check_grammar(const struct reading *g)
{
    struct walk w = {g->items, g->count, 0, g->r.limits.depth};
    bool whole = true;
    while (whole && w.at < w.count)
        whole = take_value(&w, 0, true);
    REQUIRE(w.at == w.count);
    REQUIRE(reply_partial(&g->r) == !whole);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct reply_limits usual, small = {.depth = 3, .bulk_max = 30, .elements_max = 5};
    const struct reply_limits *limits = size & 1 ? &small : &usual;
    struct reading whole, pieces;
    read_all(&whole, data, size, 0, limits);
    read_all(&pieces, data, size, (uint32_t)size * 2654435761u + 1, limits);
    if (!slice_eq(buf_slice(&whole.trace), buf_slice(&pieces.trace))) {
        fprintf(stderr, "whole:  %.*s\npieces: %.*s\n", SLICE_ARG(buf_slice(&whole.trace)),
                SLICE_ARG(buf_slice(&pieces.trace)));
        abort();
    }
    check_grammar(&whole);
    REQUIRE(reply_partial(&whole.r) == reply_partial(&pieces.r));
    forget(&whole);
    forget(&pieces);
    return 0;
}

void fuzz_seeds(void)
{
    static const char *const seeds[] = {
        "+OK\r\n-ERR no\r\n:12\r\n$5\r\nhello\r\n$-1\r\n*-1\r\n_\r\n#t\r\n#f\r\n",
        ",3.25\r\n,inf\r\n,-inf\r\n,nan\r\n,1e+21\r\n(123456789012345678901234567890\r\n",
        "=15\r\ntxt:Some string\r\n!10\r\nERR a\r\nb c\r\n$0\r\n\r\n=4\r\nmkd:\r\n",
        "*3\r\n:1\r\n*2\r\n+a\r\n*0\r\n%2\r\n+k\r\n:1\r\n+l\r\n~1\r\n:2\r\n",
        "|1\r\n+a\r\n:1\r\n*2\r\n:2\r\n|1\r\n+b\r\n*1\r\n:3\r\n:4\r\n",
        "%1\r\n+k\r\n|1\r\n+a\r\n:9\r\n+v\r\n|0\r\n+OK\r\n",
        ">3\r\n$7\r\nmessage\r\n$1\r\nx\r\n$1\r\nm\r\n*1\r\n>1\r\n+x\r\n",
        "*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n:1\r\n",
        "*2147483648\r\n%1073741824\r\n$536870912\r\n", ":-0\r\n:+5\r\n:007\r\n$?\r\n*?\r\n",
        "*5\r\n$6\r\nfoobar\r\n$0\r\n\r\n:-9223372036854775808\r\n+\r\n$20\r\n01234567890123456789"
        "\r\n",
    };
    for (size_t i = 0; i < sizeof seeds / sizeof *seeds; i++)
        fuzz_add(seeds[i], strlen(seeds[i]));
    struct {
        char sign, rest[REPLY_LINE_MAX];
    } line = {.sign = '+'}; /* longer than one may be */
    memset(line.rest, 'x', sizeof line.rest);
    fuzz_add(&line, sizeof line);
}
