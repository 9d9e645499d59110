/* SPDX-License-Identifier: BSD-3-Clause */
#include "scripting/function_set.h"

#include <ctype.h>
#include <stdlib.h>

#include "base/hash.h"
#include "base/mem.h"
#include "base/must.h"
#include "scripting/functions.h"
#include "scripting/scripting_parts.h"
#include "scripting/vm.h"

static struct slice library_key(const void *item)
{
    const struct library *lib = item;
    return slice_str(lib->name);
}
static struct slice function_key(const void *item)
{
    const struct function *f = item;
    return slice_str(f->name);
}
static const struct table_type library_type = {.key = library_key};

/* FCALL takes names in any case. */
static uint64_t hash_nocase(struct slice name)
{
    enum { AT_ONCE = 64 };
    char lower[AT_ONCE];
    uint64_t hash = 0;
    for (size_t at = 0; at <= name.len; at += AT_ONCE) {
        size_t n = name.len - at < AT_ONCE ? name.len - at : AT_ONCE;
        for (size_t i = 0; i < n; i++)
            lower[i] = (char)tolower((unsigned char)name.data[at + i]);
        hash = hash_bytes(lower, n) ^ hash << 1;
    }
    return hash;
}

static bool equal_nocase(struct slice a, struct slice b)
{
    return a.len == b.len && strncasecmp(a.data, b.data, a.len) == 0;
}

static const struct table_type function_type = {.key = function_key, .hash = hash_nocase,
                                                .equal = equal_nocase};

void function_set_init(struct function_set *set, struct scripting *home)
{
    set->home = home;
    table_init(&set->libraries, &library_type);
    table_init(&set->functions, &function_type);
}

static size_t function_bytes(const struct function *f)
{
    return mem_usable(f) + mem_usable(f->name) +
           (f->description ? mem_usable(f->description) : 0);
}

static size_t library_bytes(const struct library *lib)
{
    size_t bytes = mem_usable(lib) + mem_usable(lib->name) + mem_usable(lib->code.data);
    for (size_t i = 0; i < lib->count; i++)
        bytes += function_bytes(lib->functions[i]);
    return bytes;
}

static void free_all(struct library *lib)
{
    for (size_t i = 0; i < lib->count; i++) {
        mem_free(lib->functions[i]->name);
        mem_free(lib->functions[i]->description);
        mem_free(lib->functions[i]);
    }
    mem_free(lib->functions);
    mem_free(lib->name);
    mem_free((void *)(uintptr_t)lib->code.data);
    mem_free(lib);
}

void function_set_free(struct function_set *set, bool async)
{
    struct table_iter it;
    struct library *lib;
    table_iter_init(&it, &set->libraries);
    while ((lib = table_iter_next(&it)))
        free_all(lib);
    table_release(&set->libraries);
    table_release(&set->functions);
    scripting_sweep(set->home, set->vm, async);
    mem_free(set);
}

struct vm *function_set_vm(const struct function_set *set)
{
    return set->vm;
}

void library_free(struct function_set *set, struct library *lib)
{
    for (size_t i = 0; i < lib->count; i++)
        luaL_unref(set->vm->L, LUA_REGISTRYINDEX, lib->functions[i]->ref);
    free_all(lib);
}

bool function_set_may_add(const struct function_set *set, const struct library *lib,
                          const struct library *instead, struct buf *error)
{
    const struct library *same = function_set_find(set, slice_str(lib->name));
    if (same && same != instead) {
        buf_printf(error, "ERR Library %s already exists", lib->name);
        return false;
    }
    for (size_t i = 0; i < lib->count; i++) {
        struct function *f = table_find(&set->functions, slice_str(lib->functions[i]->name));
        if (f && f->library != instead) {
            buf_printf(error, "ERR Function %s already exists", lib->functions[i]->name);
            return false;
        }
    }
    return true;
}

void function_set_add(struct function_set *set, struct library *lib)
{
    table_add(&set->libraries, lib);
    for (size_t i = 0; i < lib->count; i++) /* of two that differ in case the first is called */
        if (!table_find(&set->functions, slice_str(lib->functions[i]->name)))
            table_add(&set->functions, lib->functions[i]);
    set->bytes += library_bytes(lib);
}

void function_set_leave(struct function_set *set, struct library *lib)
{
    set->bytes -= library_bytes(lib);
    for (size_t i = 0; i < lib->count; i++)
        if (function_set_function(set, slice_str(lib->functions[i]->name)) == lib->functions[i])
            table_remove(&set->functions, slice_str(lib->functions[i]->name));
    table_remove(&set->libraries, slice_str(lib->name));
}

void function_set_remove(struct function_set *set, struct library *lib)
{
    function_set_leave(set, lib);
    library_free(set, lib);
}

struct library *function_set_find(const struct function_set *set, struct slice name)
{
    return table_find(&set->libraries, name);
}

struct function *function_set_function(const struct function_set *set, struct slice name)
{
    return table_find(&set->functions, name);
}

static int by_name(const void *a, const void *b)
{
    const struct library *const *x = a, *const *y = b;
    return strcmp((*x)->name, (*y)->name);
}

struct library **function_set_sorted(const struct function_set *set, size_t *count)
{
    struct library **all = mem_alloc((set->libraries.count + 1) * sizeof(struct library *));
    struct table_iter it;
    size_t n = 0;
    table_iter_init(&it, (struct table *)&set->libraries);
    while ((all[n] = table_iter_next(&it)))
        n++;
    must(n == set->libraries.count);
    qsort(all, n, sizeof *all, by_name);
    *count = n;
    return all;
}

size_t function_set_libraries(const struct function_set *set)
{
    return set->libraries.count;
}

size_t function_set_functions(const struct function_set *set)
{
    return set->functions.count;
}

size_t function_set_bytes(const struct function_set *set)
{
    return set->bytes + table_memory(&set->libraries) + table_memory(&set->functions);
}
