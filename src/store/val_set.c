/* SPDX-License-Identifier: BSD-3-Clause */
/* intset -> listpack -> table, never back: a set only grows out of an encoding. An intset becomes a
 * listpack when a text comes that fits one, and a table when it has too many members. */
#include "store/val_set.h"

#include "base/mem.h"
#include "base/must.h"
#include "base/rand.h"
#include "containers/intset.h"
#include "containers/listpack.h"
#include "store/member.h"
#include "format/sink.h"

static const struct table_type members = {.key = member_key};

static struct val set_val(uint8_t encoding, void *ptr)
{
    return (struct val){VALUE_SET, encoding, ptr};
}

/* An intset counts with 32 bits, whatever is configured. */
static bool over_intset(size_t count, const struct value_limits *limits)
{
    return count > limits->set_intset_entries || count > (size_t)1 << 30;
}

struct val set_new(struct slice first, const struct value_limits *limits)
{
    int64_t n;
    if (num_parse_i64(first, &n) && limits->set_intset_entries > 0)
        return set_val(ENC_INTSET, intset_new());
    if (limits->set_listpack_entries > 0 && first.len <= limits->set_listpack_value)
        return set_val(ENC_LISTPACK, lp_new());
    struct table *t = mem_alloc(sizeof *t);
    table_init(t, &members);
    return set_val(ENC_TABLE, t);
}

static void to_table(struct val *v, size_t room)
{
    must(v->encoding != ENC_TABLE);
    struct table *t = mem_alloc(sizeof *t);
    table_init(t, &members);
    table_reserve(t, room);
    struct set_iter it;
    struct slice member;
    for (set_iter_init(&it, v); set_iter_next(&it, &member);)
        table_add(t, member_new(member));
    must(t->count == set_count(v));
    mem_free(v->ptr);
    *v = set_val(ENC_TABLE, t);
}

static void to_listpack(struct val *v)
{
    must(v->encoding == ENC_INTSET);
    uint8_t *lp = lp_new();
    for (size_t i = 0; i < intset_count(v->ptr); i++)
        lp = lp_append_int(lp, intset_get(v->ptr, i));
    must(lp_count(lp) == intset_count(v->ptr));
    mem_free(v->ptr);
    *v = set_val(ENC_LISTPACK, lp);
}

static struct val from_intset(uint8_t *is, const struct value_limits *limits)
{
    struct val v = set_val(ENC_INTSET, is);
    size_t count = intset_count(is);
    if (over_intset(count, limits))
        to_table(&v, count);
    return v;
}

static struct val from_listpack(uint8_t *lp, const struct value_limits *limits)
{
    struct val v = set_val(ENC_LISTPACK, lp);
    size_t count = lp_count(lp);
    bool over = count > limits->set_listpack_entries;
    char scratch[NUM_I64_TEXT];
    for (size_t at = lp_first(lp); at && !over; at = lp_next(lp, at))
        over = lp_get(lp, at, scratch).len > limits->set_listpack_value;
    if (over)
        to_table(&v, count);
    return v;
}

/* A set that is empty may still become a listpack although it would be too large an intset. */
void set_expect(struct val *v, size_t count, const struct value_limits *limits)
{
    bool fits_listpack = count <= limits->set_listpack_entries;
    if (v->encoding == ENC_TABLE)
        table_reserve(v->ptr, count);
    else if (v->encoding == ENC_LISTPACK && !fits_listpack)
        to_table(v, count);
    else if (v->encoding == ENC_INTSET && over_intset(count, limits)) {
        if (fits_listpack && set_count(v) == 0)
            to_listpack(v);
        else
            to_table(v, count);
    }
}

size_t set_count(const struct val *v)
{
    if (v->encoding == ENC_INTSET)
        return intset_count(v->ptr);
    return v->encoding == ENC_LISTPACK ? lp_count(v->ptr) : ((struct table *)v->ptr)->count;
}

static size_t find_packed(const uint8_t *lp, struct slice member)
{
    size_t first = lp_first(lp);
    return first ? lp_find(lp, first, member, 0) : 0;
}

bool set_has(const struct val *v, struct slice member)
{
    int64_t n;
    if (v->encoding == ENC_INTSET)
        return num_parse_i64(member, &n) && intset_has(v->ptr, n);
    return v->encoding == ENC_LISTPACK ? find_packed(v->ptr, member)
                                       : table_find(v->ptr, member) != NULL;
}

/* A text of that length comes to an intset. */
static void leave_intset(struct val *v, size_t longest, const struct value_limits *limits)
{
    enum { INT_ELEMENT_MAX = 10 };
    must(v->encoding == ENC_INTSET);
    size_t count = intset_count(v->ptr);
    if (count) {
        char text[NUM_I64_TEXT];
        size_t low = num_format_i64(text, intset_get(v->ptr, 0));
        size_t high = num_format_i64(text, intset_get(v->ptr, count - 1));
        size_t digits = low > high ? low : high;
        longest = digits > longest ? digits : longest;
    }
    if (count < limits->set_listpack_entries && longest <= limits->set_listpack_value &&
        count <= (LP_BYTES_MAX - LP_EMPTY_BYTES) / INT_ELEMENT_MAX)
        to_listpack(v);
    else
        to_table(v, count + 1);
}

static bool add_to_table(struct table *t, struct slice member)
{
    uint64_t hash = table_hash(t, member);
    if (table_find_hashed(t, member, hash))
        return false;
    table_add_hashed(t, member_new(member), hash);
    return true;
}

bool set_add(struct val *v, struct slice member, const struct value_limits *limits)
{
    int64_t n;
    if (v->encoding == ENC_INTSET) {
        if (num_parse_i64(member, &n)) {
            bool added;
            v->ptr = intset_add(v->ptr, n, &added);
            if (added && over_intset(intset_count(v->ptr), limits))
                to_table(v, intset_count(v->ptr));
            return added;
        }
        leave_intset(v, member.len, limits);
    }
    if (v->encoding == ENC_LISTPACK) {
        if (find_packed(v->ptr, member))
            return false;
        if (lp_count(v->ptr) < limits->set_listpack_entries &&
            member.len <= limits->set_listpack_value && lp_fits(v->ptr, member.len)) {
            v->ptr = lp_append(v->ptr, member);
            return true;
        }
        to_table(v, set_count(v) + 1);
    }
    must(v->encoding == ENC_TABLE);
    return add_to_table(v->ptr, member);
}

bool set_remove(struct val *v, struct slice member)
{
    int64_t n;
    bool removed = false;
    if (v->encoding == ENC_INTSET) {
        if (num_parse_i64(member, &n))
            v->ptr = intset_remove(v->ptr, n, &removed);
        return removed;
    }
    if (v->encoding == ENC_TABLE) {
        struct member *m = table_remove(v->ptr, member);
        if (m)
            mem_free_sized(m, member_size(m));
        return m;
    }
    size_t at = find_packed(v->ptr, member);
    if (at)
        v->ptr = lp_delete(v->ptr, at, 1);
    return at;
}

struct slice set_random(const struct val *v, char scratch[NUM_I64_TEXT])
{
    must(set_count(v) > 0);
    if (v->encoding == ENC_TABLE)
        return member_key(table_random(v->ptr));
    size_t i = rand_below(set_count(v));
    if (v->encoding == ENC_INTSET)
        return slice(scratch, num_format_i64(scratch, intset_get(v->ptr, i)));
    return lp_get(v->ptr, lp_at(v->ptr, (long)i), scratch);
}

void set_iter_init(struct set_iter *it, const struct val *v)
{
    must(v->type == VALUE_SET);
    it->v = v;
    it->at = v->encoding == ENC_LISTPACK ? lp_first(v->ptr) : 0;
    if (v->encoding == ENC_TABLE)
        table_iter_init(&it->table, v->ptr);
}

bool set_iter_next(struct set_iter *it, struct slice *member)
{
    if (it->v->encoding == ENC_TABLE) {
        const void *item = table_iter_next(&it->table);
        if (item)
            *member = member_key(item);
        return item;
    }
    if (it->v->encoding == ENC_INTSET) {
        if (it->at == intset_count(it->v->ptr))
            return false;
        int64_t n = intset_get(it->v->ptr, it->at++);
        *member = slice(it->scratch, num_format_i64(it->scratch, n));
        return true;
    }
    if (!it->at)
        return false;
    *member = lp_get(it->v->ptr, it->at, it->scratch);
    it->at = lp_next(it->v->ptr, it->at);
    return true;
}

struct scan {
    set_visit *visit;
    void *arg;
};

static void scan_member(void *arg, void *item)
{
    struct scan *s = arg;
    s->visit(s->arg, member_key(item));
}

uint64_t set_scan(const struct val *v, uint64_t cursor, set_visit *visit, void *arg)
{
    if (v->encoding == ENC_TABLE)
        return table_scan(v->ptr, cursor, scan_member, &(struct scan){visit, arg});
    struct set_iter it;
    struct slice member;
    for (set_iter_init(&it, v); set_iter_next(&it, &member);)
        visit(arg, member);
    return 0;
}

void set_free(struct val v)
{
    must(!v.ptr || v.type == VALUE_SET); /* one that was never filled has neither */
    if (v.encoding == ENC_TABLE) {
        struct table_iter it;
        table_iter_init(&it, v.ptr);
        for (struct member *m; (m = table_iter_next(&it));)
            mem_free_sized(m, member_size(m));
        table_release(v.ptr);
    }
    mem_free(v.ptr);
}

static struct val copy_set(const struct val *v)
{
    if (v->encoding == ENC_TABLE) {
        struct table *t = mem_alloc(sizeof *t);
        table_init(t, &members);
        table_reserve(t, set_count(v));
        struct table_iter it;
        table_iter_init(&it, v->ptr);
        for (const void *item; (item = table_iter_next(&it));)
            table_add(t, member_new(member_key(item)));
        must(t->count == set_count(v));
        return set_val(ENC_TABLE, t);
    }
    must(v->encoding == ENC_INTSET || v->encoding == ENC_LISTPACK);
    size_t bytes = v->encoding == ENC_INTSET ? intset_bytes(v->ptr) : lp_bytes(v->ptr);
    return set_val(v->encoding, mem_copy(v->ptr, bytes));
}

static size_t bytes_of(const struct val *v, size_t samples)
{
    if (v->encoding != ENC_TABLE)
        return mem_usable(v->ptr);
    return mem_usable(v->ptr) + table_memory(v->ptr) + table_items_memory(v->ptr, samples);
}

/* ---- the row ---- */

static void walk_set(const struct val *v, struct sink *sink)
{
    if (v->encoding == ENC_INTSET) {
        sink_packed(sink, PACK_INTSET, slice(v->ptr, intset_bytes(v->ptr)));
    } else if (v->encoding == ENC_LISTPACK) {
        sink_packed(sink, PACK_SET, lp_blob(v->ptr));
    } else {
        struct set_iter it;
        struct slice member;
        size_t walked = 0;
        for (set_iter_init(&it, v); set_iter_next(&it, &member) && !sink_bad(sink); walked++)
            SINK_EVENT(sink, item, member);
        must(sink_bad(sink) || walked == set_count(v)); /* the key's event said how many */
    }
}

static struct val load_block(enum pack pack, uint8_t *block, const struct value_limits *limits)
{
    must(pack == PACK_SET || pack == PACK_INTSET);
    return pack == PACK_SET ? from_listpack(block, limits) : from_intset(block, limits);
}

static bool load_member(struct val *v, struct slice text, const struct value_limits *limits)
{
    if (!v->ptr)
        *v = set_new(text, limits);
    return set_add(v, text, limits);
}

static const struct table *table_of_set(const struct val *v)
{
    must(v->type == VALUE_SET);
    return v->encoding == ENC_TABLE ? v->ptr : NULL;
}

const struct value_ops set_ops = {
    .free = set_free,
    .copy = copy_set,
    .count = set_count,
    .memory = bytes_of,
    .table = table_of_set,
    .walk = walk_set,
    .load_block = load_block,
    .load_item = load_member,
    .twice = "Duplicate set member",
};
