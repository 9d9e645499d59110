/* SPDX-License-Identifier: BSD-3-Clause */
/* Shared by db.c, keyspace.c and aside.c only: a database's contents as one thing. */
#ifndef STORE_DB_PARTS_H
#define STORE_DB_PARTS_H

#include "store/expire.h"
#include "store/key_tables.h"

struct db;
struct slab;

/* All that a database holds, to be put by, or freed here or by a worker. */
struct db_contents {
    struct key_tables keys;
    struct expire_index expires;
    struct slab *slab;
};

/* The database must be given others at once: db_open, or db_put_contents. */
struct db_contents *db_take_contents(struct db *db);
/* What it held until now was taken. */
void db_put_contents(struct db *db, struct db_contents *contents);
void db_free_contents(void *contents);
void db_open(struct db *db); /* with nothing in it */
void db_tell_flushed(struct db *db);

#endif
