/* SPDX-License-Identifier: BSD-3-Clause */
/* Lists. LMPOP is logged as the LPOP or RPOP it came to; everything else as it was given. */
#include "commands/cmd_list.h"

#include "base/must.h"
#include "commands/elements.h"
#include "commands/list_ops.h"
#include "commands/range.h"
#include "server/notify.h"
#include "server/reply.h"

static const struct value_limits *limits_of(const struct ctx *c)
{
    return &c->keyspace->limits;
}

static const char *push_event(bool tail)
{
    return tail ? "rpush" : "lpush";
}

static const char *pop_event(bool tail)
{
    return tail ? "rpop" : "lpop";
}

/* ---- pushing ---- */

static void push(struct ctx *c, bool tail, bool create)
{
    struct entry *e;
    if (!ctx_lookup_write(c, c->argv[1], VALUE_LIST, &e))
        return;
    if (!e && !create) {
        reply_int(c, 0);
        return;
    }
    struct val v = e ? entry_val(e) : list_new();
    for (int i = 2; i < c->argc; i++)
        list_push(&v, c->argv[i], tail, limits_of(c));
    int64_t count = (int64_t)list_count(&v);
    collection_put(c, c->argv[1], e, v, (uint64_t)(c->argc - 2), push_event(tail));
    reply_int(c, count);
}

void cmd_lpush(struct ctx *c)
{
    push(c, false, true);
}

void cmd_rpush(struct ctx *c)
{
    push(c, true, true);
}

void cmd_lpushx(struct ctx *c)
{
    push(c, false, false);
}

void cmd_rpushx(struct ctx *c)
{
    push(c, true, false);
}

/* True and *word when argument i is one of two words; else a syntax error was replied. */
static bool either_word(struct ctx *c, int i, const char *first, const char *second,
                        bool *is_second)
{
    *is_second = ctx_arg_is(c, i, second);
    if (*is_second || ctx_arg_is(c, i, first))
        return true;
    reply_syntax(c);
    return false;
}

void cmd_linsert(struct ctx *c)
{
    bool after;
    struct entry *e;
    if (!either_word(c, 2, "before", "after", &after) ||
        !ctx_lookup_write(c, c->argv[1], VALUE_LIST, &e))
        return;
    if (!e) {
        reply_int(c, 0);
        return;
    }
    struct val v = entry_val(e);
    bool found = list_insert(&v, c->argv[3], c->argv[4], after, limits_of(c));
    int64_t count = (int64_t)list_count(&v);
    collection_put(c, c->argv[1], e, v, found, "linsert");
    reply_int(c, found ? count : -1);
}

/* ---- popping ---- */

static void reply_range(struct ctx *c, const struct val *v, long from, size_t count, bool forward)
{
    struct list_iter it;
    struct slice text;
    reply_array(c, count);
    list_iter_init(&it, v, from, forward);
    for (; count && !reply_unheard(c) && list_iter_next(&it, &text); count--)
        reply_bulk(c, text);
    list_iter_end(&it);
}

/* Removes count elements (there are so many) at an end. */
static void drop(struct ctx *c, struct slice key, struct entry *e, struct val v, bool tail,
                 size_t count)
{
    must(count > 0 && count <= list_count(&v));
    list_delete_range(&v, tail ? list_count(&v) - count : 0, count, limits_of(c));
    collection_put(c, key, e, v, count, pop_event(tail));
}

/* Replies an array of the elements popped, at most count; returns how many. */
static size_t pop_array(struct ctx *c, struct slice key, struct entry *e, bool tail, int64_t count)
{
    struct val v = entry_val(e);
    size_t n = list_count(&v);
    n = (uint64_t)count < n ? (size_t)count : n;
    reply_range(c, &v, tail ? -1 : 0, n, !tail);
    if (n)
        drop(c, key, e, v, tail, n);
    return n;
}

void list_pop_one(struct ctx *c, struct slice key, struct entry *e, bool tail)
{
    char scratch[NUM_I64_TEXT];
    struct slice text = {0};
    struct val v = entry_val(e);
    bool there = list_get(&v, tail ? -1 : 0, &text, scratch);
    must(there); /* no key holds an empty list */
    reply_bulk(c, text);
    drop(c, key, e, v, tail, 1);
}

static void pop(struct ctx *c, bool tail)
{
    struct entry *e;
    int64_t count = 1;
    if (c->argc > 3) {
        reply_errorf(c, "ERR wrong number of arguments for '%s' command", c->command->name);
        return;
    }
    bool counted = c->argc == 3;
    if ((counted && !pop_count_parse(c, &count)) ||
        !ctx_lookup_write(c, c->argv[1], VALUE_LIST, &e))
        return;
    if (!e && counted) {
        reply_null_array(c);
    } else if (!e) {
        reply_null(c);
    } else if (counted) {
        pop_array(c, c->argv[1], e, tail, count);
    } else {
        list_pop_one(c, c->argv[1], e, tail);
    }
}

void cmd_lpop(struct ctx *c)
{
    pop(c, false);
}

void cmd_rpop(struct ctx *c)
{
    pop(c, true);
}

bool list_pop_any(struct ctx *c, const struct pop_args *a)
{
    must(a->count > 0 && a->first + a->keys < c->argc);
    for (int i = a->first; i < a->first + a->keys; i++) {
        struct entry *e;
        if (!ctx_lookup_write(c, c->argv[i], VALUE_LIST, &e))
            return true;
        if (!e)
            continue;
        reply_array(c, 2);
        reply_bulk(c, c->argv[i]);
        size_t popped = pop_array(c, c->argv[i], e, a->high, a->count);
        pop_log(c, a->high ? "RPOP" : "LPOP", c->argv[i], popped);
        return true;
    }
    return false;
}

void cmd_lmpop(struct ctx *c)
{
    struct pop_args a;
    if (pop_args_parse(c, 1, "left", "right", &a) && !list_pop_any(c, &a))
        reply_null_array(c);
}

/* ---- moving ---- */

/* Within one list the text must not lie in what is being changed. */
static void rotate(struct ctx *c, struct entry *e, bool from_tail, bool to_tail)
{
    struct val v = entry_val(e);
    struct buf text = {0};
    bool there = list_pop(&v, from_tail, &text, limits_of(c));
    must(there);
    reply_bulk(c, buf_slice(&text));
    list_push(&v, buf_slice(&text), to_tail, limits_of(c));
    buf_free(&text);
    collection_put(c, c->argv[1], e, v, 1, push_event(to_tail));
    ctx_notify(c, NOTIFY_LIST, pop_event(from_tail), c->argv[1]);
}

bool list_move(struct ctx *c, bool from_tail, bool to_tail)
{
    struct entry *from, *to;
    if (!ctx_lookup_write(c, c->argv[1], VALUE_LIST, &from))
        return true;
    if (!from)
        return false;
    if (!ctx_lookup_write(c, c->argv[2], VALUE_LIST, &to))
        return true;
    if (to == from) {
        rotate(c, from, from_tail, to_tail);
        return true;
    }
    char scratch[NUM_I64_TEXT];
    struct slice text = {0};
    struct val source = entry_val(from), target = to ? entry_val(to) : list_new();
    bool there = list_get(&source, from_tail ? -1 : 0, &text, scratch);
    must(there);
    reply_bulk(c, text);
    list_push(&target, text, to_tail, limits_of(c));
    collection_put(c, c->argv[2], to, target, 1, push_event(to_tail));
    drop(c, c->argv[1], from, source, from_tail, 1);
    must(c->dirty >= 2);
    c->dirty--; /* a move is one change */
    return true;
}

bool list_ends_parse(struct ctx *c, bool *from_tail, bool *to_tail)
{
    return either_word(c, 3, "left", "right", from_tail) &&
           either_word(c, 4, "left", "right", to_tail);
}

void cmd_lmove(struct ctx *c)
{
    bool from_tail, to_tail;
    if (list_ends_parse(c, &from_tail, &to_tail) && !list_move(c, from_tail, to_tail))
        reply_null(c);
}

void cmd_rpoplpush(struct ctx *c)
{
    if (!list_move(c, true, false))
        reply_null(c);
}

/* ---- changing inside ---- */

void cmd_lset(struct ctx *c)
{
    struct entry *e;
    int64_t index;
    if (!ctx_lookup_write(c, c->argv[1], VALUE_LIST, &e))
        return;
    if (!e) {
        reply_no_key(c);
        return;
    }
    if (!ctx_arg_i64(c, 2, &index))
        return;
    struct val v = entry_val(e);
    bool set = list_set(&v, (long)index, c->argv[3], limits_of(c));
    collection_put(c, c->argv[1], e, v, set, "lset");
    if (set)
        reply_ok(c);
    else
        reply_out_of_range(c);
}

void cmd_lrem(struct ctx *c)
{
    struct entry *e;
    int64_t count;
    if (!ctx_arg_i64(c, 2, &count) || !ctx_lookup_write(c, c->argv[1], VALUE_LIST, &e))
        return;
    size_t removed = 0;
    if (e) {
        struct val v = entry_val(e);
        size_t most = count < 0 ? 0 - (size_t)count : (size_t)count;
        removed = list_remove(&v, c->argv[3], most, count < 0, limits_of(c));
        must(most == 0 || removed <= most);
        collection_put(c, c->argv[1], e, v, removed, "lrem");
    }
    reply_int(c, (int64_t)removed);
}

void cmd_ltrim(struct ctx *c)
{
    struct entry *e;
    int64_t start, stop;
    if (!ctx_arg_i64(c, 2, &start) || !ctx_arg_i64(c, 3, &stop) ||
        !ctx_lookup_write(c, c->argv[1], VALUE_LIST, &e))
        return;
    if (e) {
        struct val v = entry_val(e);
        size_t count = list_count(&v), first = count, n = 0;
        if (!range_clip(start, stop, count, &first, &n))
            first = count;
        list_delete_range(&v, first + n, count - first - n, limits_of(c));
        list_delete_range(&v, 0, first, limits_of(c));
        must(list_count(&v) == n);
        collection_put(c, c->argv[1], e, v, count - n, "ltrim");
        if (count == n) { /* as in Redis, told of a list that stays as it is, too */
            db_changed(c->db, c->argv[1]);
            ctx_notify(c, NOTIFY_LIST, "ltrim", c->argv[1]);
        }
    }
    reply_ok(c);
}

/* ---- reading ---- */

void cmd_llen(struct ctx *c)
{
    collection_count_command(c, VALUE_LIST);
}

void cmd_lindex(struct ctx *c)
{
    struct entry *e;
    int64_t index;
    if (!ctx_lookup(c, c->argv[1], VALUE_LIST, &e))
        return;
    if (!e) {
        reply_null(c);
        return;
    }
    if (!ctx_arg_i64(c, 2, &index))
        return;
    /* By an iterator: its end packs a node again that was opened for this. */
    struct val v = entry_val(e);
    struct list_iter it;
    struct slice text;
    list_iter_init(&it, &v, (long)index, true);
    if (list_iter_next(&it, &text))
        reply_bulk(c, text);
    else
        reply_null(c);
    list_iter_end(&it);
}

void cmd_lrange(struct ctx *c)
{
    struct entry *e;
    struct val v;
    int64_t start, stop;
    if (!ctx_arg_i64(c, 2, &start) || !ctx_arg_i64(c, 3, &stop) ||
        !collection_read(c, VALUE_LIST, &e, &v))
        return;
    size_t first, n;
    if (e && range_clip(start, stop, list_count(&v), &first, &n))
        reply_range(c, &v, (long)first, n, true);
    else
        reply_array(c, 0);
}

/* ---- LPOS ---- */

struct pos_args {
    int64_t rank, count, longest; /* count -1: only one place is asked for, as a number */
};

static bool parse_pos(struct ctx *c, struct pos_args *a)
{
    *a = (struct pos_args){.rank = 1, .count = -1};
    for (int i = 3; i < c->argc; i += 2) {
        bool value = i + 1 < c->argc;
        if (value && ctx_arg_is(c, i, "rank")) {
            if (!ctx_arg_i64(c, i + 1, &a->rank) ||
                !ctx_arg_range(c, i + 1, -INT64_MAX, INT64_MAX, &a->rank, NULL))
                return false;
            if (a->rank == 0) {
                reply_error(c, "ERR RANK can't be zero: use 1 to start from the first match, 2 "
                               "from the second ... or use negative to start from the end of the "
                               "list");
                return false;
            }
        } else if (value && ctx_arg_is(c, i, "count")) {
            if (!ctx_arg_range(c, i + 1, 0, INT64_MAX, &a->count, "ERR COUNT can't be negative"))
                return false;
        } else if (value && ctx_arg_is(c, i, "maxlen")) {
            if (!ctx_arg_range(c, i + 1, 0, INT64_MAX, &a->longest, "ERR MAXLEN can't be negative"))
                return false;
        } else {
            reply_syntax(c);
            return false;
        }
    }
    return true;
}

/* Replies the places of text, and returns how many. */
static size_t reply_places(struct ctx *c, const struct val *v, const struct pos_args *a)
{
    struct list_iter it;
    struct slice text;
    bool forward = a->rank > 0;
    must(a->rank != 0 && a->rank != INT64_MIN);
    int64_t skip = (forward ? a->rank : -a->rank) - 1, looked = 0;
    size_t found = 0, wanted = a->count < 0 ? 1 : a->count == 0 ? SIZE_MAX : (size_t)a->count;
    int64_t last = (int64_t)list_count(v) - 1;
    list_iter_init(&it, v, forward ? 0 : -1, forward);
    for (; found < wanted && (!a->longest || looked < a->longest) && list_iter_next(&it, &text);
         looked++) {
        if (!slice_eq(text, c->argv[2]) || skip-- > 0)
            continue;
        reply_int(c, forward ? looked : last - looked);
        found++;
    }
    list_iter_end(&it);
    must(found <= wanted && looked <= last + 1);
    return found;
}

void cmd_lpos(struct ctx *c)
{
    struct pos_args a;
    struct entry *e;
    struct val v;
    if (!parse_pos(c, &a) || !collection_read(c, VALUE_LIST, &e, &v))
        return;
    if (a.count < 0) {
        if (!e || !reply_places(c, &v, &a))
            reply_null(c);
        return;
    }
    uint64_t mark = reply_later(c);
    size_t n = e ? reply_places(c, &v, &a) : 0;
    reply_later_array(c, mark, n);
}
