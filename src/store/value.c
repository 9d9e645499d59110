/* SPDX-License-Identifier: BSD-3-Clause */
/* What can be done with any value: dispatch to the file of its type. */
#include "store/value.h"

#include "base/mem.h"
#include "base/must.h"
#include "base/slab.h"
#include "store/val_hash.h"
#include "store/val_list.h"
#include "store/val_set.h"
#include "store/val_zset.h"

void val_free(struct val v)
{
    switch ((enum value_type)v.type) {
    case VALUE_STRING: mem_free(v.ptr); return;
    case VALUE_LIST: list_free(v); return;
    case VALUE_SET: set_free(v); return;
    case VALUE_ZSET: zset_free(v); return;
    case VALUE_HASH: hash_free(v); return;
    case VALUE_STREAM: case VALUE_MODULE: break;
    }
    must(!"a value of a type that is held");
}

struct val val_copy(struct val v)
{
    switch ((enum value_type)v.type) {
    case VALUE_STRING: {
        const struct str *s = v.ptr;
        v.ptr = str_of(slice(s->bytes, s->len));
        return v;
    }
    case VALUE_LIST: return list_copy(&v);
    case VALUE_SET: return set_copy(&v);
    case VALUE_ZSET: return zset_copy(&v);
    case VALUE_HASH: return hash_copy(&v);
    case VALUE_STREAM: case VALUE_MODULE: break;
    }
    must(!"a value of a type that is held");
    return v;
}

size_t val_count(struct val v)
{
    switch ((enum value_type)v.type) {
    case VALUE_STRING: return ((const struct str *)v.ptr)->len;
    case VALUE_LIST: return list_count(&v);
    case VALUE_SET: return set_count(&v);
    case VALUE_ZSET: return zset_count(&v);
    case VALUE_HASH: return hash_count(&v);
    case VALUE_STREAM: case VALUE_MODULE: break;
    }
    must(!"a value of a type that is held");
    return 0;
}

static size_t val_memory(struct val v, size_t samples)
{
    switch ((enum value_type)v.type) {
    case VALUE_STRING: return mem_usable(v.ptr);
    case VALUE_LIST: return list_memory(&v, samples);
    case VALUE_SET: return set_memory(&v, samples);
    case VALUE_ZSET: return zset_memory(&v, samples);
    case VALUE_HASH: return hash_memory(&v, samples);
    case VALUE_STREAM: case VALUE_MODULE: break;
    }
    must(!"a value of a type that is held");
    return 0;
}

size_t entry_memory(const struct entry *e, size_t samples)
{
    size_t bytes = slab_good_size(entry_size(e)) + (entry_has_expire(e) ? sizeof(void *) : 0);
    if (entry_encoding(e) != ENC_INT && entry_encoding(e) != ENC_EMBSTR)
        bytes += val_memory(entry_val(e), samples);
    return bytes;
}

struct str *str_new(size_t cap)
{
    size_t good = mem_good_size(sizeof(struct str) + cap);
    struct str *s = mem_alloc(good);
    s->len = 0;
    s->cap = good - sizeof *s;
    return s;
}

struct str *str_of(struct slice text)
{
    struct str *s = str_new(text.len);
    if (text.len)
        memcpy(s->bytes, text.data, text.len);
    s->len = text.len;
    return s;
}
