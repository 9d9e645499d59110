/* SPDX-License-Identifier: BSD-3-Clause */
/* SORT and SORT_RO. The elements are copied into one arena, because the lookups that BY and GET
 * make may take expired keys away; each becomes a row with its weight; rows are sorted and printed
 * or pushed to a list.
 *
 *   argv -> query -> rows (text) -> weights -> places in order -> reply, or a list
 *
 * What is sorted are places, a score and the number of a row: small, so that they move fast. With a
 * LIMIT that asks for few, those alone are put in order: a heap holds the lowest that were met.
 *
 * A pattern's first star stands for the element. What follows the first "->" behind it names a
 * field of a hash; "#" alone is the element itself. */
#include "commands/cmd_sort.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/must.h"
#include "base/num.h"
#include "commands/collate.h"
#include "commands/elements.h"
#include "server/acl.h"
#include "server/ctx.h"
#include "server/notify.h"
#include "server/reply.h"
#include "server/server.h"

struct query {
    struct slice by;
    bool weighed; /* by is a pattern with a star */
    bool unsorted, alpha, desc;
    bool collated; /* ALPHA by the locale: what is stored is ordered by bytes, wherever */
    bool chance; /* the source has no order of its own */
    int64_t offset, count; /* count < 0: all */
    int store;             /* argument that names the destination; 0: none */
    struct buf gets;       /* of struct slice */
};

struct row {
    size_t at, len;               /* in texts */
    size_t weight_at, weight_len; /* in texts; ALPHA */
    bool weightless;              /* ALPHA BY a key that is not there */
};

struct place {
    double score; /* but for ALPHA */
    size_t row;
};

struct sorting {
    struct ctx *c;
    struct query q;
    struct buf rows, texts, name;
    struct buf places; /* a place a row, once there is an order; empty: the rows' own */
    size_t total; /* elements of the source */
    char scratch[NUM_I64_TEXT];
};

/* ---- arguments ---- */

static bool has_star(struct slice pattern)
{
    return pattern.len && memchr(pattern.data, '*', pattern.len);
}

/* Of keys that BY and GET make up no word tells a user's rights. */
static bool may_read_others(struct ctx *c, const char *option)
{
    bool may = acl_permits_any_read(server_acl(c->server), c);
    if (!may)
        reply_errorf(c, "ERR %s option of SORT denied due to insufficient ACL permissions.",
                     option);
    return may;
}

/* True when argument i is an option; *i moves over its values. An error was replied otherwise. */
static bool parse_option(struct ctx *c, int *i, struct query *q, bool may_store)
{
    int left = c->argc - *i - 1;
    if (ctx_arg_is(c, *i, "asc") || ctx_arg_is(c, *i, "desc")) {
        q->desc = ctx_arg_is(c, *i, "desc");
    } else if (ctx_arg_is(c, *i, "alpha")) {
        q->alpha = true;
    } else if (ctx_arg_is(c, *i, "limit") && left >= 2) {
        if (!ctx_arg_i64(c, *i + 1, &q->offset) || !ctx_arg_i64(c, *i + 2, &q->count))
            return false;
        *i += 2;
    } else if (ctx_arg_is(c, *i, "store") && left >= 1 && may_store) {
        q->store = ++*i;
    } else if (ctx_arg_is(c, *i, "by") && left >= 1) {
        q->by = c->argv[++*i];
        q->unsorted = q->unsorted || !has_star(q->by); /* such a BY cannot be taken back */
        return !has_star(q->by) || may_read_others(c, "BY");
    } else if (ctx_arg_is(c, *i, "get") && left >= 1) {
        buf_append(&q->gets, &c->argv[++*i], sizeof(struct slice));
        return may_read_others(c, "GET");
    } else {
        reply_syntax(c);
        return false;
    }
    return true;
}

static bool parse(struct ctx *c, struct query *q, bool may_store)
{
    for (int i = 2; i < c->argc; i++)
        if (!parse_option(c, &i, q, may_store))
            return false;
    q->weighed = q->by.data && !q->unsorted;
    return true;
}

int cmd_sort_keys(int argc, const struct slice *argv, int *at, int max)
{
    int n = 0, store = 0;
    for (int i = 2; i < argc; i++) {
        if (slice_eq_nocase(argv[i], "limit"))
            i += 2;
        else if (slice_eq_nocase(argv[i], "by") || slice_eq_nocase(argv[i], "get"))
            i++;
        else if (slice_eq_nocase(argv[i], "store") && i + 1 < argc)
            store = ++i;
    }
    if (n < max)
        at[n++] = 1;
    if (store && n < max)
        at[n++] = store;
    return n;
}

/* ---- patterns ---- */

/* Where the field's name begins in what stands behind the star; 0: there is none. */
static size_t field_at(struct slice behind)
{
    for (size_t i = 0; i + 2 < behind.len; i++)
        if (behind.data[i] == '-' && behind.data[i + 1] == '>')
            return i + 2;
    return 0;
}

/* What the pattern says for this element; false: nothing. Valid until the next lookup. */
static bool look_up(struct sorting *s, struct slice pattern, struct slice element,
                    struct slice *found)
{
    if (slice_eq(pattern, SLICE_LIT("#"))) {
        *found = element;
        return true;
    }
    const char *star = pattern.len ? memchr(pattern.data, '*', pattern.len) : NULL;
    if (!star)
        return false;
    struct slice behind = slice_from(pattern, (size_t)(star - pattern.data) + 1);
    size_t field = field_at(behind);
    buf_clear(&s->name);
    buf_append(&s->name, pattern.data, (size_t)(star - pattern.data));
    buf_add(&s->name, element);
    buf_append(&s->name, behind.data, field ? field - 2 : behind.len);
    struct entry *e = db_find(s->c->db, buf_slice(&s->name));
    if (!e || entry_type(e) != (field ? VALUE_HASH : VALUE_STRING))
        return false;
    if (!field) {
        *found = entry_string(e, s->scratch);
        return true;
    }
    struct val v = entry_val(e);
    return hash_get(&v, slice_from(behind, field), found, s->scratch);
}

/* ---- rows ---- */

static struct row *rows_of(const struct sorting *s, size_t *n)
{
    *n = s->rows.len / sizeof(struct row);
    return (struct row *)(void *)s->rows.data;
}

static struct slice text_of(const struct sorting *s, const struct row *row)
{
    return slice(s->texts.data + row->at, row->len);
}

static struct slice weight_of(const struct sorting *s, const struct row *row)
{
    return slice(s->texts.data + row->weight_at, row->weight_len);
}

static void add_row(struct sorting *s, struct slice text)
{
    struct row row = {.at = s->texts.len, .len = text.len};
    buf_add(&s->texts, text);
    buf_append(&s->rows, &row, sizeof row);
}

/* The rows that LIMIT leaves of n. */
static void limit(const struct query *q, size_t n, size_t *first, size_t *count)
{
    uint64_t offset = q->offset < 0 ? 0 : (uint64_t)q->offset;
    *first = offset < n ? (size_t)offset : n;
    *count = n - *first;
    if (q->count >= 0 && (uint64_t)q->count < *count)
        *count = (size_t)q->count;
    must(*first <= n && *count <= n - *first);
}

/* A list or sorted set that stays in its order: only what LIMIT leaves. */
static void collect_part(struct sorting *s, const struct val *v)
{
    size_t first, count;
    struct slice text;
    double score;
    limit(&s->q, s->total, &first, &count);
    size_t at = s->q.desc ? s->total - 1 - first : first;
    if (count == 0)
        return;
    if (v->type == VALUE_ZSET) {
        struct zset_iter it;
        zset_iter_init(&it, v, at, s->q.desc);
        for (; count > 0 && zset_iter_next(&it, &text, &score); count--)
            add_row(s, text);
        must(count == 0);
        return;
    }
    struct list_iter it;
    list_iter_init(&it, v, (long)at, !s->q.desc);
    for (; count > 0 && list_iter_next(&it, &text); count--)
        add_row(s, text);
    list_iter_end(&it);
    must(count == 0);
}

static void collect_all(struct sorting *s, const struct val *v)
{
    if (v->type == VALUE_LIST) {
        struct list_iter it;
        struct slice text;
        list_iter_init(&it, v, 0, true);
        while (list_iter_next(&it, &text))
            add_row(s, text);
        list_iter_end(&it);
        return;
    }
    struct element_iter it;
    struct element e;
    for (element_iter_init(&it, v); element_iter_next(&it, &e);)
        add_row(s, e.name);
}

/* ---- weights ---- */

/* As C reads a number: blanks in front, a sign, hexadecimal; what lies behind a zero byte is not
 * looked at, and no text at all is 0. */
static bool score_of(struct sorting *s, struct slice text, double *score)
{
    int64_t n;
    char *end;
    if (num_parse_i64(text, &n)) {
        *score = (double)n;
        return true;
    }
    if (num_parse_double(text, score))
        return true;
    buf_clear(&s->name);
    buf_add(&s->name, text);
    const char *start = buf_cstr(&s->name);
    errno = 0;
    *score = strtod(start, &end);
    return *end == '\0' && errno != ERANGE && !isnan(*score);
}

static bool weigh_row(struct sorting *s, struct row *row, double *score)
{
    struct slice text = text_of(s, row), weight = text;
    bool there = !s->q.weighed || look_up(s, s->q.by, text, &weight);
    *score = 0;
    if (!s->q.alpha)
        return !there || score_of(s, weight, score);
    row->weightless = !there;
    row->weight_at = row->at;
    row->weight_len = row->len;
    if (s->q.collated && there) {
        row->weight_at = s->texts.len;
        collate_add(&s->texts, weight); /* which may lie in them: it is copied first */
        row->weight_len = s->texts.len - row->weight_at;
    } else if (s->q.weighed && there) {
        row->weight_at = s->texts.len;
        row->weight_len = weight.len;
        buf_add(&s->texts, weight);
    }
    return true;
}

static bool weigh(struct sorting *s)
{
    size_t n;
    struct row *rows = rows_of(s, &n);
    buf_reserve(&s->places, n * sizeof(struct place));
    for (size_t i = 0; i < n; i++) {
        struct place place = {.row = i};
        if (!weigh_row(s, &rows[i], &place.score)) {
            reply_error(s->c, "ERR One or more scores can't be converted into double");
            return false;
        }
        buf_append(&s->places, &place, sizeof place);
    }
    must(s->places.len == n * sizeof(struct place));
    return true;
}

/* ---- order ---- */

static int by_texts(const struct sorting *s, const struct place *a, const struct place *b)
{
    size_t n;
    const struct row *rows = rows_of(s, &n), *x = &rows[a->row], *y = &rows[b->row];
    if (!s->q.alpha)
        return slice_cmp(text_of(s, x), text_of(s, y));
    if (x->weightless || y->weightless)
        return (int)y->weightless - (int)x->weightless;
    return slice_cmp(weight_of(s, x), weight_of(s, y));
}

/* Never 0: equals keep their order, or a set's members, which have none, that of their texts, or a
 * replay would store another. */
static int by_query(const void *left, const void *right, void *arg)
{
    const struct place *a = left, *b = right;
    const struct sorting *s = arg;
    int order = a->score != b->score ? (a->score < b->score ? -1 : 1) : by_texts(s, a, b);
    if (order)
        return s->q.desc ? -order : order;
    if (s->q.chance) {
        size_t n;
        const struct row *rows = rows_of(s, &n);
        order = slice_cmp(text_of(s, &rows[a->row]), text_of(s, &rows[b->row]));
    }
    return order ? order : a->row < b->row ? -1 : 1;
}

/* The greatest of p[0..n) is p[0], and so below, but perhaps at i. */
static void sift_down(struct place *p, size_t n, size_t i, struct sorting *s)
{
    for (size_t child; (child = 2 * i + 1) < n; i = child) {
        if (child + 1 < n && by_query(&p[child], &p[child + 1], s) < 0)
            child++;
        if (by_query(&p[i], &p[child], s) > 0)
            return;
        struct place t = p[i];
        p[i] = p[child];
        p[child] = t;
    }
}

/* A score as a number whose order without sign is the wanted one. */
static uint64_t rank_of(double score, bool desc)
{
    uint64_t bits;
    score += 0.0; /* -0 is 0 */
    memcpy(&bits, &score, sizeof bits);
    bits ^= bits >> 63 ? ~(uint64_t)0 : (uint64_t)1 << 63;
    return desc ? ~bits : bits;
}

/* By score alone: a radix sort, a byte a pass from the lowest on; bytes that are the same in all
 * cost nothing. */
static void sort_by_score(struct place *p, size_t n, bool desc)
{
    enum { BYTES = 8, VALUES = 256 };
    size_t counts[BYTES][VALUES] = {{0}};
    struct place *to = mem_alloc(n * sizeof *to), *from = p, *other = to;
    for (size_t i = 0; i < n; i++) {
        uint64_t rank = rank_of(p[i].score, desc);
        for (int b = 0; b < BYTES; b++)
            counts[b][rank >> 8 * b & 255]++;
    }
    for (int b = 0; b < BYTES; b++) {
        size_t *count = counts[b], at = 0;
        if (count[rank_of(from[0].score, desc) >> 8 * b & 255] == n)
            continue;
        for (int v = 0; v < VALUES; v++) {
            size_t of_value = count[v];
            count[v] = at;
            at += of_value;
        }
        must(at == n);
        for (size_t i = 0; i < n; i++)
            other[count[rank_of(from[i].score, desc) >> 8 * b & 255]++] = from[i];
        struct place *t = from;
        from = other;
        other = t;
    }
    if (from != p)
        memcpy(p, from, n * sizeof *p);
    mem_free(to);
}

static void sort_all(struct sorting *s, struct place *p, size_t n)
{
    enum { MANY = 64 }; /* from here on passes are cheaper than comparisons */
    if (s->q.alpha || n < MANY) {
        if (n > 1)
            qsort_r(p, n, sizeof *p, by_query, s);
        return;
    }
    sort_by_score(p, n, s->q.desc);
    for (size_t i = 0, end; i < n; i = end) { /* then equals */
        for (end = i + 1; end < n && p[end].score == p[i].score; end++)
            ;
        if (end - i > 1)
            qsort_r(p + i, end - i, sizeof *p, by_query, s);
    }
}

/* The lowest of n, as many as wanted, in order in front. */
static void sort_places(struct sorting *s, size_t n, size_t wanted)
{
    enum { FEW = 8 }; /* a part in so many is worth a heap */
    struct place *p = (struct place *)(void *)s->places.data;
    must(wanted <= n);
    if (wanted <= n / FEW) {
        for (size_t i = wanted / 2; i-- > 0;)
            sift_down(p, wanted, i, s);
        for (size_t i = wanted; i < n && wanted; i++) {
            if (by_query(&p[i], &p[0], s) > 0)
                continue;
            struct place t = p[0];
            p[0] = p[i];
            p[i] = t;
            sift_down(p, wanted, 0, s);
        }
        n = wanted;
    }
    sort_all(s, p, n);
}

/* Rows in their final order; LIMIT as far as it is not done yet. False after an error. */
static bool arrange(struct sorting *s, const struct val *v, size_t *first, size_t *count)
{
    s->total = val_count(*v);
    /* A set has no order of its own: what is stored must not depend on chance. */
    s->q.chance = v->type == VALUE_SET;
    if (s->q.unsorted && s->q.chance && s->q.store) {
        s->q.unsorted = false;
        s->q.alpha = true;
    }
    s->q.collated = s->q.alpha && !s->q.unsorted && !s->q.store && collate_is_on();
    bool part = s->q.unsorted && v->type != VALUE_SET;
    if (part)
        collect_part(s, v);
    else
        collect_all(s, v);
    if (!s->q.unsorted && !weigh(s))
        return false;
    size_t n;
    rows_of(s, &n);
    *first = 0;
    *count = n;
    must(part ? n <= s->total : n == s->total);
    if (!part)
        limit(&s->q, n, first, count);
    if (!s->q.unsorted)
        sort_places(s, n, *count ? *first + *count : 0);
    return true;
}

/* ---- the result ---- */

static size_t gets_of(const struct sorting *s, const struct slice **gets)
{
    *gets = (const struct slice *)(const void *)s->q.gets.data;
    return s->q.gets.len / sizeof **gets;
}

/* The text of the i-th in the order that was asked for. */
static struct slice text_at(const struct sorting *s, size_t i)
{
    size_t n;
    const struct row *rows = rows_of(s, &n);
    const struct place *places = (const struct place *)(const void *)s->places.data;
    return text_of(s, &rows[s->places.len ? places[i].row : i]);
}

static void reply_rows(struct sorting *s, size_t first, size_t count)
{
    const struct slice *gets;
    struct slice found;
    size_t each = gets_of(s, &gets);
    reply_array(s->c, count * (each ? each : 1));
    for (size_t i = first; i < first + count && !reply_unheard(s->c); i++) {
        struct slice text = text_at(s, i);
        if (each == 0)
            reply_bulk(s->c, text);
        for (size_t g = 0; g < each; g++) {
            if (look_up(s, gets[g], text, &found))
                reply_bulk(s->c, found);
            else
                reply_null(s->c);
        }
    }
}

/* A list has no nulls: what GET does not find is an empty element. */
static void store_rows(struct sorting *s, size_t first, size_t count)
{
    const struct slice *gets;
    const struct value_limits *limits = &s->c->keyspace->limits;
    struct slice key = s->c->argv[s->q.store], found;
    size_t each = gets_of(s, &gets);
    struct val list = list_new();
    for (size_t i = first; i < first + count; i++) {
        struct slice text = text_at(s, i);
        if (each == 0)
            list_push(&list, text, true, limits);
        for (size_t g = 0; g < each; g++) {
            bool there = look_up(s, gets[g], text, &found);
            list_push(&list, there ? found : SLICE_LIT(""), true, limits);
        }
    }
    size_t n = list_count(&list);
    must(n == count * (each ? each : 1));
    if (n) {
        db_replace_val(s->c->db, key, list);
        ctx_notify(s->c, NOTIFY_LIST, "sortstore", key);
        ctx_changed(s->c, n);
    } else {
        val_free(list);
        store_nothing(s->c, key);
    }
    reply_int(s->c, (int64_t)n);
}

static void sort(struct sorting *s, const struct val *v)
{
    size_t first = 0, count = 0;
    if (v->ptr && !arrange(s, v, &first, &count))
        return;
    if (s->q.store)
        store_rows(s, first, count);
    else
        reply_rows(s, first, count);
}

static void sort_command(struct ctx *c, bool may_store)
{
    struct sorting s = {.c = c, .q.count = -1};
    struct val v = {0};
    if (parse(c, &s.q, may_store)) {
        struct entry *e = db_find(c->db, c->argv[1]);
        enum value_type type = e ? entry_type(e) : VALUE_LIST;
        if (type != VALUE_LIST && type != VALUE_SET && type != VALUE_ZSET) {
            reply_wrongtype(c);
        } else {
            if (e)
                v = entry_val(e);
            if (type == VALUE_ZSET) { /* clients see it: OBJECT ENCODING, MEMORY USAGE */
                zset_unpack(&v);
                entry_put_val(e, v);
            }
            sort(&s, &v);
        }
    }
    buf_free(&s.q.gets);
    buf_free(&s.rows);
    buf_free(&s.places);
    buf_free(&s.texts);
    buf_free(&s.name);
}

void cmd_sort(struct ctx *c)
{
    sort_command(c, true);
}

void cmd_sort_ro(struct ctx *c)
{
    sort_command(c, false);
}
