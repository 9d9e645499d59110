/* SPDX-License-Identifier: BSD-3-Clause */
/* Drawing at random: with repetition (a negative count) each element is drawn by itself. Distinct
 * ones come from one pass over the value that takes each element with the chance that is left,
 * which is uniform and needs no memory; only when few are wanted of a large table are they drawn by
 * themselves until enough different ones were seen. */
#include "commands/elements.h"

#include <stdio.h>

#include "base/must.h"
#include "base/rand.h"
#include "server/notify.h"
#include "server/reply.h"

/* ---- reading ---- */

bool collection_read(struct ctx *c, enum value_type type, struct entry **e, struct val *v)
{
    if (!ctx_lookup(c, c->argv[1], type, e))
        return false;
    *v = *e ? entry_val(*e) : (struct val){0};
    return true;
}

void collection_count_command(struct ctx *c, enum value_type type)
{
    struct entry *e;
    struct val v;
    if (collection_read(c, type, &e, &v))
        reply_int(c, e ? (int64_t)val_count(v) : 0);
}

/* ---- keeping values ---- */

static void tell_put(struct ctx *c, struct slice key, uint8_t type, const char *event, bool gone)
{
    static const enum notify_class of[] = {
        [VALUE_LIST] = NOTIFY_LIST, [VALUE_SET] = NOTIFY_SET, [VALUE_ZSET] = NOTIFY_ZSET,
        [VALUE_HASH] = NOTIFY_HASH,
    };
    must(type < sizeof of / sizeof *of && of[type]);
    ctx_notify(c, of[type], event, key);
    if (gone)
        ctx_notify(c, NOTIFY_GENERIC, "del", key);
}

void collection_put(struct ctx *c, struct slice key, struct entry *e, struct val v,
                    uint64_t changes, const char *event)
{
    bool gone = false;
    if (!e && val_is_nothing(v))
        val_free(v);
    else if (!e)
        db_add_val(c->db, key, v);
    else if (changes)
        gone = !db_put_val(c->db, e, v);
    else
        entry_put_val(e, v);
    if (changes && __builtin_expect(c->keyspace->notify, 0))
        tell_put(c, key, v.type, event, gone);
    ctx_changed(c, changes);
}

void store_nothing(struct ctx *c, struct slice key)
{
    if (!db_remove_as(c->db, key, KEY_REMOVED, c->keyspace->lazyfree_del))
        return;
    ctx_notify(c, NOTIFY_GENERIC, "del", key);
    ctx_changed(c, 1);
}

void collection_store(struct ctx *c, struct slice key, struct val v, const char *event)
{
    size_t count = v.ptr ? val_count(v) : 0;
    if (count) {
        db_replace_val(c->db, key, v);
        if (__builtin_expect(c->keyspace->notify, 0))
            tell_put(c, key, v.type, event, false);
        ctx_changed(c, 1);
    } else {
        if (v.ptr)
            val_free(v);
        store_nothing(c, key);
    }
    reply_int(c, (int64_t)count);
}

/* ---- elements of any collection ---- */

void element_iter_init(struct element_iter *it, const struct val *v)
{
    must(v->type == VALUE_SET || v->type == VALUE_HASH || v->type == VALUE_ZSET);
    it->type = v->type;
    if (v->type == VALUE_SET)
        set_iter_init(&it->of.set, v);
    else if (v->type == VALUE_HASH)
        hash_iter_init(&it->of.hash, v);
    else
        zset_iter_init(&it->of.zset, v, 0, false);
}

bool element_iter_next(struct element_iter *it, struct element *e)
{
    if (it->type == VALUE_HASH)
        return hash_iter_next(&it->of.hash, &e->name, &e->value);
    if (it->type == VALUE_ZSET)
        return zset_iter_next(&it->of.zset, &e->name, &e->score);
    e->score = 1;
    return set_iter_next(&it->of.set, &e->name);
}

static void element_random(const struct val *v, struct element *e, char scratch[2 * NUM_I64_TEXT])
{
    if (v->type == VALUE_HASH) {
        hash_random(v, &e->name, &e->value, scratch);
    } else if (v->type == VALUE_ZSET) {
        zset_random(v, &e->name, &e->score, scratch);
    } else {
        e->name = set_random(v, scratch);
        e->score = 1;
    }
}

/* ---- drawing ---- */

struct sample {
    struct ctx *c;
    const struct val *v;
    bool with_values;
};

static void sample_header(const struct sample *s, size_t count)
{
    reply_array(s->c, s->with_values && s->c->resp == 2 ? count * 2 : count);
}

static void sample_reply(const struct sample *s, const struct element *e)
{
    if (s->with_values && s->c->resp == 3)
        reply_array(s->c, 2);
    reply_bulk(s->c, e->name);
    if (!s->with_values)
        return;
    if (s->v->type == VALUE_HASH)
        reply_bulk(s->c, e->value);
    else
        reply_double(s->c, e->score);
}

static void sample_repeating(const struct sample *s, size_t count)
{
    char scratch[2 * NUM_I64_TEXT];
    struct element e = {0};
    sample_header(s, count);
    while (count-- && !reply_unheard(s->c)) {
        element_random(s->v, &e, scratch);
        sample_reply(s, &e);
    }
}

/* The elements seen are kept by name: their places may not tell them apart. */
static void sample_few(const struct sample *s, size_t count)
{
    char scratch[2 * NUM_I64_TEXT];
    struct element e = {0};
    struct val seen = {0};
    must(count <= val_count(*s->v));
    const struct value_limits *limits = &s->c->keyspace->limits;
    while (count && !reply_unheard(s->c)) {
        element_random(s->v, &e, scratch);
        if (!seen.ptr)
            seen = set_new(e.name, limits);
        if (!set_add(&seen, e.name, limits))
            continue;
        sample_reply(s, &e);
        count--;
    }
    set_free(seen);
}

static void sample_distinct(const struct sample *s, size_t count)
{
    enum { FEW = 3 }; /* a third of the elements: from there on one pass is faster */
    size_t left = val_count(*s->v);
    count = count < left ? count : left;
    sample_header(s, count);
    bool packed = s->v->encoding == ENC_LISTPACK || s->v->encoding == ENC_INTSET;
    if (!packed && count && count < left / FEW) {
        sample_few(s, count);
        return;
    }
    struct element_iter it;
    struct element e = {0};
    element_iter_init(&it, s->v);
    for (; count && !reply_unheard(s->c) && element_iter_next(&it, &e); left--) {
        if (count < left && rand_below(left) >= count)
            continue;
        sample_reply(s, &e);
        count--;
    }
    must(count == 0 || reply_unheard(s->c));
}

/* No reply of more elements than that is made, however often it may repeat them. */
#define SAMPLE_MAX ((int64_t)1 << 27)

static bool sample_count_parse(struct ctx *c, bool with_values, int64_t *count)
{
    if (!ctx_arg_i64(c, 2, count))
        return false;
    if (*count == INT64_MIN) {
        reply_error(c, "ERR value is out of range, value must between -9223372036854775807 and "
                       "9223372036854775807");
        return false;
    }
    if (*count < -SAMPLE_MAX || (with_values && *count > INT64_MAX / 2)) {
        reply_error(c, "ERR value is out of range");
        return false;
    }
    return true;
}

static void sample_one(struct ctx *c, enum value_type type)
{
    struct entry *e;
    char scratch[2 * NUM_I64_TEXT];
    struct element drawn;
    if (!ctx_lookup(c, c->argv[1], type, &e))
        return;
    if (!e) {
        reply_null(c);
        return;
    }
    struct val v = entry_val(e);
    element_random(&v, &drawn, scratch);
    reply_bulk(c, drawn.name);
}

void element_sample_command(struct ctx *c, enum value_type type, const char *with_word)
{
    if (c->argc == 2) {
        sample_one(c, type);
        return;
    }
    int64_t count;
    struct entry *e;
    bool with_values = with_word && c->argc == 4 && ctx_arg_is(c, 3, with_word);
    /* A set's extra argument is seen first, the others' after the count. */
    if (!with_word && c->argc > 3) {
        reply_syntax(c);
        return;
    }
    if (!sample_count_parse(c, with_values, &count))
        return;
    if (c->argc > 3 && !with_values) {
        reply_syntax(c);
        return;
    }
    if (!ctx_lookup(c, c->argv[1], type, &e))
        return;
    if (!e || count == 0) {
        reply_array(c, 0);
        return;
    }
    struct val v = entry_val(e);
    struct sample s = {c, &v, with_values};
    if (count < 0)
        sample_repeating(&s, (size_t)-count);
    else
        sample_distinct(&s, (size_t)count);
}

/* ---- walking with a cursor ---- */

struct walk {
    const struct scan_args *args;
    struct scan_found found;
    size_t elements;
    uint8_t encoding;
};

static void walk_member(void *arg, struct slice member)
{
    struct walk *w = arg;
    if (scan_wants(w->args, member))
        scan_found_add(&w->found, member);
    w->elements = w->found.count;
}

static void walk_pair(void *arg, struct slice field, struct slice value)
{
    struct walk *w = arg;
    if (!scan_wants(w->args, field))
        return;
    scan_found_add(&w->found, field);
    scan_found_add(&w->found, value);
    w->elements++;
}

/* Scores from a table come with all their digits, those of a listpack as they are kept there. */
static void walk_score(void *arg, struct slice member, double score)
{
    char text[64];
    const struct walk *w = arg;
    size_t len = w->encoding == ENC_LISTPACK
                     ? num_format_double(text, score)
                     : (size_t)snprintf(text, sizeof text, "%.17Lg", (long double)score);
    walk_pair(arg, member, slice(text, len));
}

static uint64_t walk_step(struct walk *w, const struct val *v, uint64_t cursor)
{
    if (v->type == VALUE_HASH)
        return hash_scan(v, cursor, walk_pair, w);
    if (v->type == VALUE_ZSET)
        return zset_scan(v, cursor, walk_score, w);
    return set_scan(v, cursor, walk_member, w);
}

void element_scan_command(struct ctx *c, enum value_type type)
{
    struct scan_args a;
    struct entry *e;
    struct walk w = {.args = &a};
    if (!ctx_arg_cursor(c, 2, &a.cursor) || !ctx_lookup(c, c->argv[1], type, &e))
        return;
    if (!e) { /* whatever the options are */
        scan_reply(c, &w.found, 0);
        return;
    }
    if (!scan_parse(c, 2, false, &a))
        return;
    struct val v = entry_val(e);
    uint64_t cursor = a.cursor;
    int64_t buckets = a.count > INT64_MAX / 10 ? INT64_MAX : a.count * 10;
    w.encoding = v.encoding;
    do
        cursor = walk_step(&w, &v, cursor);
    while (cursor && --buckets > 0 && w.elements < (size_t)a.count);
    must(w.elements <= w.found.count);
    scan_args_free(&a);
    scan_reply(c, &w.found, cursor);
}

/* ---- arguments of those that pop ---- */

bool pop_args_parse(struct ctx *c, int at, const char *low, const char *high, struct pop_args *a)
{
    int64_t keys;
    a->first = at + 1;
    a->count = 0;
    if (!ctx_arg_range(c, at, 1, INT64_MAX, &keys, "ERR numkeys should be greater than 0"))
        return false;
    bool room = keys < c->argc - a->first;
    int where = room ? a->first + (int)keys : 0;
    a->keys = room ? (int)keys : 0;
    a->high = room && ctx_arg_is(c, where, high);
    if (!room || (!a->high && !ctx_arg_is(c, where, low))) {
        reply_syntax(c);
        return false;
    }
    for (int i = where + 1; i < c->argc; i += 2) {
        if (a->count || !ctx_arg_is(c, i, "count") || i + 1 == c->argc) {
            reply_syntax(c);
            return false;
        }
        if (!ctx_arg_range(c, i + 1, 1, INT64_MAX, &a->count, "ERR count should be greater than 0"))
            return false;
    }
    a->count = a->count ? a->count : 1;
    must(a->keys > 0 && a->first + a->keys < c->argc);
    return true;
}

bool pop_count_parse(struct ctx *c, int64_t *count)
{
    return ctx_arg_range(c, 2, 0, INT64_MAX, count, "ERR value is out of range, must be positive");
}

void pop_log(struct ctx *c, const char *word, struct slice key, size_t count)
{
    char text[NUM_I64_TEXT];
    must(count > 0);
    struct slice argv[] = {slice_str(word), key, slice(text, num_format_u64(text, count))};
    ctx_log_instead(c, 3, argv);
}
