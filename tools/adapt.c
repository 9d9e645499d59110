/* SPDX-License-Identifier: BSD-3-Clause */
/* Kinds of values without a place are known by their key; expiries of fields only when they come,
 * which is why a hash with some is taken apart. When only looking, nothing passes. */
#include "tools/adapt.h"

#include "format/rdb.h"
#include "tools/library_text.h"

static struct adapt *adapt_of(struct sink *s)
{
    return (struct adapt *)(void *)s;
}

static void tell(struct adapt *a, const char *what)
{
    if (a->told)
        return;
    a->told = true;
    a->keys++;
    if (a->found)
        a->found(a->arg, what, &a->key, (struct slice){0});
}

static void function(struct sink *s, struct slice source)
{
    struct adapt *a = adapt_of(s);
    if (a->target != ADAPT_RDB_9) {
        pass_function(s, source);
        return;
    }
    a->libraries++;
    if (a->found)
        a->found(a->arg, "function library", NULL, library_name(source));
}

static void module_aux(struct sink *s, uint64_t module_id, struct slice bytes)
{
    if (adapt_of(s)->target != ADAPT_COMMANDS)
        pass_module_aux(s, module_id, bytes);
}

/* The kinds that are left out as a whole are known by their key. */
static bool key(struct sink *s, const struct key_event *e)
{
    struct adapt *a = adapt_of(s);
    buf_clear(&a->name);
    buf_add(&a->name, e->name);
    a->key = *e;
    a->key.name = buf_slice(&a->name);
    a->told = a->counters_told = false;
    a->rest = 0;
    stream_lost_key(&a->lost);
    adapt_group_drop(&a->group);
    /* Where nothing passes, nothing is to be held. */
    a->holds = a->pass.to && e->type == VALUE_STREAM && e->rdb_type == RDB_STREAM_5;
    bool array = e->type == VALUE_MODULE && e->rdb_type == RDB_ARRAY;
    if (array || (e->type == VALUE_MODULE && a->target == ADAPT_COMMANDS)) {
        a->values++;
        tell(a, array ? "array" : "module value");
        return false;
    }
    return pass_key(s, e);
}

static bool packed(struct sink *s, enum pack pack, struct slice bytes)
{
    if (pack == PACK_HASH_TTL)
        return false; /* field by field */
    return pass_packed(s, pack, bytes);
}

static void pair(struct sink *s, struct slice field, struct slice value, int64_t expire_ms)
{
    struct adapt *a = adapt_of(s);
    if (expire_ms != KEY_NO_EXPIRE) {
        tell(a, "field expiry");
        a->fields++;
    }
    pass_pair(s, field, value, KEY_NO_EXPIRE);
}

static void stream_rest(struct sink *s, uint8_t rdb_type, struct slice bytes)
{
    struct adapt *a = adapt_of(s);
    if (!bytes.len || a->rest == rdb_type)
        return;
    a->rest = rdb_type;
    tell(a, rdb_type == RDB_STREAM_5 ? "stream entries without a consumer" : "stream producers");
    a->values++;
}

/* ---- a stream's counters ---- */

/* Who reads version 9 takes the entries there are for all there ever were, and what a group has
 * read for what follows from that: elsewhere something is lost. */
static void lose_counters(struct adapt *a)
{
    tell(a, "stream counters");
    a->counters += !a->counters_told;
    a->counters_told = true;
}

static void stream_info(struct sink *s, const struct stream_info_event *e)
{
    struct adapt *a = adapt_of(s);
    a->stream = *e;
    if (a->target == ADAPT_RDB_9 &&
        (e->entries_added != e->length || e->max_deleted.ms || e->max_deleted.seq))
        lose_counters(a);
    a->plain.stream_info(s, e);
}

/* Of a stream that never lost an entry; -1: it can't be told. */
static int64_t read_up_to(const struct stream_info_event *e, struct stream_id at)
{
    int to_last = stream_id_cmp(at, e->last);
    if (e->length == 0)
        return 0;
    if (to_last >= 0)
        return to_last == 0 ? (int64_t)e->length : -1;
    int to_first = stream_id_cmp(at, e->first);
    return to_first > 0 ? -1 : to_first == 0;
}

/* What is not known can't be lost. */
static void look_at_counter(struct adapt *a, const struct stream_group_event *e)
{
    if (a->target == ADAPT_RDB_9 && e->entries_read >= 0 &&
        e->entries_read != read_up_to(&a->stream, e->last))
        lose_counters(a);
}

/* ---- groups ---- */

/* False: a file failed, and what came last is not whole. */
static bool end_group(struct adapt *a)
{
    bool ok = adapt_group_end(&a->group, a->pass.to, &a->pass.sink.fault);
    pass_took(&a->pass);
    return ok;
}

static void stream_node(struct sink *s, struct stream_id master, struct slice listpack)
{
    struct adapt *a = adapt_of(s);
    if (a->target == ADAPT_COMMANDS)
        stream_lost_node(&a->lost, master, listpack);
    a->plain.stream_node(s, master, listpack);
}

static void stream_group(struct sink *s, const struct stream_group_event *e)
{
    struct adapt *a = adapt_of(s);
    a->rest = 0;
    look_at_counter(a, e);
    stream_lost_group(&a->lost);
    if (!end_group(a))
        return;
    if (a->holds)
        adapt_group_begin(&a->group, e);
    else
        a->plain.stream_group(s, e);
}

static void stream_pending(struct sink *s, const struct stream_pending_event *e)
{
    struct adapt *a = adapt_of(s);
    if (a->target == ADAPT_COMMANDS && stream_lost_pending(&a->lost, e->id))
        tell(a, "pending entries that were deleted");
    if (a->holds)
        adapt_group_pending(&a->group, e);
    else
        a->plain.stream_pending(s, e);
}

static void stream_consumer(struct sink *s, const struct stream_consumer_event *e)
{
    if (adapt_of(s)->holds)
        adapt_group_consumer(&adapt_of(s)->group, e);
    else
        adapt_of(s)->plain.stream_consumer(s, e);
}

static void stream_owned(struct sink *s, const struct stream_pending_event *e)
{
    if (adapt_of(s)->holds)
        adapt_group_owned(&adapt_of(s)->group, e);
    else
        adapt_of(s)->plain.stream_owned(s, e);
}

static void end_key(struct sink *s)
{
    if (end_group(adapt_of(s)))
        pass_end_key(s);
}

void adapt_init(struct adapt *a, enum adapt_target target, struct sink *to)
{
    *a = (struct adapt){.target = target};
    stream_lost_begin(&a->lost);
    pass_init(&a->pass, to);
    a->plain = a->pass.ops;
    a->pass.ops.function = function;
    a->pass.ops.module_aux = module_aux;
    a->pass.ops.key = key;
    a->pass.ops.packed = packed;
    a->pass.ops.pair = pair;
    a->pass.ops.stream_rest = stream_rest;
    a->pass.ops.stream_node = stream_node;
    a->pass.ops.stream_info = stream_info;
    a->pass.ops.stream_group = stream_group;
    a->pass.ops.stream_pending = stream_pending;
    a->pass.ops.stream_consumer = stream_consumer;
    a->pass.ops.stream_owned = stream_owned;
    a->pass.ops.end_key = end_key;
}

void adapt_free(struct adapt *a)
{
    adapt_group_free(&a->group);
    stream_lost_end(&a->lost);
    buf_free(&a->name);
}
