/* SPDX-License-Identifier: BSD-3-Clause */
#include "store/value.h"

#include "base/mem.h"
#include "base/must.h"
#include "base/slab.h"
#include "store/entry_make.h"
#include "store/foreign.h"
#include "store/str.h"
#include "store/val_hash.h"
#include "store/val_list.h"
#include "store/val_set.h"
#include "store/val_stream.h"
#include "store/val_zset.h"

/* ---- strings ---- */

static void free_string(struct val v)
{
    must(v.encoding == ENC_RAW);
    mem_free(v.ptr);
}

static struct val copy_string(const struct val *v)
{
    const struct str *s = v->ptr;
    must(v->encoding == ENC_RAW && s->len <= s->cap);
    return (struct val){v->type, v->encoding, str_of(slice(s->bytes, s->len))};
}

static size_t string_bytes(const struct val *v)
{
    must(v->encoding == ENC_RAW);
    return ((const struct str *)v->ptr)->len;
}

static size_t string_memory(const struct val *v, size_t samples)
{
    (void)samples;
    must(v->encoding == ENC_RAW);
    return mem_usable(v->ptr);
}

static const struct value_ops string_ops = {
    .free = free_string,
    .copy = copy_string,
    .count = string_bytes,
    .memory = string_memory,
};

/* ---- the types ---- */

static const struct value_ops *const types[] = {
    [VALUE_STRING] = &string_ops, [VALUE_LIST] = &list_ops,     [VALUE_SET] = &set_ops,
    [VALUE_ZSET] = &zset_ops,     [VALUE_HASH] = &hash_ops,     [VALUE_STREAM] = &stream_ops,
    [VALUE_MODULE] = &foreign_ops,
};

const struct value_ops *value_ops_of(enum value_type type)
{
    must(type < sizeof types / sizeof *types && types[type]);
    return types[type];
}

static const struct value_ops *ops_of(struct val v)
{
    return value_ops_of((enum value_type)v.type);
}

void val_free(struct val v)
{
    must(v.ptr);
    ops_of(v)->free(v);
}

struct val val_copy(struct val v)
{
    struct val copy = ops_of(v)->copy(&v);
    must(copy.type == v.type && copy.encoding == v.encoding && copy.ptr != v.ptr);
    return copy;
}

size_t val_count(struct val v)
{
    return ops_of(v)->count(&v);
}

bool val_has_parts(const struct val *v, uint64_t n)
{
    const struct value_ops *ops = ops_of(*v);
    must(n > 0);
    return (ops->parts ? ops->parts(v, n) : ops->count(v)) >= n;
}

bool val_is_nothing(struct val v)
{
    const struct value_ops *ops = ops_of(v);
    return ops->count(&v) == 0 && !ops->stays_empty;
}

size_t entry_memory(const struct entry *e, size_t samples)
{
    size_t bytes = slab_good_size(entry_size(e)) + (entry_has_expire(e) ? sizeof(void *) : 0);
    if (entry_encoding(e) == ENC_INT || entry_encoding(e) == ENC_EMBSTR)
        return bytes;
    struct val v = entry_val(e);
    return bytes + ops_of(v)->memory(&v, samples);
}
