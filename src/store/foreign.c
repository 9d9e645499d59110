/* SPDX-License-Identifier: BSD-3-Clause */
#include "store/foreign.h"

#include "base/mem.h"
#include "base/must.h"
#include "format/rdb_read.h"

enum { VERSION_BITS = 10 };

/* ---- the types ---- */

const struct foreign_type *foreign_find(const struct foreign_types *types, uint64_t rdb_id)
{
    for (unsigned i = 0; i < types->count; i++)
        if (types->all[i]->rdb_id >> VERSION_BITS == rdb_id >> VERSION_BITS)
            return types->all[i];
    return NULL;
}

void foreign_add(struct foreign_types *types, const struct foreign_type *type)
{
    must(type->free && type->copy && type->save && type->load);
    must(!foreign_find(types, type->rdb_id));
    types->all = mem_realloc(types->all, (types->count + 1) * sizeof *types->all);
    types->all[types->count++] = type;
}

void foreign_release(struct foreign_types *types)
{
    mem_free(types->all);
    *types = (struct foreign_types){0};
}

/* ---- a value ---- */

struct val foreign_val(const struct foreign_type *type, void *value)
{
    must(type && value);
    struct foreign *f = mem_alloc(sizeof *f);
    *f = (struct foreign){type, value};
    return (struct val){VALUE_MODULE, ENC_MODULE, f};
}

static void free_foreign(struct val v)
{
    struct foreign *f = v.ptr;
    must(v.type == VALUE_MODULE && v.encoding == ENC_MODULE);
    must(f->type && f->value);
    f->type->free(f->value);
    mem_free(f);
}

static struct val copy_foreign(const struct val *v)
{
    const struct foreign *f = v->ptr;
    return foreign_val(f->type, f->type->copy(f->value));
}

static size_t effort(const struct val *v)
{
    const struct foreign *f = v->ptr;
    return f->type->effort ? f->type->effort(f->value) : 1;
}

static size_t memory(const struct val *v, size_t samples)
{
    const struct foreign *f = v->ptr;
    return mem_usable(f) + (f->type->memory ? f->type->memory(f->value, samples) : 0);
}

static void walk(const struct val *v, struct sink *sink)
{
    const struct foreign *f = v->ptr;
    struct buf items = {0};
    must(v->type == VALUE_MODULE && v->encoding == ENC_MODULE);
    if (!sink->ops->opaque)
        return;
    if (f->type->save(f->value, &items))
        sink->ops->opaque(sink, RDB_MODULE, f->type->rdb_id, buf_slice(&items));
    else
        fault_set(&sink->fault, FAULT_CANNOT_HOLD, "A value of type %s could not be saved",
                  f->type->name);
    buf_free(&items);
}

static bool as_commands(const struct val *v, struct slice key, struct sink *sink)
{
    const struct foreign *f = v->ptr;
    must(sink_wants_commands(sink));
    if (f->type->rewrite)
        f->type->rewrite(f->value, key, sink);
    return f->type->rewrite != NULL;
}

struct val foreign_load(const struct foreign_types *types, uint64_t rdb_id, struct slice items,
                        struct fault *f)
{
    const struct foreign_type *type = foreign_find(types, rdb_id);
    if (!type) {
        char name[10];
        fault_set(f, FAULT_CANNOT_HOLD, "The module '%s' that owns this value is not loaded",
                  rdb_module_name(rdb_id, name));
        return (struct val){0};
    }
    must(type->rdb_id >> VERSION_BITS == rdb_id >> VERSION_BITS);
    void *value = type->load(items, rdb_id & ((1u << VERSION_BITS) - 1), f);
    if (!value) {
        fault_set(f, FAULT_FORMAT, "A value of type %s could not be loaded", type->name);
        return (struct val){0};
    }
    return foreign_val(type, value);
}

const struct value_ops foreign_ops = {
    .free = free_foreign,
    .copy = copy_foreign,
    .count = effort,
    .memory = memory,
    .stays_empty = true,
    .walk = walk,
    .as_commands = as_commands,
};
