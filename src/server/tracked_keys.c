/* SPDX-License-Identifier: BSD-3-Clause */
/* A block: | length of the key, count | key, padded to four | numbers ... |
 * How many numbers there is room for is what the allocator gave. */
#include "server/tracked_keys.h"

#include <stdint.h>
#include <string.h>

#include "base/mem.h"
#include "base/must.h"

struct tracked {
    uint32_t key_len, count;
    uint32_t words[]; /* the key, and behind it the numbers */
};

static size_t key_words(const struct tracked *k)
{
    return ((size_t)k->key_len + 3) / 4;
}

static uint32_t *row_of(struct tracked *k)
{
    return k->words + key_words(k);
}

struct slice tracked_key(const struct tracked *k)
{
    return slice(k->words, k->key_len);
}

static struct slice key_of(const void *item)
{
    return tracked_key(item);
}

static const struct table_type type = {.key = key_of};

void tracked_keys_init(struct tracked_keys *t, tracked_is_used *used, const void *arg)
{
    *t = (struct tracked_keys){.used = used, .arg = arg};
    table_init(&t->keys, &type);
}

static void free_item(void *arg, void *item)
{
    (void)arg;
    mem_free(item);
}

void tracked_keys_release(struct tracked_keys *t)
{
    uint64_t cursor = 0;
    do /* nothing is added meanwhile, so each is met once */
        cursor = table_scan(&t->keys, cursor, free_item, NULL);
    while (cursor);
    table_release(&t->keys);
    t->items = 0;
}

static size_t bytes_for(const struct tracked *k, size_t count)
{
    return sizeof *k + (key_words(k) + count) * sizeof *k->words;
}

static struct tracked *tracked_new(struct slice key)
{
    struct tracked head = {.key_len = (uint32_t)key.len};
    struct tracked *k = mem_alloc(bytes_for(&head, 1));
    *k = head;
    if (key.len)
        memcpy(k->words, key.data, key.len);
    return k;
}

/* Where the number is, or belongs. New ones are mostly larger than those before. */
static size_t place_in(const uint32_t *row, size_t count, uint32_t number)
{
    size_t low = 0, high = count;
    if (count && row[count - 1] < number)
        return count;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (row[middle] < number)
            low = middle + 1;
        else
            high = middle;
    }
    must(low == count || row[low] >= number);
    return low;
}

static void drop_unused(struct tracked_keys *t, struct tracked *k)
{
    uint32_t *row = row_of(k), kept = 0;
    for (uint32_t i = 0; i < k->count; i++)
        if (!t->used || t->used(t->arg, row[i]))
            row[kept++] = row[i];
    must(t->items >= k->count - kept);
    t->items -= k->count - kept;
    k->count = kept;
}

/* A row that is full is looked through; behind that a quarter of it is free, so that adding n
 * numbers looks at O(n). */
static struct tracked *make_room(struct tracked_keys *t, struct tracked *k)
{
    drop_unused(t, k);
    size_t bytes = bytes_for(k, k->count + k->count / 4u + 1);
    return mem_usable(k) < bytes ? mem_realloc(k, bytes) : k;
}

bool tracked_keys_add(struct tracked_keys *t, struct slice key, uint32_t number)
{
    uint64_t hash = table_hash(&t->keys, key);
    must(key.len <= UINT32_MAX);
    void **slot = table_slot(&t->keys, key, hash);
    struct tracked *k = slot ? *slot : tracked_new(key);
    size_t at = place_in(row_of(k), k->count, number);
    if (at < k->count && row_of(k)[at] == number)
        return false;
    if (mem_usable(k) < bytes_for(k, k->count + 1u)) {
        must(slot);
        *slot = k = make_room(t, k);
        at = place_in(row_of(k), k->count, number);
    }
    memmove(row_of(k) + at + 1, row_of(k) + at, (k->count - at) * sizeof *k->words);
    row_of(k)[at] = number;
    k->count++;
    t->items++;
    if (!slot)
        table_add_hashed(&t->keys, k, hash);
    return true;
}

static struct tracked *taken(struct tracked_keys *t, struct tracked *k)
{
    if (k) {
        must(k->count > 0 && t->items >= k->count);
        t->items -= k->count;
    }
    return k;
}

struct tracked *tracked_keys_take(struct tracked_keys *t, struct slice key)
{
    return taken(t, table_remove(&t->keys, key));
}

struct tracked *tracked_keys_take_any(struct tracked_keys *t)
{
    const struct tracked *k = table_random(&t->keys);
    return k ? tracked_keys_take(t, tracked_key(k)) : NULL;
}

const uint32_t *tracked_numbers(const struct tracked *k, size_t *count)
{
    must(k->count > 0);
    *count = k->count;
    return k->words + key_words(k);
}

void tracked_free(struct tracked *k)
{
    mem_free(k);
}
