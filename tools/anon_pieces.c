/* SPDX-License-Identifier: BSD-3-Clause */
/* Where in a block its content lies. The layouts are drawn in listpack.c, legacy.c, intset.c and
 * rdb_stream.c; blocks are validated by their owners first, so walks here are short. */
#include <string.h>

#include "base/bytes.h"
#include "base/must.h"
#include "containers/intset.h"
#include "containers/legacy.h"
#include "containers/listpack.h"
#include "tools/anon_pack.h"
#include "tools/anon_pieces.h"

enum { LP_BITS7 = 0, LP_BITS13 = 0xc0, LP_I16 = 0xf1, LP_I64 = 0xf4, LP_LONG = 0xf0 };
enum { ZL_I16 = 0xc0, ZL_I32 = 0xd0, ZL_I64 = 0xe0, ZL_I24 = 0xf0, ZL_I8 = 0xfe, ZL_SMALL = 0xf1 };
enum { ZL_HEADER = 10, LONG_LENGTH = 254, END = 255, INTSET_HEADER = 8 };

/* Bytes behind the head of an integer; *base: bits of the value that the head has. */
static size_t int_width(uint8_t form)
{
    switch (form) {
    case LP_BITS7:
    case ANON_ZL_SMALL: return 0;
    case LP_BITS13:
    case ANON_ZL_I8: return 1;
    case LP_I16:
    case ANON_ZL_I16:
    case ANON_SET_I16: return 2;
    case 0xf2:
    case ANON_ZL_I24: return 3;
    case 0xf3:
    case ANON_ZL_I32:
    case ANON_SET_I32: return 4;
    default: return 8;
    }
}

size_t anon_int_width(const struct anon_piece *p)
{
    must(p->is_int);
    return int_width(p->form);
}

static bool headless(uint8_t form)
{
    return form >= ANON_SET_I16;
}

size_t anon_int_data(const struct anon_piece *p)
{
    return p->at + (headless(p->form) ? 0 : 1);
}

void anon_piece_put(char *block, const struct anon_piece *p, int64_t value)
{
    uint8_t *at = (uint8_t *)block + anon_int_data(p);
    size_t width = int_width(p->form);
    if (p->form == LP_BITS7) {
        block[p->at] = (char)(value & 127);
    } else if (p->form == LP_BITS13) {
        block[p->at] = (char)(LP_BITS13 | (value >> 8 & 31));
        at[0] = (uint8_t)value;
    } else if (p->form == ANON_ZL_SMALL) {
        block[p->at] = (char)(ZL_SMALL + value);
    } else {
        for (size_t i = 0; i < width; i++)
            at[i] = (uint8_t)((uint64_t)value >> (8 * i));
    }
}

/* ---- listpacks ---- */

static void lp_piece(const uint8_t *lp, size_t at, struct anon_piece *p)
{
    struct slice text;
    uint8_t lead = lp[at];
    *p = (struct anon_piece){.at = at};
    p->is_int = lp_get_int(lp, at, &p->value, &text);
    if (!p->is_int) {
        p->at = text.len ? (size_t)((const uint8_t *)text.data - lp) : at;
        p->len = text.len;
        return;
    }
    p->form = lead < 0x80 ? LP_BITS7 : lead < 0xe0 ? LP_BITS13 : lead;
    p->len = 1 + int_width(p->form);
}

/* Which elements of a listpack are content, and which are distinct: by their number modulo n. */
struct pattern {
    unsigned n, kept; /* kept: this one is none; n: none is kept */
    unsigned key;     /* this one is distinct; n: none need be */
};

static struct pattern pattern_of(int type, enum rdb_stored_kind kind)
{
    if (kind == RDB_STORED_FIELDS)
        return (struct pattern){1, 1, 0};
    switch (type) {
    case RDB_HASH_ZIPMAP:
    case RDB_HASH_ZIPLIST:
    case RDB_HASH_LISTPACK: return (struct pattern){2, 2, 0};
    case RDB_ZSET_ZIPLIST:
    case RDB_ZSET_LISTPACK: return (struct pattern){2, 1, 0};
    case RDB_HASH_TTL_PACK:
    case RDB_HASH_TTL_PACK_OLD: return (struct pattern){3, 2, 0};
    case RDB_SET_LISTPACK: return (struct pattern){1, 1, 0};
    default: return (struct pattern){1, 1, 1};
    }
}

static void give(const struct pattern *is, size_t i, struct anon_piece *p, anon_visit *visit,
                 void *arg)
{
    p->distinct = i % is->n == is->key;
    if (i % is->n != is->kept)
        visit(arg, p);
}

static bool walk_listpack(int type, enum rdb_stored_kind kind, struct slice block,
                          anon_visit *visit, void *arg)
{
    const char *why;
    size_t i = 0;
    struct anon_piece p;
    const uint8_t *lp = (const uint8_t *)block.data;
    struct pattern is = pattern_of(type, kind);
    if (!lp_validate(block, NULL, &why))
        return false;
    for (size_t at = lp_first(lp); at; at = lp_next(lp, at), i++) {
        lp_piece(lp, at, &p);
        if (kind != RDB_STORED_VALUES || i > 0)
            give(&is, i, &p, visit, arg);
    }
    return true;
}

/* ---- nodes of streams ---- */

struct node {
    const uint8_t *lp;
    size_t at;
    anon_visit *visit;
    void *arg;
    bool bad;
};

static int64_t take_int(struct node *n)
{
    struct anon_piece p = {0};
    if (n->at && !n->bad)
        lp_piece(n->lp, n->at, &p);
    n->bad |= !p.is_int;
    if (!n->bad)
        n->at = lp_next(n->lp, n->at);
    return p.value;
}

static void take_texts(struct node *n, int64_t count)
{
    struct anon_piece p;
    for (; count > 0 && !n->bad; count--) {
        n->bad = !n->at;
        if (n->bad)
            return;
        lp_piece(n->lp, n->at, &p);
        n->visit(n->arg, &p);
        n->at = lp_next(n->lp, n->at);
    }
}

static bool walk_node(struct slice block, anon_visit *visit, void *arg)
{
    const char *why;
    struct node n = {.lp = (const uint8_t *)block.data, .visit = visit, .arg = arg};
    if (!lp_validate(block, NULL, &why))
        return false;
    n.at = lp_first(n.lp);
    take_int(&n);
    take_int(&n);
    int64_t fields = take_int(&n);
    take_texts(&n, fields);
    take_int(&n);
    while (n.at && !n.bad) {
        int64_t flags = take_int(&n);
        take_int(&n);
        take_int(&n);
        int64_t own = flags & STREAM_ENTRY_SAME_FIELDS ? 0 : take_int(&n);
        bool same = flags & STREAM_ENTRY_SAME_FIELDS;
        if (own < 0 || own > INT32_MAX)
            return false;
        take_texts(&n, same ? fields : 2 * own);
        take_int(&n);
    }
    return !n.bad;
}

/* ---- ziplists, zipmaps ---- */

static int64_t zl_int(const uint8_t *p, uint8_t *form, size_t *width)
{
    uint8_t lead = *p++;
    switch (lead) {
    case ZL_I8: *form = ANON_ZL_I8; *width = 1; return (int8_t)*p;
    case ZL_I16: *form = ANON_ZL_I16; *width = 2; return (int16_t)load_le16(p);
    case ZL_I24:
        *form = ANON_ZL_I24;
        *width = 3;
        return (int32_t)((uint32_t)p[0] << 8 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 24) >> 8;
    case ZL_I32: *form = ANON_ZL_I32; *width = 4; return (int32_t)load_le32(p);
    case ZL_I64: *form = ANON_ZL_I64; *width = 8; return (int64_t)load_le64(p);
    default: *form = ANON_ZL_SMALL; *width = 0; return lead - ZL_SMALL;
    }
}

static size_t zl_piece(const uint8_t *zl, size_t at, struct anon_piece *p)
{
    size_t width;
    at += zl[at] == LONG_LENGTH ? 5 : 1;
    uint8_t lead = zl[at];
    *p = (struct anon_piece){.at = at};
    if (lead >= ZL_I16) {
        p->is_int = true;
        p->value = zl_int(zl + at, &p->form, &width);
        p->len = 1 + width;
        return at + p->len;
    }
    size_t head = lead < 0x40 ? 1 : lead < 0x80 ? 2 : 5;
    p->len = head == 1   ? lead
             : head == 2 ? (size_t)(lead & 63) << 8 | zl[at + 1]
                         : load_be32(zl + at + 1);
    p->at = at + head;
    return p->at + p->len;
}

static bool walk_ziplist(int type, struct slice block, anon_visit *visit, void *arg)
{
    const char *why;
    struct anon_piece p;
    const uint8_t *zl = (const uint8_t *)block.data;
    struct pattern is = pattern_of(type, RDB_STORED_BLOCK);
    if (!ziplist_walk(block, NULL, NULL, NULL, &why))
        return false;
    size_t at = ZL_HEADER, i = 0;
    while (at < block.len && zl[at] != END) {
        at = zl_piece(zl, at, &p);
        give(&is, i++, &p, visit, arg);
    }
    return true;
}

static size_t zm_length(const uint8_t *zm, size_t *at)
{
    uint8_t first = zm[(*at)++];
    if (first < LONG_LENGTH)
        return first;
    *at += 4;
    return load_le32(zm + *at - 4);
}

/* The unused bytes behind a value are what a longer one left there. */
static bool walk_zipmap(struct slice block, anon_visit *visit, void *arg)
{
    const char *why;
    const uint8_t *zm = (const uint8_t *)block.data;
    size_t at = 1;
    if (!zipmap_walk(block, NULL, NULL, NULL, &why))
        return false;
    while (at < block.len && zm[at] != END) {
        struct anon_piece p = {.distinct = true};
        p.len = zm_length(zm, &at);
        p.at = at;
        visit(arg, &p);
        at += p.len;
        size_t len = zm_length(zm, &at), unused = zm[at++];
        visit(arg, &(struct anon_piece){.at = at, .len = len});
        at += len;
        visit(arg, &(struct anon_piece){.at = at, .len = unused});
        at += unused;
    }
    return true;
}

/* ---- intsets ---- */

static bool walk_intset(struct slice block, anon_visit *visit, void *arg)
{
    const char *why;
    const uint8_t *is = (const uint8_t *)block.data;
    if (!intset_validate(block, &why))
        return false;
    size_t n = intset_count(is), width = load_le32(is);
    uint8_t form = width == 2 ? ANON_SET_I16 : width == 4 ? ANON_SET_I32 : ANON_SET_I64;
    for (size_t i = 0; i < n; i++)
        visit(arg, &(struct anon_piece){.at = INTSET_HEADER + i * width, .len = width,
                                        .is_int = true, .form = form, .distinct = true,
                                        .value = intset_get(is, i)});
    return true;
}

bool anon_pieces(int type, enum rdb_stored_kind kind, struct slice block, anon_visit *visit,
                 void *arg)
{
    if (kind != RDB_STORED_BLOCK)
        return walk_listpack(type, kind, block, visit, arg);
    switch (type) {
    case RDB_SET_INTSET: return walk_intset(block, visit, arg);
    case RDB_HASH_ZIPMAP: return walk_zipmap(block, visit, arg);
    case RDB_LIST_ZIPLIST:
    case RDB_ZSET_ZIPLIST:
    case RDB_HASH_ZIPLIST:
    case RDB_QUICKLIST: return walk_ziplist(type, block, visit, arg);
    case RDB_STREAM_1:
    case RDB_STREAM_2:
    case RDB_STREAM_3:
    case RDB_STREAM_4:
    case RDB_STREAM_5: return walk_node(block, visit, arg);
    default: return walk_listpack(type, kind, block, visit, arg);
    }
}
