/* SPDX-License-Identifier: BSD-3-Clause */
/* LCS: the longest common subsequence of two strings by the textbook table of prefix lengths,
 *
 *   len[i][j] = len[i-1][j-1] + 1           when a[i-1] == b[j-1]
 *             = max(len[i-1][j], len[i][j-1])  otherwise
 *
 * walked back from the corner. The matches lie on that walk; neighbouring ones join into ranges. */
#include "commands/cmd_string.h"

#include "base/mem.h"
#include "base/must.h"
#include "server/ctx.h"
#include "server/reply.h"

struct lcs_options {
    bool idx, len_only, with_len;
    int64_t min_len;
};

static bool parse_options(struct ctx *c, struct lcs_options *o)
{
    *o = (struct lcs_options){0};
    for (int i = 3; i < c->argc; i++) {
        if (ctx_arg_is(c, i, "idx")) {
            o->idx = true;
        } else if (ctx_arg_is(c, i, "len")) {
            o->len_only = true;
        } else if (ctx_arg_is(c, i, "withmatchlen")) {
            o->with_len = true;
        } else if (ctx_arg_is(c, i, "minmatchlen") && i + 1 < c->argc) {
            if (!ctx_arg_i64(c, ++i, &o->min_len))
                return false;
            if (o->min_len < 0)
                o->min_len = 0;
        } else {
            reply_syntax(c);
            return false;
        }
    }
    if (o->idx && o->len_only) {
        reply_error(c, "ERR If you want both the length and indexes, please just use IDX.");
        return false;
    }
    return true;
}

struct lcs {
    struct slice a, b;
    uint32_t *len; /* (a.len + 1) rows of b.len + 1 */
};

static uint32_t *cell(const struct lcs *l, size_t i, size_t j)
{
    return &l->len[i * (l->b.len + 1) + j];
}

static void fill(struct lcs *l)
{
    for (size_t i = 0; i <= l->a.len; i++) {
        for (size_t j = 0; j <= l->b.len; j++) {
            if (i == 0 || j == 0)
                *cell(l, i, j) = 0;
            else if (l->a.data[i - 1] == l->b.data[j - 1])
                *cell(l, i, j) = *cell(l, i - 1, j - 1) + 1;
            else
                *cell(l, i, j) = *cell(l, i - 1, j) > *cell(l, i, j - 1) ? *cell(l, i - 1, j)
                                                                         : *cell(l, i, j - 1);
        }
    }
}

/* A run of matching bytes: a[a_first .. a_first+n-1] equals b[b_first ..]. */
struct run {
    size_t a_first, b_first, n;
};

static void reply_run(struct ctx *c, const struct run *r, bool with_len)
{
    must(r->n > 0);
    reply_array(c, with_len ? 3 : 2);
    reply_array(c, 2);
    reply_int(c, (int64_t)r->a_first);
    reply_int(c, (int64_t)(r->a_first + r->n - 1));
    reply_array(c, 2);
    reply_int(c, (int64_t)r->b_first);
    reply_int(c, (int64_t)(r->b_first + r->n - 1));
    if (with_len)
        reply_int(c, (int64_t)r->n);
}

/* Walks back from the corner. text (of the whole length) is filled; runs are replied when wanted.
 */
static size_t walk_back(struct ctx *c, const struct lcs *l, const struct lcs_options *o, char *text)
{
    size_t i = l->a.len, j = l->b.len, left = *cell(l, i, j), replied = 0;
    struct run run = {0};
    while (i > 0 && j > 0) {
        bool match = l->a.data[i - 1] == l->b.data[j - 1], joins = false;
        if (match) {
            text[--left] = l->a.data[i - 1];
            joins = run.n && run.a_first == i && run.b_first == j;
            if (joins)
                run = (struct run){i - 1, j - 1, run.n + 1};
        }
        if (run.n && !joins && (match || run.a_first != i || run.b_first != j)) {
            if (o->idx && run.n >= (size_t)o->min_len) {
                reply_run(c, &run, o->with_len);
                replied++;
            }
            run.n = 0;
        }
        if (match && !joins)
            run = (struct run){i - 1, j - 1, 1};
        if (match) {
            i--;
            j--;
        } else if (*cell(l, i - 1, j) > *cell(l, i, j - 1)) {
            i--;
        } else {
            j--;
        }
    }
    must(left == 0); /* text is full */
    if (o->idx && run.n && run.n >= (size_t)o->min_len) {
        reply_run(c, &run, o->with_len);
        replied++;
    }
    return replied;
}

static void reply_lcs(struct ctx *c, struct lcs *l, const struct lcs_options *o)
{
    fill(l);
    uint32_t len = *cell(l, l->a.len, l->b.len);
    must(len <= l->a.len && len <= l->b.len);
    if (o->len_only) {
        reply_int(c, len);
        return;
    }
    char *text = mem_alloc(len);
    if (o->idx) {
        reply_map(c, 2);
        reply_bulk_str(c, "matches");
        uint64_t mark = reply_later(c);
        reply_later_array(c, mark, walk_back(c, l, o, text));
        reply_bulk_str(c, "len");
        reply_int(c, len);
    } else {
        walk_back(c, l, o, text);
        reply_bulk(c, slice(text, len));
    }
    mem_free(text);
}

void cmd_lcs(struct ctx *c)
{
    struct entry *a = db_find(c->db, c->argv[1]), *b = db_find(c->db, c->argv[2]);
    char sa[NUM_I64_TEXT], sb[NUM_I64_TEXT];
    struct lcs_options o;
    if ((a && entry_type(a) != VALUE_STRING) || (b && entry_type(b) != VALUE_STRING)) {
        reply_error(c, "ERR The specified keys must contain string values");
        return;
    }
    if (!parse_options(c, &o))
        return;
    struct lcs l = {a ? entry_string(a, sa) : SLICE_LIT(""),
                    b ? entry_string(b, sb) : SLICE_LIT(""), NULL};
    if (l.a.len >= UINT32_MAX - 1 || l.b.len >= UINT32_MAX - 1) {
        reply_error(c, "ERR String too long for LCS");
        return;
    }
    unsigned __int128 bytes = (unsigned __int128)(l.a.len + 1) * (l.b.len + 1) * sizeof *l.len;
    if (bytes > c->keyspace->limits.string_max) {
        reply_error(c, "ERR Insufficient memory, transient memory for LCS exceeds "
                       "proto-max-bulk-len");
        return;
    }
    l.len = mem_try_alloc((size_t)bytes);
    if (!l.len) {
        reply_error(c, "ERR Insufficient memory, failed allocating transient memory for LCS");
        return;
    }
    reply_lcs(c, &l, &o);
    mem_free(l.len);
}
