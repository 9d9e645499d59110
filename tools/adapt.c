/* SPDX-License-Identifier: BSD-3-Clause */
/* Kinds of values without a place are known by their key; expiries of fields only when they come,
 * which is why a hash with some is taken apart. When only looking, nothing passes. */
#include "tools/adapt.h"

#include "format/rdb.h"

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
        a->found(a->arg, what, &a->key);
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
        a->found(a->arg, "function library", NULL);
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
    a->told = false;
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
    (void)rdb_type;
    if (!bytes.len)
        return;
    tell(a, "stream producers");
    a->values++;
}

void adapt_init(struct adapt *a, enum adapt_target target, struct sink *to)
{
    *a = (struct adapt){.target = target};
    pass_init(&a->pass, to);
    a->pass.ops.function = function;
    a->pass.ops.module_aux = module_aux;
    a->pass.ops.key = key;
    a->pass.ops.packed = packed;
    a->pass.ops.pair = pair;
    a->pass.ops.stream_rest = stream_rest;
}

void adapt_free(struct adapt *a)
{
    buf_free(&a->name);
}
