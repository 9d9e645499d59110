/* SPDX-License-Identifier: BSD-3-Clause */
#include "tools/anon_pack.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "base/lzf.h"
#include "base/mem.h"
#include "base/must.h"
#include "base/num.h"
#include "containers/listpack.h"
#include "format/score.h"
#include "tools/anon_pieces.h"

enum { TRIES = 16, LITERAL_MAX = 32 };

struct replace {
    struct anon *a;
    char *block;
    uint64_t content;
};

static void replace_piece(void *arg, const struct anon_piece *p)
{
    struct replace *r = arg;
    r->content += p->len;
    if (p->is_int)
        anon_piece_put(r->block, p, anon_int(r->a, p->value));
    else
        anon_text(r->a, r->block + p->at, p->len, 0);
}

static void ignore_piece(void *arg, const struct anon_piece *p)
{
    (void)arg;
    (void)p;
}

/* ---- the order of sorted sets ---- */

static bool is_zset(int type)
{
    return type == RDB_ZSET_LISTPACK;
}

struct member {
    struct slice text, bytes; /* bytes: with its score, as they lie */
    char scratch[NUM_I64_TEXT];
};

/* scratch moves with its member: a text without data lies there. */
static struct slice text_of(const struct member *m)
{
    return m->text.data ? m->text : slice(m->scratch, m->text.len);
}

static int compare_members(const void *a, const void *b)
{
    return slice_cmp(text_of(a), text_of(b));
}

static struct slice member_text(const uint8_t *lp, size_t at, struct member *m)
{
    int64_t n;
    struct slice text;
    if (!lp_get_int(lp, at, &n, &text))
        return text;
    return slice(m->scratch, num_format_i64(m->scratch, n));
}

static bool zset_sorted(const uint8_t *lp)
{
    struct member m[2];
    double before = -INFINITY;
    size_t last = 0;
    for (size_t at = lp_first(lp); at;) {
        double score;
        size_t member = at;
        at = lp_next(lp, at);
        if (!at || !score_at(lp, at, &score) || isnan(score))
            return false;
        if (last && (score < before ||
                     (score == before && slice_cmp(member_text(lp, last, &m[0]),
                                                   member_text(lp, member, &m[1])) >= 0)))
            return false;
        before = score;
        last = member;
        at = lp_next(lp, at);
    }
    return true;
}

/* Members of one score lie from..to: put in order. */
static void sort_run(char *block, size_t from, size_t to, size_t n)
{
    const uint8_t *lp = (const uint8_t *)block;
    struct member *all = mem_alloc(n * sizeof *all);
    struct buf bytes = {0};
    size_t at = from;
    for (size_t i = 0; i < n; i++) {
        size_t score = lp_next(lp, at), next = lp_next(lp, score);
        size_t end = next ? next : lp_bytes(lp) - 1;
        all[i].text = member_text(lp, at, &all[i]);
        if (all[i].text.data == all[i].scratch)
            all[i].text.data = NULL;
        all[i].bytes = slice(block + at, end - at);
        at = end;
    }
    must(at == to);
    qsort(all, n, sizeof *all, compare_members);
    for (size_t i = 0; i < n; i++)
        buf_add(&bytes, all[i].bytes);
    memcpy(block + from, bytes.data, bytes.len);
    buf_free(&bytes);
    mem_free(all);
}

/* Scores stay: only runs of one are to be put in order. */
static void sort_zset(char *block)
{
    const uint8_t *lp = (const uint8_t *)block;
    size_t from = lp_first(lp), n = 0;
    double before = 0, score;
    for (size_t at = from; at; ) {
        size_t scored = lp_next(lp, at), next = lp_next(lp, scored);
        if (!score_at(lp, scored, &score))
            return;
        if (n > 1 && score != before)
            sort_run(block, from, at, n);
        if (n == 0 || score != before) {
            from = at;
            n = 0;
        }
        n++;
        before = score;
        at = next;
    }
    if (n > 1)
        sort_run(block, from, lp_bytes(lp) - 1, n);
}

/* ---- intsets ---- */

struct numbers {
    struct anon *a;
    char *block;
    int64_t *all;
    size_t n;
    bool put;
};

static void number_piece(void *arg, const struct anon_piece *p)
{
    struct numbers *x = arg;
    if (x->put)
        anon_piece_put(x->block, p, x->all[x->n++]);
    else
        x->all[x->n++] = anon_int(x->a, p->value);
}

static int compare_numbers(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return x < y ? -1 : x > y;
}

static bool replace_intset(struct anon *a, char *block, size_t n, struct anon_counts *c)
{
    struct numbers x = {.a = a, .block = block, .all = mem_alloc(n * 4 + 8)};
    bool ok = anon_pieces(RDB_SET_INTSET, RDB_STORED_BLOCK, slice(block, n), number_piece, &x);
    if (ok) {
        qsort(x.all, x.n, sizeof *x.all, compare_numbers);
        x.n = 0;
        x.put = true;
        anon_pieces(RDB_SET_INTSET, RDB_STORED_BLOCK, slice(block, n), number_piece, &x);
        c->content += n;
    }
    mem_free(x.all);
    return ok;
}

bool anon_block(struct anon *a, int type, enum rdb_stored_kind kind, char *block, size_t n,
                struct anon_counts *c)
{
    struct replace r = {.a = a, .block = block};
    if (type == RDB_SET_INTSET && kind == RDB_STORED_BLOCK)
        return replace_intset(a, block, n, c);
    if (!anon_pieces(type, kind, slice(block, n), ignore_piece, NULL))
        return false;
    bool sorted = is_zset(type) && zset_sorted((const uint8_t *)block);
    bool ok = anon_pieces(type, kind, slice(block, n), replace_piece, &r);
    must(ok);
    if (sorted)
        sort_zset(block);
    c->content += r.content;
    return true;
}

/* ---- compressed ---- */

struct origins {
    char *made;          /* the block */
    uint8_t *is_content; /* of each of its bytes */
    uint32_t *from;      /* which literal of the compressed form each byte is */
    size_t len;
    uint64_t content;
    /* an intset's numbers, to tell which bytes of one may change */
    bool intset;
    int64_t before;
    struct anon_piece last;
    bool has_last, has_before;
};

static void mark(struct origins *o, size_t at, size_t n)
{
    memset(o->is_content + at, 1, n);
    o->content += n;
}

/* The lowest bytes of a number that may become any others, and the numbers stay in order. */
static void mark_number(struct origins *o, const struct anon_piece *p, const int64_t *after)
{
    size_t width = anon_int_width(p), free = width - 1;
    for (; free > 0; free--) {
        int64_t high = p->value >> (8 * free);
        bool low_ok = !o->has_before || o->before >> (8 * free) < high;
        if (low_ok && (!after || *after >> (8 * free) > high))
            break;
    }
    mark(o, p->at, free);
    o->content += width - free;
    o->before = p->value;
    o->has_before = true;
}

static void mark_piece(void *arg, const struct anon_piece *p)
{
    struct origins *o = arg;
    if (o->intset) {
        if (o->has_last)
            mark_number(o, &o->last, &p->value);
        o->last = *p;
        o->has_last = true;
    } else if (!p->is_int) {
        mark(o, p->at, p->len);
    } else {
        size_t width = anon_int_width(p);
        mark(o, anon_int_data(p), width > 1 ? width - 1 : width == 1 && p->form == 0xc0);
        o->content++;
    }
}

/* Decodes and notes where each byte comes from. */
static bool trace(struct origins *o, const char *packed, size_t n)
{
    size_t at = 0;
    for (size_t i = 0; i < n;) {
        unsigned control = (uint8_t)packed[i++];
        if (control < LITERAL_MAX) {
            size_t run = control + 1u;
            if (run > n - i || run > o->len - at)
                return false;
            for (; run; run--, at++, i++) {
                o->made[at] = packed[i];
                o->from[at] = (uint32_t)i;
            }
            continue;
        }
        size_t run = control >> 5;
        if (n - i < 1 + (run == 7))
            return false;
        if (run == 7)
            run += (uint8_t)packed[i++];
        size_t back = ((control & 31u) << 8 | (uint8_t)packed[i++]) + 1u;
        run += 2;
        if (back > at || run > o->len - at)
            return false;
        for (; run; run--, at++) {
            o->made[at] = o->made[at - back];
            o->from[at] = o->from[at - back];
        }
    }
    return at == o->len;
}

/* Which literals become content and nothing else: 1; something else: 2. */
static void judge(const struct origins *o, uint8_t *verdict, struct anon_counts *c)
{
    for (size_t i = 0; i < o->len; i++)
        verdict[o->from[i]] |= o->is_content[i] ? 1 : 2;
    uint64_t free = 0;
    for (size_t i = 0; i < o->len; i++)
        free += o->is_content[i] && verdict[o->from[i]] == 1;
    c->content += o->content;
    c->left += o->content - free;
}

struct distinct {
    const char *block;
    struct buf hashes;
};

static void hash_piece(void *arg, const struct anon_piece *p)
{
    struct distinct *d = arg;
    char text[NUM_I64_TEXT];
    struct slice s = p->is_int ? slice(text, num_format_i64(text, p->value))
                               : slice(d->block + p->at, p->len);
    uint64_t hash = hash_slice(s);
    if (p->distinct)
        buf_append(&d->hashes, &hash, sizeof hash);
}

static int compare_hashes(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return x < y ? -1 : x > y;
}

static bool is_distinct(int type, enum rdb_stored_kind kind, struct slice block)
{
    struct distinct d = {.block = block.data};
    bool ok = anon_pieces(type, kind, block, hash_piece, &d);
    uint64_t *all = (uint64_t *)(void *)d.hashes.data;
    size_t n = d.hashes.len / sizeof *all;
    if (n)
        qsort(all, n, sizeof *all, compare_hashes);
    for (size_t i = 1; i < n; i++)
        ok = ok && all[i - 1] != all[i];
    buf_free(&d.hashes);
    return ok;
}

/* Literals that may be replaced, gathered, permuted and put back. Later tries put one byte for
 * another everywhere, so that what differs goes on to differ. */
static void scatter(struct anon *a, unsigned try, const uint8_t *verdict, const char *from,
                    char *to, size_t n)
{
    uint64_t nonce = hash_with(a->key, from, n) + try;
    buf_clear(&a->half);
    for (size_t i = 0; i < n; i++)
        if (verdict[i] == 1)
            buf_byte(&a->half, (uint8_t)from[i]);
    char *bytes = a->half.data;
    for (size_t at = 0; at < a->half.len; at += ANON_PART) {
        size_t part = a->half.len - at < ANON_PART ? a->half.len - at : ANON_PART;
        if (try < TRIES / 2)
            anon_bytes(a, nonce + at, bytes + at, part);
        for (size_t i = 0; try >= TRIES / 2 && i < part; i++)
            bytes[at + i] = anon_letter(a, nonce, bytes[at + i]);
    }
    size_t used = 0;
    for (size_t i = 0; i < n; i++)
        if (verdict[i] == 1)
            to[i] = bytes[used++];
}

static void try_all(struct anon *a, int type, enum rdb_stored_kind kind, struct origins *o,
                    const uint8_t *verdict, char *packed, size_t n, struct anon_counts *c)
{
    char *was = mem_dup(packed, n);
    bool sorted = is_zset(type) && zset_sorted((const uint8_t *)o->made), in_order = false;
    bool before = is_distinct(type, kind, slice(o->made, o->len)), good = false;
    unsigned try;
    for (try = 0; try < TRIES && !(good && in_order); try++) {
        scatter(a, try, verdict, was, packed, n);
        bool ok = lzf_unpack(packed, n, o->made, o->len);
        must(ok);
        good = !before || is_distinct(type, kind, slice(o->made, o->len));
        in_order = good && (!sorted || zset_sorted((const uint8_t *)o->made));
        good = good && (in_order || try == TRIES - 1);
    }
    c->unsorted += good && !in_order;
    if (!good) {
        memcpy(packed, was, n);
        c->whole++;
    }
    mem_free(was);
}

bool anon_block_lzf(struct anon *a, int type, enum rdb_stored_kind kind, char *packed, size_t n,
                    size_t len, struct anon_counts *c)
{
    struct origins o = {.made = mem_alloc(len + 1), .is_content = mem_zalloc(len + 1),
                        .from = mem_alloc((len + 1) * sizeof *o.from), .len = len,
                        .intset = type == RDB_SET_INTSET && kind == RDB_STORED_BLOCK};
    uint8_t *verdict = mem_zalloc(n + 1);
    bool ok = n <= UINT32_MAX && trace(&o, packed, n) &&
              anon_pieces(type, kind, slice(o.made, len), ignore_piece, NULL);
    if (ok) {
        anon_pieces(type, kind, slice(o.made, len), mark_piece, &o);
        if (o.has_last)
            mark_number(&o, &o.last, NULL);
        judge(&o, verdict, c);
        try_all(a, type, kind, &o, verdict, packed, n, c);
    }
    mem_free(o.made);
    mem_free(o.is_content);
    mem_free(o.from);
    mem_free(verdict);
    return ok;
}
