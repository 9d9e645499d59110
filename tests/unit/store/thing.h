/* SPDX-License-Identifier: BSD-3-Clause */
/* A small type of a module that is not there: a name and a number. Saved: 2 number, 5 name, 0. As a
 * command: THING key number name. */
#ifndef TESTS_UNIT_STORE_THING_H
#define TESTS_UNIT_STORE_THING_H

#include <string.h>

#include "base/mem.h"
#include "base/num.h"
#include "store/foreign.h"

struct thing {
    unsigned char number, len;
    char name[30];
};

enum { THING_UNSAVABLE = 63, THING_UNLOADABLE = 13, ITEM_UNSIGNED = 2, ITEM_STRING = 5,
       THING_VERSION = 3 };

static inline struct thing *thing_new(unsigned char number, const char *name)
{
    struct thing *t = mem_zalloc(sizeof *t);
    t->number = number;
    t->len = (unsigned char)strlen(name);
    memcpy(t->name, name, t->len);
    return t;
}

static void *thing_copy(const void *value)
{
    return mem_copy(value, sizeof(struct thing));
}

static size_t thing_effort(const void *value)
{
    return ((const struct thing *)value)->number;
}

static size_t thing_memory(const void *value, size_t samples)
{
    (void)samples;
    return mem_usable(value);
}

static bool thing_save(const void *value, struct buf *items)
{
    const struct thing *t = value;
    buf_append(items, (char[]){ITEM_UNSIGNED, (char)t->number, ITEM_STRING, (char)t->len}, 4);
    buf_append(items, t->name, t->len);
    buf_append(items, "", 1);
    return t->number != THING_UNSAVABLE;
}

static unsigned thing_version_loaded;

static void *thing_load(struct slice items, unsigned version, struct fault *f)
{
    if (items.len < 5 || items.data[0] != ITEM_UNSIGNED || items.data[2] != ITEM_STRING ||
        items.len != (size_t)items.data[3] + 5)
        return NULL;
    if (items.data[1] == THING_UNLOADABLE) {
        fault_set(f, FAULT_FORMAT, "thirteen");
        return NULL;
    }
    struct thing *t = mem_zalloc(sizeof *t);
    t->number = (unsigned char)items.data[1];
    t->len = (unsigned char)items.data[3];
    memcpy(t->name, items.data + 4, t->len);
    thing_version_loaded = version;
    return t;
}

/* THING key number name */
static void thing_rewrite(const void *value, struct slice key, struct sink *sink)
{
    const struct thing *t = value;
    char text[NUM_I64_TEXT];
    struct slice number = slice(text, num_format_u64(text, t->number));
    struct slice argv[] = {SLICE_LIT("THING"), key, number, slice(t->name, t->len)};
    sink->ops->command(sink, argv, 4);
}

static const struct foreign_type thing_type = {
    0x123456789abcdull << 10 | THING_VERSION, "thing-tst", mem_free, thing_copy, thing_memory,
    thing_effort, thing_save, thing_load, thing_rewrite};

#endif
