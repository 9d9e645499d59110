/* SPDX-License-Identifier: BSD-3-Clause */
#include "store/db_iter.h"

void db_iter_init(struct db_iter *it, struct db *db)
{
    keys_iter_init(&it->keys, &db->keys);
}

struct entry *db_iter_next(struct db_iter *it)
{
    return keys_iter_next(&it->keys);
}

uint64_t db_scan(struct db *db, uint64_t cursor, table_visit *visit, void *arg)
{
    return keys_scan(&db->keys, cursor, visit, arg);
}

size_t db_index_memory(const struct db *db)
{
    return keys_memory(&db->keys) + expire_memory(&db->expires);
}

uint64_t db_slot_count(const struct db *db, unsigned slot)
{
    return keys_in_slot(&db->keys, slot);
}

void db_iter_slot(struct db_iter *it, struct db *db, unsigned slot)
{
    keys_iter_slot(&it->keys, &db->keys, slot);
}
