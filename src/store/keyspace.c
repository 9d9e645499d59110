/* SPDX-License-Identifier: BSD-3-Clause */
/* The databases together. Those that were asked for stand in a list by id; whoever goes through all
 * of them goes through that. */
#include "store/keyspace.h"

#include <string.h>

#include "base/mem.h"
#include "base/must.h"
#include "store/db_parts.h"

static void limits_default(struct value_limits *limits)
{
    *limits = (struct value_limits){
        .hash_listpack_entries = 512, .hash_listpack_value = 64,
        .set_intset_entries = 512, .set_listpack_entries = 128, .set_listpack_value = 64,
        .zset_listpack_entries = 128, .zset_listpack_value = 64,
        .list_listpack_size = -2,
        .hll_sparse_max = 3000,
        .stream_node_bytes = 4096, .stream_node_entries = 100,
        .string_max = (uint64_t)512 << 20,
    };
}

void keyspace_init(struct keyspace *ks, unsigned databases)
{
    must(databases > 0);
    *ks = (struct keyspace){.count = databases, .lfu_decay_minutes = 1, .lfu_log_factor = 10,
                            .settles = true};
    limits_default(&ks->limits);
}

void keyspace_set_databases(struct keyspace *ks, unsigned databases)
{
    must(databases > 0);
    must(ks->open_count == 0 || ks->open[ks->open_count - 1]->id < databases);
    ks->count = databases;
}

/* The place of the first with at least this id. */
static unsigned open_place(const struct keyspace *ks, unsigned id)
{
    unsigned low = 0, high = ks->open_count;
    while (low < high) {
        unsigned middle = low + (high - low) / 2;
        if (ks->open[middle]->id < id)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* The list is in order about that place, and shorter than there may be databases. */
static void open_must_hold(const struct keyspace *ks, unsigned at)
{
    must(ks->open_count <= ks->open_cap && ks->open_count <= ks->count);
    must(at == 0 || ks->open[at - 1]->id < ks->open[at]->id);
    must(at + 1 == ks->open_count || ks->open[at]->id < ks->open[at + 1]->id);
}

struct db *keyspace_peek(const struct keyspace *ks, unsigned id)
{
    unsigned at = open_place(ks, id);
    return at < ks->open_count && ks->open[at]->id == id ? ks->open[at] : NULL;
}

struct db *keyspace_db(struct keyspace *ks, unsigned id)
{
    struct db *db = keyspace_peek(ks, id);
    if (db)
        return db;
    must(id < ks->count);
    if (ks->open_count == ks->open_cap) {
        ks->open_cap = ks->open_cap ? ks->open_cap * 2 : 16;
        ks->open = mem_realloc(ks->open, ks->open_cap * sizeof *ks->open);
    }
    unsigned at = open_place(ks, id);
    memmove(ks->open + at + 1, ks->open + at, (ks->open_count - at) * sizeof *ks->open);
    db = ks->open[at] = mem_zalloc(sizeof *db);
    ks->open_count++;
    db->id = id;
    db->keyspace = ks;
    open_must_hold(ks, at);
    db_open(db);
    return db;
}

void keyspace_release(struct keyspace *ks)
{
    ks->on_event = NULL;
    ks->defer = NULL;
    for (unsigned i = 0; i < ks->open_count; i++) {
        must(ks->open[i]->keyspace == ks);
        db_free_contents(db_take_contents(ks->open[i]));
        mem_free(ks->open[i]);
    }
    foreign_release(&ks->foreign);
    mem_free(ks->open);
    ks->open = NULL;
    ks->count = ks->open_count = ks->open_cap = 0;
}

uint64_t keyspace_count(const struct keyspace *ks)
{
    uint64_t n = 0;
    for (unsigned i = 0; i < ks->open_count; i++)
        n += keys_count(&ks->open[i]->keys);
    return n;
}

void keyspace_swap(struct keyspace *ks, unsigned a, unsigned b)
{
    struct db *one = keyspace_db(ks, a), *other = keyspace_db(ks, b);
    unsigned of_one = open_place(ks, a), of_other = open_place(ks, b);
    must(ks->open[of_one] == one && ks->open[of_other] == other);
    ks->open[of_one] = other;
    ks->open[of_other] = one;
    one->id = b;
    other->id = a;
    open_must_hold(ks, of_one);
    open_must_hold(ks, of_other);
}

static void set_tables_held(struct keyspace *ks)
{
    for (unsigned i = 0; i < ks->open_count; i++)
        keys_set_held(&ks->open[i]->keys, keyspace_holds_tables(ks));
}

void keyspace_hold(struct keyspace *ks, bool held)
{
    if (ks->held == held)
        return;
    ks->held = held;
    set_tables_held(ks);
}

void keyspace_set_resizing(struct keyspace *ks, bool on)
{
    ks->no_resizing = !on;
    set_tables_held(ks);
}

void keyspace_set_slots(struct keyspace *ks, bool slots)
{
    must(!ks->held);
    ks->slots = slots;
    for (unsigned i = 0; i < ks->open_count; i++)
        keys_set_slots(&ks->open[i]->keys, slots);
}
