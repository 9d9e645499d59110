/* SPDX-License-Identifier: BSD-3-Clause */
/* Going through the keys of a database, expired ones too; nobody but this folder knows in which
 * tables they are.
 *
 *   struct db_iter it;
 *   db_iter_init(&it, db);
 *   for (struct entry *e; (e = db_iter_next(&it));) ... */
#ifndef STORE_DB_ITER_H
#define STORE_DB_ITER_H

#include "store/db.h"

/* No key comes or goes meanwhile; but that while the keyspace is held (keyspace_hold), the one just
 * returned may be removed. */
struct db_iter {
    struct keys_iter keys;
};
void db_iter_init(struct db_iter *it, struct db *db);
struct entry *db_iter_next(struct db_iter *it); /* NULL at the end */

/* One step of a scan: begin with cursor 0, go on with what is returned until it is 0. A key that is
 * there all the time is visited at least once, whatever comes, goes, grows in between. Visits a few
 * keys a call (item: a struct entry); the visitor changes nothing. */
uint64_t db_scan(struct db *db, uint64_t cursor, table_visit *visit, void *arg);

/* Bytes of its tables and of the index of what expires: what is there beside the entries. */
size_t db_index_memory(const struct db *db);

/* ---- slots: only where keyspace_set_slots was asked for ---- */
uint64_t db_slot_count(const struct db *db, unsigned slot); /* O(1) */
void db_iter_slot(struct db_iter *it, struct db *db, unsigned slot); /* as db_iter_init */

#endif
