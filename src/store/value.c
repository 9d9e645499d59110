/* SPDX-License-Identifier: BSD-3-Clause */
/* What can be done with any value: dispatch to the file of its type. */
#include "store/db.h"

#include "base/mem.h"
#include "base/must.h"
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

size_t val_memory(struct val v, size_t samples)
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
